// The Range header. Pure function. RFC 7233; S3 serves one range, and ignores what it does not understand.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nubecita::s3 {

struct Range {
  int64_t first = 0, last = 0;  // of the bytes that are there, both included
  bool satisfiable = true;
};
/// Nothing: the whole is meant.
std::optional<Range> parse_range(std::string_view header, int64_t size);

}  // namespace nubecita::s3
