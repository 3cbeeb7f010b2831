#include "services/dynamodb/json_reader.hpp"

#include <cstring>

#include "base/plain_run.hpp"
#include "services/dynamodb/errors.hpp"
#include "wire/json.hpp"

namespace nubecita::dynamodb {

void JsonReader::space() {
  while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
}

namespace {
constexpr std::string_view kNotJson = "The request body is not valid JSON";
}

void JsonReader::not_json() { fail_with(std::string(kNotJson)); }

void JsonReader::fail_with(std::string message) {
  if (message == kNotJson) message += " at " + std::to_string(at_ - begin_);
  if (error_.empty()) error_ = std::move(message);
  at_ = end_;
}

Status JsonReader::failure() const {
  if (ok()) return {};
  return malformed(error_);
}

JsonReader::Kind JsonReader::peek() {
  space();
  if (at_ == end_) return Kind::nothing;
  switch (*at_) {
    case '{':
      return Kind::object;
    case '[':
      return Kind::array;
    case '"':
      return Kind::string;
    case 't':
    case 'f':
      return Kind::boolean;
    case 'n':
      return Kind::null;
    default:
      return *at_ == '-' || (*at_ >= '0' && *at_ <= '9') ? Kind::number : Kind::nothing;
  }
}

std::string_view JsonReader::token_name() {
  switch (peek()) {
    case Kind::object:
      return "Start of structure or map found where not expected.";
    case Kind::array:
      return "Start of list found where not expected";
    case Kind::string:
      return "STRING_VALUE cannot be converted to what is expected here";
    case Kind::number:
      return "NUMBER_VALUE cannot be converted to String";
    case Kind::boolean:
      return *at_ == 't' ? "TRUE_VALUE cannot be converted to String"
                         : "FALSE_VALUE cannot be converted to String";
    case Kind::null:
      return "NULL_VALUE cannot be converted to String";
    case Kind::nothing:
      return kNotJson;
  }
  return "";
}

bool JsonReader::begin_object() {
  if (!ok()) return false;
  if (peek() != Kind::object) return fail_with(std::string(token_name())), false;
  if (++depth_ > kDeepest) return fail_with("The request body is nested too deeply"), false;
  ++at_;
  first_ = true;
  return true;
}

bool JsonReader::next(char close) {
  if (!ok()) return false;
  space();
  if (at_ < end_ && *at_ == close) {
    ++at_;
    --depth_;
    first_ = false;
    return false;
  }
  if (!first_) {
    if (at_ == end_ || *at_ != ',') return not_json(), false;
    ++at_;
  }
  first_ = false;
  return true;
}

bool JsonReader::next_member(std::string_view& name) {
  if (!next('}')) return false;
  name = text();
  space();
  if (!ok() || at_ == end_ || *at_ != ':') return not_json(), false;
  ++at_;
  return true;
}

bool JsonReader::begin_array() {
  if (!ok()) return false;
  if (peek() != Kind::array) return fail_with(std::string(token_name())), false;
  if (++depth_ > kDeepest) return fail_with("The request body is nested too deeply"), false;
  ++at_;
  first_ = true;
  return true;
}

bool JsonReader::next_element() { return next(']'); }

std::string_view JsonReader::text() {
  if (!ok()) return {};
  if (peek() != Kind::string) return fail_with(std::string(token_name())), std::string_view();
  const char* start = ++at_;
  bool ascii = true;
  const auto skip = [this] {
    at_ += plain_run<Beyond::stop, '"', '\\'>({at_, static_cast<size_t>(end_ - at_)});
  };
  for (skip(); at_ < end_ && *at_ != '"'; ++at_, skip()) {
    const auto c = static_cast<unsigned char>(*at_);
    if (c == '\\') return escaped_text(start);
    if (c < 0x20) return fail_with("A control character stands in a string"), std::string_view();
    ascii &= c < 0x80;
  }
  if (at_ == end_) return fail_with("The request body ends within a string"), std::string_view();
  std::string_view out(start, static_cast<size_t>(at_ - start));
  ++at_;
  if (!ascii && !valid_utf8(out)) return fail_with("A string is not valid UTF-8"), std::string_view();
  return out;
}

bool JsonReader::hex4(uint32_t& out) {
  if (end_ - at_ < 4) return false;
  out = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = *at_;
    const int v = c >= '0' && c <= '9'   ? c - '0'
                  : c >= 'a' && c <= 'f' ? c - 'a' + 10
                  : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                         : -1;
    if (v < 0) return false;
    out = out * 16 + static_cast<uint32_t>(v);
  }
  return true;
}

