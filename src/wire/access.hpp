// Untyped access to the generated structs through their descriptors: what every decoder, encoder and check
// needs. Inside the wire room only. Plain functions, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/arena.hpp"
#include "wire/shape.hpp"

namespace nubecita::wire {

using AnyList = List<std::byte>;  // every List<T> and Map<V> has this layout

template <class T>
const T& as(const void* p) {
  return *static_cast<const T*>(p);
}
template <class T>
T& as(void* p) {
  return *static_cast<T*>(p);
}

inline const void* slot(const Member& m, const void* structure) {
  return static_cast<const std::byte*>(structure) + m.offset;
}
inline void* slot(const Member& m, void* structure) { return static_cast<std::byte*>(structure) + m.offset; }

/// Is the member that lives at `slot` set?
inline bool present(const Member& m, const void* slot) {
  switch (m.shape->kind) {
    case Kind::structure:
      return as<const void*>(slot) != nullptr;
    case Kind::list:
    case Kind::map:
      return as<AnyList>(slot).set;
    case Kind::string:
    case Kind::blob:
    case Kind::document:
      return as<Text>(slot).has();
    case Kind::boolean:
      return as<Opt<bool>>(slot).set;
    case Kind::integer:
      return as<Opt<int32_t>>(slot).set;
    case Kind::long_:
      return as<Opt<int64_t>>(slot).set;
    case Kind::double_:
      return as<Opt<double>>(slot).set;
    case Kind::timestamp:
      return as<Opt<Timestamp>>(slot).set;
  }
  return false;
}

/// Where the value of a set member is: a value that could as well be an element of a list.
inline const void* value_of(const Member& m, const void* slot) {
  return m.shape->kind == Kind::structure ? as<const void*>(slot) : slot;
}
/// Marks the member as set (making the structure if it is one) and answers where its value goes.
void* set_member(const Member& m, void* slot, Arena& arena);

/// Gives a list or map `n` zeroed elements and marks it as set.
void set_list(const Shape& shape, void* list, size_t n, Arena& arena);
/// Bytes from one element of a list or map to the next.
inline size_t stride(const Shape& shape) {
  return shape.kind == Kind::map ? (shape.value_offset + shape.element->size + 7) / 8 * 8
                                 : shape.element->size;
}
inline const std::byte* element(const Shape& shape, const void* list, size_t i) {
  return as<AnyList>(list).data_ + i * stride(shape);
}
inline std::byte* element(const Shape& shape, void* list, size_t i) {
  return as<AnyList>(list).data_ + i * stride(shape);
}

inline bool is_text(Kind k) { return k == Kind::string || k == Kind::blob || k == Kind::document; }

/// Reads a scalar (or base64 of a blob) from text, as the XML and query protocols, headers and URIs carry it.
/// `text` must live in the arena or longer. False if it is not a value of that kind.
bool parse_scalar(const Shape& shape, std::string_view text, Arena& arena, void* value);
/// Appends a scalar as text; a timestamp in `time`, or in `otherwise` if that is as_protocol.
void append_scalar(std::string& out, const Shape& shape, TimeFormat time, TimeFormat otherwise,
                   const void* value);
void append_timestamp(std::string& out, TimeFormat time, int64_t ms);
void append_number(std::string& out, double v);

inline TimeFormat time_format(const Member& m) {
  return m.time != TimeFormat::as_protocol ? m.time : m.shape->time;
}

/// Well-formed UTF-8 without characters that XML 1.0 cannot carry (controls other than tab and line ends).
bool is_plain_text(std::string_view text);

}  // namespace nubecita::wire
