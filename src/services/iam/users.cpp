// Users and their access keys.
#include <algorithm>

#include "base/ids.hpp"
#include "services/iam/attachments.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::iam {

namespace {

constexpr size_t kAccessKeyLimit = 2, kGroupLimit = 10;

/// The user of a request that may leave the name out: then the caller's own.
Result<std::string> user_or_caller(Call& call, wire::Text name) {
  if (name.has()) return str(name);
  if (call.principal.kind != api::Principal::Kind::user)
    return fail("ValidationError", "Must specify userName when calling with non-User credentials");
  return call.principal.name;
}

/// Keys carry facts of their user, so that verifying a signature costs one read.
void refresh_keys(Call& call, const User& u) {
  for (auto& id : u.access_keys)
    if (auto k = call.tx.get<AccessKey>(kEverywhere, id)) {
      k->user = u.name;
      k->user_arn = user_arn(call.account, u);
      call.tx.put(kEverywhere, *k);
    }
}

}  // namespace

Status create_user(Call& call, const model::CreateUserRequest& in, model::CreateUserResponse& out) {
  User u;
  auto conditions = request_tags(in.tags);
  if (in.permissions_boundary.has())
    conditions.push_back({"iam:PermissionsBoundary", {str(in.permissions_boundary)}});
  TRY(authorized_new(call, u, in.user_name, in.path, conditions));
  TRY(add_tags(in.tags, u.tags));
  if (!in.permissions_boundary.empty()) TRY(set_boundary(call, u, str(in.permissions_boundary)));
  u.created = call.now;
  call.tx.put(call.global(), u);
  out.user = call.make<model::User>();
  answer(call, u, *out.user);
  return {};
}

Status get_user(Call& call, const model::GetUserRequest& in, model::GetUserResponse& out) {
  out.user = call.make<model::User>();
  if (!in.user_name.has() && call.principal.kind == api::Principal::Kind::root) {
    TRY(call.authorize(call.principal.arn));
    auto account = call.tx.get<Account>(kEverywhere, call.account);
    out.user->path = "/";
    out.user->user_id = call.text(call.account);
    out.user->arn = call.text(call.principal.arn);
    out.user->create_date = time_of(account ? account->created : 0);
    return {};
  }
  TRY_LET(auto name, user_or_caller(call, in.user_name));
  TRY_LET(auto u, authorized<User>(call, name));
  answer(call, u, *out.user);
  return {};
}

Status list_users(Call& call, const model::ListUsersRequest& in, model::ListUsersResponse& out) {
  TRY(call.authorize("arn:aws:iam::" + call.account + ":user" + std::string(in.path_prefix.value_or("/"))));
  auto users = call.tx.list<User>(call.global());
  keep_path(users, in.path_prefix);
  TRY_LET(auto some, one_page(call, in, out, std::move(users)));
  out.users = call.list<model::User>(some.size());
  for (size_t i = 0; i < some.size(); ++i) answer(call, some[i], out.users[i], true);
  return {};
}

Status update_user(Call& call, const model::UpdateUserRequest& in, model::UpdateUserResponse&) {
  TRY_LET(auto u, authorized<User>(call, in.user_name));
  if (in.new_path.has()) TRY(check_path(in.new_path, u.path));
  if (in.new_user_name.has() && !(in.new_user_name == u.name)) {
    User renamed = u;
    renamed.name = str(in.new_user_name);
    TRY(call.authorize(user_arn(call.account, renamed)));
    TRY(check_name(renamed.name, "newUserName", Kind<User>::longest));
    if (renamed.key() != u.key() && call.tx.get<User>(call.global(), renamed.key()))
      return exists_already(exists_message<User>(renamed.name));
    rename_attachments(call, u, renamed.name);
    for (auto& g : u.groups) {
      call.tx.erase<Member>(call.global(), Member{g, u.name}.key());
      call.tx.put(call.global(), Member{g, renamed.name});
    }
    call.tx.erase<User>(call.global(), u.key());
    u = renamed;
  }
  refresh_keys(call, u);
  call.tx.put(call.global(), u);
  return {};
}

