// Deployments of a service: made by operations and by the circuit breaker, told by DescribeServices.
#pragma once

#include <map>

#include "services/ecs/common.hpp"

namespace nubecita::ecs {

std::string new_deployment_id();
/// Makes `next` the PRIMARY; the one before it becomes ACTIVE (its tasks give way).
void begin_deployment(Service& service, Deployment next, int64_t now);
const Deployment* primary_of(const Service& service);

struct TaskCounts {
  int wanted = 0, running = 0, pending = 0;
};
/// By deployment id.
std::map<std::string, TaskCounts> count_tasks(Call& call, const Service& service);
model::DeploymentConfiguration* configuration_out(Call& call, const Service& service);
wire::List<model::LoadBalancer> targets_out(Call& call, const std::vector<Target>& targets);
void fill_service(Call& call, const Service& service, bool with_tags, model::Service& out);

}  // namespace nubecita::ecs
