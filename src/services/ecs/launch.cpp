#include "services/ecs/launch.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/arn.hpp"
#include "base/ids.hpp"
#include "models/ecs.hpp"
#include "services/ec2/ec2.hpp"
#include "services/ec2/network.hpp"
#include "services/ecr/ecr.hpp"
#include "services/ecs/common.hpp"

namespace nubecita::ecs {

namespace {

/// "ip-10-0-1-7.eu-central-1.compute.internal"
std::string private_name(std::string ip, const std::string& region) {
  std::replace(ip.begin(), ip.end(), '.', '-');
  return fmt::format("ip-{}.{}", ip, ec2::internal_domain(region));
}

std::vector<TagRecord> all_tags(const Launch& l) {
  std::vector<TagRecord> tags = l.tags;
  if (l.managed_tags) {
    tags.push_back({"aws:ecs:clusterName", l.cluster});
    if (!l.service.empty()) tags.push_back({"aws:ecs:serviceName", l.service});
  }
  return tags;
}

}  // namespace

Result<Task> launch_task(store::Transaction& tx, const store::Scope& scope, const Launch& l, int64_t now) {
  Task t;
  t.cluster = l.cluster;
  t.id = random_hex(32);
  t.attachment_id = uuid();

  ec2::NewInterface wanted;
  wanted.subnet_id = l.subnet_id;
  wanted.security_groups = l.network.groups;
  wanted.description = arn("ecs", scope.region, scope.account, "attachment/" + t.attachment_id);
  wanted.requester = "amazon-ecs";
  wanted.owner_key = store::make_key(Task::kTable, scope, t.key());
  wanted.public_ip = l.network.public_ip;
  wanted.public_pool = l.public_pool;
  for (const auto& tag : all_tags(l)) wanted.tags.push_back({tag.name, tag.value});
  auto eni = ec2::create_interface(tx, scope, wanted);
  if (!eni) {
    if (eni.error().code == "InsufficientFreeAddressesInSubnet")
      return fail("RESOURCE:ENI", eni.error().message);
    return fail("InvalidParameterException", eni.error().message);
  }
  t.eni_id = eni->id;
  t.subnet_id = eni->subnet_id;
  t.zone = eni->zone;
  t.mac = eni->mac;
  t.private_ip = eni->private_ip;
  t.private_name = private_name(eni->private_ip, scope.region);

  t.definition_arn = definition_arn(scope, l.definition.family, l.definition.revision);
  t.family = l.definition.family;
  t.group = l.group.empty() ? "family:" + l.definition.family : l.group;
  t.started_by = l.started_by;
  t.service = l.service;
  t.deployment = l.deployment;
  t.targets = l.targets;
  t.overrides = l.overrides;
  t.override_cpu = l.override_cpu;
  t.override_memory = l.override_memory;
  t.override_task_role = l.override_task_role;
  t.override_execution_role = l.override_execution_role;
  t.image_digests = l.image_digests;
  t.launch_type = l.capacity_provider.empty() ? l.launch_type : "";
  t.capacity_provider = l.capacity_provider;
  t.platform_version = kPlatform;
  t.credentials_id = uuid();
  t.managed_tags = l.managed_tags;
  t.created = now;
  t.client_token = l.client_token;
  t.tags = all_tags(l);

  TaskStatus status;
  status.cluster = t.cluster;
  status.id = t.id;
  status.last_status = "PROVISIONING";
  status.version = 1;
  for (const auto& name : l.containers) {
    t.runtime_ids[name] = fmt::format("{}-{}", t.id, random_text(10, "0123456789"));
    ContainerStatus c;
    c.name = name;
    c.status = "PENDING";
    status.containers.push_back(std::move(c));
  }
  tx.put(scope, t);
  tx.put(scope, status);
  return t;
}

std::vector<std::string> container_names(const model::TaskDefinition& d) {
  std::vector<std::string> out;
  for (const auto& c : d.container_definitions) out.push_back(api::str(c.name));
  return out;
}

std::map<std::string, std::string> resolve_digests(store::Transaction& tx, const Config& config,
                                                   const model::TaskDefinition& d) {
  std::map<std::string, std::string> out;
  for (const auto& c : d.container_definitions)
    if (auto reference = ecr::our_reference(config, c.image))
      if (auto image = ecr::find_image(tx, *reference)) out[api::str(c.name)] = image->digest;
  return out;
}

std::string choose_provider(const std::vector<StrategyItem>& strategy, int n) {
  if (strategy.empty()) return {};
  int total = 0;
  for (const auto& item : strategy) {
    if (n < item.base) return item.provider;
    total += item.weight;
  }
  if (total <= 0) return strategy.front().provider;
  int at = n % total;
  for (const auto& item : strategy) {
    if (at < item.weight) return item.provider;
    at -= item.weight;
  }
  return strategy.front().provider;
}

}  // namespace nubecita::ecs
