#include "services/elbv2/common.hpp"

#include <algorithm>

#include "base/arn.hpp"

namespace nubecita::elbv2 {

std::string make_arn(const Scope& scope, std::string_view resource) {
  return arn("elasticloadbalancing", scope.region, scope.account, resource);
}

std::string lb_arn(const Scope& scope, std::string_view lb_key) {
  return make_arn(scope, "loadbalancer/app/" + std::string(lb_key));
}

std::optional<std::string> id_in(const Scope& scope, std::string_view text, std::string_view kind) {
  auto a = Arn::parse(text);
  if (!a || a->service != "elasticloadbalancing" || a->region != scope.region || a->account != scope.account)
    return {};
  std::string prefix = std::string(kind) + "/";
  if (!a->resource.starts_with(prefix)) return {};
  return a->resource.substr(prefix.size());
}

namespace {

template <class R>
std::optional<R> find(store::Transaction& tx, const Scope& scope, std::string_view arn_text,
                      std::string_view kind) {
  auto id = id_in(scope, arn_text, kind);
  if (!id) return {};
  return tx.get<R>(scope, *id);
}

}  // namespace

std::optional<LoadBalancer> find_lb(store::Transaction& tx, const Scope& scope, std::string_view arn_text) {
  return find<LoadBalancer>(tx, scope, arn_text, "loadbalancer/app");
}
std::optional<LoadBalancer> find_lb_by_name(store::Transaction& tx, const Scope& scope,
                                            std::string_view name) {
  auto all = tx.list<LoadBalancer>(scope, std::string(name) + "/");
  if (all.empty()) return {};
  return std::move(all[0]);
}
std::optional<Listener> find_listener(store::Transaction& tx, const Scope& scope, std::string_view arn_text) {
  return find<Listener>(tx, scope, arn_text, "listener/app");
}
std::optional<Rule> find_rule(store::Transaction& tx, const Scope& scope, std::string_view arn_text) {
  return find<Rule>(tx, scope, arn_text, "listener-rule/app");
}
std::optional<TargetGroup> find_group(store::Transaction& tx, const Scope& scope, std::string_view arn_text) {
  auto id = id_in(scope, arn_text, "targetgroup");
  if (!id || id->find('/') == std::string::npos) return {};
  auto group = tx.get<TargetGroup>(scope, id->substr(0, id->find('/')));
  if (!group || group->arn != arn_text) return {};  // another of the same name
  return group;
}

std::vector<Listener> listeners_of(store::Transaction& tx, const Scope& scope, const LoadBalancer& lb) {
  return tx.list<Listener>(scope, lb.key() + "/");
}
std::vector<Rule> rules_of(store::Transaction& tx, const Scope& scope, const Listener& listener) {
  auto rules = tx.list<Rule>(scope, listener.key() + "/");
  std::ranges::sort(rules, {}, &Rule::priority);
  return rules;
}
std::vector<Target> targets_of(store::Transaction& tx, const Scope& scope, const TargetGroup& group) {
  return tx.list<Target>(scope, group.name + "|");
}
std::vector<Attachment> attachments_of(store::Transaction& tx, const Scope& scope, const TargetGroup& group) {
  return tx.list<Attachment>(scope, group.name + "|");
}

std::unexpected<ApiError> no_such_lb() {
  return fail("LoadBalancerNotFound", "One or more load balancers not found");
}
std::unexpected<ApiError> no_such_listener() {
  return fail("ListenerNotFound", "One or more listeners not found");
}
std::unexpected<ApiError> no_such_rule() { return fail("RuleNotFound", "One or more rules not found"); }
std::unexpected<ApiError> no_such_group() {
  return fail("TargetGroupNotFound", "One or more target groups not found");
}
std::unexpected<ApiError> invalid(std::string message) { return fail("ValidationError", std::move(message)); }
std::unexpected<ApiError> bad_config(std::string message) {
  return fail("InvalidConfigurationRequest", std::move(message));
}
std::unexpected<ApiError> not_served(std::string_view what) {
  return bad_config(std::string(what) + " is not served by nubecita");
}

Status allow(Call& call, std::string_view arn_text, const Tags* tags) {
  Conditions conditions;
  if (tags)
    for (auto& [k, v] : *tags) {
      conditions.push_back({"aws:ResourceTag/" + k, {v}});
      conditions.push_back({"elasticloadbalancing:ResourceTag/" + k, {v}});
    }
  return call.authorize(arn_text, conditions);
}

Status allow_create(Call& call, std::string_view arn_text, const Tags& tags) {
  Conditions conditions;
  std::vector<std::string> keys;
  for (auto& [k, v] : tags) {
    conditions.push_back({"aws:RequestTag/" + k, {v}});
    keys.push_back(k);
  }
  if (!keys.empty()) conditions.push_back({"aws:TagKeys", keys});
  TRY(call.authorize(arn_text, conditions));
  if (tags.empty()) return {};
  conditions.push_back({"elasticloadbalancing:CreateAction", {std::string(call.operation)}});
  return call.authorize(arn_text, conditions, "elasticloadbalancing:AddTags");
}

namespace {

template <class R>
Result<R> need(Call& call, wire::Text arn_text, std::optional<R> found,
               std::unexpected<ApiError> (*missing)()) {
  TRY(allow(call, arn_text.empty() ? "*" : arn_text.sv(), found ? &found->tags : nullptr));
  if (!found) return missing();
  return std::move(*found);
}

}  // namespace

Result<LoadBalancer> need_lb(Call& call, wire::Text a) {
  return need(call, a, find_lb(call.tx, call.scope(), a), no_such_lb);
}
Result<Listener> need_listener(Call& call, wire::Text a) {
  return need(call, a, find_listener(call.tx, call.scope(), a), no_such_listener);
}
Result<Rule> need_rule(Call& call, wire::Text a) {
  return need(call, a, find_rule(call.tx, call.scope(), a), no_such_rule);
}
Result<TargetGroup> need_group(Call& call, wire::Text a) {
  return need(call, a, find_group(call.tx, call.scope(), a), no_such_group);
}

Result<Tags> read_tags(const wire::List<model::Tag>& in, Tags onto) {
  Tags fresh;
  for (auto& t : in) {
    if (t.key.empty() || t.key.size() > 128 || t.value.size() > 256)
      return invalid("A tag's key has 1 to 128 characters and its value at most 256");
    if (t.key.sv().starts_with("aws:")) return invalid("Tag keys that begin with aws: are reserved");
    if (!fresh.emplace(api::str(t.key), api::str(t.value)).second)
      return fail("DuplicateTagKeys", "A tag key was specified more than once: " + api::str(t.key));
  }
  for (auto& [k, v] : fresh) onto[k] = v;
  if (onto.size() > 50)
    return fail("TooManyTags", "You've reached the limit on the number of tags for this resource");
  return onto;
}

Status check_name(std::string_view name, std::string_view what) {
  std::string subject = std::string(what) + " name '" + std::string(name) + "'";
  if (name.empty()) return invalid(std::string(what) + " name cannot be empty");
  if (name.size() > 32) return invalid(subject + " cannot be longer than '32' characters");
  for (char c : name)
    if (!isalnum(static_cast<unsigned char>(c)) && c != '-')
      return invalid("The " + subject +
                     " can only contain characters that are alphanumeric characters or hyphens(-)");
  if (name.front() == '-' || name.back() == '-')
    return invalid("The " + subject + " cannot begin or end with a hyphen(-)");
  return {};
}

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

}  // namespace nubecita::elbv2
