// Who may do what to which resource: every operation's authorization, with the condition keys that AWS
// documents for EC2 (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html),
// and the dry run that follows it. One thread, as the call.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "api/call.hpp"
#include "services/ec2/kinds.hpp"

namespace nubecita::ec2 {

using api::Call;
using api::Conditions;

/// "arn:aws:ec2:<region>:<account>:<type>/<id>"
std::string resource_arn(const Call& call, std::string_view type, std::string_view id);

/// aws:ResourceTag/k and ec2:ResourceTag/k.
void add_resource_tags(Conditions& out, const std::vector<Tag>& tags);
/// aws:RequestTag/k and aws:TagKeys.
void add_request_tags(Conditions& out, const std::vector<Tag>& tags);

/// Conditions of an existing resource: its tags, and the VPC that it is in.
template <class R>
Conditions conditions_of(const Call& call, const R& r) {
  Conditions out{{"ec2:Region", {call.region}}};
  add_resource_tags(out, r.tags);
  if constexpr (requires { r.vpc_id; })
    if (!r.vpc_id.empty()) out.push_back({"ec2:Vpc", {resource_arn(call, "vpc", r.vpc_id)}});
  if constexpr (std::is_same_v<R, NetworkInterface>)
    out.push_back({"ec2:Subnet", {resource_arn(call, "subnet", r.subnet_id)}});
  return out;
}

/// The record `id`, on which the caller may do the call's action. An id that does not exist is first
/// authorized by its bare ARN, so that only those who may act on it learn that it is not there.
template <class R>
Result<R> need(Call& call, std::string_view id) {
  auto record = call.tx.get<R>(call.scope(), id);
  const Conditions conditions =
      record ? conditions_of(call, *record) : Conditions{{"ec2:Region", {call.region}}};
  TRY(call.authorize(resource_arn(call, kKind<R>.type, id.empty() ? "*" : id), conditions));
  if (!record) return no_such<R>(id);
  return std::move(*record);
}

/// Creation of a resource of `type` with `tags`: the action on "<type>/*" and, with tags, ec2:CreateTags too.
Status allow_create(Call& call, std::string_view type, const std::vector<Tag>& tags,
                    std::string_view vpc_id = {});

/// Reads that AWS authorizes on "*" only.
inline Status allow_read(Call& call) { return call.authorize("*", {{"ec2:Region", {call.region}}}); }

/// After every authorization and before any effect.
template <class In>
Status end_dry_run(const In& in) {
  if (in.dry_run.value_or(false))
    return fail("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412);
  return {};
}

}  // namespace nubecita::ec2
