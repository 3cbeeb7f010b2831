// What became of a service's deployments
// (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html), and stopping one.
// A revision of a service is named by the deployment that began it.
#include <fmt/core.h>

#include <algorithm>

#include "base/arn.hpp"
#include "services/ecs/deployments.hpp"
#include "services/ecs/history.hpp"

namespace nubecita::ecs {

namespace {

constexpr size_t kMostDescribed = 20;

std::string deployment_arn(const Call& call, const ServiceDeployment& e) {
  return arn("ecs", call.region, call.account,
             fmt::format("service-deployment/{}/{}/{}", e.cluster, e.service, e.id));
}

std::string revision_arn(const Call& call, const ServiceDeployment& e, std::string_view deployment_id) {
  return arn("ecs", call.region, call.account,
             fmt::format("service-revision/{}/{}/{}", e.cluster, e.service, last_part(deployment_id)));
}

struct Name {  // of a deployment or a revision
  std::string cluster, service, id;
  std::string service_key() const { return cluster + "/" + service; }
};

/// `kind`: "service-deployment" or "service-revision". Error InvalidParameterException: no such ARN.
Result<Name> read_arn(Call& call, std::string_view text, std::string_view kind) {
  auto a = Arn::parse(text);
  const std::string prefix = fmt::format("{}/", kind);
  if (a && a->service == "ecs" && a->region == call.region && a->account == call.account &&
      a->resource.starts_with(prefix)) {
    std::string_view rest = std::string_view(a->resource).substr(prefix.size());
    const size_t first = rest.find('/'), second = first == rest.npos ? first : rest.find('/', first + 1);
    if (second != rest.npos && second + 1 < rest.size())
      return Name{std::string(rest.substr(0, first)), std::string(rest.substr(first + 1, second - first - 1)),
                  std::string(rest.substr(second + 1))};
  }
  return fail("InvalidParameterException", fmt::format("The ARN {} is not one of a {}.", text, kind));
}

Status may(Call& call, std::string_view resource, std::string_view cluster) {
  return call.authorize(resource, {{"ecs:cluster", {cluster_arn(call, cluster)}}});
}

void fill_summary(Call& call, const ServiceDeployment& e, const std::string& deployment_id,
                  const std::map<std::string, TaskCounts>& counts, const Service& s,
                  model::ServiceRevisionSummary& out) {
  auto found = counts.find(deployment_id);
  const TaskCounts c = found == counts.end() ? TaskCounts{} : found->second;
  const Deployment* primary = primary_of(s);
  out.arn = call.text(revision_arn(call, e, deployment_id));
  out.requested_task_count = primary && primary->id == deployment_id ? s.desired : c.wanted;
  out.running_task_count = c.running;
  out.pending_task_count = c.pending;
}

void fill(Call& call, const ServiceDeployment& e, const Service& s, model::ServiceDeployment& out) {
  auto counts = count_tasks(call, s);
  out.service_deployment_arn = call.text(deployment_arn(call, e));
  out.service_arn = call.text(service_arn(call.scope(), e.cluster, e.service));
  out.cluster_arn = call.text(cluster_arn(call, e.cluster));
  out.created_at = time_out(e.created);
  out.started_at = time_out(e.created);
  out.finished_at = time_out(e.finished);
  if (e.status == "STOPPED") out.stopped_at = time_out(e.finished);
  out.updated_at = time_out(e.updated);
  out.source_service_revisions = call.list<model::ServiceRevisionSummary>(e.sources.size());
  for (size_t i = 0; i < e.sources.size(); ++i)
    fill_summary(call, e, e.sources[i], counts, s, out.source_service_revisions[i]);
  out.target_service_revision = call.make<model::ServiceRevisionSummary>();
  fill_summary(call, e, e.revision.id, counts, s, *out.target_service_revision);
  out.status = call.text(e.status);
  if (!e.reason.empty()) out.status_reason = call.text(e.reason);
  out.deployment_configuration = configuration_out(call, s);
  if (!e.rollback_id.empty()) {
    out.rollback = call.make<model::Rollback>();
    out.rollback->reason = call.text(e.rollback_reason);
    out.rollback->started_at = time_out(e.rollback_started);
    out.rollback->service_revision_arn = call.text(revision_arn(call, e, e.rollback_id));
  }
  out.deployment_circuit_breaker = call.make<model::ServiceDeploymentCircuitBreaker>();
  auto& breaker = *out.deployment_circuit_breaker;
  breaker.failure_count = e.failures;
  breaker.threshold = e.threshold;
  const bool triggered = e.threshold && e.failures >= e.threshold;
  if (!e.threshold)
    breaker.status = "DISABLED";
  else if (triggered)
    breaker.status = "TRIGGERED";
  else
    breaker.status = call.text(e.open() ? "MONITORING" : "MONITORING_COMPLETE");
}

void fill_revision(Call& call, const ServiceDeployment& e, model::ServiceRevision& out) {
  out.service_revision_arn = call.text(revision_arn(call, e, e.revision.id));
  out.service_arn = call.text(service_arn(call.scope(), e.cluster, e.service));
  out.cluster_arn = call.text(cluster_arn(call, e.cluster));
  out.task_definition = call.text(e.revision.definition_arn);
  if (!e.revision.strategy.empty())
    out.capacity_provider_strategy = strategy_out(call, e.revision.strategy);
  else
    out.launch_type = "FARGATE";
  out.platform_version = "1.4.0";
  out.platform_family = "Linux";
  out.load_balancers = targets_out(call, e.targets);
  out.service_registries = call.list<model::ServiceRegistry>(0);
  out.network_configuration = network_out(call, e.revision.network);
  out.container_images = call.list<model::ContainerImage>(0);
  if (auto d = need_definition(call.tx, call.scope(), e.revision.definition_arn)) {
    const auto* definition = load_definition(call.arena, *d);
    out.container_images = call.list<model::ContainerImage>(definition->container_definitions.size());
    for (size_t i = 0; i < out.container_images.size(); ++i) {
      const auto& c = definition->container_definitions[i];
      out.container_images[i].container_name = c.name;
      out.container_images[i].image = c.image;
      if (auto digest = e.revision.image_digests.find(api::str(c.name));
          digest != e.revision.image_digests.end())
        out.container_images[i].image_digest = call.text(digest->second);
    }
  }
  out.guard_duty_enabled = false;
  out.created_at = time_out(e.revision.created);
}

}  // namespace

Status list_service_deployments(Call& call, const model::ListServiceDeploymentsRequest& in,
                                model::ListServiceDeploymentsResponse& out) {
  const std::string cluster = cluster_name(in.cluster), name = last_part(in.service);
  TRY(may(call, service_arn(call.scope(), cluster, name), cluster));
  TRY(need_cluster(call, in.cluster));
  TRY_LET(Service s, need_service(call, cluster, name));
  auto entries = call.tx.list<ServiceDeployment>(call.scope(), s.key() + "/");
  std::erase_if(entries, [&](const ServiceDeployment& e) {
    if (in.created_at && in.created_at->after.has() && e.created <= (*in.created_at->after).ms) return true;
    if (in.created_at && in.created_at->before.has() && e.created >= (*in.created_at->before).ms) return true;
    return !in.status.empty() && !includes(in.status, e.status);
  });
  // The newest first, which the pages' keys must follow.
  auto order = [](const ServiceDeployment& e) {
    return fmt::format("{:020}/{}", 9'000'000'000'000'000 - e.created, e.id);
  };
  std::sort(entries.begin(), entries.end(),
            [&](const auto& a, const auto& b) { return order(a) < order(b); });
  std::string next;
  TRY_LET(auto page,
          api::page(std::move(entries), in.next_token, static_cast<size_t>(in.max_results.value_or(20)),
                    order, next, "InvalidParameterException"));
  out.service_deployments = call.list<model::ServiceDeploymentBrief>(page.size());
  for (size_t i = 0; i < page.size(); ++i) {
    const ServiceDeployment& e = page[i];
    auto& b = out.service_deployments[i];
    b.service_deployment_arn = call.text(deployment_arn(call, e));
    b.service_arn = call.text(service_arn(call.scope(), e.cluster, e.service));
    b.cluster_arn = call.text(cluster_arn(call, e.cluster));
    b.started_at = time_out(e.created);
    b.created_at = time_out(e.created);
    b.finished_at = time_out(e.finished);
    b.target_service_revision_arn = call.text(revision_arn(call, e, e.revision.id));
    b.status = call.text(e.status);
    if (!e.reason.empty()) b.status_reason = call.text(e.reason);
  }
  if (!next.empty()) out.next_token = call.text(next);
  return {};
}

Status describe_service_deployments(Call& call, const model::DescribeServiceDeploymentsRequest& in,
                                    model::DescribeServiceDeploymentsResponse& out) {
  if (in.service_deployment_arns.empty() || in.service_deployment_arns.size() > kMostDescribed)
    return fail("InvalidParameterException", "serviceDeploymentArns must have 1 to 20 items.");
  std::vector<std::pair<ServiceDeployment, Service>> found;
  std::vector<model::Failure> failures;
  for (const auto& text : in.service_deployment_arns) {
    TRY(call.authorize(text.sv()));
    TRY_LET(Name name, read_arn(call, text, "service-deployment"));
    auto s = call.tx.get<Service>(call.scope(), name.service_key());
    auto e = call.tx.get<ServiceDeployment>(call.scope(), name.service_key() + "/" + name.id);
    if (s && e)
      found.emplace_back(std::move(*e), std::move(*s));
    else
      failures.push_back(failure(call, text, "MISSING"));
  }
  out.service_deployments = call.list<model::ServiceDeployment>(found.size());
  for (size_t i = 0; i < found.size(); ++i)
    fill(call, found[i].first, found[i].second, out.service_deployments[i]);
  out.failures = call.list<model::Failure>(failures.size());
  std::copy(failures.begin(), failures.end(), out.failures.begin());
  return {};
}

Status describe_service_revisions(Call& call, const model::DescribeServiceRevisionsRequest& in,
                                  model::DescribeServiceRevisionsResponse& out) {
  if (in.service_revision_arns.empty() || in.service_revision_arns.size() > kMostDescribed)
    return fail("InvalidParameterException", "serviceRevisionArns must have 1 to 20 items.");
  std::vector<ServiceDeployment> found;
  std::vector<model::Failure> failures;
  for (const auto& text : in.service_revision_arns) {
    TRY(call.authorize(text.sv()));
    TRY_LET(Name name, read_arn(call, text, "service-revision"));
    auto entries = call.tx.list<ServiceDeployment>(call.scope(), name.service_key() + "/");
    auto e = std::find_if(entries.begin(), entries.end(),
                          [&](const auto& entry) { return last_part(entry.revision.id) == name.id; });
    if (e != entries.end())
      found.push_back(*e);
    else
      failures.push_back(failure(call, text, "MISSING"));
  }
  out.service_revisions = call.list<model::ServiceRevision>(found.size());
  for (size_t i = 0; i < found.size(); ++i) fill_revision(call, found[i], out.service_revisions[i]);
  out.failures = call.list<model::Failure>(failures.size());
  std::copy(failures.begin(), failures.end(), out.failures.begin());
  return {};
}

Status stop_service_deployment(Call& call, const model::StopServiceDeploymentRequest& in,
                               model::StopServiceDeploymentResponse& out) {
  TRY(call.authorize(in.service_deployment_arn.sv()));
  TRY_LET(Name name, read_arn(call, in.service_deployment_arn, "service-deployment"));
  if (in.stop_type.has() && in.stop_type != "ROLLBACK")
    return fail("InvalidParameterException",
                fmt::format("The stop type {} is not served: use ROLLBACK.", in.stop_type.sv()));
  auto e = call.tx.get<ServiceDeployment>(call.scope(), name.service_key() + "/" + name.id);
  if (!e) return fail("ServiceDeploymentNotFoundException", "The service deployment was not found.");
  TRY_LET(Service s, need_service(call, name.cluster, name.service));
  if (s.open_deployment != e->id || e->status != "IN_PROGRESS")
    return fail("ConflictException", fmt::format("The service deployment is {}.", e->status));
  if (s.good.empty())
    return fail("ConflictException", "The service has no completed deployment to go back to.");
  Deployment back = s.good.front();
  back.rollout_reason = fmt::format("Service deployment stopped: rolling back to deploymentId {}.", back.id);
  begin_deployment(s, std::move(back), call.now);
  history_goes_back(call.tx, call.scope(), s,
                    "Service deployment rolled back because of StopServiceDeployment.", call.now);
  call.tx.put(call.scope(), s);
  out.service_deployment_arn = in.service_deployment_arn;
  return {};
}

}  // namespace nubecita::ecs
