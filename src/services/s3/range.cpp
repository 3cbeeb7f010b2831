#include "services/s3/range.hpp"

#include <algorithm>
#include <charconv>

namespace nubecita::s3 {
namespace {
bool number(std::string_view text, int64_t& out) {
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc() && end == text.data() + text.size() && out >= 0;
}
}  // namespace

std::optional<Range> parse_range(std::string_view header, int64_t size) {
  if (!header.starts_with("bytes=")) return {};
  header.remove_prefix(6);
  const auto dash = header.find('-');
  if (dash == std::string_view::npos || header.find(',') != std::string_view::npos) return {};
  const auto from = header.substr(0, dash), to = header.substr(dash + 1);
  Range r;
  if (from.empty()) {
    int64_t n = 0;
    if (!number(to, n)) return {};
    r.satisfiable = n > 0 && size > 0;
    r.first = std::max<int64_t>(0, size - n);
    r.last = size - 1;
    return r;
  }
  if (!number(from, r.first)) return {};
  r.last = size - 1;
  if (!to.empty()) {
    int64_t last = 0;
    if (!number(to, last) || last < r.first) return {};
    r.last = std::min(last, size - 1);
  }
  r.satisfiable = r.first < size;
  return r;
}

}  // namespace nubecita::s3
