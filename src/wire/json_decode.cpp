// Bodies of the JSON protocols. The text is parsed once into a tree that lives in the request's arena; the
// structs' texts point into it.
#include <boost/json/memory_resource.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/stream_parser.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <limits>
#include <utility>

#include "base/clock.hpp"
#include "wire/access.hpp"
#include "wire/codecs.hpp"

namespace nubecita::wire {
namespace {

namespace bj = boost::json;

constexpr size_t kDeepest = 64;

struct ArenaResource final : bj::memory_resource {
  explicit ArenaResource(Arena& a) : arena(a) {}
  void* do_allocate(size_t n, size_t) override { return arena.allocate(n); }
  void do_deallocate(void*, size_t, size_t) override {}
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
  Arena& arena;
};

std::string_view token_name(const bj::value& v) {
  switch (v.kind()) {
    case bj::kind::null:
      return "NULL_VALUE";
    case bj::kind::bool_:
      return v.get_bool() ? "TRUE_VALUE" : "FALSE_VALUE";
    case bj::kind::int64:
    case bj::kind::uint64:
      return "NUMBER_VALUE";
    case bj::kind::double_:
      return "DECIMAL_VALUE";
    case bj::kind::string:
      return "STRING_VALUE";
    case bj::kind::array:
      return "START_ARRAY";
    case bj::kind::object:
      return "START_OBJECT";
  }
  return "";
}

std::string_view type_name(Kind kind) {
  switch (kind) {
    case Kind::structure:
      return "Structure";
    case Kind::list:
      return "List";
    case Kind::map:
      return "Map";
    case Kind::string:
      return "String";
    case Kind::blob:
      return "Blob";
    case Kind::boolean:
      return "Boolean";
    case Kind::integer:
      return "Integer";
    case Kind::long_:
      return "Long";
    case Kind::double_:
      return "Double";
    default:
      return "Timestamp";
  }
}

class JsonDecoder {
 public:
  JsonDecoder(Arena& arena, Members top) : arena_(arena), members_(top) {}

  Status structure(const Shape& shape, const bj::object& from, void* out) {
    const Members members = std::exchange(members_, Members::all);
    size_t expected = 0;  // clients mostly send members in the model's order
    for (const auto& pair : from) {
      if (pair.value().is_null()) continue;
      const Member* m = find(shape, members, pair.key(), expected);
      if (!m) continue;  // AWS's JSON services ignore what they do not know
      at_ = m;
      TRY(value(*m->shape, pair.value(), set_member(*m, slot(*m, out), arena_)));
    }
    return {};
  }

  Status value(const Shape& shape, const bj::value& from, void* out) {
    switch (shape.kind) {
      case Kind::structure:
        if (!from.is_object()) return wrong(shape, from);
        return structure(shape, from.get_object(), out);
      case Kind::list: {
        if (!from.is_array()) return wrong(shape, from);
        const auto& array = from.get_array();
        set_list(shape, out, array.size(), arena_);
        for (size_t i = 0; i < array.size(); ++i) {
          if (array[i].is_null()) return wrong(*shape.element, array[i]);
          TRY(value(*shape.element, array[i], element(shape, out, i)));
        }
        return {};
      }
      case Kind::map: {
        if (!from.is_object()) return wrong(shape, from);
        const auto& object = from.get_object();
        set_list(shape, out, object.size(), arena_);
        size_t i = 0;
        for (const auto& pair : object) {
          if (pair.value().is_null()) return wrong(*shape.element, pair.value());
          std::byte* entry = element(shape, out, i++);
          as<Text>(entry) = Text::view({pair.key().data(), pair.key().size()});
          TRY(value(*shape.element, pair.value(), entry + shape.value_offset));
        }
        return {};
      }
      case Kind::document:
        as<Text>(out) = Text::view(arena_.copy(bj::serialize(from)));
        return {};
      default:
        return scalar(shape, from, out);
    }
  }

 private:
  static const Member* find(const Shape& shape, Members members, bj::string_view name, size_t& expected) {
    const std::string_view wanted(name.data(), name.size());
    for (size_t i = 0; i < shape.members.size(); ++i) {
      const size_t k = (expected + i) % shape.members.size();
      const Member& m = shape.members[k];
      if (m.wire == wanted && (members == Members::all || m.location == Location::body)) {
        expected = k + 1;
        return &m;
      }
    }
    return nullptr;
  }

