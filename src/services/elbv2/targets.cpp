// Targets: registering, deregistering, and what is known of their health. Also what other services may ask
// (elbv2.hpp).
#include <algorithm>
#include <set>

#include "base/cidr.hpp"
#include "base/clock.hpp"
#include "services/ec2/ec2.hpp"
#include "services/elbv2/attributes.hpp"
#include "services/elbv2/common.hpp"

namespace nubecita::elbv2 {

namespace {

constexpr size_t kMostTargets = 1000;

Status check_address(store::Transaction& tx, const Scope& scope, const TargetGroup& g,
                     const std::string& ip) {
  auto address = Cidr::parse_address(ip);
  if (!address || address->is_v6())
    return fail("ValidationError", "The IP address '" + ip + "' is not a valid IPv4 address");
  auto vpc = tx.get<ec2::Vpc>(scope, g.vpc_id);
  std::vector<std::string> blocks;
  if (vpc) {
    blocks.push_back(vpc->cidr);
    for (auto& more : vpc->more_cidrs) blocks.push_back(more.substr(more.find('=') + 1));
  }
  for (auto& b : blocks)
    if (auto cidr = Cidr::parse(b); cidr && cidr->contains(*address)) return {};
  return fail("InvalidTarget",
              "The IP address '" + ip + "' is not within the VPC '" + g.vpc_id + "' of the target group");
}

std::string zone_of(store::Transaction& tx, const Scope& scope, const TargetGroup& g, const std::string& ip) {
  auto address = Cidr::parse_address(ip);
  for (auto& s : tx.list<ec2::Subnet>(scope))
    if (s.vpc_id == g.vpc_id)
      if (auto cidr = Cidr::parse(s.cidr); cidr && cidr->contains(*address)) return s.zone;
  return {};
}

Status put_target(store::Transaction& tx, const Scope& scope, const TargetGroup& g, const std::string& ip,
                  int port) {
  Target t;
  t.target_group = g.name;
  t.ip = ip;
  t.port = port ? port : g.port;
  if (auto existing = tx.get<Target>(scope, t.key())) {
    if (existing->deregistered == 0) return {};
    existing->deregistered = 0;
    existing->registered = now_ms();
    tx.put(scope, *existing);
    return {};
  }
  TRY(check_address(tx, scope, g, ip));
  if (targets_of(tx, scope, g).size() >= kMostTargets)
    return fail("TooManyTargets",
                "The limit of targets of a target group has been reached: " + std::to_string(kMostTargets));
  t.zone = zone_of(tx, scope, g, ip);
  t.registered = now_ms();
  tx.put(scope, t);
  return {};
}

// In a group that no load balancer uses nobody has connections to drain.
void drain_target(store::Transaction& tx, const Scope& scope, const TargetGroup& g, const std::string& ip,
                  int port) {
  auto t = tx.get<Target>(scope, Target{g.name, ip, "", port ? port : g.port, 0, 0}.key());
  if (!t || t->deregistered) return;
  if (attachments_of(tx, scope, g).empty()) {
    tx.erase<Target>(scope, t->key());
    return;
  }
  t->deregistered = now_ms();
  tx.put(scope, *t);
}

TargetHealth health_of(store::Transaction& tx, const Scope& scope, const TargetGroup& g, const Target& t) {
  if (t.deregistered) {
    TargetHealth h{"draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"};
    auto seen = tx.get<TargetStatus>(scope, TargetStatus{g.arn, t.ip, t.port, "", "", "", false}.key());
    h.idle = seen && seen->idle;
    return h;
  }
  if (attachments_of(tx, scope, g).empty())
    return {"unused", "Target.NotInUse",
            "Target group is not configured to receive traffic from the load balancer"};
  auto seen = tx.get<TargetStatus>(scope, TargetStatus{g.arn, t.ip, t.port, "", "", "", false}.key());
  if (!seen || seen->state == "draining")
    return {"initial", "Elb.RegistrationInProgress", "Target registration is in progress"};
  return {seen->state, seen->reason, seen->description};
}

}  // namespace

Result<TargetGroupInfo> find_target_group(store::Transaction& tx, const Scope& scope,
                                          const std::string& arn) {
  auto g = find_group(tx, scope, arn);
  if (!g) return fail("TargetGroupNotFound", "One or more target groups not found");
  TargetGroupInfo out{g->arn, g->name, g->protocol, g->vpc_id, "ip", g->port, {}};
  std::set<std::string> lbs;
  for (auto& a : attachments_of(tx, scope, *g)) lbs.insert(lb_arn(scope, a.lb_key));
  out.load_balancer_arns.assign(lbs.begin(), lbs.end());
  return out;
}

Status register_target(store::Transaction& tx, const Scope& scope, const std::string& arn,
                       const std::string& ip, int port) {
  auto g = find_group(tx, scope, arn);
  if (!g) return no_such_group();
  return put_target(tx, scope, *g, ip, port);
}

Status deregister_target(store::Transaction& tx, const Scope& scope, const std::string& arn,
                         const std::string& ip, int port) {
  if (auto g = find_group(tx, scope, arn)) drain_target(tx, scope, *g, ip, port);
  return {};
}

Result<TargetHealth> target_health(store::Transaction& tx, const Scope& scope, const std::string& arn,
                                   const std::string& ip, int port) {
  auto g = find_group(tx, scope, arn);
  if (!g) return no_such_group();
  auto t = tx.get<Target>(scope, Target{g->name, ip, "", port ? port : g->port, 0, 0}.key());
  if (!t)
    return TargetHealth{"unused", "Target.NotRegistered", "Target is not registered to the target group"};
  return health_of(tx, scope, *g, *t);
}

std::optional<TargetRef> target_of_status_key(std::string_view id) {
  auto bar = id.find('|');
  auto colon = id.rfind(':');
  if (bar == std::string_view::npos || colon == std::string_view::npos || colon < bar) return {};
  return TargetRef{std::string(id.substr(0, bar)), std::string(id.substr(bar + 1, colon - bar - 1)),
                   atoi(std::string(id.substr(colon + 1)).c_str())};
}

Status register_targets(Call& call, const model::RegisterTargetsInput& in, model::RegisterTargetsOutput&) {
  TRY_LET(auto g, need_group(call, in.target_group_arn));
  if (in.targets.empty()) return invalid("At least one target must be specified");
  for (auto& t : in.targets) {
    if (!t.availability_zone.empty() && t.availability_zone.sv() == "all")
      return not_served("A target outside the VPC");
    TRY(put_target(call.tx, call.scope(), g, api::str(t.id), t.port.value_or(0)));
  }
  return {};
}

Status deregister_targets(Call& call, const model::DeregisterTargetsInput& in,
                          model::DeregisterTargetsOutput&) {
  TRY_LET(auto g, need_group(call, in.target_group_arn));
  for (auto& t : in.targets) {
    if (t.port.has()) {
      drain_target(call.tx, call.scope(), g, api::str(t.id), *t.port);
      continue;
    }
    for (auto& registered : targets_of(call.tx, call.scope(), g))  // without a port: all of that address
      if (registered.ip == t.id.sv()) drain_target(call.tx, call.scope(), g, registered.ip, registered.port);
  }
  return {};
}

Status describe_target_health(Call& call, const model::DescribeTargetHealthInput& in,
                              model::DescribeTargetHealthOutput& out) {
  TRY(allow_read(call));
  auto g = find_group(call.tx, call.scope(), in.target_group_arn);
  if (!g) return no_such_group();
  auto all = targets_of(call.tx, call.scope(), *g);
  struct Shown {
    Target target;
    TargetHealth health;
  };
  std::vector<Shown> shown;
  if (in.targets.empty())
    for (auto& t : all) shown.push_back({t, health_of(call.tx, call.scope(), *g, t)});
  for (auto& wanted : in.targets) {
    bool found = false;
    for (auto& t : all)
      if (t.ip == wanted.id.sv() && (!wanted.port.has() || *wanted.port == t.port)) {
        shown.push_back({t, health_of(call.tx, call.scope(), *g, t)});
        found = true;
      }
    if (!found)
      shown.push_back({Target{g->name, api::str(wanted.id), "", wanted.port.value_or(g->port), 0, 0},
                       {"unused", "Target.NotRegistered", "Target is not registered to the target group"}});
  }
  out.target_health_descriptions = call.list<model::TargetHealthDescription>(shown.size());
  for (size_t i = 0; i < shown.size(); ++i) {
    auto& [t, h] = shown[i];
    auto& o = out.target_health_descriptions[i];
    o.target = call.make<model::TargetDescription>();
    o.target->id = call.text(t.ip);
    o.target->port = t.port;
    if (!t.zone.empty()) o.target->availability_zone = call.text(t.zone);
    o.health_check_port = call.text(g->check_port == "traffic-port" ? std::to_string(t.port) : g->check_port);
    o.target_health = call.make<model::TargetHealth>();
    o.target_health->state = call.text(h.state);
    if (!h.reason.empty()) o.target_health->reason = call.text(h.reason);
    if (!h.description.empty()) o.target_health->description = call.text(h.description);
  }
  return {};
}

}  // namespace nubecita::elbv2
