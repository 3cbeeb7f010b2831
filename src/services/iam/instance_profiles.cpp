// Instance profiles: containers for one role.
#include <algorithm>

#include "base/arn.hpp"
#include "services/iam/attachments.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::iam {

namespace {
template <class Out>
void answer_list(Call& call, const std::vector<InstanceProfile>& some, Out& out) {
  out.instance_profiles = call.list<model::InstanceProfile>(some.size());
  for (size_t i = 0; i < some.size(); ++i) answer(call, some[i], out.instance_profiles[i]);
}
}  // namespace

Status create_instance_profile(Call& call, const model::CreateInstanceProfileRequest& in,
                               model::CreateInstanceProfileResponse& out) {
  InstanceProfile p;
  TRY(authorized_new(call, p, in.instance_profile_name, in.path, request_tags(in.tags)));
  TRY(add_tags(in.tags, p.tags));
  p.created = call.now;
  call.tx.put(call.global(), p);
  out.instance_profile = call.make<model::InstanceProfile>();
  answer(call, p, *out.instance_profile);
  return {};
}

Status get_instance_profile(Call& call, const model::GetInstanceProfileRequest& in,
                            model::GetInstanceProfileResponse& out) {
  TRY_LET(auto p, authorized<InstanceProfile>(call, in.instance_profile_name));
  out.instance_profile = call.make<model::InstanceProfile>();
  answer(call, p, *out.instance_profile);
  return {};
}

Status list_instance_profiles(Call& call, const model::ListInstanceProfilesRequest& in,
                              model::ListInstanceProfilesResponse& out) {
  TRY(call.authorize("arn:aws:iam::" + call.account + ":instance-profile" +
                     std::string(in.path_prefix.value_or("/"))));
  auto profiles = call.tx.list<InstanceProfile>(call.global());
  keep_path(profiles, in.path_prefix);
  TRY_LET(auto some, one_page(call, in, out, std::move(profiles)));
  answer_list(call, some, out);
  return {};
}

Status list_instance_profiles_for_role(Call& call, const model::ListInstanceProfilesForRoleRequest& in,
                                       model::ListInstanceProfilesForRoleResponse& out) {
  TRY_LET(auto r, authorized<Role>(call, in.role_name));
  std::vector<InstanceProfile> profiles;
  for (auto& name : r.profiles)
    if (auto p = find<InstanceProfile>(call.tx, call.account, name)) profiles.push_back(std::move(*p));
  std::sort(profiles.begin(), profiles.end(), [](auto& a, auto& b) { return a.key() < b.key(); });
  TRY_LET(auto some, one_page(call, in, out, std::move(profiles)));
  answer_list(call, some, out);
  return {};
}

Status delete_instance_profile(Call& call, const model::DeleteInstanceProfileRequest& in,
                               model::DeleteInstanceProfileResponse&) {
  TRY_LET(auto p, authorized<InstanceProfile>(call, in.instance_profile_name));
  if (!p.role.empty())
    return delete_conflict("Cannot delete entity, must remove roles from instance profile first.");
  call.tx.erase<InstanceProfile>(call.global(), p.key());
  return {};
}

Status add_role_to_instance_profile(Call& call, const model::AddRoleToInstanceProfileRequest& in,
                                    model::AddRoleToInstanceProfileResponse&) {
  TRY_LET(auto p, authorized<InstanceProfile>(call, in.instance_profile_name));
  auto r = find<Role>(call.tx, call.account, in.role_name);
  // Whoever may put a role into a profile gives it to machines: that is passing it.
  TRY(check_pass_role(
      call, r ? role_arn(call.account, *r) : "arn:aws:iam::" + call.account + ":role/" + str(in.role_name),
      "ec2.amazonaws.com"));
  if (!r) return no_such_entity(missing_message<Role>(in.role_name));
  TRY(check_modifiable(*r));
  if (!p.role.empty()) return limit_exceeded("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
  p.role = r->name;
  r->profiles.push_back(p.name);
  call.tx.put(call.global(), p);
  call.tx.put(call.global(), *r);
  return {};
}

Status remove_role_from_instance_profile(Call& call, const model::RemoveRoleFromInstanceProfileRequest& in,
                                         model::RemoveRoleFromInstanceProfileResponse&) {
  TRY_LET(auto p, authorized<InstanceProfile>(call, in.instance_profile_name));
  auto r = find<Role>(call.tx, call.account, in.role_name);
  if (!r) return no_such_entity(missing_message<Role>(in.role_name));
  if (p.role != r->name) return no_such_entity("The role with name " + r->name + " cannot be found.");
  p.role.clear();
  std::erase(r->profiles, p.name);
  call.tx.put(call.global(), p);
  call.tx.put(call.global(), *r);
  return {};
}

Status tag_instance_profile(Call& call, const model::TagInstanceProfileRequest& in,
                            model::TagInstanceProfileResponse&) {
  return tag_entity<InstanceProfile>(call, in.instance_profile_name, in.tags);
}
Status untag_instance_profile(Call& call, const model::UntagInstanceProfileRequest& in,
                              model::UntagInstanceProfileResponse&) {
  return untag_entity<InstanceProfile>(call, in.instance_profile_name, in.tag_keys);
}
Status list_instance_profile_tags(Call& call, const model::ListInstanceProfileTagsRequest& in,
                                  model::ListInstanceProfileTagsResponse& out) {
  return list_entity_tags<InstanceProfile>(call, in.instance_profile_name, in, out);
}

std::optional<InstanceProfile> find_instance_profile(store::Transaction& tx, std::string_view text) {
  auto arn = Arn::parse(text);
  if (!arn || arn->service != "iam" || !arn->resource.starts_with("instance-profile/")) return {};
  auto p = find<InstanceProfile>(tx, arn->account, arn->resource.substr(arn->resource.rfind('/') + 1));
  if (p && profile_arn(arn->account, *p) != text) p.reset();
  return p;
}

}  // namespace nubecita::iam
