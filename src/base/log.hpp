// One line per event on standard error: time, level, room, text. Any thread.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

namespace nubecita {

enum class LogLevel { debug, info, warning, error };
/// Lines below `level` are dropped. Default info.
void set_log_level(LogLevel level);
bool log_enabled(LogLevel level);
void log_line(LogLevel level, std::string_view room, std::string_view text);

template <class... A>
void log_debug(std::string_view room, fmt::format_string<A...> f, A&&... a) {
  if (log_enabled(LogLevel::debug)) log_line(LogLevel::debug, room, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void log_info(std::string_view room, fmt::format_string<A...> f, A&&... a) {
  if (log_enabled(LogLevel::info)) log_line(LogLevel::info, room, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void log_warning(std::string_view room, fmt::format_string<A...> f, A&&... a) {
  if (log_enabled(LogLevel::warning))
    log_line(LogLevel::warning, room, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void log_error(std::string_view room, fmt::format_string<A...> f, A&&... a) {
  log_line(LogLevel::error, room, fmt::format(f, std::forward<A>(a)...));
}

}  // namespace nubecita
