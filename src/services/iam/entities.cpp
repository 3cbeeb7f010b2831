#include "services/iam/entities.hpp"

#include <algorithm>
#include <cctype>

#include "base/arn.hpp"
#include "base/ids.hpp"

namespace nubecita::iam {

std::string unique_id(std::string_view prefix) {
  return std::string(prefix) + random_text(17, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
}

std::string percent_encode(std::string_view text) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~') {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += hex[c >> 4];
      out += hex[c & 15];
    }
  }
  return out;
}

size_t counted_size(std::string_view document) {
  return static_cast<size_t>(std::count_if(document.begin(), document.end(), [](char c) {
    return c != ' ' && c != '\t' && c != '\r' && c != '\n';
  }));
}

Status check_name(std::string_view name, std::string_view field, size_t longest) {
  for (char c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) &&
        std::string_view("+=,.@_-").find(c) == std::string_view::npos)
      return fail(
          "ValidationError",
          "The specified value for " + std::string(field) +
              " is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-");
  if (name.empty() || name.size() > longest)
    return fail("ValidationError", "1 validation error detected: Value '" + std::string(name) + "' at '" +
                                       std::string(field) +
                                       "' failed to satisfy constraint: Member must have length " +
                                       (name.empty() ? "greater than or equal to 1"
                                                     : "less than or equal to " + std::to_string(longest)));
  return {};
}

Status check_path(wire::Text path, std::string& out) {
  out = path.has() ? std::string(path.sv()) : "/";
  const bool bad_character = std::any_of(out.begin(), out.end(), [](char c) { return c < 0x21 || c > 0x7e; });
  if (out.empty() || out.front() != '/' || out.back() != '/' || out.size() > 512 || bad_character ||
      out.find("//") != std::string::npos)
    return fail("ValidationError",
                "The specified value for path is invalid. It must begin and end with / and contain only "
                "alphanumeric characters and/or / characters.");
  return {};
}

std::unexpected<ApiError> no_such_entity(std::string message) {
  return fail("NoSuchEntity", std::move(message), 404);
}
std::unexpected<ApiError> exists_already(std::string message) {
  return fail("EntityAlreadyExists", std::move(message), 409);
}
std::unexpected<ApiError> delete_conflict(std::string message) {
  return fail("DeleteConflict", std::move(message), 409);
}
std::unexpected<ApiError> limit_exceeded(std::string message) {
  return fail("LimitExceeded", std::move(message), 409);
}

// ---- tags

