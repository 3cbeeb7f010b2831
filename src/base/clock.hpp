// The one source of time. Tests set it by hand. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nubecita {

/// Milliseconds since 1970-01-01T00:00:00Z.
int64_t now_ms();
/// For tests: now_ms() answers `ms` until called again with -1.
void set_test_clock(int64_t ms);

/// "2026-11-22T17:48:38Z" (or with ".123" milliseconds).
std::string iso8601(int64_t ms, bool milliseconds = false);
/// "Sun, 22 Nov 2026 17:48:38 GMT" (RFC 7231 IMF-fixdate).
std::string http_date(int64_t ms);
/// Accepts ISO 8601 with or without fraction and offset, "YYYYMMDDTHHMMSSZ", and IMF-fixdate; nothing
/// otherwise.
std::optional<int64_t> parse_time(std::string_view text);

}  // namespace nubecita
