// What time brings to a box: flights that end, messages whose delay is over, waiters whose patience is.
#include "base/clock.hpp"
#include "services/sqs/index.hpp"

namespace nubecita::sqs {

constexpr size_t kCountPerTick = 5'000;

int64_t Index::next_available(int64_t now) {
  int64_t next = flights_.empty() ? kNever : flights_.begin()->first;
  if (!fresh_.empty() || !returned_.empty() || may_refill(now)) return now;
  for (auto& [head, group] : ready_) next = std::min(next, known_.at(head).available);
  return std::min(next, next_due_);
}

void Index::park(int64_t now, int64_t deadline, std::function<void()> resume) {
  {
    std::lock_guard lock(inbox_mutex_);
    waiting_.emplace(deadline, std::move(resume));
  }
  // Only now: what arrives from here on wakes somebody by itself.
  bool something = false;
  {
    std::lock_guard lock(mutex_);
    drain();
    something = next_available(now) <= now;
  }
  if (something) wake(1);
}

void Index::wake(size_t n) {
  std::vector<std::function<void()>> resumed;
  {
    std::lock_guard lock(inbox_mutex_);
    for (; n && !waiting_.empty(); --n)
      resumed.push_back(std::move(waiting_.extract(waiting_.begin()).mapped()));
  }
  for (auto& resume : resumed) resume();
}

void Index::close() { wake(std::numeric_limits<size_t>::max()); }

/// Writes the receives of a standard queue that are not over after a while, so that a restart knows of them.
/// Most messages are deleted before and cost nothing here.
void Index::flush(int64_t now) {
  std::unique_ptr<store::Transaction> tx;
  while (!dirty_.empty() && dirty_.begin()->first <= now) {
    for (auto& place : dirty_.begin()->second) {
      auto it = known_.find(place);
      if (it == known_.end() || !it->second.dirty) continue;
      Entry& e = it->second;
      e.dirty = false;
      e.recorded = true;
      if (!tx) tx = store_.begin();
      tx->put(flight_key(place), e.flight.text());
    }
    dirty_.erase(dirty_.begin());
  }
  // Under the lock: a deletion that comes later finds `recorded` and is later in the commits' order too.
  if (tx) store_.commit(std::move(tx), [](store::CommitResult, const std::string&) {});
}

int64_t Index::tick(int64_t now) {
  size_t wakened = 0;
  {
    std::lock_guard lock(mutex_);
    drain();
    land(now);
    flush(now);
    if (counting_) {
      auto tx = store_.begin();
      count(*tx, kCountPerTick);
    }
    if (next_available(now) <= now) wakened = fresh_.size() + returned_.size() + ready_.size() + 1;
  }
  {
    std::lock_guard lock(inbox_mutex_);
    size_t over = 0;
    for (auto it = waiting_.begin(); it != waiting_.end() && it->first <= now; ++it) ++over;
    wakened = std::max(wakened, over);
  }
  if (wakened) wake(wakened);
  return next_tick(now);
}

int64_t Index::next_tick(int64_t now) {
  std::lock_guard lock(mutex_);
  if (counting_) return now + 1;
  int64_t next = dirty_.empty() ? kNever : dirty_.begin()->first;
  std::lock_guard inbox(inbox_mutex_);
  if (!waiting_.empty()) {
    next = std::min(next, waiting_.begin()->first);
    const auto available = next_available(now);
    // What is available now has been told; whoever was woken parks again if it was not enough.
    next = std::min(next, std::max(available, now + 50));
  }
  return next;
}

}  // namespace nubecita::sqs
