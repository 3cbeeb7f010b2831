#include "http/worker.hpp"

#include <exception>
#include <vector>

#include "base/log.hpp"

namespace nubecita::http {

void Worker::run() {
  for (;;) {
    try {
      ctx.run();
      return;
    } catch (const std::exception& e) {  // of one connection's handler: the others go on
      log_error("http", "a connection's handler failed: {}", e.what());
    }
  }
}

void Worker::add(Tracked* t) {
  tracked_.insert(t);
  ++connections_;
  if (!ticking_) schedule();
}

void Worker::remove(Tracked* t) {
  if (tracked_.erase(t)) --connections_;
}

void Worker::drop_all(std::optional<uint64_t> listener) {
  std::vector<Tracked*> all(tracked_.begin(), tracked_.end());
  for (auto* t : all)
    if (!listener || t->listener() == *listener) t->drop();
}

// One timer for all connections, and none while there are none: arming one per request costs more than the
// request.
void Worker::schedule() {
  ticking_ = true;
  ticker.expires_after(std::chrono::milliseconds(250));
  ticker.async_wait([this](ErrorCode ec) {
    ticking_ = false;
    if (ec || stopped) return;
    std::vector<Tracked*> all(tracked_.begin(), tracked_.end());
    auto now = std::chrono::steady_clock::now();
    for (auto* t : all)
      if (tracked_.contains(t)) t->tick(now);
    if (!tracked_.empty()) schedule();
  });
}

}  // namespace nubecita::http
