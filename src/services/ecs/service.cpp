// Services (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html): operations change
// what is wanted; the service controller starts and stops tasks.
#include <fmt/core.h>

#include <algorithm>

#include "services/ecs/common.hpp"
#include "services/ecs/deployments.hpp"
#include "services/ecs/fargate.hpp"
#include "services/ecs/history.hpp"
#include "services/ecs/launch.hpp"
#include "services/elbv2/elbv2.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::ecs {

namespace {

api::Conditions conditions(Call& call, const std::string& cluster, const std::vector<TagRecord>& request,
                           const std::optional<Service>& s) {
  auto c = tag_conditions(request, s ? s->tags : std::vector<TagRecord>{});
  c.push_back({"ecs:cluster", {cluster_arn(call, cluster)}});
  return c;
}

Status read_deployment_configuration(const model::DeploymentConfiguration* in, Service& s) {
  if (!in) return {};
  if (in->strategy.has() && in->strategy != "ROLLING")
    return fail("InvalidParameterException",
                fmt::format("The deployment strategy {} is not served: use ROLLING.", in->strategy.sv()));
  if (in->maximum_percent.has()) {
    if (*in->maximum_percent < 100 || *in->maximum_percent > 2000)
      return fail("InvalidParameterException", "maximumPercent must be between 100 and 2000.");
    s.maximum_percent = *in->maximum_percent;
  }
  if (in->minimum_healthy_percent.has()) {
    if (*in->minimum_healthy_percent < 0 || *in->minimum_healthy_percent > 100)
      return fail("InvalidParameterException", "minimumHealthyPercent must be between 0 and 100.");
    s.minimum_percent1 = *in->minimum_healthy_percent + 1;
  }
  if (s.minimum_percent() == 100 && s.most_percent() == 100)
    return fail(
        "InvalidParameterException",
        "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.");
  if (const auto* b = in->deployment_circuit_breaker) {
    s.breaker = b->enable.value_or(false);
    s.breaker_rollback = b->rollback.value_or(false);
  }
  return {};
}

Result<std::vector<Target>> read_targets(Call& call, const wire::List<model::LoadBalancer>& in,
                                         const model::TaskDefinition& d) {
  std::vector<Target> out;
  if (in.size() > 5) return fail("InvalidParameterException", "load balancers can have at most 5 items.");
  for (const auto& lb : in) {
    Target t{api::str(lb.target_group_arn), api::str(lb.container_name), lb.container_port.value_or(0)};
    auto group = elbv2::find_target_group(call.tx, call.scope(), t.group_arn);
    if (!group)
      return fail("InvalidParameterException",
                  fmt::format("Unable to assume role and validate the specified targetGroupArn. The target "
                              "group {} was not found.",
                              t.group_arn));
    if (group->target_type != "ip")
      return fail("InvalidParameterException",
                  fmt::format("The provided target group {} has target type {}, which is incompatible with "
                              "the awsvpc network mode specified in the task definition.",
                              t.group_arn, group->target_type));
    if (!group->attached())
      return fail(
          "InvalidParameterException",
          fmt::format("The target group with targetGroupArn {} does not have an associated load balancer.",
                      t.group_arn));
    bool mapped = false, named = false;
    for (const auto& c : d.container_definitions) {
      if (c.name != t.container) continue;
      named = true;
      for (const auto& p : c.port_mappings) mapped |= p.container_port.value_or(0) == t.port;
    }
    if (!named)
      return fail("InvalidParameterException",
                  fmt::format("The container {} does not exist in the task definition.", t.container));
    if (!mapped)
      return fail(
          "InvalidParameterException",
          fmt::format("The container {} did not have a container port {} defined.", t.container, t.port));
    out.push_back(std::move(t));
  }
  return out;
}

Status check_controller(const model::DeploymentController* c) {
  if (c && c->type.has() && c->type != "ECS")
    return fail("InvalidParameterException",
                fmt::format("The deployment controller {} is not served: use ECS.", c->type.sv()));
  return {};
}

Status check_rebalancing(wire::Text v) {
  if (v == "ENABLED")
    return fail("InvalidParameterException",
                "availabilityZoneRebalancing is not served: tasks are spread over zones when they start. Use "
                "DISABLED.");
  return {};
}

Result<Definition> active_definition(Call& call, wire::Text name) {
  auto d = need_definition(call.tx, call.scope(), name);
  if (!d) return fail("ClientException", "TaskDefinition not found.");
  if (d->status != "ACTIVE") return fail("ClientException", "TaskDefinition is inactive");
  return std::move(*d);
}

model::Service* rendered(Call& call, const Service& s) {
  auto* out = call.make<model::Service>();
  fill_service(call, s, true, *out);
  return out;
}

}  // namespace

