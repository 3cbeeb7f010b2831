// Tags of load balancers, listeners, rules and target groups, all by ARN.
#include "services/elbv2/common.hpp"

namespace nubecita::elbv2 {

namespace {

// Runs `f(tags, put)` on the tags of the resource that `arn` names; false if there is none.
template <class F>
Status with_tags(Call& call, wire::Text arn, F f) {
  auto scope = call.scope();
  auto on = [&](auto record) -> Status {
    TRY(allow(call, arn, &record.tags));
    bool changed = false;
    TRY(f(record.tags, changed));
    if (changed) call.tx.put(scope, record);
    return {};
  };
  if (auto r = find_lb(call.tx, scope, arn)) return on(std::move(*r));
  if (auto r = find_group(call.tx, scope, arn)) return on(std::move(*r));
  if (auto r = find_listener(call.tx, scope, arn)) return on(std::move(*r));
  if (auto r = find_rule(call.tx, scope, arn)) return on(std::move(*r));
  TRY(allow(call, arn));
  if (id_in(scope, arn, "targetgroup")) return no_such_group();
  if (id_in(scope, arn, "listener/app")) return no_such_listener();
  if (id_in(scope, arn, "listener-rule/app")) return no_such_rule();
  if (id_in(scope, arn, "loadbalancer/app")) return no_such_lb();
  return invalid("'" + api::str(arn) + "' is not a valid ARN");
}

}  // namespace

Status add_tags(Call& call, const model::AddTagsInput& in, model::AddTagsOutput&) {
  for (auto& arn : in.resource_arns)
    TRY(with_tags(call, arn, [&](Tags& tags, bool& changed) -> Status {
      TRY_LET(tags, read_tags(in.tags, tags));
      changed = true;
      return {};
    }));
  return {};
}

Status remove_tags(Call& call, const model::RemoveTagsInput& in, model::RemoveTagsOutput&) {
  for (auto& arn : in.resource_arns)
    TRY(with_tags(call, arn, [&](Tags& tags, bool& changed) -> Status {
      for (auto& k : in.tag_keys) tags.erase(api::str(k));
      changed = true;
      return {};
    }));
  return {};
}

Status describe_tags(Call& call, const model::DescribeTagsInput& in, model::DescribeTagsOutput& out) {
  if (in.resource_arns.empty()) return invalid("At least one resource ARN must be specified");
  out.tag_descriptions = call.list<model::TagDescription>(in.resource_arns.size());
  size_t i = 0;
  for (auto& arn : in.resource_arns) {
    auto& o = out.tag_descriptions[i++];
    o.resource_arn = arn;
    TRY(with_tags(call, arn, [&](Tags& tags, bool&) -> Status {
      o.tags = call.list<model::Tag>(tags.size());
      size_t k = 0;
      for (auto& [name, value] : tags) o.tags[k++] = {call.text(name), call.text(value)};
      return {};
    }));
  }
  return {};
}

}  // namespace nubecita::elbv2
