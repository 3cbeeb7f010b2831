// What other services may ask of load balancing: registering targets (ECS does it for its tasks) and what was
// observed of them. Everything works inside the caller's transaction; the load balancing controller makes the
// proxies obey.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "store/store.hpp"

namespace nubecita::api {
struct Cloud;
}

namespace nubecita::elbv2 {

/// The table of what was observed of targets. A controller that wants to know watches it; the ids in its keys
/// are
/// "<target group ARN>|<ip>:<port>" (see target_of_status_key()).
inline constexpr std::string_view kTargetStatusTable = "elbv2.target_status";

struct TargetGroupInfo {
  std::string arn, name, protocol, vpc_id, target_type;
  int port = 0;
  std::vector<std::string> load_balancer_arns;  // of the listeners and rules that forward to it
  bool attached() const { return !load_balancer_arns.empty(); }
};
/// Error TargetGroupNotFound.
Result<TargetGroupInfo> find_target_group(store::Transaction& tx, const store::Scope& scope,
                                          const std::string& target_group_arn);

/// Registering twice is fine; registering a draining target brings it back. Errors: TargetGroupNotFound,
/// InvalidTarget (address outside the VPC), TooManyTargets.
Status register_target(store::Transaction& tx, const store::Scope& scope, const std::string& target_group_arn,
                       const std::string& ip, int port);
/// From now on it gets no new requests; it drains for the group's deregistration delay, then vanishes. An
/// unregistered target or a deleted group is fine.
Status deregister_target(store::Transaction& tx, const store::Scope& scope,
                         const std::string& target_group_arn, const std::string& ip, int port);

struct TargetHealth {
  std::string state;        // initial | healthy | unhealthy | draining | unused
  std::string reason;       // "Elb.RegistrationInProgress", "Target.Timeout", ...; empty if healthy
  std::string description;  // in AWS's words
  bool idle =
      false;  // draining, and nothing is in flight any more: it may be stopped without losing a request
  bool healthy() const { return state == "healthy"; }
  bool unhealthy() const { return state == "unhealthy"; }
};
/// What DescribeTargetHealth tells. An unknown target is "unused" with reason Target.NotRegistered.
/// Error TargetGroupNotFound.
Result<TargetHealth> target_health(store::Transaction& tx, const store::Scope& scope,
                                   const std::string& target_group_arn, const std::string& ip, int port);

struct TargetRef {
  std::string target_group_arn, ip;
  int port = 0;
};
/// The target that a key of kTargetStatusTable is about (its id part: store::parse_key(key).id).
std::optional<TargetRef> target_of_status_key(std::string_view id);

/// Called once before the engine starts.
void add_controllers(api::Cloud& cloud);

}  // namespace nubecita::elbv2
