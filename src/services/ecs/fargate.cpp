#include "services/ecs/fargate.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "services/ecs/launch.hpp"

namespace nubecita::ecs {

Result<Where> read_fargate(wire::Text launch_type,
                           const wire::List<model::CapacityProviderStrategyItem>& strategy,
                           wire::Text platform_version, const Cluster& cluster,
                           const model::TaskDefinition& d) {
  if (!launch_type.empty() && !strategy.empty())
    return fail("InvalidParameterException",
                "Specifying both a launch type and capacity provider strategy is not supported. Remove one "
                "and try again.");
  if (!launch_type.empty() && launch_type != "FARGATE")
    return fail("InvalidParameterException", "No Container Instances were found in your cluster.");
  if (!platform_version.empty() && platform_version != "LATEST" && platform_version != kPlatform)
    return fail("InvalidParameterException",
                fmt::format("The platform version {} is not served: use LATEST or {}.", platform_version.sv(),
                            kPlatform));
  Where out;
  TRY_LET(out.strategy, read_strategy(strategy));
  for (const auto& item : out.strategy)
    if (std::find(cluster.capacity_providers.begin(), cluster.capacity_providers.end(), item.provider) ==
        cluster.capacity_providers.end())
      return fail(
          "InvalidParameterException",
          "The specified capacity provider strategy cannot contain a capacity provider that is not "
          "associated with the cluster. Associate the capacity provider with the cluster and try again.");
  if (launch_type.empty() && out.strategy.empty()) out.strategy = cluster.strategy;
  bool fargate = std::any_of(d.requires_compatibilities.begin(), d.requires_compatibilities.end(),
                             [](const wire::Text& r) { return r == "FARGATE"; });
  if (!fargate)
    return fail("InvalidParameterException", "Task definition does not support launch_type FARGATE.");
  return out;
}

}  // namespace nubecita::ecs
