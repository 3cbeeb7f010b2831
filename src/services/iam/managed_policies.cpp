// Managed policies and their versions. AWS managed ones (aws_managed.hpp) can be read and attached, not
// changed.
#include <algorithm>

#include "services/iam/attachments.hpp"

namespace nubecita::iam {

namespace {

constexpr size_t kSizeLimit = 6144, kVersionLimit = 5;

std::string shown_arn(Call& call, std::string_view path, std::string_view name) {
  return "arn:aws:iam::" + call.account + ":policy" + std::string(path) + std::string(name);
}

void answer(Call& call, const AnyPolicy& p, model::Policy& out, bool in_list = false) {
  out.policy_name = call.text(p.name);
  out.policy_id = call.text(p.id);
  out.arn = call.text(p.arn);
  out.path = call.text(p.path);
  out.default_version_id = call.text(p.default_version);
  out.attachment_count = static_cast<int32_t>(count_attachments(call.tx, call.account, p.arn, false));
  out.permissions_boundary_usage_count =
      static_cast<int32_t>(count_attachments(call.tx, call.account, p.arn, true));
  out.is_attachable = true;
  out.create_date = time_of(p.created);
  out.update_date = time_of(p.updated);
  if (in_list) return;
  if (!p.description.empty()) out.description = call.text(p.description);
  out.tags = answer_tags(call, p.tags);
}

/// Asks leave on the ARN (its tags are conditions), then answers the policy or NoSuchEntity.
Result<AnyPolicy> authorized_policy(Call& call, wire::Text arn, const Conditions& more = {}) {
  auto p = find_policy(call.tx, call.account, arn);
  TRY(call.authorize(arn, p ? resource_tags(p->tags) + more : more));
  TRY(parse_policy_arn(arn));
  if (!p) return no_such_entity("Policy " + str(arn) + " was not found.");
  return std::move(*p);
}

/// The same for operations that change it.
Result<ManagedPolicy> own_policy(Call& call, wire::Text arn, const Conditions& more = {}) {
  TRY_LET(auto any, authorized_policy(call, arn, more));
  if (any.aws)
    return fail("AccessDenied",
                "User: " + call.principal.arn + " is not authorized to perform: iam:" +
                    std::string(call.operation) + " on resource: policy " + str(arn),
                403);
  return std::move(*find<ManagedPolicy>(call.tx, call.account, any.name));
}

Status check_document(std::string_view document) {
  TRY(Policy::parse(document, PolicyKind::identity));
  if (counted_size(document) > kSizeLimit)
    return limit_exceeded("Cannot exceed quota for PolicySize: " + std::to_string(kSizeLimit));
  return {};
}

void put_policy(Call& call, const ManagedPolicy& p) {
  call.tx.put(call.global(), p);
  call.tx.put(call.global(), PolicyText{p.name, p.version(p.default_version)->document});
}

std::unexpected<ApiError> no_version(wire::Text arn, wire::Text version) {
  return no_such_entity("Policy " + str(arn) + " version " + str(version) +
                        " does not exist or is not attachable.");
}

void answer(Call& call, const PolicyVersion& v, bool is_default, bool with_document,
            model::PolicyVersion& out) {
  if (with_document) out.document = call.text(percent_encode(v.document));
  out.version_id = call.text(v.id);
  out.is_default_version = is_default;
  out.create_date = time_of(v.created);
}

}  // namespace

Status create_policy(Call& call, const model::CreatePolicyRequest& in, model::CreatePolicyResponse& out) {
  ManagedPolicy p;
  p.name = str(in.policy_name);
  TRY(call.authorize(shown_arn(call, in.path.value_or("/"), in.policy_name), request_tags(in.tags)));
  TRY(check_name(in.policy_name, "policyName", 128));
  TRY(check_path(in.path, p.path));
  TRY(check_document(in.policy_document));
  TRY(add_tags(in.tags, p.tags));
  if (call.tx.get<ManagedPolicy>(call.global(), p.key()))
    return exists_already("A policy called " + p.name + " already exists. Duplicate names are not allowed.");
  p.id = unique_id("ANPA");
  p.description = str(in.description);
  p.created = p.updated = call.now;
  p.versions.push_back({"v1", str(in.policy_document), call.now});
  put_policy(call, p);
  out.policy = call.make<model::Policy>();
  answer(call, *find_policy(call.tx, call.account, policy_arn(call.account, p)), *out.policy);
  return {};
}

Status get_policy(Call& call, const model::GetPolicyRequest& in, model::GetPolicyResponse& out) {
  TRY_LET(auto p, authorized_policy(call, in.policy_arn));
  out.policy = call.make<model::Policy>();
  answer(call, p, *out.policy);
  return {};
}

Status list_policies(Call& call, const model::ListPoliciesRequest& in, model::ListPoliciesResponse& out) {
  TRY(call.authorize("arn:aws:iam::" + call.account + ":policy" + std::string(in.path_prefix.value_or("/"))));
  std::vector<AnyPolicy> all;
  if (!(in.scope == "AWS"))
    for (auto& p : call.tx.list<ManagedPolicy>(call.global()))
      all.push_back(*find_policy(call.tx, call.account, policy_arn(call.account, p)));
  if (!(in.scope == "Local"))
    for (auto& p : aws_managed()) all.push_back(*find_policy(call.tx, call.account, p.arn()));
  keep_path(all, in.path_prefix);
  const bool as_boundary = in.policy_usage_filter == "PermissionsBoundary";
  if (in.only_attached.value_or(false) || in.policy_usage_filter.has())
    std::erase_if(all,
                  [&](auto& p) { return count_attachments(call.tx, call.account, p.arn, as_boundary) == 0; });
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.arn < b.arn; });
  TRY_LET(auto some, one_page(call, in, out, std::move(all), [](auto& p) { return p.arn; }));
  out.policies = call.list<model::Policy>(some.size());
  for (size_t i = 0; i < some.size(); ++i) answer(call, some[i], out.policies[i], true);
  return {};
}

