// What the operations on users, groups, roles and the like share: names, ids, texts of errors, tags,
// authorization of an entity, managed policies by ARN. Functions of the caller's transaction; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "models/iam.hpp"
#include "services/iam/aws_managed.hpp"
#include "services/iam/records.hpp"

namespace nubecita::iam {

using api::Call;
using api::Conditions;
using api::str;

// ---- names and texts

/// "AIDA" and 17 characters.
std::string unique_id(std::string_view prefix);
/// RFC 3986, as AWS answers policy documents (a blank is %20).
std::string percent_encode(std::string_view text);
/// Characters that count against AWS's size quotas: white space does not.
size_t counted_size(std::string_view document);
/// `field` as AWS names it, e.g. "userName".
Status check_name(std::string_view name, std::string_view field, size_t longest);
/// "/" or "/a/b/"; `out` gets "/" when absent.
Status check_path(wire::Text path, std::string& out);
std::unexpected<ApiError> no_such_entity(std::string message);
std::unexpected<ApiError> exists_already(std::string message);
std::unexpected<ApiError> delete_conflict(std::string message);
std::unexpected<ApiError> limit_exceeded(std::string message);

// ---- kinds of entity

template <class E>
struct Kind;
template <>
struct Kind<User> {
  static constexpr std::string_view noun = "user", title = "User", field = "userName", prefix = "AIDA";
  static constexpr size_t longest = 64, inline_limit = 2048;
  static std::string arn(std::string_view account, const User& u) { return user_arn(account, u); }
};
template <>
struct Kind<Group> {
  static constexpr std::string_view noun = "group", title = "Group", field = "groupName", prefix = "AGPA";
  static constexpr size_t longest = 128, inline_limit = 5120;
  static std::string arn(std::string_view account, const Group& g) { return group_arn(account, g); }
};
template <>
struct Kind<Role> {
  static constexpr std::string_view noun = "role", title = "Role", field = "roleName", prefix = "AROA";
  static constexpr size_t longest = 64, inline_limit = 10240;
  static std::string arn(std::string_view account, const Role& r) { return role_arn(account, r); }
};
template <>
struct Kind<InstanceProfile> {
  static constexpr std::string_view noun = "instance-profile", title = "Instance Profile",
                                    field = "instanceProfileName", prefix = "AIPA";
  static constexpr size_t longest = 128;
  static std::string arn(std::string_view account, const InstanceProfile& p) {
    return profile_arn(account, p);
  }
};
template <>
struct Kind<ServerCertificate> {
  static constexpr std::string_view noun = "server-certificate", title = "Server Certificate",
                                    field = "serverCertificateName", prefix = "ASCA";
  static constexpr size_t longest = 128;
  static std::string arn(std::string_view account, const ServerCertificate& c) {
    return certificate_arn(account, c);
  }
};

template <class E>
std::string missing_message(std::string_view name) {
  if constexpr (std::is_same_v<E, InstanceProfile>)
    return "Instance Profile " + std::string(name) + " cannot be found.";
  else if constexpr (std::is_same_v<E, ServerCertificate>)
    return "The Server Certificate with name " + std::string(name) + " cannot be found.";
  else
    return "The " + std::string(Kind<E>::noun) + " with name " + std::string(name) + " cannot be found.";
}
template <class E>
std::string exists_message(std::string_view name) {
  if constexpr (std::is_same_v<E, ServerCertificate>)
    return "The Server Certificate with name " + std::string(name) + " already exists.";
  else
    return std::string(Kind<E>::title) + (std::is_same_v<E, InstanceProfile> ? " " : " with name ") +
           std::string(name) + " already exists.";
}

/// By its exact name (names differing in case cannot coexist, and do not find each other).
template <class E>
std::optional<E> find(store::Transaction& tx, std::string_view account, std::string_view name) {
  auto e = tx.get<E>(global_scope(account), name_key(name));
  if (e && e->name != name) e.reset();
  return e;
}

/// The same, shared by all who only look. Null: there is none.
template <class E>
std::shared_ptr<const E> look(store::Transaction& tx, std::string_view account, std::string_view name) {
  auto e = tx.shared<E>(global_scope(account), name_key(name));
  return e && e->name == name ? e : nullptr;
}

// ---- tags and conditions

/// Checks count, lengths, characters, duplicates; merges into `tags`.
Status add_tags(const wire::List<model::Tag>& in, Tags& tags);
wire::List<model::Tag> answer_tags(Call& call, const Tags& tags);
Conditions request_tags(const wire::List<model::Tag>& in);
Conditions resource_tags(const Tags& tags);
Conditions operator+(Conditions a, const Conditions& b);

template <class E>
Conditions entity_conditions(const E& e) {
  Conditions c;
  if constexpr (requires { e.tags; }) c = resource_tags(e.tags);
  if constexpr (requires { e.boundary; })
    if (!e.boundary.empty()) c.push_back({"iam:PermissionsBoundary", {e.boundary}});
  return c;
}

/// Asks leave for the call's action on the entity (or on the name that it would have), then answers it, or
/// NoSuchEntity.
template <class E>
Result<E> authorized(Call& call, std::string_view name, const Conditions& more = {},
                     std::string_view action = {}) {
  auto e = find<E>(call.tx, call.account, name);
  E unknown;
  unknown.name = std::string(name);
  TRY(call.authorize(Kind<E>::arn(call.account, e ? *e : unknown), e ? entity_conditions(*e) + more : more,
                     action));
  if (!e) return no_such_entity(missing_message<E>(name));
  return std::move(*e);
}
/// Asks leave to make an entity, checks its name and path and that there is none yet.
template <class E>
Status authorized_new(Call& call, E& e, std::string_view name, wire::Text path, const Conditions& more = {}) {
  e.name = std::string(name);
  if (path.has()) e.path = std::string(path.sv());
  TRY(call.authorize(Kind<E>::arn(call.account, e), more));
  TRY(check_name(name, Kind<E>::field, Kind<E>::longest));
  TRY(check_path(path, e.path));
  if (call.tx.get<E>(call.global(), e.key())) return exists_already(exists_message<E>(name));
  e.id = unique_id(Kind<E>::prefix);
  return {};
}

// ---- managed policies

/// A managed policy of either kind, as far as most callers need it.
struct AnyPolicy {
  std::string name, path, id, arn, description, default_version;
  int64_t created = 0, updated = 0;
  bool aws = false;
  Tags tags;
};
std::optional<AnyPolicy> find_policy(store::Transaction& tx, std::string_view account, std::string_view arn);
/// The default version's document, by ARN.
std::optional<std::string> policy_text(store::Transaction& tx, std::string_view account,
                                       std::string_view arn);
/// A policy ARN's account ("aws" for AWS managed ones), path and name. Error InvalidInput "ARN x is not
/// valid."
struct PolicyName {
  std::string account, path, name;
};
Result<PolicyName> parse_policy_arn(std::string_view arn);
size_t count_attachments(store::Transaction& tx, std::string_view account, std::string_view arn,
                         bool boundary);

// ---- answers

model::AttachedPermissionsBoundary* answer_boundary(Call& call, const std::string& arn);
void answer(Call& call, const User& u, model::User& out, bool in_list = false);
void answer(Call& call, const Group& g, model::Group& out);
void answer(Call& call, const Role& r, model::Role& out, bool in_list = false);
void answer(Call& call, const InstanceProfile& p, model::InstanceProfile& out);
wire::Opt<wire::Timestamp> time_of(int64_t ms);

/// One page of `items` (sorted by key()) for a request with Marker and MaxItems; fills IsTruncated and
/// Marker.
template <class In, class Out, class T, class IdOf>
Result<std::vector<T>> one_page(Call& call, const In& in, Out& out, std::vector<T> items, IdOf id_of) {
  std::string next;
  TRY_LET(auto some, api::page(std::move(items), in.marker, static_cast<size_t>(in.max_items.value_or(100)),
                               id_of, next, "ValidationError"));
  out.is_truncated = !next.empty();
  if (!next.empty()) out.marker = call.text(next);
  return some;
}
template <class In, class Out, class T>
Result<std::vector<T>> one_page(Call& call, const In& in, Out& out, std::vector<T> items) {
  return one_page(call, in, out, std::move(items), [](const T& t) { return t.key(); });
}
template <class In, class Out>
Result<std::vector<std::string>> one_page_of_texts(Call& call, const In& in, Out& out,
                                                   std::vector<std::string> items) {
  return one_page(call, in, out, std::move(items), [](const std::string& s) { return s; });
}
template <class In, class Out>
Status tag_page(Call& call, const In& in, Out& out, const Tags& tags) {
  std::vector<std::pair<std::string, std::string>> items(tags.begin(), tags.end());
  TRY_LET(auto some, one_page(call, in, out, std::move(items), [](auto& t) { return t.first; }));
  out.tags = answer_tags(call, Tags(some.begin(), some.end()));
  return {};
}
/// Entities whose path begins so.
template <class E>
void keep_path(std::vector<E>& items, wire::Text prefix) {
  if (prefix.has() && !prefix.empty())
    std::erase_if(items, [&](const E& e) { return !std::string_view(e.path).starts_with(prefix.sv()); });
}

}  // namespace nubecita::iam
