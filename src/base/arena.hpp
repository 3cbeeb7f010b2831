// Memory that lives as long as one request. Nothing in it has a destructor. One owner, one thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>
#include <vector>

namespace nubecita {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Zeroed memory, aligned for any type.
  void* allocate(size_t bytes) {
    bytes = (bytes + 15) & ~size_t{15};
    if (left_ < bytes) grow(bytes);
    void* p = at_;
    at_ += bytes;
    left_ -= bytes;
    std::memset(p, 0, bytes);
    return p;
  }
  template <class T>
  T* make() {
    static_assert(std::is_trivially_destructible_v<T>);
    return ::new (allocate(sizeof(T))) T();
  }
  template <class T>
  T* make_array(size_t n) {
    static_assert(std::is_trivially_destructible_v<T>);
    T* first = static_cast<T*>(allocate(sizeof(T) * n));
    for (size_t i = 0; i < n; ++i) ::new (static_cast<void*>(first + i)) T();
    return first;
  }
  std::string_view copy(std::string_view s) {
    if (s.empty()) return "";
    char* p = static_cast<char*>(allocate(s.size()));
    std::memcpy(p, s.data(), s.size());
    return {p, s.size()};
  }

 private:
  void grow(size_t bytes) {
    size_t size = std::max(bytes, next_);
    next_ = std::min(next_ * 2, size_t{1} << 20);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    at_ = blocks_.back().get();
    left_ = size;
  }
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* at_ = nullptr;
  size_t left_ = 0;
  size_t next_ = 4096;
};

}  // namespace nubecita
