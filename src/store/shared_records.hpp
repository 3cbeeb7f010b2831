// What many transactions read and few change (a bucket, a queue, a user, an object that is asked for again
// and again), so that each is read from the database and decoded once. What is asked for a second time is
// kept, at most kMost bytes of it.
//
// Never behind and never ahead. An entry holds for every snapshot from the one on that it was read in: before
// a write of its key can be seen, the commit thread takes the entry away and notes the write's sequence, and
// what an older snapshot shows is not kept any more. (Keys share notes by their hash: at worst something is
// not kept that could be.) Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
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
  static constexpr size_t kMost = 16u << 20;
  using Value = std::shared_ptr<const void>;

  /// Null: not here for this snapshot, or of another type.
  Value find(std::string_view key, const std::type_info& type, Sequence snapshot);
  /// What was read in `snapshot`, for others; unless the key may have been written since. `bytes`: its size
  /// in the database, by which its size in memory is guessed.
  void keep(std::string_view key, const std::type_info& type, Sequence snapshot, Value value, size_t bytes);
  /// Before keys are written: `at` is at least the sequence of the last of them.
  template <class Keys>
  void forget(const Keys& keys, Sequence at) {
    std::unique_lock lock(mutex_);
    for (const std::string& key : keys) {
      written_[Hash{}(key) % kSlots] = at;
      young_.erase(key);
      old_.erase(key);
    }
  }
  /// What is kept, when nobody asks for it.
  void drop();
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
    size_t size;
    bool holds(const std::type_info& asked, Sequence snapshot) const {
      return snapshot >= from && *type == asked;
    }
  };
  using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;
  // Half of what is kept. What the young generation has no room for becomes the old one, and what was old and
  // not asked for again meanwhile goes.
  struct Generation {
    Entries entries;
    size_t size = 0;
    Entries::node_type take(std::string_view key);
    void erase(std::string_view key) { take(key); }
  };
  static constexpr size_t kSlots = 1024, kSets = 2048;
  bool seen(size_t hash);
  /// What goes for it is for the caller to end, when it has let go of the mutex.
  [[nodiscard]] Generation add(Entries::node_type entry);

  std::shared_mutex mutex_;
  Generation young_, old_;
  std::array<Sequence, kSlots> written_{};
  // Keys that were asked for, by their hashes: the last four of each set.
  std::array<std::array<std::atomic<uint32_t>, 4>, kSets> seen_{};
  std::atomic<uint32_t> turn_ = 0;
};

}  // namespace nubecita::store
