// What the operations of RDS share: names and ARNs, authorization with tags, filters, pages. One thread, as
// the call.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "models/rds.hpp"
#include "services/rds/records.hpp"

namespace nubecita::rds {

using api::Call;
using api::Conditions;

inline std::string instance_arn(const Call& call, std::string_view id) {
  return call.arn("rds", "db:" + std::string(id));
}
inline std::string subnet_group_arn(const Call& call, std::string_view name) {
  return call.arn("rds", "subgrp:" + std::string(name));
}
inline std::string parameter_group_arn(const Call& call, std::string_view name) {
  return call.arn("rds", "pg:" + std::string(name));
}

std::string lower(std::string_view text);
/// Letters, digits and hyphens, first a letter, no hyphen at the end nor two together, at most `most`: the
/// rule of RDS identifiers. Error InvalidParameterValue naming `member`.
Status check_identifier(std::string_view member, std::string_view value, size_t most = 63);

Result<std::vector<Tag>> new_tags(const wire::List<model::Tag>& tags);
wire::List<model::Tag> render_tags(Call& call, const std::vector<Tag>& tags);
void merge_tags(std::vector<Tag>& into, const std::vector<Tag>& tags);
/// aws:ResourceTag/k and rds:<kind>-tag/k ("db-tag", "pg-tag", "subgrp-tag").
Conditions resource_tags(const std::vector<Tag>& tags, std::string_view kind);
/// aws:RequestTag/k and aws:TagKeys.
Conditions request_tags(const std::vector<Tag>& tags);

std::optional<Instance> find_instance(Call& call, std::string_view id);
ApiError no_instance(std::string_view id);
ApiError no_subnet_group(std::string_view name);
ApiError no_parameter_group(std::string_view name);

/// The values of filter `name` that `of` gives for an item must meet one of the filter's: every filter must
/// match.
template <class T>
struct FilterField {
  std::string_view name;
  std::function<std::string(const T&)> of;
};
ApiError unknown_filter(std::string_view name);
template <class T>
Status apply_filters(std::vector<T>& items, const wire::List<model::Filter>& filters,
                     const std::vector<FilterField<T>>& fields) {
  for (auto& filter : filters) {
    auto field =
        std::find_if(fields.begin(), fields.end(), [&](auto& f) { return f.name == filter.name.sv(); });
    if (field == fields.end()) return fail(unknown_filter(filter.name));
    std::erase_if(items, [&](const T& item) {
      const std::string have = field->of(item);
      return std::none_of(filter.values.begin(), filter.values.end(),
                          [&](auto& v) { return have == v.sv(); });
    });
  }
  return {};
}
/// One page in RDS's way: MaxRecords (20 to 100, 100 unless told) and Marker.
template <class T, class IdOf>
Result<std::vector<T>> one_page(Call& call, std::vector<T> items, wire::Text marker, wire::Opt<int32_t> most,
                                IdOf id_of, wire::Text& next) {
  if (most.has() && (*most < 20 || *most > 100))
    return fail("InvalidParameterValue",
                "Invalid value " + std::to_string(*most) + " for MaxRecords. Must be between 20 and 100");
  std::string token;
  TRY_LET(auto page, api::page(std::move(items), marker.sv(), static_cast<size_t>(most.value_or(100)), id_of,
                               token, "InvalidParameterValue"));
  if (!token.empty()) next = call.text(token);
  return page;
}

void add_event(store::Transaction& tx, const store::Scope& scope, const std::string& source_type,
               const std::string& source_id, const std::string& source_arn, const std::string& category,
               const std::string& message);

}  // namespace nubecita::rds
