#include "store/recent_writes.hpp"

#include <algorithm>

namespace nubecita::store {

std::string end_of_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

void RecentWrites::add(std::string_view key, Sequence at) {
  auto it = last_.find(key);
  if (it == last_.end()) it = last_.emplace(std::string(key), 0).first;
  if (it->second == at) return;  // twice in one group: one entry
  it->second = at;
  order_.emplace_back(at, &it->first);
  if (order_.size() > kMost) forget_oldest();
}

void RecentWrites::prune(Sequence seen_by_all) {
  while (!order_.empty() && order_.front().first <= seen_by_all) forget_oldest();
}

void RecentWrites::forget_oldest() {
  const auto [at, key] = order_.front();
  order_.pop_front();
  forgotten_ = std::max(forgotten_, at);
  if (auto it = last_.find(*key); it->second == at) last_.erase(it);
}

bool RecentWrites::changed_since(std::string_view key, Sequence snapshot) const {
  if (snapshot < forgotten_) return true;
  auto it = last_.find(key);
  return it != last_.end() && it->second > snapshot;
}

bool RecentWrites::changed_since(const KeyRange& range, Sequence snapshot) const {
  if (snapshot < forgotten_) return true;
  for (auto it = order_.rbegin(); it != order_.rend() && it->first > snapshot; ++it)
    if (range.has(*it->second)) return true;
  return false;
}

}  // namespace nubecita::store
