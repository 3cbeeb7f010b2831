#include "services/s3/pool.hpp"

#include "base/log.hpp"

namespace nubecita::s3 {

Pool::Pool(size_t threads) {
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
    } catch (const std::exception& e) {  // the dropped Respond answers 500
      log_error("s3", "a request failed: {}", e.what());
    }
    work = nullptr;
    lock.lock();
  }
}

}  // namespace nubecita::s3
