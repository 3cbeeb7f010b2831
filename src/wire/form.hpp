// The bodies of the query protocols: "Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1", decoded and sorted so
// that what belongs to one member stands together. Any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/arena.hpp"
#include "base/result.hpp"

namespace nubecita::wire {

struct FormPair {
  std::string_view key, value;
  uint32_t order = 0;  // in the body
};
using Form = std::span<const FormPair>;

/// Decodes `text` ("+" is a space) into the arena where it has escapes, and aliases it elsewhere. False for a
/// broken escape.
bool percent_decode(std::string_view text, bool plus_is_space, Arena& arena, std::string_view& out);

/// All pairs of a form, sorted by key with '.' before every other character. Errors (code
/// MalformedQueryString): broken escapes, keys deeper than 40 levels, text that is not UTF-8 or has control
/// characters.
Result<std::vector<FormPair>> parse_form(std::string_view body, Arena& arena);

/// The part of `form` whose keys share the segment of the first key that begins at `prefix` (bytes).
Form same_segment(Form form, size_t prefix, std::string_view& segment);

}  // namespace nubecita::wire
