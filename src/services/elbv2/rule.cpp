// Rules of listeners. The default rule is the listener's own default action shown as a rule; it has no
// record.
#include <algorithm>
#include <set>

#include "base/ids.hpp"
#include "services/elbv2/actions.hpp"

namespace nubecita::elbv2 {

namespace {

constexpr size_t kMostRules = 100;  // of a load balancer, default rules not counted

void render(Call& call, const Rule& r, model::Rule& out) {
  out.rule_arn = call.text(r.arn);
  out.priority = call.text(std::to_string(r.priority));
  render_conditions(call, r.conditions, out.conditions);
  render_actions(call, r.actions, out.actions);
  out.is_default = false;
}

std::string default_rule_arn(const Scope& scope, const Listener& l) {
  return make_arn(scope, "listener-rule/app/" + l.key() + "/" + l.default_rule);
}

void render_default(Call& call, const Listener& l, model::Rule& out) {
  out.rule_arn = call.text(default_rule_arn(call.scope(), l));
  out.priority = "default";
  out.conditions = call.list<model::RuleCondition>(0);
  render_actions(call, l.actions, out.actions);
  out.is_default = true;
}

// The listener whose default rule an ARN names.
std::optional<Listener> default_rule_of(Call& call, std::string_view arn) {
  auto id = id_in(call.scope(), arn, "listener-rule/app");
  if (!id) return {};
  auto slash = id->rfind('/');
  auto l = call.tx.get<Listener>(call.scope(), id->substr(0, slash));
  if (l && l->default_rule == id->substr(slash + 1)) return l;
  return {};
}

Result<LoadBalancer> balancer_of(Call& call, const std::string& listener_key) {
  auto lb = call.tx.get<LoadBalancer>(call.scope(), listener_key.substr(0, listener_key.rfind('/')));
  if (!lb) return no_such_lb();
  return std::move(*lb);
}

Status check_priority(const std::vector<Rule>& others, int priority, const std::string& own_id) {
  for (auto& r : others)
    if (r.priority == priority && r.id != own_id)
      return fail("PriorityInUse", "Priority '" + std::to_string(priority) + "' is currently in use");
  return {};
}

}  // namespace

Status create_rule(Call& call, const model::CreateRuleInput& in, model::CreateRuleOutput& out) {
  TRY_LET(auto tags, read_tags(in.tags));
  TRY_LET(auto l, need_listener(call, in.listener_arn));
  if (!tags.empty())
    TRY(allow_create(call, make_arn(call.scope(), "listener-rule/app/" + l.key() + "/*"), tags));
  TRY_LET(auto lb, balancer_of(call, l.key()));
  Rule r;
  r.listener_key = l.key();
  r.id = random_hex(16);
  r.arn = make_arn(call.scope(), "listener-rule/app/" + r.key());
  r.priority = in.priority.value_or(0);
  r.tags = std::move(tags);
  if (r.priority < 1 || r.priority > 50000) return invalid("A rule's priority is a number from 1 to 50000");
  TRY(check_priority(rules_of(call.tx, call.scope(), l), r.priority, r.id));
  if (call.tx.list<Rule>(call.scope(), lb.key() + "/").size() >= kMostRules)
    return fail("TooManyRules",
                "The limit of rules of a load balancer has been reached: " + std::to_string(kMostRules));
  TRY_LET(r.conditions, read_conditions(in.conditions));
  TRY_LET(r.actions, read_actions(call, in.actions, lb));
  attach_groups(call, lb.key(), r.key(), {}, r.actions);
  call.tx.put(call.scope(), r);
  out.rules = call.list<model::Rule>(1);
  render(call, r, out.rules[0]);
  return {};
}

Status modify_rule(Call& call, const model::ModifyRuleInput& in, model::ModifyRuleOutput& out) {
  out.rules = call.list<model::Rule>(1);
  if (default_rule_of(call, in.rule_arn)) {
    TRY(allow(call, in.rule_arn));
    return fail("OperationNotPermitted",
                "Default rule '" + api::str(in.rule_arn) + "' cannot be modified: modify its listener");
  }
  TRY_LET(auto r, need_rule(call, in.rule_arn));
  TRY_LET(auto lb, balancer_of(call, r.listener_key));
  if (!in.conditions.empty()) {
    TRY_LET(r.conditions, read_conditions(in.conditions));
  }
  if (!in.actions.empty()) {
    TRY_LET(auto actions, read_actions(call, in.actions, lb));
    attach_groups(call, lb.key(), r.key(), r.actions, actions);
    r.actions = std::move(actions);
  }
  call.tx.put(call.scope(), r);
  render(call, r, out.rules[0]);
  return {};
}

void erase_rule(Call& call, const Rule& r) {
  attach_groups(call, r.listener_key.substr(0, r.listener_key.rfind('/')), r.key(), r.actions, {});
  call.tx.erase<Rule>(call.scope(), r.key());
}

Status delete_rule(Call& call, const model::DeleteRuleInput& in, model::DeleteRuleOutput&) {
  if (default_rule_of(call, in.rule_arn)) {
    TRY(allow(call, in.rule_arn));
    return fail("OperationNotPermitted", "Default rule '" + api::str(in.rule_arn) + "' cannot be deleted");
  }
  TRY_LET(auto r, need_rule(call, in.rule_arn));
  erase_rule(call, r);
  return {};
}

Status describe_rules(Call& call, const model::DescribeRulesInput& in, model::DescribeRulesOutput& out) {
  TRY(allow_read(call));
  struct Shown {
    std::optional<Rule> rule;
    std::optional<Listener> listener;  // of a default rule
  };
  std::vector<Shown> found;
  if (!in.listener_arn.empty()) {
    if (!in.rule_arns.empty())
      return invalid("You must specify either a listener ARN or rule ARNs, not both");
    auto l = find_listener(call.tx, call.scope(), in.listener_arn);
    if (!l) return no_such_listener();
    for (auto& r : rules_of(call.tx, call.scope(), *l)) found.push_back({std::move(r), {}});
    found.push_back({{}, std::move(l)});
  } else if (in.rule_arns.empty()) {
    return invalid("You must specify either a listener ARN or rule ARNs");
  }
  for (auto& arn : in.rule_arns) {
    if (auto r = find_rule(call.tx, call.scope(), arn))
      found.push_back({std::move(r), {}});
    else if (auto l = default_rule_of(call, arn))
      found.push_back({{}, std::move(l)});
    else
      return no_such_rule();
  }
  // In the order of priorities, the default one last; the place in that order is what a marker tells.
  std::vector<size_t> places(found.size());
  for (size_t i = 0; i < places.size(); ++i) places[i] = i;
  auto name = [](size_t place) { return std::to_string(100'000 + place); };
  std::string next;
  TRY_LET(auto page,
          api::page(std::move(places), in.marker, page_size(in.page_size), name, next, "ValidationError"));
  out.rules = call.list<model::Rule>(page.size());
  for (size_t i = 0; i < page.size(); ++i) {
    auto& s = found[page[i]];
    s.rule ? render(call, *s.rule, out.rules[i]) : render_default(call, *s.listener, out.rules[i]);
  }
  if (!next.empty()) out.next_marker = call.text(next);
  return {};
}

Status set_rule_priorities(Call& call, const model::SetRulePrioritiesInput& in,
                           model::SetRulePrioritiesOutput& out) {
  std::vector<Rule> changed;
  for (auto& pair : in.rule_priorities) {
    if (default_rule_of(call, pair.rule_arn))
      return fail("OperationNotPermitted", "The priority of a default rule cannot be changed");
    TRY_LET(auto r, need_rule(call, pair.rule_arn));
    r.priority = pair.priority.value_or(0);
    if (r.priority < 1 || r.priority > 50000) return invalid("A rule's priority is a number from 1 to 50000");
    if (!changed.empty() && changed[0].listener_key != r.listener_key)
      return invalid("All rules must be of the same listener");
    changed.push_back(std::move(r));
  }
  for (auto& r : changed) call.tx.put(call.scope(), r);
  if (!changed.empty()) {
    std::set<int> used;
    for (auto& r : call.tx.list<Rule>(call.scope(), changed[0].listener_key + "/"))
      if (!used.insert(r.priority).second)
        return fail("PriorityInUse", "Priority '" + std::to_string(r.priority) + "' is currently in use");
  }
  out.rules = call.list<model::Rule>(changed.size());
  for (size_t i = 0; i < changed.size(); ++i) render(call, changed[i], out.rules[i]);
  return {};
}

}  // namespace nubecita::elbv2
