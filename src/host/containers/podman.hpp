// podman's REST API (libpod flavour) and the service process behind it. Internal to this room; any thread.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "host/containers/settings.hpp"

namespace nubecita::host {

class Processes;

class Podman {
 public:
  Podman(const std::string& data_dir, std::string program, Processes& processes);

  struct Answer {
    int status = 0;
    json::value body;     // null if it is none or no JSON
    std::string message;  // of an error
    bool ok() const { return status / 100 == 2 || status == 304; }
    bool missing() const { return status == 404; }
  };
  /// One request; starts the service first if it does not answer. Only "ContainersUnavailable" is an error
  /// here.
  Result<Answer> call(std::string_view method, const std::string& target, std::string body = {},
                      std::chrono::milliseconds timeout = std::chrono::seconds(60));
  /// The same for an answer that comes in lines; `line` answers false to end it (code "Cancelled").
  Result<Answer> stream(std::string_view method, const std::string& target,
                        const std::vector<std::pair<std::string, std::string>>& headers,
                        const std::function<bool(std::string_view line)>& line);

  Status ensure_service();
  Status stop_service();
  /// Path of the OCI runtime that podman uses.
  Result<std::string> runtime();

  const PodmanPaths& paths() const { return paths_; }
  const Machine& machine() const { return machine_; }

 private:
  Status look_for_programs() const;
  bool answers() const;

  PodmanPaths paths_;
  Machine machine_;
  std::string program_, runtime_;
  Processes& processes_;
  std::mutex starting_;
};

}  // namespace nubecita::host
