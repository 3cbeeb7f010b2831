// Runs the containers' health checks (nobody else does: podman leaves them to systemd) and writes each change
// of a container's health. One worker per task at a time; counts live in memory and begin anew with the
// process.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "api/cloud.hpp"
#include "control/engine.hpp"
#include "services/ecs/records.hpp"

namespace nubecita::ecs {

class HealthController {
 public:
  explicit HealthController(api::Cloud& cloud);
  control::Controller controller();
  Result<control::Again> reconcile(const std::string& key);

 private:
  struct Count {
    int failures = 0;
    int64_t due = 0;
    bool was_healthy = false;
  };
  Status tell(const store::Scope& scope, const std::string& cluster, const std::string& task,
              const std::string& container, const std::string& status, const std::string& output);

  api::Cloud& cloud_;
  std::string tag_;
  std::mutex mutex_;
  std::map<std::string, std::map<std::string, Count>> counts_;  // task key → container
};

}  // namespace nubecita::ecs
