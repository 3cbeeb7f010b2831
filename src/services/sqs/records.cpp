#include "services/sqs/records.hpp"

#include <charconv>

namespace nubecita::sqs {
namespace {

void write_hex(char* at, uint64_t v, size_t digits) {
  for (; digits > 0; v >>= 4) at[--digits] = "0123456789abcdef"[v & 15];
}

template <class T>
bool take(std::string_view& text, T& v, int base = 10) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v, base);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

}  // namespace

std::string Place::text() const {
  std::string out(28, '0');
  write_hex(out.data(), static_cast<uint64_t>(time), 12);
  write_hex(out.data() + 12, number, 16);
  return out;
}

std::optional<Place> Place::parse(std::string_view text) {
  if (text.size() != 28) return {};
  uint64_t time = 0, number = 0;
  auto high = text.substr(0, 12), low = text.substr(12);
  if (!take(high, time, 16) || !take(low, number, 16) || !high.empty() || !low.empty()) return {};
  return Place{static_cast<int64_t>(time), number};
}

std::string Flight::text() const {
  return std::to_string(visible) + " " + std::to_string(first) + " " + std::to_string(receives) + " " +
         std::to_string(ticket);
}

std::optional<Flight> Flight::parse(std::string_view text) {
  Flight f;
  auto blank = [&] {
    if (text.empty() || text[0] != ' ') return false;
    text.remove_prefix(1);
    return true;
  };
  if (!take(text, f.visible) || !blank() || !take(text, f.first) || !blank() || !take(text, f.receives) ||
      !blank() || !take(text, f.ticket) || !text.empty())
    return {};
  return f;
}

}  // namespace nubecita::sqs
