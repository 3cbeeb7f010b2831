// Where a task may run: launch type, capacity providers and platform version, of which this cloud has
// Fargate's.
#pragma once

#include <string>
#include <vector>

#include "services/ecs/common.hpp"

namespace nubecita::ecs {

struct Where {
  std::vector<StrategyItem> strategy;  // empty: launch type FARGATE
};

/// Errors: InvalidParameterException, ClientException, in AWS's words where it has them. Neither launch type
/// nor strategy means the cluster's default strategy, and else FARGATE (AWS: EC2, of which there is none
/// here).
Result<Where> read_fargate(wire::Text launch_type,
                           const wire::List<model::CapacityProviderStrategyItem>& strategy,
                           wire::Text platform_version, const Cluster& cluster,
                           const model::TaskDefinition& d);

}  // namespace nubecita::ecs