  template <class T>
  static bool whole(const bj::value& from, T& v) {
    if (auto* i = from.if_int64()) {
      v = static_cast<T>(*i);
      return *i >= std::numeric_limits<T>::min() && *i <= std::numeric_limits<T>::max();
    }
    // 3.0 is a whole number too: JavaScript clients may write it so.
    auto* d = from.if_double();
    if (!d || *d != std::trunc(*d) || std::abs(*d) >= 9.2e18) return false;
    v = static_cast<T>(static_cast<int64_t>(*d));
    return static_cast<int64_t>(*d) == static_cast<int64_t>(v);
  }

  static bool real(const bj::value& from, double& v) {
    if (auto* i = from.if_int64())
      v = static_cast<double>(*i);
    else if (auto* u = from.if_uint64())
      v = static_cast<double>(*u);
    else if (auto* d = from.if_double())
      v = *d;
    else if (from == "NaN")
      v = std::numeric_limits<double>::quiet_NaN();
    else if (from == "Infinity")
      v = std::numeric_limits<double>::infinity();
    else if (from == "-Infinity")
      v = -std::numeric_limits<double>::infinity();
    else
      return false;
    return true;
  }

  Status scalar(const Shape& shape, const bj::value& from, void* out) {
    bool good = false;
    switch (shape.kind) {
      case Kind::string:
      case Kind::blob:
        if (auto* s = from.if_string()) good = parse_scalar(shape, {s->data(), s->size()}, arena_, out);
        break;
      case Kind::boolean:
        if (auto* b = from.if_bool()) good = true, as<bool>(out) = *b;
        break;
      case Kind::integer:
        good = whole(from, as<int32_t>(out));
        break;
      case Kind::long_:
        good = whole(from, as<int64_t>(out));
        break;
      case Kind::double_:
        good = real(from, as<double>(out));
        break;
      case Kind::timestamp:
        good = timestamp(from, as<Timestamp>(out).ms);
        break;
      default:
        break;
    }
    if (!good) return wrong(shape, from);
    return {};
  }

  static bool timestamp(const bj::value& from, int64_t& ms) {
    if (auto* s = from.if_string()) {
      auto t = parse_time({s->data(), s->size()});
      if (t) ms = *t;
      return t.has_value();
    }
    double seconds = 0;
    if (!real(from, seconds) || !(std::abs(seconds) <= 1e12)) return false;
    ms = std::llround(seconds * 1000);
    return true;
  }

  std::unexpected<ApiError> wrong(const Shape& shape, const bj::value& from) const {
    std::string message(token_name(from));
    message.append(" can not be converted to ")
        .append(shape.kind == Kind::integer ? "an " : "a ")
        .append(type_name(shape.kind));
    if (at_) message.append(" (member ").append(at_->wire).append(")");
    return fail("SerializationException", std::move(message));
  }

  Arena& arena_;
  Members members_;  // of the outermost structure, until it is met
  const Member* at_ = nullptr;
};

}  // namespace

Status decode_json(const Shape& shape, std::string_view body, Members members, Arena& arena, void* out) {
  if (shape.kind == Kind::document) {  // the service reads it itself (!documents in models/*.ops)
    *static_cast<Text*>(out) = Text::view(body);
    return {};
  }
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) body = "{}";
  // The resource outlives the tree's readers only: nothing of the tree is ever destroyed, its memory is the
  // arena's.
  ArenaResource resource(arena);
  bj::parse_options options;
  options.max_depth = kDeepest;
  bj::stream_parser parser(bj::storage_ptr(), options);
  parser.reset(&resource);
  boost::system::error_code error;
  parser.write(body.data(), body.size(), error);
  if (!error) parser.finish(error);
  if (error) return fail("SerializationException", "The request body is not valid JSON: " + error.message());
  auto* root = ::new (arena.allocate(sizeof(bj::value))) bj::value(parser.release());
  JsonDecoder decoder(arena, members);
  return decoder.value(shape, *root, out);
}

}  // namespace nubecita::wire
