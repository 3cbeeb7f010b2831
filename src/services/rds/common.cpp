#include "services/rds/common.hpp"

#include <algorithm>
#include <cstdio>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace nubecita::rds {

std::string Event::key() const {
  char time[24];
  std::snprintf(time, sizeof time, "%015lld", static_cast<long long>(at));
  return std::string(time) + "-" + serial;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

Status check_identifier(std::string_view member, std::string_view value, size_t most) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  bool good = !value.empty() && value.size() <= most && letter(value[0]) && value.back() != '-' &&
              value.find("--") == std::string_view::npos &&
              std::all_of(value.begin(), value.end(),
                          [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; });
  if (good) return {};
  return fail("InvalidParameterValue",
              "The parameter " + std::string(member) +
                  " is not a valid identifier. Identifiers must begin with a letter; must "
                  "contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or "
                  "contain two consecutive hyphens; "
                  "and have at most " +
                  std::to_string(most) + " characters.");
}

Result<std::vector<Tag>> new_tags(const wire::List<model::Tag>& tags) {
  std::vector<Tag> out;
  for (auto& t : tags) {
    const std::string key = api::str(t.key);
    if (key.empty() || key.size() > 128 || t.value.size() > 256)
      return fail("InvalidParameterValue",
                  "Tag keys have 1 to 128 characters and values at most 256: '" + key + "'.");
    if (lower(key).starts_with("aws:"))
      return fail("InvalidParameterValue", "Tag keys that begin with aws: are reserved: '" + key + "'.");
    if (std::any_of(out.begin(), out.end(), [&](auto& o) { return o.name == key; }))
      return fail("InvalidParameterValue", "The tag key '" + key + "' is given twice.");
    out.push_back({key, api::str(t.value)});
  }
  if (out.size() > 50) return fail("InvalidParameterValue", "A resource has at most 50 tags.");
  return out;
}

wire::List<model::Tag> render_tags(Call& call, const std::vector<Tag>& tags) {
  auto out = call.list<model::Tag>(tags.size());
  for (size_t i = 0; i < tags.size(); ++i) {
    out[i].key = call.text(tags[i].name);
    out[i].value = call.text(tags[i].value);
  }
  return out;
}

void merge_tags(std::vector<Tag>& into, const std::vector<Tag>& tags) {
  for (auto& t : tags) {
    auto at = std::find_if(into.begin(), into.end(), [&](auto& o) { return o.name == t.name; });
    if (at == into.end())
      into.push_back(t);
    else
      at->value = t.value;
  }
}

Conditions resource_tags(const std::vector<Tag>& tags, std::string_view kind) {
  Conditions out;
  for (auto& t : tags) {
    out.push_back({"aws:ResourceTag/" + t.name, {t.value}});
    out.push_back({"rds:" + std::string(kind) + "/" + t.name, {t.value}});
  }
  return out;
}

Conditions request_tags(const std::vector<Tag>& tags) {
  Conditions out;
  std::vector<std::string> keys;
  for (auto& t : tags) {
    out.push_back({"aws:RequestTag/" + t.name, {t.value}});
    out.push_back({"rds:req-tag/" + t.name, {t.value}});
    keys.push_back(t.name);
  }
  if (!keys.empty()) out.push_back({"aws:TagKeys", keys});
  return out;
}

std::optional<Instance> find_instance(Call& call, std::string_view id) {
  return call.tx.get<Instance>(call.scope(), lower(id));
}

ApiError no_instance(std::string_view id) {
  return {"DBInstanceNotFound", 404, "DBInstance " + std::string(id) + " not found.", {}};
}
ApiError no_subnet_group(std::string_view name) {
  return {
      "DBSubnetGroupNotFoundFault", 404, "DB subnet group '" + std::string(name) + "' does not exist.", {}};
}
ApiError no_parameter_group(std::string_view name) {
  return {"DBParameterGroupNotFound", 404, "DBParameterGroup not found: " + std::string(name), {}};
}
ApiError unknown_filter(std::string_view name) {
  return {"InvalidParameterValue", 400, "Unrecognized filter name: " + std::string(name), {}};
}

void add_event(store::Transaction& tx, const store::Scope& scope, const std::string& source_type,
               const std::string& source_id, const std::string& source_arn, const std::string& category,
               const std::string& message) {
  Event e{now_ms(), random_hex(8), source_id, source_type, source_arn, message, category};
  tx.put(scope, e);
}

}  // namespace nubecita::rds
