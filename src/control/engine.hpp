// The reconcile engine: brings the machine to what the store says, as often as needed.
//
// A controller names the tables that it watches and turns each changed key into work keys of its own; the
// engine keeps a queue per controller, runs one worker per work key at a time, retries failures with
// exponential backoff (100 ms to 30 s, with jitter), and runs a key again when the controller asks (`Again`).
// On start every existing key is enqueued, so that a controller adopts what runs. A key that changes while it
// is worked on runs once more afterwards. An exception from a controller counts as a failure of that key.
// Threads are made when there is work for them, at most `workers` per controller.
//
// Lifecycle: 1. add() every controller, 2. start(), 3. stop() (waits for the workers), 4. destroy.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "store/store.hpp"

namespace nubecita::control {

/// What a reconcile answers: nothing more to do until a change, or look again after a while.
struct Again {
  std::optional<std::chrono::milliseconds> after;
};
inline Again done() { return {}; }
inline Again again_in(std::chrono::milliseconds d) { return {d}; }

struct Controller {
  std::string name;                 // for logs and status, e.g. "ecs.task"
  std::vector<std::string> tables;  // record tables whose changes matter, e.g. {"ecs.task", "ec2.eni"}
  int workers = 2;                  // keys worked on at the same time
  /// The work keys that a changed store key stands for; by default the key itself. Quick, on the commit
  /// thread, no I/O.
  std::function<std::vector<std::string>(const store::ParsedKey&, std::string_view key)> keys_for;
  /// Brings one work key's part of the machine to what the store says. Idempotent. May block. An error is
  /// logged and retried with backoff; its message is what `nubecita status` shows.
  std::function<Result<Again>(const std::string& key)> reconcile;
};

class Engine {
 public:
  explicit Engine(store::Store& store);
  ~Engine();
  void add(Controller controller);
  void start();
  void stop();
  /// Asks for `key` to be worked on now (or after `delay`); any thread.
  void enqueue(std::string_view controller, std::string key, std::chrono::milliseconds delay = {});
  /// Waits until no key is due or in work (delayed keys do not count), what was committed before the call
  /// included; false after `timeout`. For tests and shutdown.
  bool wait_idle(std::chrono::milliseconds timeout);

  struct Trouble {
    std::string controller, key, message;
    int failures;
  };
  /// Keys whose last reconcile failed.
  std::vector<Trouble> troubles() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nubecita::control
