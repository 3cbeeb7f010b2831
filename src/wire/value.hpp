// The member types of the structs that the model compiler emits. All are plain: zeroed memory is "absent",
// there are no destructors, and text and lists point into the request's arena (base/arena.hpp). Any thread,
// as plain data.
//
//   string, blob, document -> Text        integer, long, boolean, double, timestamp -> Opt<...>
//   list -> List<T>, map -> Map<V>        structure -> T* (null: absent)
#pragma once

#include <cstdint>
#include <string_view>

namespace nubecita::wire {

/// Text or bytes; absent is not the same as empty. Built from literals and from Arena copies (Call::text),
/// never implicitly from a std::string that may die before the answer is encoded.
struct Text {
  const char* data_ = nullptr;
  uint32_t size_ = 0;

  constexpr Text() = default;
  template <size_t N>
  constexpr Text(const char (&literal)[N]) : data_(literal), size_(N - 1) {}  // NOLINT: meant to be implicit
  static constexpr Text view(std::string_view s) {
    Text t;
    t.data_ = s.data() ? s.data() : "";
    t.size_ = static_cast<uint32_t>(s.size());
    return t;
  }
  constexpr bool has() const { return data_ != nullptr; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr size_t size() const { return size_; }
  constexpr std::string_view sv() const { return {data_ ? data_ : "", size_}; }
  constexpr operator std::string_view() const { return sv(); }  // NOLINT
  constexpr std::string_view value_or(std::string_view other) const { return has() ? sv() : other; }
  friend constexpr bool operator==(Text a, std::string_view b) { return a.sv() == b; }
};

template <class T>
struct Opt {
  T value{};
  bool set = false;

  constexpr Opt() = default;
  constexpr Opt(T v) : value(v), set(true) {}  // NOLINT
  constexpr bool has() const { return set; }
  constexpr T operator*() const { return value; }
  constexpr T value_or(T other) const { return set ? value : other; }
};

/// Milliseconds since the epoch; each protocol writes it in its own format.
struct Timestamp {
  int64_t ms = 0;
};

template <class T>
struct List {
  T* data_ = nullptr;
  uint32_t size_ = 0;
  bool set = false;

  constexpr bool has() const { return set; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr size_t size() const { return size_; }
  constexpr T* begin() const { return data_; }
  constexpr T* end() const { return data_ + size_; }
  constexpr T& operator[](size_t i) const { return data_[i]; }
};

template <class V>
struct Entry {
  Text key;
  V value{};
};
template <class V>
using Map = List<Entry<V>>;

}  // namespace nubecita::wire
