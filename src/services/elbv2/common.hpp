// What all operations of load balancing share: finding things by ARN, AWS's errors, authorization, tags,
// pages. Everything works inside the call's transaction. One thread, as the call.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "models/elbv2.hpp"
#include "services/elbv2/records.hpp"

namespace nubecita::elbv2 {

using api::Call;
using api::Conditions;
using store::Scope;

// ARNs: "arn:aws:elasticloadbalancing:<region>:<account>:<kind>/...".
std::string make_arn(const Scope& scope, std::string_view resource);
/// The part after `kind` + "/" if the ARN is one of this account and region and of that kind, e.g. kind
/// "listener/app".
std::optional<std::string> id_in(const Scope& scope, std::string_view arn, std::string_view kind);
std::string lb_arn(const Scope& scope, std::string_view lb_key);

std::optional<LoadBalancer> find_lb(store::Transaction& tx, const Scope& scope, std::string_view arn);
std::optional<LoadBalancer> find_lb_by_name(store::Transaction& tx, const Scope& scope,
                                            std::string_view name);
std::optional<Listener> find_listener(store::Transaction& tx, const Scope& scope, std::string_view arn);
std::optional<Rule> find_rule(store::Transaction& tx, const Scope& scope, std::string_view arn);
std::optional<TargetGroup> find_group(store::Transaction& tx, const Scope& scope, std::string_view arn);
/// Of one load balancer, listener, group.
std::vector<Listener> listeners_of(store::Transaction& tx, const Scope& scope, const LoadBalancer& lb);
std::vector<Rule> rules_of(store::Transaction& tx, const Scope& scope,
                           const Listener& listener);  // by priority
std::vector<Target> targets_of(store::Transaction& tx, const Scope& scope, const TargetGroup& group);
std::vector<Attachment> attachments_of(store::Transaction& tx, const Scope& scope, const TargetGroup& group);

// AWS's errors.
std::unexpected<ApiError> no_such_lb();
std::unexpected<ApiError> no_such_listener();
std::unexpected<ApiError> no_such_rule();
std::unexpected<ApiError> no_such_group();
std::unexpected<ApiError> invalid(std::string message);       // ValidationError
std::unexpected<ApiError> bad_config(std::string message);    // InvalidConfigurationRequest
std::unexpected<ApiError> not_served(std::string_view what);  // InvalidConfigurationRequest, naming it

/// Finds what an operation acts on and authorizes the call on it, with its tags as conditions. An ARN of
/// nothing is authorized too, so that only those who may act on it learn that it is not there.
Result<LoadBalancer> need_lb(Call& call, wire::Text arn);
Result<Listener> need_listener(Call& call, wire::Text arn);
Result<Rule> need_rule(Call& call, wire::Text arn);
Result<TargetGroup> need_group(Call& call, wire::Text arn);
Status allow(Call& call, std::string_view arn, const Tags* tags = nullptr);
/// Creation of `arn` with tags: aws:RequestTag and aws:TagKeys, and AddTags if there are any.
Status allow_create(Call& call, std::string_view arn, const Tags& tags);
inline Status allow_read(Call& call) { return call.authorize("*"); }

/// Errors: DuplicateTagKeys, TooManyTags, ValidationError.
Result<Tags> read_tags(const wire::List<model::Tag>& in, Tags onto = {});

/// Names of load balancers and target groups: up to 32 letters, digits, hyphens, none at an end.
Status check_name(std::string_view name, std::string_view what);
/// Printable ASCII only: what goes into the proxy's configuration.
bool printable(std::string_view text);

constexpr size_t kPage = 400;
inline size_t page_size(wire::Opt<int32_t> asked) {
  return asked.has() && *asked > 0 ? static_cast<size_t>(*asked) : kPage;
}

}  // namespace nubecita::elbv2