Status create_service(Call& call, const model::CreateServiceRequest& in, model::CreateServiceResponse& out) {
  const std::string cluster_id = cluster_name(in.cluster), name = api::str(in.service_name);
  TRY_LET(auto tags, read_tags(in.tags));
  TRY(call.authorize(service_arn(call.scope(), cluster_id, name), conditions(call, cluster_id, tags, {})));
  TRY_LET(Cluster cluster, need_cluster(call, in.cluster));
  if (!valid_name(name))
    return fail("InvalidParameterException",
                "The name of a service has up to 255 letters, digits, hyphens and underscores.");
  if (auto old = call.tx.get<Service>(call.scope(), cluster.name + "/" + name);
      old && old->status != "INACTIVE") {
    if (!in.client_token.empty() && old->client_token == in.client_token.sv()) {
      out.service = rendered(call, *old);
      return {};
    }
    if (old->status == "DRAINING")
      return fail("InvalidParameterException", "Unable to Start a service that is still Draining.");
    return fail("InvalidParameterException", "Creation of service was not idempotent.");
  }
  if (in.scheduling_strategy == "DAEMON")
    return fail("InvalidParameterException",
                "The daemon scheduling strategy is not supported for Fargate launch type tasks.");
  TRY(check_controller(in.deployment_controller));
  TRY(check_rebalancing(in.availability_zone_rebalancing));
  if (in.task_definition.empty())
    return fail("InvalidParameterException", "TaskDefinition can not be blank.");
  TRY_LET(Definition definition, active_definition(call, in.task_definition));
  const model::TaskDefinition* d = load_definition(call.arena, definition);

  Service s;
  s.cluster = cluster.name;
  s.name = name;
  s.status = "ACTIVE";
  s.desired = in.desired_count.value_or(0);
  if (s.desired < 0 || s.desired > 5000)
    return fail("InvalidParameterException", "desiredCount must be between 0 and 5000.");
  TRY_LET(auto where,
          read_fargate(in.launch_type, in.capacity_provider_strategy, in.platform_version, cluster, *d));
  s.strategy = where.strategy;
  s.launch_type = "FARGATE";
  s.platform_version = api::str(in.platform_version);
  TRY(read_deployment_configuration(in.deployment_configuration, s));
  TRY_LET(s.targets, read_targets(call, in.load_balancers, *d));
  if (in.health_check_grace_period_seconds.value_or(0) && s.targets.empty())
    return fail("InvalidParameterException",
                "Health check grace period is only valid for services configured to use load balancers");
  s.grace_seconds = in.health_check_grace_period_seconds.value_or(0);
  s.managed_tags = in.enable_ecs_managed_tags.value_or(false);
  s.propagate_tags = api::str(in.propagate_tags);
  s.created_by = call.principal.arn;
  s.client_token = api::str(in.client_token);
  s.created = call.now;
  s.tags = std::move(tags);
  Deployment first;
  first.id = new_deployment_id();
  first.definition_arn = definition_arn(call.scope(), definition.family, definition.revision);
  TRY_LET(first.network, read_network(call, in.network_configuration));
  first.strategy = s.strategy;
  first.image_digests = resolve_digests(call.tx, call.cloud.config, *d);
  begin_deployment(s, std::move(first), call.now);
  history_erase(call.tx, call.scope(), s);
  history_begins(call.tx, call.scope(), s, call.now);
  TRY(iam::ensure_service_linked_role(call.tx, call.account, "ecs.amazonaws.com", call.now));
  call.tx.put(call.scope(), s);
  ServiceStatus status;
  status.cluster = s.cluster;
  status.name = s.name;
  call.tx.put(call.scope(), status);
  out.service = rendered(call, s);
  return {};
}

Status update_service(Call& call, const model::UpdateServiceRequest& in, model::UpdateServiceResponse& out) {
  const std::string cluster_id = cluster_name(in.cluster), name = last_part(in.service);
  auto stored = call.tx.get<Service>(call.scope(), cluster_id + "/" + name);
  TRY(call.authorize(service_arn(call.scope(), cluster_id, name), conditions(call, cluster_id, {}, stored)));
  TRY_LET(Cluster cluster, need_cluster(call, in.cluster));
  TRY_LET(Service s, need_service(call, cluster.name, name));
  if (s.status != "ACTIVE") return fail("ServiceNotActiveException", "Service was not ACTIVE.");
  const Deployment* current = primary_of(s);
  Deployment next = *current;
  TRY(check_controller(in.deployment_controller));
  TRY(check_rebalancing(in.availability_zone_rebalancing));
  if (in.desired_count.has()) {
    if (*in.desired_count < 0 || *in.desired_count > 5000)
      return fail("InvalidParameterException", "desiredCount must be between 0 and 5000.");
    s.desired = *in.desired_count;
  }
  if (!in.task_definition.empty()) {
    TRY_LET(Definition d, active_definition(call, in.task_definition));
    next.definition_arn = definition_arn(call.scope(), d.family, d.revision);
  }
  TRY_LET(Definition definition, need_definition(call.tx, call.scope(), next.definition_arn));
  const model::TaskDefinition* d = load_definition(call.arena, definition);
  TRY(read_deployment_configuration(in.deployment_configuration, s));
  if (in.network_configuration) {
    TRY_LET(next.network, read_network(call, in.network_configuration));
  }
  bool other_place = false;
  if (in.capacity_provider_strategy.has()) {
    TRY_LET(s.strategy, read_strategy(in.capacity_provider_strategy));
    other_place = true;
  }
  if (!in.platform_version.empty()) {
    TRY(read_fargate({}, {}, in.platform_version, cluster, *d));
    other_place |= s.platform_version != in.platform_version.sv();
    s.platform_version = api::str(in.platform_version);
  }
  auto old_targets = s.targets;
  if (in.load_balancers.has()) {
    TRY_LET(s.targets, read_targets(call, in.load_balancers, *d));
  }
  if (in.health_check_grace_period_seconds.has()) s.grace_seconds = *in.health_check_grace_period_seconds;
  if (in.enable_ecs_managed_tags.has()) s.managed_tags = *in.enable_ecs_managed_tags;
  if (in.propagate_tags.has()) s.propagate_tags = api::str(in.propagate_tags);

  const bool anew = in.force_new_deployment.value_or(false) ||
                    next.definition_arn != current->definition_arn || !(next.network == current->network) ||
                    !(s.targets == old_targets) || other_place;
  if (anew) {
    Deployment fresh;
    fresh.id = new_deployment_id();
    fresh.definition_arn = next.definition_arn;
    fresh.network = next.network;
    fresh.strategy = s.strategy;
    fresh.image_digests = resolve_digests(call.tx, call.cloud.config, *d);
    begin_deployment(s, std::move(fresh), call.now);
    history_begins(call.tx, call.scope(), s, call.now);
  } else {
    for (auto& deployment : s.deployments)
      if (deployment.status == "PRIMARY") deployment.updated = call.now;
  }
  call.tx.put(call.scope(), s);
  out.service = rendered(call, s);
  return {};
}

