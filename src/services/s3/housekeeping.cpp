// What happens by itself, every hour and soon after the start: orphans are swept, lifecycle rules applied,
// completed uploads forgotten.
#include <chrono>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "services/s3/front.hpp"
#include "services/s3/lifecycle.hpp"
#include "services/s3/multipart.hpp"

namespace nubecita::s3 {

void Front::start_housekeeping() {
  impl_->housekeeping = std::thread([impl = impl_.get()] {
    using namespace std::chrono_literals;
    auto wait = std::chrono::milliseconds(2s);
    for (;;) {
      {
        std::unique_lock lock(impl->housekeeping_mutex);
        if (impl->housekeeping_wake.wait_for(lock, wait, [&] { return impl->stopping; })) return;
      }
      try {
        impl->blobs.sweep(*impl->cloud.store);
        apply_lifecycle(impl->cloud, impl->blobs, now_ms());
        forget_completed(*impl->cloud.store, now_ms());
      } catch (const std::exception& e) {
        log_error("s3", "housekeeping: {}", e.what());
      }
      wait = 1h;
    }
  });
}

}  // namespace nubecita::s3