Status delete_user(Call& call, const model::DeleteUserRequest& in, model::DeleteUserResponse&) {
  TRY_LET(auto u, authorized<User>(call, in.user_name));
  if (!u.groups.empty()) return delete_conflict("Cannot delete entity, must remove users from group first.");
  if (!u.access_keys.empty()) return delete_conflict("Cannot delete entity, must delete access keys first.");
  TRY(check_no_policies(u));
  TRY(set_boundary(call, u, ""));
  call.tx.erase<User>(call.global(), u.key());
  return {};
}

Status tag_user(Call& call, const model::TagUserRequest& in, model::TagUserResponse&) {
  return tag_entity<User>(call, in.user_name, in.tags);
}
Status untag_user(Call& call, const model::UntagUserRequest& in, model::UntagUserResponse&) {
  return untag_entity<User>(call, in.user_name, in.tag_keys);
}
Status list_user_tags(Call& call, const model::ListUserTagsRequest& in, model::ListUserTagsResponse& out) {
  return list_entity_tags<User>(call, in.user_name, in, out);
}
Status attach_user_policy(Call& call, const model::AttachUserPolicyRequest& in,
                          model::AttachUserPolicyResponse&) {
  return attach_policy<User>(call, in.user_name, in.policy_arn);
}
Status detach_user_policy(Call& call, const model::DetachUserPolicyRequest& in,
                          model::DetachUserPolicyResponse&) {
  return detach_policy<User>(call, in.user_name, in.policy_arn);
}
Status list_attached_user_policies(Call& call, const model::ListAttachedUserPoliciesRequest& in,
                                   model::ListAttachedUserPoliciesResponse& out) {
  return list_attached<User>(call, in.user_name, in, out);
}
Status put_user_policy(Call& call, const model::PutUserPolicyRequest& in, model::PutUserPolicyResponse&) {
  return put_inline<User>(call, in.user_name, in.policy_name, in.policy_document);
}
Status get_user_policy(Call& call, const model::GetUserPolicyRequest& in, model::GetUserPolicyResponse& out) {
  TRY_LET(out.policy_document, get_inline<User>(call, in.user_name, in.policy_name));
  out.user_name = in.user_name;
  out.policy_name = in.policy_name;
  return {};
}
Status delete_user_policy(Call& call, const model::DeleteUserPolicyRequest& in,
                          model::DeleteUserPolicyResponse&) {
  return delete_inline<User>(call, in.user_name, in.policy_name);
}
Status list_user_policies(Call& call, const model::ListUserPoliciesRequest& in,
                          model::ListUserPoliciesResponse& out) {
  return list_inline<User>(call, in.user_name, in, out);
}
Status put_user_permissions_boundary(Call& call, const model::PutUserPermissionsBoundaryRequest& in,
                                     model::PutUserPermissionsBoundaryResponse&) {
  return put_boundary<User>(call, in.user_name, in.permissions_boundary);
}
Status delete_user_permissions_boundary(Call& call, const model::DeleteUserPermissionsBoundaryRequest& in,
                                        model::DeleteUserPermissionsBoundaryResponse&) {
  return delete_boundary<User>(call, in.user_name);
}

Status list_groups_for_user(Call& call, const model::ListGroupsForUserRequest& in,
                            model::ListGroupsForUserResponse& out) {
  TRY_LET(auto u, authorized<User>(call, in.user_name));
  std::vector<Group> groups;
  for (auto& name : u.groups)
    if (auto g = find<Group>(call.tx, call.account, name)) groups.push_back(std::move(*g));
  std::sort(groups.begin(), groups.end(), [](auto& a, auto& b) { return a.key() < b.key(); });
  TRY_LET(auto some, one_page(call, in, out, std::move(groups)));
  out.groups = call.list<model::Group>(some.size());
  for (size_t i = 0; i < some.size(); ++i) answer(call, some[i], out.groups[i]);
  return {};
}

Status add_user_to_group(Call& call, const model::AddUserToGroupRequest& in, model::AddUserToGroupResponse&) {
  TRY_LET(auto g, authorized<Group>(call, in.group_name));
  auto u = find<User>(call.tx, call.account, in.user_name);
  if (!u) return no_such_entity(missing_message<User>(in.user_name));
  if (std::find(u->groups.begin(), u->groups.end(), g.name) != u->groups.end()) return {};
  if (u->groups.size() >= kGroupLimit) return limit_exceeded("Cannot exceed quota for GroupsPerUser: 10");
  u->groups.push_back(g.name);
  call.tx.put(call.global(), *u);
  call.tx.put(call.global(), Member{g.name, u->name});
  return {};
}

