#include "wire/access.hpp"

#include <charconv>
#include <cmath>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace nubecita::wire {

void* set_member(const Member& m, void* slot, Arena& arena) {
  switch (m.shape->kind) {
    case Kind::structure:
      return as<void*>(slot) = arena.allocate(m.shape->size);
    case Kind::boolean:
      as<Opt<bool>>(slot).set = true;
      break;
    case Kind::integer:
      as<Opt<int32_t>>(slot).set = true;
      break;
    case Kind::long_:
      as<Opt<int64_t>>(slot).set = true;
      break;
    case Kind::double_:
      as<Opt<double>>(slot).set = true;
      break;
    case Kind::timestamp:
      as<Opt<Timestamp>>(slot).set = true;
      break;
    default:
      break;  // texts and lists know by their own
  }
  return slot;
}

void set_list(const Shape& shape, void* list, size_t n, Arena& arena) {
  auto& l = as<AnyList>(list);
  l.data_ = n ? static_cast<std::byte*>(arena.allocate(n * stride(shape))) : nullptr;
  l.size_ = static_cast<uint32_t>(n);
  l.set = true;
}

namespace {
template <class T>
bool number(std::string_view text, T& v) {
  if (text.starts_with('+')) text.remove_prefix(1);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool boolean(std::string_view text, bool& v) {
  // EC2 and the query services take any case; "1" and "0" come from hand-written clients.
  if (text == "true" || text == "True" || text == "TRUE" || text == "1") return v = true;
  v = false;
  return text == "false" || text == "False" || text == "FALSE" || text == "0";
}

bool timestamp(std::string_view text, int64_t& ms) {
  if (auto t = parse_time(text)) {
    ms = *t;
    return true;
  }
  double seconds = 0;
  if (!number(text, seconds) || !std::isfinite(seconds) || std::abs(seconds) > 1e12) return false;
  ms = std::llround(seconds * 1000);
  return true;
}
}  // namespace

bool parse_scalar(const Shape& shape, std::string_view text, Arena& arena, void* value) {
  switch (shape.kind) {
    case Kind::string:
    case Kind::document:
      as<Text>(value) = Text::view(text);
      return true;
    case Kind::blob: {
      std::string bytes;
      if (!base64_decode(text, bytes)) return false;
      as<Text>(value) = Text::view(arena.copy(bytes));
      return true;
    }
    case Kind::boolean:
      return boolean(text, as<bool>(value));
    case Kind::integer:
      return number(text, as<int32_t>(value));
    case Kind::long_:
      return number(text, as<int64_t>(value));
    case Kind::double_:
      return number(text, as<double>(value));
    case Kind::timestamp:
      return timestamp(text, as<Timestamp>(value).ms);
    default:
      return false;
  }
}

void append_number(std::string& out, double v) {
  if (std::isnan(v)) {
    out += "NaN";
    return;
  }
  if (std::isinf(v)) {
    out += v > 0 ? "Infinity" : "-Infinity";
    return;
  }
  char buffer[32];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
  out.append(buffer, end);
}

void append_timestamp(std::string& out, TimeFormat time, int64_t ms) {
  switch (time) {
    case TimeFormat::http_date:
      out += http_date(ms);
      return;
    case TimeFormat::epoch: {
      // Written from the integer: a double would show 1700000000.123 as ...12299.
      uint64_t size = ms < 0 ? 0 - static_cast<uint64_t>(ms) : static_cast<uint64_t>(ms);
      if (ms < 0) out += '-';
      out += std::to_string(size / 1000);
      if (auto rest = size % 1000) {
        out += '.';
        out += std::to_string(1000 + rest).substr(1);
      }
      return;
    }
    default:
      out += iso8601(ms, ms % 1000 != 0);
      return;
  }
}

void append_scalar(std::string& out, const Shape& shape, TimeFormat time, TimeFormat otherwise,
                   const void* value) {
  switch (shape.kind) {
    case Kind::string:
    case Kind::document:
      out += as<Text>(value).sv();
      return;
    case Kind::blob:
      out += base64(as<Text>(value).sv());
      return;
    case Kind::boolean:
      out += as<bool>(value) ? "true" : "false";
      return;
    case Kind::integer:
      out += std::to_string(as<int32_t>(value));
      return;
    case Kind::long_:
      out += std::to_string(as<int64_t>(value));
      return;
    case Kind::double_:
      append_number(out, as<double>(value));
      return;
    case Kind::timestamp:
      append_timestamp(out, time != TimeFormat::as_protocol ? time : otherwise, as<Timestamp>(value).ms);
      return;
    default:
      return;
  }
}

bool is_plain_text(std::string_view s) {
  for (size_t i = 0; i < s.size();) {
    auto c = static_cast<unsigned char>(s[i]);
    if (c < 0x80) {
      if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') return false;
      ++i;
      continue;
    }
    const size_t more = c >= 0xf0 && c <= 0xf4  ? 3
                        : c >= 0xe0 && c < 0xf0 ? 2
                        : c >= 0xc2 && c < 0xe0 ? 1
                                                : 0;
    if (!more || s.size() - i <= more) return false;
    uint32_t point = c & (0x3f >> more);
    for (size_t k = 1; k <= more; ++k) {
      auto next = static_cast<unsigned char>(s[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3f);
    }
    // Overlong forms, surrogates and what is beyond Unicode.
    if ((more == 2 && (point < 0x800 || (point >= 0xd800 && point < 0xe000))) ||
        (more == 3 && (point < 0x10000 || point > 0x10ffff)) || point == 0xfffe || point == 0xffff)
      return false;
    i += more + 1;
  }
  return true;
}

}  // namespace nubecita::wire
