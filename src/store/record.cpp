#include "store/record.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/ids.hpp"

namespace nubecita::store {
namespace {

constexpr std::string_view kBytesMark{"\0b64:", 5};

/// The length of the well-formed UTF-8 sequence at the front of `s`, 0 if there is none (RFC 3629, table 3-7
/// of Unicode).
size_t utf8_sequence(std::string_view s) {
  auto at = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  auto tail = [&](size_t i, int low = 0x80, int high = 0xbf) {
    return i < s.size() && at(i) >= low && at(i) <= high;
  };
  const int c = at(0);
  if (c < 0x80) return 1;
  if (c >= 0xc2 && c <= 0xdf) return tail(1) ? 2 : 0;
  if (c >= 0xe0 && c <= 0xef)
    return tail(1, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf) && tail(2) ? 3 : 0;
  if (c >= 0xf0 && c <= 0xf4)
    return tail(1, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

bool is_utf8(std::string_view s) {
  while (!s.empty()) {
    size_t n = utf8_sequence(s);
    if (!n) return false;
    s.remove_prefix(n);
  }
  return true;
}

void append_escaped(std::string& out, std::string_view s) {
  static constexpr char hex[] = "0123456789abcdef";
  size_t plain = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    const auto c = static_cast<unsigned char>(s[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(s, plain, i - plain);
    plain = i + 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else {
      out.append("\\u00");
      out += hex[c >> 4];
      out += hex[c & 15];
    }
  }
  out.append(s, plain);
}

void append_string(std::string& out, std::string_view s) {
  out += '"';
  if (s.starts_with('\0') || !is_utf8(s)) {
    append_escaped(out, kBytesMark);
    out += base64(s);
  } else {
    append_escaped(out, s);
  }
  out += '"';
}

std::string decoded(std::string_view text) {
  if (!text.starts_with('\0')) return std::string(text);
  std::string out;
  if (!text.starts_with(kBytesMark) || !base64_decode(text.substr(kBytesMark.size()), out))
    throw CorruptRecord("a record's string begins with U+0000 and is not base64");
  return out;
}

const boost::json::value& as_value(const void* node) { return *static_cast<const boost::json::value*>(node); }

[[noreturn]] void wrong(const char* expected, const boost::json::value& v) {
  throw CorruptRecord(std::string("a record's member is ") + boost::json::to_string(v.kind()).data() +
                      " and should be " + expected);
}

}  // namespace

struct FieldWriter::State {
  std::string out;
  std::string behind;  // all Bytes
  bool first = true;   // nothing stands yet in the innermost object or array

  void separate() {
    if (!first) out += ',';
    first = false;
  }
  // A value that follows a key needs no comma; one that is an array's element does.
  bool after_key = false;
  void before_value() {
    if (after_key)
      after_key = false;
    else
      separate();
  }
};

FieldWriter::FieldWriter() : state_(std::make_unique<State>()) { state_->out.reserve(256); }
FieldWriter::~FieldWriter() = default;
std::string FieldWriter::take() {
  auto& s = *state_;
  if (!s.behind.empty()) s.out.append(1, '\0').append(s.behind);
  return std::move(s.out);
}

void FieldWriter::begin_object() {
  state_->before_value();
  state_->out += '{';
  state_->first = true;
}
void FieldWriter::end_object() {
  state_->out += '}';
  state_->first = false;
}
void FieldWriter::begin_array() {
  state_->before_value();
  state_->out += '[';
  state_->first = true;
}
void FieldWriter::end_array() {
  state_->out += ']';
  state_->first = false;
}
void FieldWriter::key(std::string_view name) {
  state_->separate();
  append_string(state_->out, name);
  state_->out += ':';
  state_->after_key = true;
}
void FieldWriter::value(const std::string& s) {
  state_->before_value();
  append_string(state_->out, s);
}
void FieldWriter::value(const Bytes& b) {
  begin_array();
  value(static_cast<int64_t>(state_->behind.size()));
  value(static_cast<int64_t>(b.value.size()));
  end_array();
  state_->behind += b.value;
}
void FieldWriter::value(int64_t v) {
  state_->before_value();
  char digits[24];
  state_->out.append(digits, std::to_chars(digits, digits + sizeof digits, v).ptr);
}
void FieldWriter::value(double v) {
  if (!std::isfinite(v)) throw std::invalid_argument("a record's number must be finite");
  state_->before_value();
  char digits[32];
  // Shortest that reads back the same, and as a string: the JSON library's own number reader may miss by one
  // bit.
  append_string(state_->out, {digits, std::to_chars(digits, digits + sizeof digits, v).ptr});
}
void FieldWriter::value(bool v) {
  state_->before_value();
  state_->out += v ? "true" : "false";
}

struct FieldReader::State {
  unsigned char space[4096];  // most records fit: one allocation less
  boost::json::monotonic_resource memory{space, sizeof space};
  std::optional<boost::json::value> root;
  std::string_view behind;
  const boost::json::object* here = nullptr;
};

FieldReader::FieldReader(std::string_view bytes) : state_(std::make_unique_for_overwrite<State>()) {
  boost::system::error_code error;
  boost::json::parse_options options;
  options.max_depth = 64;
  const auto json = record_json(bytes);
  if (json.size() < bytes.size()) state_->behind = bytes.substr(json.size() + 1);
  auto root = boost::json::parse({json.data(), json.size()}, error, &state_->memory, options);
  if (error) throw CorruptRecord("a record is not JSON: " + error.message());
  if (!root.is_object()) wrong("an object", root);
  state_->root.emplace(std::move(root));  // moves within `memory`; an assignment would copy
  state_->here = &state_->root->get_object();
}
FieldReader::~FieldReader() = default;

const void* FieldReader::find(std::string_view name) const {
  return state_->here->if_contains({name.data(), name.size()});
}

void FieldReader::read(const void* node, std::string& v) {
  auto* s = as_value(node).if_string();
  if (!s) wrong("a string", as_value(node));
  v = decoded({s->data(), s->size()});
}
void FieldReader::read(const void* node, Bytes& v) {
  uint64_t at[2] = {};
  if (array_size(node) != 2) wrong("[offset, size]", as_value(node));
  for (size_t i = 0; i < 2; ++i) {
    int64_t n = 0;
    read(array_at(node, i), n);
    at[i] = static_cast<uint64_t>(n);
  }
  const auto all = state_->behind;
  if (at[0] > all.size() || at[1] > all.size() - at[0])
    throw CorruptRecord("a record's bytes end before their end");
  v.value = all.substr(at[0], at[1]);
}
void FieldReader::read(const void* node, int64_t& v) {
  auto* i = as_value(node).if_int64();
  if (!i) wrong("a whole number of 64 bits", as_value(node));
  v = *i;
}
void FieldReader::read(const void* node, int& v) {
  int64_t wide = 0;
  read(node, wide);
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max())
    throw CorruptRecord("a record's whole number has more than 32 bits");
  v = static_cast<int>(wide);
}
void FieldReader::read(const void* node, double& v) {
  auto& value = as_value(node);
  if (auto* s = value.if_string()) {
    auto [end, error] = std::from_chars(s->data(), s->data() + s->size(), v);
    if (error != std::errc() || end != s->data() + s->size() || !std::isfinite(v)) wrong("a number", value);
  } else if (auto* d = value.if_double())
    v = *d;
  else if (auto* i = value.if_int64())
    v = static_cast<double>(*i);
  else if (auto* u = value.if_uint64())
    v = static_cast<double>(*u);
  else
    wrong("a number", value);
}
void FieldReader::read(const void* node, bool& v) {
  auto* b = as_value(node).if_bool();
  if (!b) wrong("true or false", as_value(node));
  v = *b;
}

size_t FieldReader::array_size(const void* node) {
  auto* a = as_value(node).if_array();
  if (!a) wrong("an array", as_value(node));
  return a->size();
}
const void* FieldReader::array_at(const void* node, size_t i) { return &as_value(node).get_array()[i]; }
size_t FieldReader::object_size(const void* node) {
  auto* o = as_value(node).if_object();
  if (!o) wrong("an object", as_value(node));
  return o->size();
}
const void* FieldReader::object_at(const void* node, size_t i, std::string& key) {
  auto& member = *(as_value(node).get_object().begin() + static_cast<std::ptrdiff_t>(i));
  key = decoded({member.key().data(), member.key().size()});
  return &member.value();
}
const void* FieldReader::enter(const void* node) {
  auto* o = as_value(node).if_object();
  if (!o) wrong("an object", as_value(node));
  const void* outer = state_->here;
  state_->here = o;
  return outer;
}
void FieldReader::leave(const void* outer) { state_->here = static_cast<const boost::json::object*>(outer); }

}  // namespace nubecita::store