namespace {
void append_utf8(char*& to, uint32_t c) {
  auto put = [&](uint32_t b) { *to++ = static_cast<char>(b); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 63));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 63));
    put(0x80 | (c & 63));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 63));
    put(0x80 | (c >> 6 & 63));
    put(0x80 | (c & 63));
  }
}
}  // namespace

std::string_view JsonReader::escaped_text(const char* start) {
  const char* close = at_;
  while (close < end_ && *close != '"') close += *close == '\\' && close + 1 < end_ ? 2 : 1;
  if (close >= end_) return fail_with("The request body ends within a string"), std::string_view();
  // What is decoded is never longer than what is written.
  char* const out = static_cast<char*>(arena_.allocate(static_cast<size_t>(close - start) + 1));
  char* to = out;
  auto bad = [&] { return fail_with("A string holds a malformed escape"), std::string_view(); };
  for (at_ = start; at_ < close;) {
    const auto c = static_cast<unsigned char>(*at_++);
    if (c < 0x20) return fail_with("A control character stands in a string"), std::string_view();
    if (c != '\\') {
      *to++ = static_cast<char>(c);
      continue;
    }
    const char e = *at_++;
    static constexpr std::string_view from = "\"\\/bfnrt", as = "\"\\/\b\f\n\r\t";
    if (const auto i = from.find(e); i != std::string_view::npos) {
      *to++ = as[i];
      continue;
    }
    uint32_t code = 0, low = 0;
    if (e != 'u' || !hex4(code)) return bad();
    if (code >= 0xd800 && code < 0xdc00) {
      if (end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') return bad();
      at_ += 2;
      if (!hex4(low) || low < 0xdc00 || low > 0xdfff) return bad();
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
      return bad();
    }
    append_utf8(to, code);
  }
  at_ = close + 1;
  std::string_view text(out, static_cast<size_t>(to - out));
  if (!valid_utf8(text)) return fail_with("A string is not valid UTF-8"), std::string_view();
  return text;
}

bool JsonReader::boolean() {
  if (!ok()) return false;
  space();
  const std::string_view rest(at_, static_cast<size_t>(end_ - at_));
  if (rest.starts_with("true")) return at_ += 4, true;
  if (rest.starts_with("false")) return at_ += 5, false;
  if (peek() == Kind::string) {
    fail_with("STRING_VALUE cannot be converted to Boolean");
  } else {
    fail_with("Unexpected value where a Boolean is expected");
  }
  return false;
}

std::string_view JsonReader::number() {
  if (!ok()) return {};
  if (peek() != Kind::number) {
    fail_with(peek() == Kind::string ? "STRING_VALUE cannot be converted to Integer"
                                     : "Unexpected value where a number is expected");
    return {};
  }
  const char* start = at_;
  if (*at_ == '-') ++at_;
  auto digits = [&] {
    const char* from = at_;
    while (at_ < end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    return at_ > from;
  };
  bool good = digits();
  if (good && at_ < end_ && *at_ == '.') {
    ++at_;
    good = digits();
  }
  if (good && at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    good = digits();
  }
  if (!good) return not_json(), std::string_view();
  return {start, static_cast<size_t>(at_ - start)};
}

std::string_view JsonReader::skip() {
  if (!ok()) return {};
  const auto kind = peek();
  const char* start = at_;
  std::string_view name;
  switch (kind) {
    case Kind::object:
      begin_object();
      while (next_member(name)) skip();
      break;
    case Kind::array:
      begin_array();
      while (next_element()) skip();
      break;
    case Kind::string:
      text();
      break;
    case Kind::number:
      number();
      break;
    case Kind::boolean:
      boolean();
      break;
    case Kind::null:
      if (end_ - at_ >= 4 && std::memcmp(at_, "null", 4) == 0)
        at_ += 4;
      else
        not_json();
      break;
    case Kind::nothing:
      not_json();
  }
  if (!ok()) return {};
  return {start, static_cast<size_t>(at_ - start)};
}

void JsonReader::finish() {
  if (!ok()) return;
  space();
  if (at_ != end_) fail_with("Something follows the request body");
}

bool valid_utf8(std::string_view s) {
  for (size_t i = 0; i < s.size();) {
    const auto c = static_cast<unsigned char>(s[i]);
    if (c < 0x80) {
      ++i;
      continue;
    }
    const size_t n = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
    if (!n || i + n > s.size()) return false;
    for (size_t k = 1; k < n; ++k)
      if ((static_cast<unsigned char>(s[i + k]) & 0xc0) != 0x80) return false;
    const auto second = static_cast<unsigned char>(s[i + 1]);
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) ||
        (c == 0xf4 && second > 0x8f))
      return false;
    i += n;
  }
  return true;
}

void append_json(std::string& out, std::string_view text) { wire::append_json_text(out, text); }

}  // namespace nubecita::dynamodb
