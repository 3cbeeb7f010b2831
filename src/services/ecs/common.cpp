#include "services/ecs/common.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/arn.hpp"
#include "services/ec2/ec2.hpp"

namespace nubecita::ecs {

std::string definition_key(std::string_view family, int64_t revision) {
  return fmt::format("{}/{:010}", family, revision);
}

std::string cluster_arn(const store::Scope& s, std::string_view cluster) {
  return arn("ecs", s.region, s.account, fmt::format("cluster/{}", cluster));
}
std::string service_arn(const store::Scope& s, std::string_view cluster, std::string_view service) {
  return arn("ecs", s.region, s.account, fmt::format("service/{}/{}", cluster, service));
}
std::string task_arn(const store::Scope& s, std::string_view cluster, std::string_view task) {
  return arn("ecs", s.region, s.account, fmt::format("task/{}/{}", cluster, task));
}
std::string definition_arn(const store::Scope& s, std::string_view family, int64_t revision) {
  return arn("ecs", s.region, s.account, fmt::format("task-definition/{}:{}", family, revision));
}

std::string last_part(std::string_view name) { return std::string(name.substr(name.rfind('/') + 1)); }
std::string cluster_name(std::string_view name) { return name.empty() ? "default" : last_part(name); }

Result<Cluster> need_cluster(Call& call, std::string_view name_or_arn) {
  auto cluster = call.tx.get<Cluster>(call.scope(), cluster_name(name_or_arn));
  if (!cluster || cluster->inactive) return fail("ClusterNotFoundException", "Cluster not found.");
  return std::move(*cluster);
}

Result<Definition> need_definition(store::Transaction& tx, const store::Scope& scope, std::string_view name) {
  if (auto a = Arn::parse(name)) {
    if (a->region != scope.region || a->account != scope.account ||
        !a->resource.starts_with("task-definition/"))
      return fail("ClientException", "Unable to describe task definition.");
    name = name.substr(name.rfind('/') + 1);
  }
  const size_t colon = name.rfind(':');
  if (colon != std::string_view::npos) {
    int64_t revision = 0;
    auto digits = name.substr(colon + 1);
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), revision);
    if (error != std::errc() || end != digits.data() + digits.size() || revision < 1)
      return fail("ClientException", fmt::format("Invalid revision number. Number: {}", digits));
    auto record = tx.get<Definition>(scope, definition_key(name.substr(0, colon), revision));
    if (!record) return fail("ClientException", "Unable to describe task definition.");
    return std::move(*record);
  }
  std::optional<Definition> newest;
  for (auto& d : tx.list<Definition>(scope, std::string(name) + "/"))
    if (d.status == "ACTIVE") newest = std::move(d);
  if (!newest) return fail("ClientException", "Unable to describe task definition.");
  return std::move(*newest);
}

Result<Service> need_service(Call& call, const std::string& cluster, std::string_view name_or_arn) {
  auto service = call.tx.get<Service>(call.scope(), cluster + "/" + last_part(name_or_arn));
  if (!service) return fail("ServiceNotFoundException", "Service not found.");
  if (service->status == "INACTIVE") return fail("ServiceNotActiveException", "Service was not ACTIVE.");
  return std::move(*service);
}

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_';
  });
}