Status add_tags(const wire::List<model::Tag>& in, Tags& tags) {
  std::vector<std::string> seen;
  for (auto& t : in) {
    auto key = name_key(t.key.sv());
    if (std::find(seen.begin(), seen.end(), key) != seen.end())
      return fail("InvalidInput",
                  "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    seen.push_back(key);
    if (t.key.empty() || t.key.size() > 128 || t.value.size() > 256)
      return fail("ValidationError", "Tag keys have 1 to 128 characters and tag values at most 256.");
    if (key.starts_with("aws:"))
      return fail("InvalidInput", "Caller is an end user and not allowed to mutate system tags");
    // Keys differ without case: a tag in another spelling is replaced.
    std::erase_if(tags, [&](auto& old) { return name_key(old.first) == key; });
    tags[std::string(t.key.sv())] = std::string(t.value.sv());
  }
  if (tags.size() > 50) return limit_exceeded("The number of tags has reached the maximum limit.");
  return {};
}

wire::List<model::Tag> answer_tags(Call& call, const Tags& tags) {
  auto list = call.list<model::Tag>(tags.size());
  size_t i = 0;
  for (auto& [k, v] : tags) {
    list[i].key = call.text(k);
    list[i++].value = call.text(v);
  }
  return list;
}

Conditions request_tags(const wire::List<model::Tag>& in) {
  Conditions c;
  std::vector<std::string> keys;
  for (auto& t : in) {
    c.push_back({"aws:RequestTag/" + std::string(t.key.sv()), {std::string(t.value.sv())}});
    keys.emplace_back(t.key.sv());
  }
  if (!keys.empty()) c.push_back({"aws:TagKeys", std::move(keys)});
  return c;
}

Conditions resource_tags(const Tags& tags) {
  Conditions c;
  for (auto& [k, v] : tags) {
    c.push_back({"aws:ResourceTag/" + k, {v}});
    c.push_back({"iam:ResourceTag/" + k, {v}});
  }
  return c;
}

Conditions operator+(Conditions a, const Conditions& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// ---- managed policies

Result<PolicyName> parse_policy_arn(std::string_view text) {
  auto arn = Arn::parse(text);
  if (!arn || arn->service != "iam" || !arn->resource.starts_with("policy/") || arn->account.empty())
    return fail("InvalidInput", "ARN " + std::string(text) + " is not valid.");
  auto slash = arn->resource.rfind('/');
  return PolicyName{arn->account, arn->resource.substr(6, slash - 5), arn->resource.substr(slash + 1)};
}

std::optional<AnyPolicy> find_policy(store::Transaction& tx, std::string_view account, std::string_view arn) {
  auto name = parse_policy_arn(arn);
  if (!name) return {};
  if (name->account == "aws") {
    auto* p = find_aws_managed(arn);
    if (!p) return {};
    return AnyPolicy{
        std::string(p->name),    std::string(p->path), p->id(),         p->arn(), std::string(p->description),
        std::string(p->version), kAwsManagedTime,      kAwsManagedTime, true,     {}};
  }
  if (name->account != account) return {};
  auto p = find<ManagedPolicy>(tx, account, name->name);
  if (!p || p->path != name->path) return {};
  return AnyPolicy{
      p->name,    p->path, p->id,  policy_arn(account, *p), p->description, p->default_version, p->created,
      p->updated, false,   p->tags};
}

std::optional<std::string> policy_text(store::Transaction& tx, std::string_view account,
                                       std::string_view arn) {
  if (arn.starts_with("arn:aws:iam::aws:")) {
    auto* p = find_aws_managed(arn);
    if (!p) return {};
    return std::string(p->document);
  }
  auto name = parse_policy_arn(arn);
  if (!name || name->account != account) return {};
  const auto text = tx.shared<PolicyText>(global_scope(account), name_key(name->name));
  if (!text) return {};
  return text->document;
}

size_t count_attachments(store::Transaction& tx, std::string_view account, std::string_view arn,
                         bool boundary) {
  size_t n = 0;
  tx.scan(store::make_key(Attachment::kTable, global_scope(account),
                          std::string(arn) + (boundary ? "|b|" : "|a|")),
          {}, [&](std::string_view, std::string_view) {
            ++n;
            return true;
          });
  return n;
}

// ---- answers

wire::Opt<wire::Timestamp> time_of(int64_t ms) {
  return wire::Timestamp{ms / 1000 * 1000};
}  // IAM answers whole seconds

model::AttachedPermissionsBoundary* answer_boundary(Call& call, const std::string& arn) {
  if (arn.empty()) return nullptr;
  auto* b = call.make<model::AttachedPermissionsBoundary>();
  b->permissions_boundary_type = "Policy";
  b->permissions_boundary_arn = call.text(arn);
  return b;
}

void answer(Call& call, const User& u, model::User& out, bool in_list) {
  out.path = call.text(u.path);
  out.user_name = call.text(u.name);
  out.user_id = call.text(u.id);
  out.arn = call.text(user_arn(call.account, u));
  out.create_date = time_of(u.created);
  if (in_list) return;  // lists lack boundary and tags, as on AWS
  out.permissions_boundary = answer_boundary(call, u.boundary);
  if (!u.tags.empty()) out.tags = answer_tags(call, u.tags);
}

void answer(Call& call, const Group& g, model::Group& out) {
  out.path = call.text(g.path);
  out.group_name = call.text(g.name);
  out.group_id = call.text(g.id);
  out.arn = call.text(group_arn(call.account, g));
  out.create_date = time_of(g.created);
}

void answer(Call& call, const Role& r, model::Role& out, bool in_list) {
  out.path = call.text(r.path);
  out.role_name = call.text(r.name);
  out.role_id = call.text(r.id);
  out.arn = call.text(role_arn(call.account, r));
  out.create_date = time_of(r.created);
  out.assume_role_policy_document = call.text(percent_encode(r.trust));
  if (!r.description.empty()) out.description = call.text(r.description);
  out.max_session_duration = static_cast<int32_t>(r.max_session_s);
  if (in_list) return;
  out.permissions_boundary = answer_boundary(call, r.boundary);
  if (!r.tags.empty()) out.tags = answer_tags(call, r.tags);
  out.role_last_used = call.make<model::RoleLastUsed>();  // empty: use is not tracked
}

void answer(Call& call, const InstanceProfile& p, model::InstanceProfile& out) {
  out.path = call.text(p.path);
  out.instance_profile_name = call.text(p.name);
  out.instance_profile_id = call.text(p.id);
  out.arn = call.text(profile_arn(call.account, p));
  out.create_date = time_of(p.created);
  auto role = p.role.empty() ? std::nullopt : find<Role>(call.tx, call.account, p.role);
  out.roles = call.list<model::Role>(role ? 1 : 0);
  if (role) answer(call, *role, out.roles[0], true);
  out.tags = answer_tags(call, p.tags);
}

}  // namespace nubecita::iam
