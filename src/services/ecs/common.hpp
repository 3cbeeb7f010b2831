// What all of ECS's operations share: names and ARNs, finding what a request names, authorization with tags.
// Works on the call; one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "models/ecs.hpp"
#include "services/ecs/records.hpp"

namespace nubecita::ecs {

using api::Call;

std::string cluster_arn(const store::Scope& scope, std::string_view cluster);
std::string service_arn(const store::Scope& scope, std::string_view cluster, std::string_view service);
std::string task_arn(const store::Scope& scope, std::string_view cluster, std::string_view task);
std::string definition_arn(const store::Scope& scope, std::string_view family, int64_t revision);
inline std::string cluster_arn(const Call& call, std::string_view cluster) {
  return cluster_arn(call.scope(), cluster);
}

/// The name in "name" or in an ARN of that kind: "cluster/x" → x, "service/c/x" → x, "task/c/x" → x;
/// "default" if empty.
std::string cluster_name(std::string_view name_or_arn);
std::string last_part(std::string_view name_or_arn);

/// The ACTIVE cluster that a request names. Error ClusterNotFoundException.
Result<Cluster> need_cluster(Call& call, std::string_view name_or_arn);
/// "family", "family:revision" or an ARN; without revision the newest ACTIVE one. Error ClientException.
Result<Definition> need_definition(store::Transaction& tx, const store::Scope& scope, std::string_view name);
/// The service that a request names, ACTIVE or DRAINING. Errors ServiceNotFoundException,
/// ServiceNotActiveException.
Result<Service> need_service(Call& call, const std::string& cluster, std::string_view name_or_arn);

bool valid_name(std::string_view name);  // letters, digits, '-' and '_', 1 to 255

// Tags
/// Errors: InvalidParameterException (more than 50, too long, reserved, twice).
Result<std::vector<TagRecord>> read_tags(const wire::List<model::Tag>& tags);
wire::List<model::Tag> tags_out(Call& call, const std::vector<TagRecord>& tags);
api::Conditions tag_conditions(const std::vector<TagRecord>& request_tags,
                               const std::vector<TagRecord>& resource_tags);
bool includes(const wire::List<wire::Text>& include, std::string_view what);

// Strategies
/// Only FARGATE and FARGATE_SPOT are there. Errors: InvalidParameterException.
Result<std::vector<StrategyItem>> read_strategy(const wire::List<model::CapacityProviderStrategyItem>& in);
wire::List<model::CapacityProviderStrategyItem> strategy_out(Call& call, const std::vector<StrategyItem>& in);

// Networks
Result<Network> read_network(Call& call, const model::NetworkConfiguration* in);
model::NetworkConfiguration* network_out(Call& call, const Network& network);

model::Failure failure(Call& call, std::string_view arn, std::string_view reason);
inline wire::Opt<wire::Timestamp> time_out(int64_t ms) {
  return ms ? wire::Opt<wire::Timestamp>(wire::Timestamp{ms}) : wire::Opt<wire::Timestamp>();
}

// Definitions as their model (definition_model.cpp)
/// The stored JSON in the arena. Never null.
model::TaskDefinition* load_definition(Arena& arena, const Definition& record);
std::string store_definition(const model::TaskDefinition& definition);
/// The same with what the record keeps beside the JSON (ARN, status, times).
model::TaskDefinition* definition_out(Call& call, const Definition& record);

}  // namespace nubecita::ecs