Result<std::vector<TagRecord>> read_tags(const wire::List<model::Tag>& tags) {
  std::vector<TagRecord> out;
  std::set<std::string_view> names;
  for (const model::Tag& t : tags) {
    if (t.key.empty() || t.key.size() > 128 || t.value.size() > 256)
      return fail("InvalidParameterException", "A tag's key has 1 to 128 characters, its value at most 256.");
    if (t.key.sv().starts_with("aws:"))
      return fail("InvalidParameterException", "Tag keys that begin with aws: are reserved.");
    if (!names.insert(t.key.sv()).second)
      return fail("InvalidParameterException",
                  "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    out.push_back({api::str(t.key), api::str(t.value)});
  }
  if (out.size() > 50) return fail("InvalidParameterException", "The maximum number of tags is 50.");
  return out;
}

wire::List<model::Tag> tags_out(Call& call, const std::vector<TagRecord>& tags) {
  auto out = call.list<model::Tag>(tags.size());
  for (size_t i = 0; i < tags.size(); ++i) {
    out[i].key = call.text(tags[i].name);
    out[i].value = call.text(tags[i].value);
  }
  return out;
}

api::Conditions tag_conditions(const std::vector<TagRecord>& request,
                               const std::vector<TagRecord>& resource) {
  api::Conditions out;
  std::vector<std::string> keys;
  for (const auto& t : request) {
    out.push_back({"aws:RequestTag/" + t.name, {t.value}});
    keys.push_back(t.name);
  }
  if (!keys.empty()) out.push_back({"aws:TagKeys", keys});
  for (const auto& t : resource) {
    out.push_back({"aws:ResourceTag/" + t.name, {t.value}});
    out.push_back({"ecs:ResourceTag/" + t.name, {t.value}});
  }
  return out;
}

bool includes(const wire::List<wire::Text>& include, std::string_view what) {
  return std::any_of(include.begin(), include.end(), [&](const wire::Text& t) { return t == what; });
}

Result<std::vector<StrategyItem>> read_strategy(const wire::List<model::CapacityProviderStrategyItem>& in) {
  std::vector<StrategyItem> out;
  for (const auto& item : in) {
    if (item.capacity_provider != "FARGATE" && item.capacity_provider != "FARGATE_SPOT")
      return fail(
          "InvalidParameterException",
          fmt::format(
              "The specified capacity provider '{}' was not found: this cloud has FARGATE and FARGATE_SPOT.",
              item.capacity_provider.sv()));
    out.push_back({api::str(item.capacity_provider), item.weight.value_or(0), item.base.value_or(0)});
  }
  return out;
}

wire::List<model::CapacityProviderStrategyItem> strategy_out(Call& call,
                                                             const std::vector<StrategyItem>& in) {
  auto out = call.list<model::CapacityProviderStrategyItem>(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    out[i].capacity_provider = call.text(in[i].provider);
    out[i].weight = in[i].weight;
    out[i].base = in[i].base;
  }
  return out;
}

Result<Network> read_network(Call& call, const model::NetworkConfiguration* in) {
  const model::AwsVpcConfiguration* vpc = in ? in->awsvpc_configuration : nullptr;
  if (!vpc)
    return fail("InvalidParameterException",
                "Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  Network out;
  out.subnets = api::strings(vpc->subnets);
  out.groups = api::strings(vpc->security_groups);
  out.public_ip = vpc->assign_public_ip == "ENABLED";
  if (out.subnets.empty() || out.subnets.size() > 16)
    return fail("InvalidParameterException", "subnets can have between 1 and 16 items.");
  if (out.groups.size() > 5)
    return fail("InvalidParameterException", "securityGroups can have at most 5 items.");
  std::string vpc_id;
  for (const auto& id : out.subnets) {
    auto subnet = ec2::find_subnet(call.tx, call.scope(), id);
    if (!subnet)
      return fail("InvalidParameterException", fmt::format("The subnet ID '{}' does not exist", id));
    if (!vpc_id.empty() && subnet->vpc_id != vpc_id)
      return fail("InvalidParameterException", "subnets must belong to the same VPC.");
    vpc_id = subnet->vpc_id;
  }
  for (const auto& id : out.groups) {
    auto group = ec2::find_group(call.tx, call.scope(), id);
    if (!group)
      return fail("InvalidParameterException", fmt::format("The security group '{}' does not exist", id));
    if (group->vpc_id != vpc_id)
      return fail("InvalidParameterException", "Subnets and security groups must belong to the same VPC.");
  }
  return out;
}

model::NetworkConfiguration* network_out(Call& call, const Network& network) {
  auto* out = call.make<model::NetworkConfiguration>();
  out->awsvpc_configuration = call.make<model::AwsVpcConfiguration>();
  out->awsvpc_configuration->subnets = call.texts(network.subnets);
  out->awsvpc_configuration->security_groups = call.texts(network.groups);
  out->awsvpc_configuration->assign_public_ip =
      network.public_ip ? wire::Text("ENABLED") : wire::Text("DISABLED");
  return out;
}

model::Failure failure(Call& call, std::string_view failed_arn, std::string_view reason) {
  model::Failure f;
  f.arn = call.text(failed_arn);
  f.reason = call.text(reason);
  return f;
}

}  // namespace nubecita::ecs
