#include "store/shared_records.hpp"

#include <utility>

namespace nubecita::store {
namespace {
constexpr size_t kOverhead = 512;  // of an entry, and of a decoded record over its bytes
}

SharedRecords::Entries::node_type SharedRecords::Generation::take(std::string_view key) {
  auto it = entries.find(key);
  if (it == entries.end()) return {};
  size -= it->second.size;
  return entries.extract(it);
}

SharedRecords::Generation SharedRecords::add(Entries::node_type entry) {
  Generation over;
  if (young_.size + entry.mapped().size > kMost / 2) over = std::exchange(old_, std::exchange(young_, {}));
  young_.size += entry.mapped().size;
  young_.entries.insert(std::move(entry));
  return over;
}

bool SharedRecords::seen(size_t hash) {
  auto& set = seen_[hash % kSets];
  const auto mark = static_cast<uint32_t>(hash >> 32) | 1;  // never nothing
  for (auto& one : set)
    if (one.load(std::memory_order_relaxed) == mark) return true;
  set[turn_.fetch_add(1, std::memory_order_relaxed) % set.size()].store(mark, std::memory_order_relaxed);
  return false;
}

SharedRecords::Value SharedRecords::find(std::string_view key, const std::type_info& type,
                                         Sequence snapshot) {
  {
    std::shared_lock lock(mutex_);
    if (auto it = young_.entries.find(key); it != young_.entries.end())
      return it->second.holds(type, snapshot) ? it->second.value : nullptr;
    if (auto it = old_.entries.find(key); it == old_.entries.end() || !it->second.holds(type, snapshot))
      return nullptr;
  }
  Generation over;
  std::unique_lock lock(mutex_);
  auto entry = old_.take(key);
  if (!entry) return nullptr;  // another was quicker, for good or for its own generation
  auto value = entry.mapped().holds(type, snapshot) ? entry.mapped().value : nullptr;
  over = add(std::move(entry));
  return value;
}

void SharedRecords::keep(std::string_view key, const std::type_info& type, Sequence snapshot, Value value,
                         size_t bytes) {
  const auto hash = Hash{}(key);
  if (!seen(hash)) return;
  Entry entry{&type, snapshot, std::move(value), key.size() + bytes + kOverhead};
  if (entry.size > kMost / 16) return;
  Entries one;
  one.emplace(key, std::move(entry));
  Generation over;
  std::unique_lock lock(mutex_);
  if (snapshot < written_[hash % kSlots]) return;
  young_.erase(key);
  old_.erase(key);
  over = add(one.extract(one.begin()));
}

void SharedRecords::drop() {
  std::unique_lock lock(mutex_);
  const auto young = std::exchange(young_, {}), old = std::exchange(old_, {});
  lock.unlock();  // they end without it
}

void SharedRecords::clear() {
  std::unique_lock lock(mutex_);
  young_ = {};
  old_ = {};
  written_.fill(0);
}

}  // namespace nubecita::store
