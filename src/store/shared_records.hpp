// Decoded records that many transactions read and few change (a bucket, a queue, a user), so that each is
// read from the database and decoded once.
//
// Never behind and never ahead. An entry holds for every snapshot from the one on that it was read in: before
// a write of its key can be seen, the commit thread takes the entry away and notes the write's sequence, and
// what an older snapshot shows is not kept any more. (Keys share notes by their hash: at worst something is
// not kept that could be.) Any thread.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <typeinfo>
#include <unordered_map>

#include "store/recent_writes.hpp"

namespace nubecita::store {

class SharedRecords {
 public:
  using Value = std::shared_ptr<const void>;

  /// Null: not here for this snapshot, or of another type.
  Value find(std::string_view key, const std::type_info& type, Sequence snapshot) const;
  /// What was read in `snapshot`, for others; unless the key may have been written since.
  void keep(std::string_view key, const std::type_info& type, Sequence snapshot, Value value);
  /// Before keys are written: `at` is at least the sequence of the last of them.
  template <class Keys>
  void forget(const Keys& keys, Sequence at) {
    std::unique_lock lock(mutex_);
    for (const std::string& key : keys) {
      written_[slot(key)] = at;
      if (auto it = entries_.find(key); it != entries_.end()) entries_.erase(it);
    }
  }
  /// All, when the database was opened again and sequences may have gone back.
  void clear();

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  struct Entry {
    const std::type_info* type;
    Sequence from;
    Value value;
  };
  static constexpr size_t kMost = 1024;  // full: it starts anew
  static constexpr size_t kSlots = 1024;
  static size_t slot(std::string_view key) { return Hash{}(key) % kSlots; }

  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> entries_;
  std::array<Sequence, kSlots> written_{};
};

}  // namespace nubecita::store
