// Actions and conditions of listeners and rules: read and checked, kept, rendered; and which target groups
// they use.
#pragma once

#include <string>
#include <vector>

#include "services/elbv2/common.hpp"

namespace nubecita::elbv2 {

/// Exactly one forward, redirect or fixed response. `lb`: whose listener it is. Errors:
/// InvalidLoadBalancerAction, TargetGroupNotFound, TargetGroupAssociationLimit, InvalidConfigurationRequest,
/// ValidationError.
Result<std::vector<Action>> read_actions(Call& call, const wire::List<model::Action>& in,
                                         const LoadBalancer& lb);
void render_actions(Call& call, const std::vector<Action>& actions, wire::List<model::Action>& out);

Result<std::vector<Condition>> read_conditions(const wire::List<model::RuleCondition>& in);
void render_conditions(Call& call, const std::vector<Condition>& conditions,
                       wire::List<model::RuleCondition>& out);

/// Keeps track of which target groups `user` (key of a listener or a rule) forwards to, instead of `before`.
void attach_groups(Call& call, const std::string& lb_key, const std::string& user,
                   const std::vector<Action>& before, const std::vector<Action>& after);

/// With its rules and attachments.
void erase_listener(Call& call, const Listener& listener);
void erase_rule(Call& call, const Rule& rule);

}  // namespace nubecita::elbv2
