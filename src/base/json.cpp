#include "base/json.hpp"

#include <boost/json/parse_options.hpp>
#include <boost/json/stream_parser.hpp>

namespace nubecita::json {

Result<value> parse(std::string_view text, size_t max_depth) {
  boost::json::parse_options options;
  options.max_depth = max_depth;
  boost::json::stream_parser parser({}, options);
  boost::system::error_code error;
  auto used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size()) {
    if (text.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
      error = boost::json::error::extra_data;
  }
  if (!error) parser.finish(error);
  if (error) return fail("MalformedInput", "JSON: " + error.message() + " at byte " + std::to_string(used));
  return parser.release();
}

std::string text_or(const object& o, std::string_view name, std::string_view otherwise) {
  auto* v = o.if_contains(name);
  auto* s = v ? v->if_string() : nullptr;
  return s ? std::string(s->data(), s->size()) : std::string(otherwise);
}
int64_t int_or(const object& o, std::string_view name, int64_t otherwise) {
  auto* v = o.if_contains(name);
  if (!v) return otherwise;
  if (auto* i = v->if_int64()) return *i;
  if (auto* u = v->if_uint64()) return static_cast<int64_t>(*u);
  if (auto* d = v->if_double()) return static_cast<int64_t>(*d);
  return otherwise;
}
bool bool_or(const object& o, std::string_view name, bool otherwise) {
  auto* v = o.if_contains(name);
  auto* b = v ? v->if_bool() : nullptr;
  return b ? *b : otherwise;
}
const object* object_at(const object& o, std::string_view name) {
  auto* v = o.if_contains(name);
  return v ? v->if_object() : nullptr;
}
const array* array_at(const object& o, std::string_view name) {
  auto* v = o.if_contains(name);
  return v ? v->if_array() : nullptr;
}

}  // namespace nubecita::json