Status delete_service(Call& call, const model::DeleteServiceRequest& in, model::DeleteServiceResponse& out) {
  const std::string cluster_id = cluster_name(in.cluster), name = last_part(in.service);
  auto stored = call.tx.get<Service>(call.scope(), cluster_id + "/" + name);
  TRY(call.authorize(service_arn(call.scope(), cluster_id, name), conditions(call, cluster_id, {}, stored)));
  TRY_LET(Cluster cluster, need_cluster(call, in.cluster));
  TRY_LET(Service s, need_service(call, cluster.name, name));
  if (s.desired > 0 && !in.force.value_or(false))
    return fail("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.");
  s.status = "DRAINING";
  s.desired = 0;
  history_fails(call.tx, call.scope(), s, "The service is deleted.", call.now);
  call.tx.put(call.scope(), s);
  out.service = rendered(call, s);
  return {};
}

Status describe_services(Call& call, const model::DescribeServicesRequest& in,
                         model::DescribeServicesResponse& out) {
  const std::string cluster = cluster_name(in.cluster);
  if (in.services.empty() || in.services.size() > 10)
    return fail("InvalidParameterException", "Services cannot be empty, and can have at most 10 items.");
  std::vector<Service> found;
  std::vector<model::Failure> failures;
  for (const auto& n : in.services) {
    const std::string name = last_part(n);
    auto s = call.tx.get<Service>(call.scope(), cluster + "/" + name);
    TRY(call.authorize(service_arn(call.scope(), cluster, name), conditions(call, cluster, {}, s)));
    if (s)
      found.push_back(std::move(*s));
    else
      failures.push_back(failure(call, service_arn(call.scope(), cluster, name), "MISSING"));
  }
  // A deleted cluster is still asked about by those who wait for its services' end.
  if (!call.tx.get<Cluster>(call.scope(), cluster))
    return fail("ClusterNotFoundException", "Cluster not found.");
  out.services = call.list<model::Service>(found.size());
  for (size_t i = 0; i < found.size(); ++i)
    fill_service(call, found[i], includes(in.include, "TAGS"), out.services[i]);
  out.failures = call.list<model::Failure>(failures.size());
  std::copy(failures.begin(), failures.end(), out.failures.begin());
  return {};
}

Status list_services(Call& call, const model::ListServicesRequest& in, model::ListServicesResponse& out) {
  const std::string cluster = cluster_name(in.cluster);
  TRY(call.authorize("*", conditions(call, cluster, {}, {})));
  TRY(need_cluster(call, in.cluster));
  std::vector<std::string> names;
  for (const auto& s : call.tx.list<Service>(call.scope(), cluster + "/")) {
    if (s.status == "INACTIVE") continue;
    if (in.launch_type.has() && (in.launch_type != "FARGATE" || !s.strategy.empty())) continue;
    if (in.scheduling_strategy == "DAEMON") continue;
    names.push_back(s.name);
  }
  std::string next;
  TRY_LET(auto page, api::page(
                         std::move(names), in.next_token, static_cast<size_t>(in.max_results.value_or(10)),
                         [](const std::string& n) { return n; }, next, "InvalidParameterException"));
  for (auto& n : page) n = service_arn(call.scope(), cluster, n);
  out.service_arns = call.texts(page);
  if (!next.empty()) out.next_token = call.text(next);
  return {};
}

}  // namespace nubecita::ecs