Status delete_policy(Call& call, const model::DeletePolicyRequest& in, model::DeletePolicyResponse&) {
  TRY_LET(auto p, own_policy(call, in.policy_arn));
  if (count_attachments(call.tx, call.account, in.policy_arn, false) ||
      count_attachments(call.tx, call.account, in.policy_arn, true))
    return delete_conflict("Cannot delete a policy attached to entities.");
  if (p.versions.size() > 1)
    return delete_conflict(
        "This policy has more than one version. Before you delete a policy, you must delete the policy's "
        "versions. The default version is deleted with the policy.");
  call.tx.erase<ManagedPolicy>(call.global(), p.key());
  call.tx.erase<PolicyText>(call.global(), p.key());
  return {};
}

Status create_policy_version(Call& call, const model::CreatePolicyVersionRequest& in,
                             model::CreatePolicyVersionResponse& out) {
  TRY_LET(auto p, own_policy(call, in.policy_arn));
  TRY(check_document(in.policy_document));
  if (p.versions.size() >= kVersionLimit)
    return limit_exceeded(
        "A managed policy can have up to 5 versions. Before you create a new version, you must delete an "
        "existing version.");
  p.versions.push_back({"v" + std::to_string(p.next_version++), str(in.policy_document), call.now});
  if (in.set_as_default.value_or(false)) p.default_version = p.versions.back().id;
  p.updated = call.now;
  put_policy(call, p);
  out.policy_version = call.make<model::PolicyVersion>();
  answer(call, p.versions.back(), in.set_as_default.value_or(false), false, *out.policy_version);
  return {};
}

Status get_policy_version(Call& call, const model::GetPolicyVersionRequest& in,
                          model::GetPolicyVersionResponse& out) {
  TRY_LET(auto p, authorized_policy(call, in.policy_arn));
  out.policy_version = call.make<model::PolicyVersion>();
  if (p.aws) {
    if (!(in.version_id == p.default_version)) return no_version(in.policy_arn, in.version_id);
    answer(call, {p.default_version, *policy_text(call.tx, call.account, p.arn), p.created}, true, true,
           *out.policy_version);
    return {};
  }
  auto own = find<ManagedPolicy>(call.tx, call.account, p.name);
  auto* v = own->version(in.version_id);
  if (!v) return no_version(in.policy_arn, in.version_id);
  answer(call, *v, v->id == p.default_version, true, *out.policy_version);
  return {};
}

Status list_policy_versions(Call& call, const model::ListPolicyVersionsRequest& in,
                            model::ListPolicyVersionsResponse& out) {
  TRY_LET(auto p, authorized_policy(call, in.policy_arn));
  std::vector<PolicyVersion> versions;
  if (p.aws)
    versions.push_back({p.default_version, "", p.created});
  else
    versions = find<ManagedPolicy>(call.tx, call.account, p.name)->versions;
  std::reverse(versions.begin(), versions.end());  // newest first; there are at most five: one page
  if (in.max_items.has() && static_cast<size_t>(*in.max_items) < versions.size()) {
    std::sort(versions.begin(), versions.end(), [](auto& a, auto& b) { return a.id < b.id; });
    TRY_LET(versions, one_page(call, in, out, std::move(versions), [](auto& v) { return v.id; }));
  } else {
    out.is_truncated = false;
  }
  out.versions = call.list<model::PolicyVersion>(versions.size());
  for (size_t i = 0; i < versions.size(); ++i)
    answer(call, versions[i], versions[i].id == p.default_version, false, out.versions[i]);
  return {};
}

