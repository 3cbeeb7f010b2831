#include "services/sqs/queues.hpp"

#include "base/arn.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"

namespace nubecita::sqs {

std::string View::arn() const { return nubecita::arn("sqs", scope.region, scope.account, queue.name); }

Queues::Queues(api::Cloud& cloud) : cloud_(cloud), thread_([this] { run(); }) {}

Queues::~Queues() {
  {
    std::lock_guard lock(time_mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

ViewPtr Queues::find(store::Transaction& tx, const store::Scope& scope, std::string_view name) {
  return tx.shared<View>(store::make_key(Queue::kTable, scope, name), [&scope](std::string_view bytes) {
    auto view = std::make_shared<View>();
    view->scope = scope;
    view->queue = store::decode_record<Queue>(bytes);
    view->settings = settings_of(view->queue.attributes, view->queue.fifo);
    return view;
  });
}

ViewPtr Queues::find(store::Transaction& tx, std::string_view text) {
  auto arn = Arn::parse(text);
  if (!arn || arn->service != "sqs") return nullptr;
  return find(tx, {arn->account, arn->region}, arn->resource);
}

std::shared_ptr<Index> Queues::index(const View& view) {
  const auto box = view.queue.box();
  {
    std::shared_lock lock(indexes_mutex_);
    if (auto it = indexes_.find(box); it != indexes_.end()) return it->second;
  }
  std::unique_lock lock(indexes_mutex_);
  auto& index = indexes_[box];
  if (!index) {
    index = std::make_shared<Index>(*cloud_.store, view.scope, box, view.queue.fifo);
    schedule(index, index->next_tick(now_ms()));
  }
  return index;
}

void Queues::drop(const std::string& box) {
  std::shared_ptr<Index> index;
  {
    std::unique_lock lock(indexes_mutex_);
    if (auto node = indexes_.extract(box)) index = std::move(node.mapped());
  }
  if (!index) return;
  {
    std::lock_guard lock(time_mutex_);
    if (auto it = due_.find(index); it != due_.end()) {
      times_.erase({it->second, index});
      due_.erase(it);
    }
  }
  index->close();
}

void Queues::schedule(const std::shared_ptr<Index>& index, int64_t when) {
  if (when == kNever) return;
  bool first = false;
  {
    std::lock_guard lock(time_mutex_);
    auto [it, is_new] = due_.try_emplace(index, when);
    if (!is_new) {
      if (it->second <= when) return;
      times_.erase({it->second, index});
      it->second = when;
    }
    times_.insert({when, index});
    first = times_.begin()->second == index;
  }
  if (first) wake_.notify_one();
}

void Queues::run() {
  std::unique_lock lock(time_mutex_);
  while (!stopping_) {
    if (times_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const auto [when, index] = *times_.begin();
    if (const auto now = now_ms(); when > now) {
      wake_.wait_for(lock, std::chrono::milliseconds(std::min<int64_t>(when - now, 3'600'000)));
      continue;
    }
    times_.erase(times_.begin());
    due_.erase(index);
    lock.unlock();
    int64_t next = now_ms() + 1000;
    try {
      next = index->tick(now_ms());
    } catch (const std::exception& e) {  // the disk cannot be read: try again
      log_error("sqs", "box {}: {}", index->box(), e.what());
    }
    schedule(index, next);
    lock.lock();
  }
}

}  // namespace nubecita::sqs
