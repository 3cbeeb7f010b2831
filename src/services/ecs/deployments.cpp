#include "services/ecs/deployments.hpp"

#include <fmt/core.h>

#include <map>

#include "base/ids.hpp"

namespace nubecita::ecs {

std::string new_deployment_id() {
  return "ecs-svc/" + random_text(1, "123456789") + random_text(18, "0123456789");
}

void begin_deployment(Service& service, Deployment next, int64_t now) {
  for (auto& d : service.deployments)
    if (d.status == "PRIMARY") {
      d.status = "ACTIVE";
      d.updated = now;
    }
  next.status = "PRIMARY";
  next.rollout = "IN_PROGRESS";
  if (next.rollout_reason.empty())
    next.rollout_reason = fmt::format("ECS deployment {} in progress.", next.id);
  if (!next.created) next.created = now;
  next.updated = now;
  std::erase_if(service.deployments, [&](const Deployment& d) { return d.id == next.id; });
  service.deployments.insert(service.deployments.begin(), std::move(next));
}

const Deployment* primary_of(const Service& service) {
  for (const auto& d : service.deployments)
    if (d.status == "PRIMARY") return &d;
  return nullptr;
}

std::map<std::string, TaskCounts> count_tasks(Call& call, const Service& service) {
  std::map<std::string, TaskCounts> out;
  for (const auto& t : call.tx.list<Task>(call.scope(), service.cluster + "/")) {
    if (t.service != service.name) continue;
    auto s = call.tx.get<TaskStatus>(call.scope(), t.key()).value_or(TaskStatus{});
    TaskCounts& c = out[t.deployment];
    const bool wanted = !t.stop && s.stop_code.empty();
    if (wanted) ++c.wanted;
    if (s.last_status == "RUNNING" && wanted) ++c.running;
    if (wanted &&
        (s.last_status == "PROVISIONING" || s.last_status == "PENDING" || s.last_status == "ACTIVATING"))
      ++c.pending;
  }
  return out;
}

namespace {

void fill_deployment(Call& call, const Service& service, const Deployment& d, const TaskCounts& c, int failed,
                     model::Deployment& out) {
  out.id = call.text(d.id);
  out.status = call.text(d.status);
  out.task_definition = call.text(d.definition_arn);
  out.desired_count = d.status == "PRIMARY" ? service.desired : c.wanted;
  out.pending_count = c.pending;
  out.running_count = c.running;
  out.failed_tasks = failed;
  out.created_at = time_out(d.created);
  out.updated_at = time_out(d.updated);
  if (!d.strategy.empty())
    out.capacity_provider_strategy = strategy_out(call, d.strategy);
  else
    out.launch_type = "FARGATE";
  out.platform_version = "1.4.0";
  out.platform_family = "Linux";
  out.network_configuration = network_out(call, d.network);
  out.rollout_state = call.text(d.rollout);
  out.rollout_state_reason = call.text(d.rollout_reason);
}

}  // namespace

model::DeploymentConfiguration* configuration_out(Call& call, const Service& s) {
  auto* out = call.make<model::DeploymentConfiguration>();
  out->maximum_percent = s.most_percent();
  out->minimum_healthy_percent = s.minimum_percent();
  out->deployment_circuit_breaker = call.make<model::DeploymentCircuitBreaker>();
  out->deployment_circuit_breaker->enable = s.breaker;
  out->deployment_circuit_breaker->rollback = s.breaker_rollback;
  out->strategy = "ROLLING";
  return out;
}

wire::List<model::LoadBalancer> targets_out(Call& call, const std::vector<Target>& targets) {
  auto out = call.list<model::LoadBalancer>(targets.size());
  for (size_t i = 0; i < targets.size(); ++i) {
    out[i].target_group_arn = call.text(targets[i].group_arn);
    out[i].container_name = call.text(targets[i].container);
    out[i].container_port = targets[i].port;
  }
  return out;
}

void fill_service(Call& call, const Service& s, bool with_tags, model::Service& out) {
  const Deployment* primary = primary_of(s);
  auto counts = count_tasks(call, s);
  auto status = call.tx.get<ServiceStatus>(call.scope(), s.key()).value_or(ServiceStatus{});
  out.service_arn = call.text(service_arn(call.scope(), s.cluster, s.name));
  out.service_name = call.text(s.name);
  out.cluster_arn = call.text(cluster_arn(call, s.cluster));
  out.load_balancers = targets_out(call, s.targets);
  out.service_registries = call.list<model::ServiceRegistry>(0);
  out.status = call.text(s.status);
  out.desired_count = s.desired;
  TaskCounts all;
  for (const auto& [id, c] : counts) {
    all.running += c.running;
    all.pending += c.pending;
  }
  out.running_count = all.running;
  out.pending_count = all.pending;
  if (!s.strategy.empty())
    out.capacity_provider_strategy = strategy_out(call, s.strategy);
  else
    out.launch_type = "FARGATE";
  out.platform_version = call.text(s.platform_version.empty() ? "LATEST" : s.platform_version);
  out.platform_family = "Linux";
  if (primary) {
    out.task_definition = call.text(primary->definition_arn);
    out.network_configuration = network_out(call, primary->network);
  }
  out.deployment_configuration = configuration_out(call, s);
  const bool gone = s.status == "INACTIVE";
  out.deployments = call.list<model::Deployment>(gone ? 0 : s.deployments.size());
  for (size_t i = 0; i < out.deployments.size(); ++i) {
    const Deployment& d = s.deployments[i];
    auto failed = status.failed.find(d.id);
    fill_deployment(call, s, d, counts[d.id], failed == status.failed.end() ? 0 : failed->second,
                    out.deployments[i]);
  }
  out.role_arn = call.text(fmt::format(
      "arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS", call.account));
  out.events = call.list<model::ServiceEvent>(status.events.size());
  for (size_t i = 0; i < status.events.size(); ++i) {
    out.events[i].id = call.text(status.events[i].id);
    out.events[i].message = call.text(status.events[i].message);
    out.events[i].created_at = time_out(status.events[i].at);
  }
  out.created_at = time_out(s.created);
  out.placement_constraints = call.list<model::PlacementConstraint>(0);
  out.placement_strategy = call.list<model::PlacementStrategy>(0);
  if (!s.targets.empty()) out.health_check_grace_period_seconds = s.grace_seconds;
  out.scheduling_strategy = "REPLICA";
  out.deployment_controller = call.make<model::DeploymentController>();
  out.deployment_controller->type = "ECS";
  out.tags = with_tags ? tags_out(call, s.tags) : call.list<model::Tag>(0);
  out.created_by = call.text(s.created_by);
  out.enable_ecs_managed_tags = s.managed_tags;
  out.propagate_tags = call.text(s.propagate_tags.empty() ? "NONE" : s.propagate_tags);
  out.enable_execute_command = false;
  out.availability_zone_rebalancing = "DISABLED";
}

}  // namespace nubecita::ecs