Status set_default_policy_version(Call& call, const model::SetDefaultPolicyVersionRequest& in,
                                  model::SetDefaultPolicyVersionResponse&) {
  TRY_LET(auto p, own_policy(call, in.policy_arn));
  if (!p.version(in.version_id)) return no_version(in.policy_arn, in.version_id);
  p.default_version = str(in.version_id);
  p.updated = call.now;
  put_policy(call, p);
  return {};
}

Status delete_policy_version(Call& call, const model::DeletePolicyVersionRequest& in,
                             model::DeletePolicyVersionResponse&) {
  TRY_LET(auto p, own_policy(call, in.policy_arn));
  if (!p.version(in.version_id)) return no_version(in.policy_arn, in.version_id);
  if (in.version_id == p.default_version)
    return delete_conflict("Cannot delete the default version of a policy.");
  std::erase_if(p.versions, [&](auto& v) { return v.id == in.version_id.sv(); });
  put_policy(call, p);
  return {};
}

Status list_entities_for_policy(Call& call, const model::ListEntitiesForPolicyRequest& in,
                                model::ListEntitiesForPolicyResponse& out) {
  TRY_LET(auto p, authorized_policy(call, in.policy_arn));
  std::vector<Attachment> all;
  for (bool boundary : {false, true}) {
    if (boundary ? in.policy_usage_filter == "PermissionsPolicy"
                 : in.policy_usage_filter == "PermissionsBoundary")
      continue;
    for (auto& a : call.tx.list<Attachment>(call.global(), p.arn + (boundary ? "|b|" : "|a|")))
      all.push_back(std::move(a));
  }
  auto wanted = [&](const Attachment& a) {
    if (!in.entity_filter.has()) return true;
    return (in.entity_filter == "User" && a.kind == "user") ||
           (in.entity_filter == "Role" && a.kind == "role") ||
           (in.entity_filter == "Group" && a.kind == "group");
  };
  std::erase_if(all, [&](auto& a) { return !wanted(a); });
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.key() < b.key(); });
  TRY_LET(auto some, one_page(call, in, out, std::move(all)));
  std::vector<Group> groups;
  std::vector<User> users;
  std::vector<Role> roles;
  auto under = [&](auto&& e, auto& list) {
    if (e && std::string_view(e->path).starts_with(in.path_prefix.value_or("/")))
      list.push_back(std::move(*e));
  };
  for (auto& a : some) {
    if (a.kind == "group") under(find<Group>(call.tx, call.account, a.name), groups);
    if (a.kind == "user") under(find<User>(call.tx, call.account, a.name), users);
    if (a.kind == "role") under(find<Role>(call.tx, call.account, a.name), roles);
  }
  out.policy_groups = call.list<model::PolicyGroup>(groups.size());
  for (size_t i = 0; i < groups.size(); ++i)
    out.policy_groups[i] = {call.text(groups[i].name), call.text(groups[i].id)};
  out.policy_users = call.list<model::PolicyUser>(users.size());
  for (size_t i = 0; i < users.size(); ++i)
    out.policy_users[i] = {call.text(users[i].name), call.text(users[i].id)};
  out.policy_roles = call.list<model::PolicyRole>(roles.size());
  for (size_t i = 0; i < roles.size(); ++i)
    out.policy_roles[i] = {call.text(roles[i].name), call.text(roles[i].id)};
  return {};
}

Status tag_policy(Call& call, const model::TagPolicyRequest& in, model::TagPolicyResponse&) {
  TRY_LET(auto p, own_policy(call, in.policy_arn, request_tags(in.tags)));
  TRY(add_tags(in.tags, p.tags));
  call.tx.put(call.global(), p);
  return {};
}
Status untag_policy(Call& call, const model::UntagPolicyRequest& in, model::UntagPolicyResponse&) {
  TRY_LET(auto p, own_policy(call, in.policy_arn, {{"aws:TagKeys", api::strings(in.tag_keys)}}));
  for (auto& k : in.tag_keys)
    std::erase_if(p.tags, [&](auto& t) { return name_key(t.first) == name_key(k.sv()); });
  call.tx.put(call.global(), p);
  return {};
}
Status list_policy_tags(Call& call, const model::ListPolicyTagsRequest& in,
                        model::ListPolicyTagsResponse& out) {
  TRY_LET(auto p, authorized_policy(call, in.policy_arn));
  return tag_page(call, in, out, p.tags);
}

}  // namespace nubecita::iam
