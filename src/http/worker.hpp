// One I/O thread and the connections that live on it. Internal to this room. Connections hold their worker,
// so that an answer which comes after stop() finds something to be dropped on.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_set>

#include "http/asio.hpp"
#include "http/server.hpp"

namespace nubecita::http {

using SteadyTime = std::chrono::steady_clock::time_point;

/// A connection or a relay: what the worker watches for time and can drop. On the worker's thread only.
class Tracked {
 public:
  explicit Tracked(uint64_t listener) : listener_(listener) {}
  virtual ~Tracked() = default;
  virtual void tick(SteadyTime now) = 0;
  virtual void drop() = 0;
  uint64_t listener() const { return listener_; }

 private:
  uint64_t listener_;
};

class Worker : public std::enable_shared_from_this<Worker> {
 public:
  explicit Worker(std::atomic<size_t>& connections)
      : ctx(1), guard(asio::make_work_guard(ctx)), ticker(ctx), connections_(connections) {}
  void run();
  void add(Tracked* t);
  void remove(Tracked* t);
  void drop_all(std::optional<uint64_t> listener);

  asio::io_context ctx;
  asio::executor_work_guard<asio::io_context::executor_type> guard;
  asio::steady_timer ticker;
  std::atomic<bool> stopped = false;
  std::thread thread;

 private:
  void schedule();
  std::unordered_set<Tracked*> tracked_;
  bool ticking_ = false;
  std::atomic<size_t>& connections_;
};

/// What a listener's connections share. Immutable; outlived by nothing but the server.
struct Site {
  uint64_t listener = 0;
  Application* application = nullptr;
  bool plain_anywhere = false;  // listen_in: plain HTTP on an address that is not loopback
  Limits limits;
  Authority* authority = nullptr;
};

/// Takes a freshly accepted socket; on the worker's thread.
void serve_socket(std::shared_ptr<Worker> worker, std::shared_ptr<const Site> site, tcp::socket socket);

}  // namespace nubecita::http
