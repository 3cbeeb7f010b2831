// Roles: entities whose trust policy says who may use them.
#include "services/iam/roles.hpp"

#include "base/arn.hpp"
#include "services/iam/attachments.hpp"

namespace nubecita::iam {

namespace {

constexpr size_t kTrustLimit = 2048;

Status check_duration(int64_t seconds) {
  if (seconds < 3600 || seconds > 43200)
    return fail("ValidationError",
                "1 validation error detected: Value '" + std::to_string(seconds) +
                    "' at 'maxSessionDuration' failed to satisfy constraint: Member must have value " +
                    (seconds < 3600 ? "greater than or equal to 3600" : "less than or equal to 43200"));
  return {};
}

/// Sets the trust policy: checks grammar, size, and that the users and roles of this installation that it
/// names exist, as AWS does. Remembers whom they are: one who gets the name later is not trusted.
Status set_trust(Call& call, Role& role, std::string_view document) {
  TRY_LET(auto policy, Policy::parse(document, PolicyKind::trust));
  if (counted_size(document) > kTrustLimit)
    return limit_exceeded("Cannot exceed quota for ACLSizePerRole: " + std::to_string(kTrustLimit));
  role.trust = std::string(document);
  role.trusted_ids.clear();
  for (auto& named : policy->principal_arns()) {
    auto arn = Arn::parse(named);
    if (!arn || !call.tx.get<Account>(kEverywhere, arn->account))
      continue;  // an account elsewhere cannot sign here
    auto last = arn->resource.substr(arn->resource.rfind('/') + 1);
    std::string id;
    if (arn->resource.starts_with("user/")) {
      auto u = find<User>(call.tx, arn->account, last);
      if (u && user_arn(arn->account, *u) == named) id = u->id;
    } else if (arn->resource.starts_with("role/")) {
      auto r = find<Role>(call.tx, arn->account, last);
      if (r && role_arn(arn->account, *r) == named) id = r->id;
    } else {
      continue;
    }
    if (id.empty())
      return fail("MalformedPolicyDocument", "Invalid principal in policy: \"AWS\":\"" + named + "\"");
    role.trusted_ids[named] = id;
  }
  return {};
}

}  // namespace

Status create_role(Call& call, const model::CreateRoleRequest& in, model::CreateRoleResponse& out) {
  Role r;
  auto conditions = request_tags(in.tags);
  if (in.permissions_boundary.has())
    conditions.push_back({"iam:PermissionsBoundary", {str(in.permissions_boundary)}});
  TRY(authorized_new(call, r, in.role_name, in.path, conditions));
  if (r.path.starts_with("/aws-service-role/"))
    return fail("ValidationError",
                "The specified value for path is invalid: /aws-service-role/ is for service-linked roles.");
  if (in.max_session_duration.has()) {
    TRY(check_duration(*in.max_session_duration));
    r.max_session_s = *in.max_session_duration;
  }
  TRY(set_trust(call, r, in.assume_role_policy_document));
  TRY(add_tags(in.tags, r.tags));
  if (!in.permissions_boundary.empty()) TRY(set_boundary(call, r, str(in.permissions_boundary)));
  r.description = str(in.description);
  r.created = call.now;
  call.tx.put(call.global(), r);
  out.role = call.make<model::Role>();
  answer(call, r, *out.role);
  return {};
}

Status get_role(Call& call, const model::GetRoleRequest& in, model::GetRoleResponse& out) {
  TRY_LET(auto r, authorized<Role>(call, in.role_name));
  out.role = call.make<model::Role>();
  answer(call, r, *out.role);
  return {};
}

Status list_roles(Call& call, const model::ListRolesRequest& in, model::ListRolesResponse& out) {
  TRY(call.authorize("arn:aws:iam::" + call.account + ":role" + std::string(in.path_prefix.value_or("/"))));
  auto roles = call.tx.list<Role>(call.global());
  keep_path(roles, in.path_prefix);
  TRY_LET(auto some, one_page(call, in, out, std::move(roles)));
  out.roles = call.list<model::Role>(some.size());
  for (size_t i = 0; i < some.size(); ++i) answer(call, some[i], out.roles[i], true);
  return {};
}

Status update_role(Call& call, const model::UpdateRoleRequest& in, model::UpdateRoleResponse&) {
  TRY_LET(auto r, authorized<Role>(call, in.role_name));
  TRY(check_modifiable(r));
  if (in.max_session_duration.has()) {
    TRY(check_duration(*in.max_session_duration));
    r.max_session_s = *in.max_session_duration;
  }
  if (in.description.has()) r.description = str(in.description);
  call.tx.put(call.global(), r);
  return {};
}

Status update_role_description(Call& call, const model::UpdateRoleDescriptionRequest& in,
                               model::UpdateRoleDescriptionResponse& out) {
  TRY_LET(auto r, authorized<Role>(call, in.role_name));
  TRY(check_modifiable(r));
  r.description = str(in.description);
  call.tx.put(call.global(), r);
  out.role = call.make<model::Role>();
  answer(call, r, *out.role);
  return {};
}

Status update_assume_role_policy(Call& call, const model::UpdateAssumeRolePolicyRequest& in,
                                 model::UpdateAssumeRolePolicyResponse&) {
  TRY_LET(auto r, authorized<Role>(call, in.role_name));
  TRY(check_modifiable(r));
  TRY(set_trust(call, r, in.policy_document));
  call.tx.put(call.global(), r);
  return {};
}

Status erase_role(Call& call, Role& r) {
  if (!r.profiles.empty())
    return delete_conflict("Cannot delete entity, must remove roles from instance profile first.");
  TRY(check_no_policies(r));
  TRY(set_boundary(call, r, ""));
  call.tx.erase<Role>(call.global(), r.key());
  return {};
}

Status delete_role(Call& call, const model::DeleteRoleRequest& in, model::DeleteRoleResponse&) {
  TRY_LET(auto r, authorized<Role>(call, in.role_name));
  TRY(check_modifiable(r));
  return erase_role(call, r);
}

Status tag_role(Call& call, const model::TagRoleRequest& in, model::TagRoleResponse&) {
  return tag_entity<Role>(call, in.role_name, in.tags);
}
Status untag_role(Call& call, const model::UntagRoleRequest& in, model::UntagRoleResponse&) {
  return untag_entity<Role>(call, in.role_name, in.tag_keys);
}
Status list_role_tags(Call& call, const model::ListRoleTagsRequest& in, model::ListRoleTagsResponse& out) {
  return list_entity_tags<Role>(call, in.role_name, in, out);
}
Status attach_role_policy(Call& call, const model::AttachRolePolicyRequest& in,
                          model::AttachRolePolicyResponse&) {
  return attach_policy<Role>(call, in.role_name, in.policy_arn);
}
Status detach_role_policy(Call& call, const model::DetachRolePolicyRequest& in,
                          model::DetachRolePolicyResponse&) {
  return detach_policy<Role>(call, in.role_name, in.policy_arn);
}
Status list_attached_role_policies(Call& call, const model::ListAttachedRolePoliciesRequest& in,
                                   model::ListAttachedRolePoliciesResponse& out) {
  return list_attached<Role>(call, in.role_name, in, out);
}
Status put_role_policy(Call& call, const model::PutRolePolicyRequest& in, model::PutRolePolicyResponse&) {
  return put_inline<Role>(call, in.role_name, in.policy_name, in.policy_document);
}
Status get_role_policy(Call& call, const model::GetRolePolicyRequest& in, model::GetRolePolicyResponse& out) {
  TRY_LET(out.policy_document, get_inline<Role>(call, in.role_name, in.policy_name));
  out.role_name = in.role_name;
  out.policy_name = in.policy_name;
  return {};
}
Status delete_role_policy(Call& call, const model::DeleteRolePolicyRequest& in,
                          model::DeleteRolePolicyResponse&) {
  return delete_inline<Role>(call, in.role_name, in.policy_name);
}
Status list_role_policies(Call& call, const model::ListRolePoliciesRequest& in,
                          model::ListRolePoliciesResponse& out) {
  return list_inline<Role>(call, in.role_name, in, out);
}
Status put_role_permissions_boundary(Call& call, const model::PutRolePermissionsBoundaryRequest& in,
                                     model::PutRolePermissionsBoundaryResponse&) {
  return put_boundary<Role>(call, in.role_name, in.permissions_boundary);
}
Status delete_role_permissions_boundary(Call& call, const model::DeleteRolePermissionsBoundaryRequest& in,
                                        model::DeleteRolePermissionsBoundaryResponse&) {
  return delete_boundary<Role>(call, in.role_name);
}

}  // namespace nubecita::iam
