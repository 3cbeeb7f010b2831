// Keeps services at their desired count: gathers what is seen of a service's tasks, asks rollout.hpp what to
// do, and writes it down (task records, deployments, events). Works in the store only: the task controller
// does the rest.
//
// Owned by add_controllers() for the life of the process; reconcile() runs on the engine's workers, one per
// service at a time, keys_for() on the commit thread.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "api/cloud.hpp"
#include "control/engine.hpp"
#include "services/ecs/records.hpp"

namespace nubecita::ecs {

class ServiceController {
 public:
  explicit ServiceController(api::Cloud& cloud) : cloud_(cloud) {}
  control::Controller controller();
  Result<control::Again> reconcile(const std::string& key);

 private:
  std::vector<std::string> keys_for(const store::ParsedKey& parsed, std::string_view key);
  void remember(const std::string& service_key, const store::Scope& scope, const std::vector<Task>& tasks,
                const Service& service);

  api::Cloud& cloud_;
  std::mutex mutex_;
  std::map<std::string, std::string, std::less<>>
      by_task_;  // "<account>/<region>/<cluster>/<task>" → service key
  std::map<std::string, std::string, std::less<>> by_group_;  // target group ARN → service key
};

}  // namespace nubecita::ecs
