// Making a task's record and its network interface: what RunTask and the service controller share. In the
// caller's transaction; the task controller does the rest.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/config.hpp"
#include "services/ecs/records.hpp"
#include "store/store.hpp"

namespace nubecita::ecs {

namespace model {
struct TaskDefinition;
}

struct Launch {
  std::string cluster;
  Definition definition;
  Network network;
  std::string public_pool;  // the installation's, for a task with a public address
  std::string subnet_id;    // one of the network's
  std::vector<Target> targets;
  std::vector<ContainerOverrideRecord> overrides;
  std::string override_cpu, override_memory, override_task_role, override_execution_role;
  std::map<std::string, std::string> image_digests;
  std::string group, started_by, service, deployment, launch_type, capacity_provider, client_token;
  std::vector<std::string> containers;  // of the definition, in its order
  bool managed_tags = false;
  std::vector<TagRecord> tags;
};

/// Errors: InvalidParameterException in AWS's words, "RESOURCE:ENI" when the subnet is full.
Result<Task> launch_task(store::Transaction& tx, const store::Scope& scope, const Launch& launch,
                         int64_t now);

/// Container → digest, of the images that are in our registry: all tasks of a deployment run the same bytes,
/// whatever is pushed under the tag meanwhile.
std::map<std::string, std::string> resolve_digests(store::Transaction& tx, const Config& config,
                                                   const model::TaskDefinition& d);
std::vector<std::string> container_names(const model::TaskDefinition& d);

/// Names are fixed: FARGATE tasks here are what Fargate 1.4.0 runs.
inline constexpr const char* kPlatform = "1.4.0";

/// The weighted choice of a strategy for the `n`th task (from 0) of a service or a call.
std::string choose_provider(const std::vector<StrategyItem>& strategy, int n);

}  // namespace nubecita::ecs
