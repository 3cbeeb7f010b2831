// The operations on policies of an entity, which users, groups and roles have alike: inline policies,
// attached managed policies, permission boundaries. Templates over the record; used by users.cpp, groups.cpp
// and roles.cpp.
#pragma once

#include <algorithm>

#include "services/iam/entities.hpp"
#include "services/iam/policy.hpp"

namespace nubecita::iam {

inline constexpr size_t kAttachedLimit = 10;

/// Roles that a service made for itself are changed by that service only.
template <class E>
Status check_modifiable(const E& e) {
  if constexpr (std::is_same_v<E, Role>)
    if (e.path.starts_with("/aws-service-role/"))
      return fail("UnmodifiableEntity", "Cannot perform the operation on the protected role '" + e.name +
                                            "' - this role is only modifiable by AWS");
  return {};
}

template <class E>
Status attach_policy(Call& call, wire::Text name, wire::Text policy) {
  TRY_LET(auto e, authorized<E>(call, name, {{"iam:PolicyARN", {str(policy)}}}));
  TRY(check_modifiable(e));
  TRY(parse_policy_arn(policy));
  if (!find_policy(call.tx, call.account, policy))
    return no_such_entity("Policy " + str(policy) + " does not exist or is not attachable.");
  if (std::find(e.attached.begin(), e.attached.end(), policy.sv()) != e.attached.end()) return {};
  if (e.attached.size() >= kAttachedLimit)
    return limit_exceeded("Cannot exceed quota for PoliciesPer" + std::string(Kind<E>::title) + ": " +
                          std::to_string(kAttachedLimit));
  e.attached.push_back(str(policy));
  call.tx.put(call.global(), e);
  call.tx.put(call.global(), Attachment{str(policy), std::string(Kind<E>::noun), e.name, false});
  return {};
}

template <class E>
Status detach_policy(Call& call, wire::Text name, wire::Text policy) {
  TRY_LET(auto e, authorized<E>(call, name, {{"iam:PolicyARN", {str(policy)}}}));
  TRY(check_modifiable(e));
  TRY(parse_policy_arn(policy));
  if (!std::erase(e.attached, policy.sv()))
    return no_such_entity("Policy " + str(policy) + " was not found.");
  call.tx.put(call.global(), e);
  call.tx.template erase<Attachment>(
      call.global(), Attachment{str(policy), std::string(Kind<E>::noun), e.name, false}.key());
  return {};
}

template <class E, class In, class Out>
Status list_attached(Call& call, wire::Text name, const In& in, Out& out) {
  TRY_LET(auto e, authorized<E>(call, name));
  std::sort(e.attached.begin(), e.attached.end());
  if (!in.path_prefix.empty())
    std::erase_if(e.attached, [&](const std::string& arn) {
      auto p = parse_policy_arn(arn);
      return !p || !p->path.starts_with(in.path_prefix.sv());
    });
  TRY_LET(auto some, one_page_of_texts(call, in, out, std::move(e.attached)));
  out.attached_policies = call.list<model::AttachedPolicy>(some.size());
  for (size_t i = 0; i < some.size(); ++i) {
    out.attached_policies[i].policy_name = call.text(some[i].substr(some[i].rfind('/') + 1));
    out.attached_policies[i].policy_arn = call.text(some[i]);
  }
  return {};
}

template <class E>
Status put_inline(Call& call, wire::Text name, wire::Text policy, wire::Text document) {
  TRY_LET(auto e, authorized<E>(call, name));
  TRY(check_modifiable(e));
  TRY(check_name(policy, "policyName", 128));
  TRY(Policy::parse(document, PolicyKind::identity));
  e.inline_policies[str(policy)] = str(document);
  size_t size = 0;
  for (auto& [n, d] : e.inline_policies) size += counted_size(d);
  if (size > Kind<E>::inline_limit)
    return limit_exceeded("Maximum policy size of " + std::to_string(Kind<E>::inline_limit) +
                          " bytes exceeded for " + std::string(Kind<E>::noun) + " " + e.name);
  call.tx.put(call.global(), e);
  return {};
}

template <class E>
std::unexpected<ApiError> no_inline(wire::Text policy) {
  return no_such_entity("The " + std::string(Kind<E>::noun) + " policy with name " + str(policy) +
                        " cannot be found.");
}

/// The document, percent-encoded.
template <class E>
Result<wire::Text> get_inline(Call& call, wire::Text name, wire::Text policy) {
  TRY_LET(auto e, authorized<E>(call, name));
  auto it = e.inline_policies.find(str(policy));
  if (it == e.inline_policies.end()) return no_inline<E>(policy);
  return call.text(percent_encode(it->second));
}

template <class E>
Status delete_inline(Call& call, wire::Text name, wire::Text policy) {
  TRY_LET(auto e, authorized<E>(call, name));
  TRY(check_modifiable(e));
  if (!e.inline_policies.erase(str(policy))) return no_inline<E>(policy);
  call.tx.put(call.global(), e);
  return {};
}

template <class E, class In, class Out>
Status list_inline(Call& call, wire::Text name, const In& in, Out& out) {
  TRY_LET(auto e, authorized<E>(call, name));
  std::vector<std::string> names;
  for (auto& [n, d] : e.inline_policies) names.push_back(n);
  TRY_LET(auto some, one_page_of_texts(call, in, out, std::move(names)));
  out.policy_names = call.texts(some);
  return {};
}

/// Checks that `arn` names a policy and keeps the index; empty takes the boundary away. The caller puts the
/// record.
template <class E>
Status set_boundary(Call& call, E& e, const std::string& arn) {
  auto index = [&](const std::string& a) { return Attachment{a, std::string(Kind<E>::noun), e.name, true}; };
  if (!arn.empty()) {
    TRY(parse_policy_arn(arn));
    if (!find_policy(call.tx, call.account, arn))
      return no_such_entity("Scope ARN: " + arn + " does not exist or is not attachable.");
  }
  if (!e.boundary.empty()) call.tx.template erase<Attachment>(call.global(), index(e.boundary).key());
  e.boundary = arn;
  if (!arn.empty()) call.tx.put(call.global(), index(arn));
  return {};
}

template <class E>
Status put_boundary(Call& call, wire::Text name, wire::Text arn) {
  // The condition is the boundary asked for, not the one that is there.
  auto found = find<E>(call.tx, call.account, name);
  E e;
  e.name = str(name);
  if (found) e = *found;
  auto conditions = entity_conditions(e);
  std::erase_if(conditions, [](auto& c) { return c.first == "iam:PermissionsBoundary"; });
  conditions.push_back({"iam:PermissionsBoundary", {str(arn)}});
  TRY(call.authorize(Kind<E>::arn(call.account, e), conditions));
  if (!found) return no_such_entity(missing_message<E>(name));
  TRY(check_modifiable(e));
  TRY(set_boundary(call, e, str(arn)));
  call.tx.put(call.global(), e);
  return {};
}

template <class E>
Status delete_boundary(Call& call, wire::Text name) {
  TRY_LET(auto e, authorized<E>(call, name));
  TRY(check_modifiable(e));
  if (e.boundary.empty())
    return no_such_entity("The " + std::string(Kind<E>::noun) + " " + e.name +
                          " does not have a permissions boundary.");
  TRY(set_boundary(call, e, ""));
  call.tx.put(call.global(), e);
  return {};
}

template <class E>
Status tag_entity(Call& call, wire::Text name, const wire::List<model::Tag>& tags) {
  TRY_LET(auto e, authorized<E>(call, name, request_tags(tags)));
  TRY(add_tags(tags, e.tags));
  call.tx.put(call.global(), e);
  return {};
}

template <class E>
Status untag_entity(Call& call, wire::Text name, const wire::List<wire::Text>& keys) {
  TRY_LET(auto e, authorized<E>(call, name, {{"aws:TagKeys", api::strings(keys)}}));
  for (auto& k : keys) std::erase_if(e.tags, [&](auto& t) { return name_key(t.first) == name_key(k.sv()); });
  call.tx.put(call.global(), e);
  return {};
}

template <class E, class In, class Out>
Status list_entity_tags(Call& call, wire::Text name, const In& in, Out& out) {
  TRY_LET(auto e, authorized<E>(call, name));
  return tag_page(call, in, out, e.tags);
}

/// What must be gone before an entity may be.
template <class E>
Status check_no_policies(const E& e) {
  if (!e.attached.empty()) return delete_conflict("Cannot delete entity, must detach all policies first.");
  if (!e.inline_policies.empty()) return delete_conflict("Cannot delete entity, must delete policies first.");
  return {};
}

/// Moves index records after a rename; the caller has changed nothing else yet.
template <class E>
void rename_attachments(Call& call, const E& e, const std::string& new_name) {
  auto move = [&](const std::string& arn, bool boundary) {
    Attachment a{arn, std::string(Kind<E>::noun), e.name, boundary};
    call.tx.template erase<Attachment>(call.global(), a.key());
    a.name = new_name;
    call.tx.put(call.global(), a);
  };
  for (auto& arn : e.attached) move(arn, false);
  if constexpr (requires { e.boundary; })
    if (!e.boundary.empty()) move(e.boundary, true);
}

}  // namespace nubecita::iam
