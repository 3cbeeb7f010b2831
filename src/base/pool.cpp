#include "base/pool.hpp"

#include "base/log.hpp"

namespace nubecita {

Pool::Pool(size_t threads, const char* owner) : owner_(owner) {
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { loop(); });
}
Pool::~Pool() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  for (auto& t : threads_) t.join();
}
void Pool::run(std::move_only_function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
}
void Pool::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return ending_ || !queue_.empty(); });
    if (queue_.empty()) return;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    try {
      work();
    } catch (const std::exception& e) {  // whoever waits sees that the work was dropped: 500 of a request
      log_error(owner_, "a request failed: {}", e.what());
    }
    work = nullptr;
    lock.lock();
  }
}

}  // namespace nubecita
