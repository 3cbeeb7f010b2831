// A machine for the tests of ECS: containers are entries of a map. One thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/containers/containers.hpp"

namespace nubecita::ecs::testing {

class FakeContainers : public host::Containers {
 public:
  struct Made {
    host::ContainerSpec spec;
    host::ContainerState state;
    std::vector<int> signals;
  };
  std::map<std::string, Made> made;  // by name; removed ones are gone
  std::set<std::string> pulled;      // references
  std::string pull_error, start_error;
  bool unavailable = false;
  int creations = 0;
  std::map<std::string, std::function<void(const host::ContainerExit&)>> watches;

  void end(const std::string& name, int code, bool oom = false) {
    made[name].state.running = false;
    made[name].state.status = "exited";
    made[name].state.exit_code = code;
    if (auto it = watches.find(name); it != watches.end()) {
      auto gone = it->second;
      watches.erase(it);
      gone({name, code, oom});
    }
  }

  Status ready() override { return up(); }
  Result<host::Image> pull(const host::PullSpec& spec) override {
    TRY(up());
    if (!pull_error.empty()) return fail("PullFailed", pull_error);
    pulled.insert(spec.reference);
    return host::Image{.id = "image of " + spec.reference, .digest = "sha256:0", .stop_signal = "SIGTERM"};
  }
  Result<std::optional<host::Image>> image(const std::string& id) override {
    TRY(up());
    return std::optional<host::Image>(host::Image{.id = id, .stop_signal = "SIGQUIT"});
  }
  Status remove_unused_images() override { return {}; }
  Result<std::string> create(const host::ContainerSpec& spec) override {
    TRY(up());
    ++creations;
    made[spec.name] = {spec, {.id = "id", .name = spec.name, .status = "created", .labels = spec.labels}, {}};
    return std::string("id");
  }
  Result<host::ContainerState> start(const std::string& name) override {
    TRY(up());
    if (!start_error.empty()) return fail("StartFailed", start_error);
    made[name].state.running = true;
    made[name].state.status = "running";
    made[name].state.pid = 42;
    return made[name].state;
  }
  Status signal(const std::string& name, int signal) override {
    TRY(up());
    if (made.contains(name)) made[name].signals.push_back(signal);
    return {};
  }
  Status remove(const std::string& name) override {
    TRY(up());
    made.erase(name);
    return {};
  }
  Result<std::optional<host::ContainerState>> inspect(const std::string& name) override {
    TRY(up());
    auto it = made.find(name);
    return it == made.end() ? std::optional<host::ContainerState>() : it->second.state;
  }
  Result<std::vector<host::ContainerState>> list() override {
    std::vector<host::ContainerState> out;
    for (auto& [name, m] : made) out.push_back(m.state);
    return out;
  }
  Result<host::ExecResult> exec(const std::string&, const std::vector<std::string>&,
                                std::chrono::milliseconds) override {
    return host::ExecResult{.exit_code = exec_code};
  }
  Result<host::ContainerUse> stats(const std::string&) override { return host::ContainerUse{}; }
  Status watch(const std::string& name, std::function<void(const host::ContainerExit&)> gone) override {
    TRY(up());
    auto it = made.find(name);
    if (it != made.end() && it->second.state.running)
      watches[name] = std::move(gone);
    else
      gone({name, it == made.end() ? 137 : it->second.state.exit_code, false});
    return {};
  }
  void unwatch(const std::string& name) override { watches.erase(name); }
  Status remove_everything() override { return {}; }
  int exec_code = 0;

 private:
  Status up() const {
    if (unavailable) return fail("ContainersUnavailable", "podman is missing", 503);
    return {};
  }
};

}  // namespace nubecita::ecs::testing
