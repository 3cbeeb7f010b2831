// Deployments of a service: made by operations and by the circuit breaker, told by DescribeServices.
#pragma once

#include "services/ecs/common.hpp"

namespace nubecita::ecs {

std::string new_deployment_id();
/// Makes `next` the PRIMARY; the one before it becomes ACTIVE (its tasks give way).
void begin_deployment(Service& service, Deployment next, int64_t now);
const Deployment* primary_of(const Service& service);
void fill_service(Call& call, const Service& service, bool with_tags, model::Service& out);

}  // namespace nubecita::ecs
