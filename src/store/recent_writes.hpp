// Which keys were written lately, and at what sequence: what optimistic validation asks.
//
// Owned by the store and used by its commit thread only. Holds no more than the writes since the oldest live
// transaction began reading, and at most `kMost` of them: a transaction that reads for longer than that meets
// a conflict.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace nubecita::store {

using Sequence = uint64_t;

/// Keys that a transaction has looked at: all k with from <= k < to. An empty `to` has no end.
struct KeyRange {
  std::string from, to;
  bool has(std::string_view key) const { return key >= from && (to.empty() || key < to); }
};
/// The smallest text above every text that begins with `prefix`; empty: there is none.
std::string end_of_prefix(std::string_view prefix);

class RecentWrites {
 public:
  static constexpr size_t kMost = 1'000'000;

  void add(std::string_view key, Sequence at);
  /// Forgets writes that every live transaction can see (those at or before `seen_by_all`).
  void prune(Sequence seen_by_all);

  /// Whether a transaction that read at `snapshot` has missed a write. Of a range: looks at every write
  /// since.
  bool changed_since(std::string_view key, Sequence snapshot) const;
  bool changed_since(const KeyRange& range, Sequence snapshot) const;
  size_t size() const { return last_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  void forget_oldest();
  std::unordered_map<std::string, Sequence, Hash, std::equal_to<>> last_;  // key -> its last write
  // Every write in order. An entry of last_ goes with the entry here that has its sequence, which is the last
  // one that points to its key, so these pointers are always good.
  std::deque<std::pair<Sequence, const std::string*>> order_;
  Sequence forgotten_ = 0;  // no answers can be given to transactions older than this
};

}  // namespace nubecita::store
