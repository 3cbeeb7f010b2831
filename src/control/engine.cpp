#include "control/engine.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "base/log.hpp"
#include "base/memory.hpp"

namespace nubecita::control {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kFirstRetry{100}, kLongestRetry{30'000};
// A queue that was as long as this, and is empty, has left memory behind that is worth giving back.
constexpr size_t kLong = 10'000;

}  // namespace

// One controller's queue and its workers. A key is in one of these states:
//   absent      nothing to do
//   waiting     due at some time; in `by_time`
//   working     a worker has it; asked for again meanwhile: `again`, which is when it waits next
struct Queue {
  struct Key {
    bool working = false;
    std::optional<Clock::time_point> due;  // when it waits, or shall wait after the work in hand
    int failures = 0;
    std::string message;  // of the last failure
    bool idle() const { return !working && !due && failures == 0; }
  };

  explicit Queue(Controller c) : controller(std::move(c)) {}

  void enqueue(const std::string& key, Clock::time_point due);
  void start();
  void stop();
  void work();
  /// No key is due or in work.
  bool idle() const { return busy == 0 && (by_time.empty() || by_time.begin()->first > Clock::now()); }

  Controller controller;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, Key> keys;
  std::set<std::pair<Clock::time_point, std::string>> by_time;
  std::vector<std::thread> workers;
  int busy = 0;        // keys in work
  size_t longest = 0;  // size of by_time since it was last empty
  bool started = false, stopping = false;

 private:
  void grow();
  void wait_until_due(Key& key, const std::string& name, Clock::time_point due);
  void finish(const std::string& name, const Result<Again>& result);
  Result<Again> reconcile(const std::string& key) const;
};

void Queue::wait_until_due(Key& key, const std::string& name, Clock::time_point due) {
  if (key.due && *key.due <= due) return;
  if (!key.working) {
    if (key.due) by_time.erase({*key.due, name});
    by_time.emplace(due, name);
    longest = std::max(longest, by_time.size());
  }
  key.due = due;
}

void Queue::enqueue(const std::string& name, Clock::time_point due) {
  std::lock_guard lock(mutex);
  if (stopping) return;
  wait_until_due(keys[name], name, due);
  grow();
  changed.notify_all();
}

void Queue::start() {
  std::lock_guard lock(mutex);
  started = true;
  grow();
}

/// A thread is made only when all others have work and more waits, so a controller without work costs none.
void Queue::grow() {
  const int threads = static_cast<int>(workers.size());
  if (started && !stopping && !by_time.empty() && threads <= busy && threads < controller.workers)
    workers.emplace_back([this] { work(); });
}

Result<Again> Queue::reconcile(const std::string& key) const {
  try {
    return controller.reconcile(key);
  } catch (const std::exception& e) {  // a corrupt record or a lost host stops this key, not the cloud
    return fail("InternalFailure", e.what(), 500);
  }
}

void Queue::work() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    if (by_time.empty() || by_time.begin()->first > Clock::now()) {
      if (by_time.empty() && longest >= kLong) {  // after a start with many resources: tens of megabytes
        longest = 0;
        lock.unlock();
        give_back_memory();
        lock.lock();
      } else if (by_time.empty()) {
        changed.wait(lock);
      } else {
        const auto until = by_time.begin()->first;  // a copy: the entry may go while we wait
        changed.wait_until(lock, until);
      }
      continue;
    }
    const std::string name = by_time.begin()->second;
    by_time.erase(by_time.begin());
    auto& key = keys[name];
    key.working = true;
    key.due.reset();
    ++busy;
    grow();
    lock.unlock();
    auto result = reconcile(name);
    lock.lock();
    --busy;
    finish(name, result);
  }
}

