// A few threads for work that waits. Runs what it was given before it ends. run() from any thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace nubecita::s3 {

class Pool {
 public:
  explicit Pool(size_t threads);
  ~Pool();
  void run(std::move_only_function<void()> work);

 private:
  void loop();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::move_only_function<void()>> queue_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace nubecita::s3
