#include "services/ec2/filters.hpp"

namespace nubecita::ec2 {

// Iterative, so that no pattern makes it slow: on a mismatch only the last '*' is tried again one character
// further.
bool wildcard_match(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, star_t = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_t = t;
      continue;
    }
    if (p < pattern.size()) {
      const bool escaped = pattern[p] == '\\' && p + 1 < pattern.size();
      const char c = pattern[p + (escaped ? 1 : 0)];
      if ((!escaped && c == '?') || c == text[t]) {
        p += escaped ? 2 : 1;
        ++t;
        continue;
      }
    }
    if (star == std::string_view::npos) return false;
    p = star + 1;
    t = ++star_t;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool any_match(const model::Filter& filter, const Values& values) {
  for (const auto& pattern : filter.values)
    for (const auto& value : values)
      if (wildcard_match(pattern.sv(), value)) return true;
  return false;
}

std::optional<bool> match_tags(const model::Filter& filter, const std::vector<Tag>& tags) {
  const auto name = filter.name.sv();
  Values values;
  if (name == "tag-key") {
    for (const auto& tag : tags) values.push_back(tag.name);
  } else if (name.starts_with("tag:")) {
    for (const auto& tag : tags)
      if (tag.name == name.substr(4)) values.push_back(tag.value);
  } else {
    return {};
  }
  return any_match(filter, values);
}

std::unexpected<ApiError> unknown_filter(std::string_view name) {
  return bad_value("The filter '" + (name.empty() ? "null" : std::string(name)) + "' is invalid");
}

Status check_filter_values(const model::Filter& filter) {
  if (filter.values.empty())
    return bad_value("The filter '" + std::string(filter.name.sv()) + "' has no values: give at least one.");
  if (filter.values.size() > 200)
    return fail("FilterLimitExceeded",
                "The maximum number of filter values specified on a single call is 200");
  return {};
}

Result<size_t> page_size(wire::Opt<int32_t> max_results, int32_t least) {
  if (!max_results.has()) return size_t{1} << 30;
  const auto n = *max_results;
  if (n < least)
    return bad_value("Value ( " + std::to_string(n) +
                     " ) for parameter maxResults is invalid. Expecting a value greater than or equal to " +
                     std::to_string(least) + ".");
  // AWS answers with pages of 1000 for more than that in some operations and refuses it in others: we page.
  return static_cast<size_t>(std::min(n, 1000));
}

}  // namespace nubecita::ec2
