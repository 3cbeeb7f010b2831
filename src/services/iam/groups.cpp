// Groups. Membership is in users.cpp: a user's record names its groups.
#include "services/iam/attachments.hpp"

namespace nubecita::iam {

namespace {
std::vector<User> members(Call& call, const Group& g) {
  std::vector<User> users;
  for (auto& m : call.tx.list<Member>(call.global(), name_key(g.name) + "/"))
    if (auto u = find<User>(call.tx, call.account, m.user)) users.push_back(std::move(*u));
  return users;
}
}  // namespace

Status create_group(Call& call, const model::CreateGroupRequest& in, model::CreateGroupResponse& out) {
  Group g;
  TRY(authorized_new(call, g, in.group_name, in.path));
  g.created = call.now;
  call.tx.put(call.global(), g);
  out.group = call.make<model::Group>();
  answer(call, g, *out.group);
  return {};
}

Status get_group(Call& call, const model::GetGroupRequest& in, model::GetGroupResponse& out) {
  TRY_LET(auto g, authorized<Group>(call, in.group_name));
  out.group = call.make<model::Group>();
  answer(call, g, *out.group);
  TRY_LET(auto some, one_page(call, in, out, members(call, g)));
  out.users = call.list<model::User>(some.size());
  for (size_t i = 0; i < some.size(); ++i) answer(call, some[i], out.users[i], true);
  return {};
}

Status list_groups(Call& call, const model::ListGroupsRequest& in, model::ListGroupsResponse& out) {
  TRY(call.authorize("arn:aws:iam::" + call.account + ":group" + std::string(in.path_prefix.value_or("/"))));
  auto groups = call.tx.list<Group>(call.global());
  keep_path(groups, in.path_prefix);
  TRY_LET(auto some, one_page(call, in, out, std::move(groups)));
  out.groups = call.list<model::Group>(some.size());
  for (size_t i = 0; i < some.size(); ++i) answer(call, some[i], out.groups[i]);
  return {};
}

Status update_group(Call& call, const model::UpdateGroupRequest& in, model::UpdateGroupResponse&) {
  TRY_LET(auto g, authorized<Group>(call, in.group_name));
  if (in.new_path.has()) TRY(check_path(in.new_path, g.path));
  if (in.new_group_name.has() && !(in.new_group_name == g.name)) {
    Group renamed = g;
    renamed.name = str(in.new_group_name);
    TRY(call.authorize(group_arn(call.account, renamed)));
    TRY(check_name(renamed.name, "newGroupName", Kind<Group>::longest));
    if (renamed.key() != g.key() && call.tx.get<Group>(call.global(), renamed.key()))
      return exists_already(exists_message<Group>(renamed.name));
    for (auto& u : members(call, g)) {
      std::replace(u.groups.begin(), u.groups.end(), g.name, renamed.name);
      call.tx.erase<Member>(call.global(), Member{g.name, u.name}.key());
      call.tx.put(call.global(), Member{renamed.name, u.name});
      call.tx.put(call.global(), u);
    }
    rename_attachments(call, g, renamed.name);
    call.tx.erase<Group>(call.global(), g.key());
    g = renamed;
  }
  call.tx.put(call.global(), g);
  return {};
}

Status delete_group(Call& call, const model::DeleteGroupRequest& in, model::DeleteGroupResponse&) {
  TRY_LET(auto g, authorized<Group>(call, in.group_name));
  if (!call.tx.list<Member>(call.global(), name_key(g.name) + "/").empty())
    return delete_conflict("Cannot delete entity, must remove users from group first.");
  TRY(check_no_policies(g));
  call.tx.erase<Group>(call.global(), g.key());
  return {};
}

Status attach_group_policy(Call& call, const model::AttachGroupPolicyRequest& in,
                           model::AttachGroupPolicyResponse&) {
  return attach_policy<Group>(call, in.group_name, in.policy_arn);
}
Status detach_group_policy(Call& call, const model::DetachGroupPolicyRequest& in,
                           model::DetachGroupPolicyResponse&) {
  return detach_policy<Group>(call, in.group_name, in.policy_arn);
}
Status list_attached_group_policies(Call& call, const model::ListAttachedGroupPoliciesRequest& in,
                                    model::ListAttachedGroupPoliciesResponse& out) {
  return list_attached<Group>(call, in.group_name, in, out);
}
Status put_group_policy(Call& call, const model::PutGroupPolicyRequest& in, model::PutGroupPolicyResponse&) {
  return put_inline<Group>(call, in.group_name, in.policy_name, in.policy_document);
}
Status get_group_policy(Call& call, const model::GetGroupPolicyRequest& in,
                        model::GetGroupPolicyResponse& out) {
  TRY_LET(out.policy_document, get_inline<Group>(call, in.group_name, in.policy_name));
  out.group_name = in.group_name;
  out.policy_name = in.policy_name;
  return {};
}
Status delete_group_policy(Call& call, const model::DeleteGroupPolicyRequest& in,
                           model::DeleteGroupPolicyResponse&) {
  return delete_inline<Group>(call, in.group_name, in.policy_name);
}
Status list_group_policies(Call& call, const model::ListGroupPoliciesRequest& in,
                           model::ListGroupPoliciesResponse& out) {
  return list_inline<Group>(call, in.group_name, in, out);
}

}  // namespace nubecita::iam
