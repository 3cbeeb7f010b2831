#include "base/log.hpp"

#include <unistd.h>

#include <atomic>

#include "base/clock.hpp"

namespace nubecita {
namespace {
std::atomic<LogLevel> threshold{LogLevel::info};
constexpr std::string_view names[] = {"debug", "info", "warning", "error"};
}  // namespace

void set_log_level(LogLevel level) { threshold = level; }
bool log_enabled(LogLevel level) { return level >= threshold.load(std::memory_order_relaxed); }

void log_line(LogLevel level, std::string_view room, std::string_view text) {
  std::string line =
      fmt::format("{} {} {}: {}\n", iso8601(now_ms(), true), names[static_cast<int>(level)], room, text);
  // A newline inside the text would let a request forge log lines.
  for (size_t i = 0; i + 1 < line.size(); ++i)
    if (line[i] == '\n' || line[i] == '\r') line[i] = ' ';
  [[maybe_unused]] auto n = ::write(2, line.data(), line.size());
}

}  // namespace nubecita
