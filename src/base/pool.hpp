// A few threads for work that waits. Runs what it was given before it ends, and must not be ended by its own
// work. run() from any thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace nubecita {

class Pool {
 public:
  /// `owner` is named in the log when work throws.
  Pool(size_t threads, const char* owner);
  ~Pool();
  void run(std::move_only_function<void()> work);

 private:
  void loop();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::move_only_function<void()>> queue_;
  bool ending_ = false;
  const char* owner_;
  std::vector<std::thread> threads_;
};

}  // namespace nubecita
