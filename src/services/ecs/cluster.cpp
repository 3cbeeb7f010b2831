// Clusters (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Cluster.html). A cluster is a name
// here: all tasks run on this machine, as Fargate's do on AWS's.
#include <fmt/core.h>

#include "services/ecs/common.hpp"

namespace nubecita::ecs {

namespace {

struct Counts {
  int running = 0, pending = 0, services = 0;
};

Counts count(Call& call, const std::string& cluster) {
  Counts c;
  for (const auto& s : call.tx.list<TaskStatus>(call.scope(), cluster + "/")) {
    if (s.last_status == "RUNNING") ++c.running;
    if (s.last_status == "PROVISIONING" || s.last_status == "PENDING" || s.last_status == "ACTIVATING")
      ++c.pending;
  }
  for (const auto& s : call.tx.list<Service>(call.scope(), cluster + "/"))
    if (s.status == "ACTIVE") ++c.services;
  return c;
}

wire::List<model::ClusterSetting> settings_out(Call& call, const Cluster& c) {
  auto out = call.list<model::ClusterSetting>(c.settings.size());
  for (size_t i = 0; i < c.settings.size(); ++i) {
    out[i].name = call.text(c.settings[i].name);
    out[i].value = call.text(c.settings[i].value);
  }
  return out;
}

void fill(Call& call, const Cluster& c, const wire::List<wire::Text>* include, model::Cluster& out) {
  out.cluster_arn = call.text(cluster_arn(call, c.name));
  out.cluster_name = call.text(c.name);
  out.status = c.inactive ? wire::Text("INACTIVE") : wire::Text("ACTIVE");
  Counts n = count(call, c.name);
  out.registered_container_instances_count = 0;
  out.running_tasks_count = n.running;
  out.pending_tasks_count = n.pending;
  out.active_services_count = n.services;
  out.statistics = call.list<model::KeyValuePair>(0);
  out.tags = !include || includes(*include, "TAGS") ? tags_out(call, c.tags) : call.list<model::Tag>(0);
  out.settings = !include || includes(*include, "SETTINGS") ? settings_out(call, c)
                                                            : call.list<model::ClusterSetting>(0);
  out.capacity_providers = call.texts(c.capacity_providers);
  out.default_capacity_provider_strategy = strategy_out(call, c.strategy);
}

model::Cluster* rendered(Call& call, const Cluster& c) {
  auto* out = call.make<model::Cluster>();
  fill(call, c, nullptr, *out);
  return out;
}

Status read_settings(const wire::List<model::ClusterSetting>& in, Cluster& c) {
  for (const auto& s : in) {
    if (s.name != "containerInsights" ||
        (s.value != "enabled" && s.value != "disabled" && s.value != "enhanced"))
      return fail("InvalidParameterException",
                  fmt::format("Invalid cluster setting: {} = {}", s.name.sv(), s.value.sv()));
    c.settings = {{"containerInsights", api::str(s.value)}};
  }
  return {};
}

Result<std::vector<std::string>> read_providers(const wire::List<wire::Text>& in) {
  for (const auto& p : in)
    if (p != "FARGATE" && p != "FARGATE_SPOT")
      return fail(
          "InvalidParameterException",
          fmt::format(
              "The specified capacity provider '{}' was not found: this cloud has FARGATE and FARGATE_SPOT.",
              p.sv()));
  return api::strings(in);
}

Status check_strategy(const Cluster& c) {
  for (const auto& item : c.strategy)
    if (std::find(c.capacity_providers.begin(), c.capacity_providers.end(), item.provider) ==
        c.capacity_providers.end())
      return fail(
          "InvalidParameterException",
          fmt::format("The capacity provider {} of the default strategy is not associated with the cluster.",
                      item.provider));
  return {};
}

Result<Cluster> allowed_cluster(Call& call, std::string_view name,
                                const std::vector<TagRecord>& request_tags = {}) {
  auto stored = call.tx.get<Cluster>(call.scope(), cluster_name(name));
  TRY(call.authorize(cluster_arn(call, cluster_name(name)),
                     tag_conditions(request_tags, stored ? stored->tags : std::vector<TagRecord>{})));
  return need_cluster(call, name);
}

}  // namespace

Status create_cluster(Call& call, const model::CreateClusterRequest& in, model::CreateClusterResponse& out) {
  const std::string name = in.cluster_name.empty() ? "default" : api::str(in.cluster_name);
  TRY_LET(auto tags, read_tags(in.tags));
  TRY(call.authorize(cluster_arn(call, name), tag_conditions(tags, {})));
  if (!tags.empty())
    TRY(call.authorize(cluster_arn(call, name), tag_conditions(tags, {}), "ecs:TagResource"));
  if (!valid_name(name))
    return fail("InvalidParameterException",
                "The name of a cluster has up to 255 letters, digits, hyphens and underscores.");
  if (auto old = call.tx.get<Cluster>(call.scope(), name); old && !old->inactive) {
    out.cluster = rendered(call, *old);  // as AWS does: the same name is the same cluster
    return {};
  }
  Cluster c;
  c.name = name;
  c.settings = {{"containerInsights", "disabled"}};
  TRY(read_settings(in.settings, c));
  TRY_LET(c.capacity_providers, read_providers(in.capacity_providers));
  TRY_LET(c.strategy, read_strategy(in.default_capacity_provider_strategy));
  TRY(check_strategy(c));
  c.tags = std::move(tags);
  c.created = call.now;
  call.tx.put(call.scope(), c);
  out.cluster = rendered(call, c);
  return {};
}

Status delete_cluster(Call& call, const model::DeleteClusterRequest& in, model::DeleteClusterResponse& out) {
  TRY_LET(Cluster c, allowed_cluster(call, in.cluster));
  for (const auto& s : call.tx.list<Service>(call.scope(), c.name + "/"))
    if (s.status != "INACTIVE")
      return fail("ClusterContainsServicesException",
                  "The Cluster cannot be deleted while Services are active.");
  for (const auto& s : call.tx.list<TaskStatus>(call.scope(), c.name + "/"))
    if (s.last_status != "STOPPED")
      return fail("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.");
  c.inactive = true;
  call.tx.put(call.scope(), c);
  out.cluster = rendered(call, c);
  return {};
}

Status describe_clusters(Call& call, const model::DescribeClustersRequest& in,
                         model::DescribeClustersResponse& out) {
  std::vector<std::string> names = api::strings(in.clusters);
  if (names.empty()) names = {"default"};
  if (names.size() > 100) return fail("InvalidParameterException", "clusters can have at most 100 items.");
  std::vector<Cluster> found;
  std::vector<model::Failure> failures;
  for (const auto& n : names) {
    auto c = call.tx.get<Cluster>(call.scope(), cluster_name(n));
    TRY(call.authorize(cluster_arn(call, cluster_name(n)),
                       tag_conditions({}, c ? c->tags : std::vector<TagRecord>{})));
    if (c)
      found.push_back(std::move(*c));
    else
      failures.push_back(failure(call, cluster_arn(call, cluster_name(n)), "MISSING"));
  }
  out.clusters = call.list<model::Cluster>(found.size());
  for (size_t i = 0; i < found.size(); ++i) fill(call, found[i], &in.include, out.clusters[i]);
  out.failures = call.list<model::Failure>(failures.size());
  std::copy(failures.begin(), failures.end(), out.failures.begin());
  return {};
}

Status list_clusters(Call& call, const model::ListClustersRequest& in, model::ListClustersResponse& out) {
  TRY(call.authorize("*"));
  std::vector<std::string> names;
  for (const auto& c : call.tx.list<Cluster>(call.scope()))
    if (!c.inactive) names.push_back(c.name);
  std::string next;
  TRY_LET(auto page, api::page(
                         std::move(names), in.next_token, static_cast<size_t>(in.max_results.value_or(100)),
                         [](const std::string& n) { return n; }, next, "InvalidParameterException"));
  for (auto& n : page) n = cluster_arn(call, n);
  out.cluster_arns = call.texts(page);
  if (!next.empty()) out.next_token = call.text(next);
  return {};
}

Status update_cluster(Call& call, const model::UpdateClusterRequest& in, model::UpdateClusterResponse& out) {
  TRY_LET(Cluster c, allowed_cluster(call, in.cluster));
  TRY(read_settings(in.settings, c));
  call.tx.put(call.scope(), c);
  out.cluster = rendered(call, c);
  return {};
}

Status update_cluster_settings(Call& call, const model::UpdateClusterSettingsRequest& in,
                               model::UpdateClusterSettingsResponse& out) {
  TRY_LET(Cluster c, allowed_cluster(call, in.cluster));
  TRY(read_settings(in.settings, c));
  call.tx.put(call.scope(), c);
  out.cluster = rendered(call, c);
  return {};
}

Status put_cluster_capacity_providers(Call& call, const model::PutClusterCapacityProvidersRequest& in,
                                      model::PutClusterCapacityProvidersResponse& out) {
  TRY_LET(Cluster c, allowed_cluster(call, in.cluster));
  TRY_LET(c.capacity_providers, read_providers(in.capacity_providers));
  TRY_LET(c.strategy, read_strategy(in.default_capacity_provider_strategy));
  TRY(check_strategy(c));
  call.tx.put(call.scope(), c);
  out.cluster = rendered(call, c);
  return {};
}

Status describe_capacity_providers(Call& call, const model::DescribeCapacityProvidersRequest& in,
                                   model::DescribeCapacityProvidersResponse& out) {
  TRY(call.authorize("*"));
  std::vector<std::string> names = api::strings(in.capacity_providers);
  if (names.empty()) names = {"FARGATE", "FARGATE_SPOT"};
  std::vector<model::CapacityProvider> found;
  std::vector<model::Failure> failures;
  for (const auto& n : names) {
    const std::string name = last_part(n);
    const std::string provider_arn = call.arn("ecs", "capacity-provider/" + name);
    if (name != "FARGATE" && name != "FARGATE_SPOT") {
      failures.push_back(failure(call, provider_arn, "MISSING"));
      continue;
    }
    model::CapacityProvider p;
    p.capacity_provider_arn = call.text(provider_arn);
    p.name = call.text(name);
    p.status = "ACTIVE";
    p.tags = call.list<model::Tag>(0);
    found.push_back(p);
  }
  out.capacity_providers = call.list<model::CapacityProvider>(found.size());
  std::copy(found.begin(), found.end(), out.capacity_providers.begin());
  out.failures = call.list<model::Failure>(failures.size());
  std::copy(failures.begin(), failures.end(), out.failures.begin());
  return {};
}

}  // namespace nubecita::ecs