Status remove_user_from_group(Call& call, const model::RemoveUserFromGroupRequest& in,
                              model::RemoveUserFromGroupResponse&) {
  TRY_LET(auto g, authorized<Group>(call, in.group_name));
  auto u = find<User>(call.tx, call.account, in.user_name);
  if (!u || !std::erase(u->groups, g.name)) return no_such_entity(missing_message<User>(in.user_name));
  call.tx.put(call.global(), *u);
  call.tx.erase<Member>(call.global(), Member{g.name, u->name}.key());
  return {};
}

// ---- access keys

Status create_access_key(Call& call, const model::CreateAccessKeyRequest& in,
                         model::CreateAccessKeyResponse& out) {
  TRY_LET(auto name, user_or_caller(call, in.user_name));
  TRY_LET(auto u, authorized<User>(call, name));
  if (u.access_keys.size() >= kAccessKeyLimit)
    return limit_exceeded("Cannot exceed quota for AccessKeysPerUser: " + std::to_string(kAccessKeyLimit));
  auto k = new_access_key(call.tx, call.account, u, call.now);
  out.access_key = call.make<model::AccessKey>();
  out.access_key->user_name = call.text(u.name);
  out.access_key->access_key_id = call.text(k.id);
  out.access_key->secret_access_key = call.text(k.secret);
  out.access_key->status = "Active";
  out.access_key->create_date = time_of(k.created);
  return {};
}

Status list_access_keys(Call& call, const model::ListAccessKeysRequest& in,
                        model::ListAccessKeysResponse& out) {
  TRY_LET(auto name, user_or_caller(call, in.user_name));
  TRY_LET(auto u, authorized<User>(call, name));
  std::vector<AccessKey> keys;
  for (auto& id : u.access_keys)
    if (auto k = call.tx.get<AccessKey>(kEverywhere, id)) keys.push_back(std::move(*k));
  std::sort(keys.begin(), keys.end(), [](auto& a, auto& b) { return a.id < b.id; });
  TRY_LET(auto some, one_page(call, in, out, std::move(keys)));
  out.access_key_metadata = call.list<model::AccessKeyMetadata>(some.size());
  for (size_t i = 0; i < some.size(); ++i) {
    auto& m = out.access_key_metadata[i];
    m.user_name = call.text(u.name);
    m.access_key_id = call.text(some[i].id);
    m.status = some[i].inactive ? wire::Text("Inactive") : wire::Text("Active");
    m.create_date = time_of(some[i].created);
  }
  return {};
}

namespace {
/// The key, if it is this user's.
Result<AccessKey> key_of(Call& call, const User& u, wire::Text id) {
  auto k = call.tx.get<AccessKey>(kEverywhere, id.sv());
  if (!k || k->account != call.account || k->user != u.name)
    return no_such_entity("The Access Key with id " + str(id) + " cannot be found.");
  return std::move(*k);
}
}  // namespace

Status update_access_key(Call& call, const model::UpdateAccessKeyRequest& in,
                         model::UpdateAccessKeyResponse&) {
  TRY_LET(auto name, user_or_caller(call, in.user_name));
  TRY_LET(auto u, authorized<User>(call, name));
  TRY_LET(auto k, key_of(call, u, in.access_key_id));
  if (!(in.status == "Active") && !(in.status == "Inactive"))
    return fail("ValidationError", "1 validation error detected: Value '" + str(in.status) +
                                       "' at 'status' failed to satisfy constraint: Member must satisfy enum "
                                       "value set: [Active, Inactive]");
  k.inactive = in.status == "Inactive";
  call.tx.put(kEverywhere, k);
  return {};
}

Status delete_access_key(Call& call, const model::DeleteAccessKeyRequest& in,
                         model::DeleteAccessKeyResponse&) {
  TRY_LET(auto name, user_or_caller(call, in.user_name));
  TRY_LET(auto u, authorized<User>(call, name));
  TRY_LET(auto k, key_of(call, u, in.access_key_id));
  std::erase(u.access_keys, k.id);
  call.tx.put(call.global(), u);
  call.tx.erase<AccessKey>(kEverywhere, k.id);
  return {};
}

}  // namespace nubecita::iam