void Queue::finish(const std::string& name, const Result<Again>& result) {
  thread_local std::minstd_rand random(std::random_device{}());
  auto& key = keys[name];
  key.working = false;
  auto due = std::exchange(key.due, std::nullopt);  // asked for while it was worked on
  if (result) {
    key.failures = 0;
    key.message.clear();
    if (result->after) {
      const auto later = Clock::now() + *result->after;
      due = due ? std::min(*due, later) : later;
    }
  } else {
    if (key.message != result.error().message)
      log_warning(controller.name, "{}: {}: {}", name, result.error().code, result.error().message);
    key.message = result.error().message;
    ++key.failures;
    auto delay = std::min(kLongestRetry, kFirstRetry * (1 << std::min(key.failures - 1, 10)));
    delay = milliseconds(std::uniform_int_distribution<int64_t>(delay.count() / 2, delay.count())(random));
    const auto retry = Clock::now() + delay;
    due = due ? std::min(*due, retry) : retry;
  }
  if (due)
    wait_until_due(key, name, *due);
  else if (key.idle())
    keys.erase(name);
  changed.notify_all();
}

void Queue::stop() {
  {
    std::lock_guard lock(mutex);
    stopping = true;
    changed.notify_all();
  }
  for (auto& w : workers) w.join();
  workers.clear();
}

struct Engine::Impl {
  explicit Impl(store::Store& s) : store(s) {}
  store::Store& store;
  std::vector<std::unique_ptr<Queue>> queues;
  std::vector<uint64_t> watches;

  static std::vector<std::string> work_keys(const Controller& controller, std::string_view key) {
    if (!controller.keys_for) return {std::string(key)};
    return controller.keys_for(store::parse_key(key), key);
  }
};

Engine::Engine(store::Store& store) : impl_(std::make_unique<Impl>(store)) {}
Engine::~Engine() { stop(); }

void Engine::add(Controller controller) {
  impl_->queues.push_back(std::make_unique<Queue>(std::move(controller)));
}

void Engine::start() {
  for (auto& owned : impl_->queues) {
    Queue* queue = owned.get();
    auto notice = [queue](const store::ChangedKeys& keys) {
      const auto now = Clock::now();
      for (auto& key : keys)
        for (auto& work : Impl::work_keys(queue->controller, key)) queue->enqueue(work, now);
    };
    // Watched before it is read, so that nothing falls between.
    for (auto& table : queue->controller.tables)
      impl_->watches.push_back(impl_->store.watch(table + "/", notice));
    for (auto& table : queue->controller.tables) {
      store::ChangedKeys existing;
      auto tx = impl_->store.begin();
      tx->scan(table + "/", {}, [&](std::string_view key, std::string_view) {
        existing.emplace_back(key);
        return true;
      });
      notice(existing);
    }
    queue->start();
  }
}

void Engine::stop() {
  for (auto id : impl_->watches) impl_->store.unwatch(id);
  impl_->watches.clear();
  for (auto& queue : impl_->queues) queue->stop();
}

void Engine::enqueue(std::string_view controller, std::string key, milliseconds delay) {
  for (auto& queue : impl_->queues)
    if (queue->controller.name == controller) return queue->enqueue(key, Clock::now() + delay);
  log_error("control", "there is no controller {} to work on {}", controller, key);
}

bool Engine::wait_idle(milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  impl_->store.settle();  // what was committed before this call counts
  for (;;) {
    // Work of one controller makes work for another, so all must be idle in one look, under all locks.
    Queue* busy = nullptr;
    {
      std::vector<std::unique_lock<std::mutex>> locks;
      for (auto& queue : impl_->queues) locks.emplace_back(queue->mutex);
      for (auto& queue : impl_->queues)
        if (!queue->idle()) busy = queue.get();
    }
    if (!busy) return true;
    std::unique_lock lock(busy->mutex);
    if (Clock::now() >= deadline) return false;
    busy->changed.wait_until(lock, std::min(deadline, Clock::now() + milliseconds(20)),
                             [&] { return busy->idle(); });
  }
}

std::vector<Engine::Trouble> Engine::troubles() const {
  std::vector<Trouble> out;
  for (auto& queue : impl_->queues) {
    std::lock_guard lock(queue->mutex);
    for (auto& [name, key] : queue->keys)
      if (key.failures) out.push_back({queue->controller.name, name, key.message, key.failures});
  }
  return out;
}

}  // namespace nubecita::control
