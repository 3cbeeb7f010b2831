#include "services/ec2/controller_spec.hpp"

#include <algorithm>
#include <charconv>

#include "base/cidr.hpp"
#include "services/ec2/network.hpp"
#include "services/ec2/public_names.hpp"

namespace nubecita::ec2 {
namespace {

using host::RouteSpec;

host::GroupRuleSpec rule_spec(const GroupRule& r) {
  return {r.egress, r.protocol, r.from, r.to, r.cidr, r.group_id};
}

host::AclSpec acl_spec(const NetworkAcl& acl) {
  host::AclSpec out{acl.id, {}};
  for (const auto& e : acl.entries)
    out.entries.push_back(
        {e.number, e.egress, e.allow, e.protocol, e.cidr, e.from, e.to, e.icmp_type, e.icmp_code});
  return out;
}

/// A route whose target is gone, or of another VPC, is a black hole.
RouteSpec route_spec(const Route& r, const std::string& gateway) {
  const auto& t = r.target;
  if (t == "local") return {r.destination, RouteSpec::To::local, {}};
  if (!t.empty() && t == gateway) return {r.destination, RouteSpec::To::internet, {}};
  if (t.starts_with("nat-")) return {r.destination, RouteSpec::To::nat, t};
  if (t.starts_with("eni-")) return {r.destination, RouteSpec::To::interface, t};
  return {r.destination, RouteSpec::To::blackhole, {}};
}

host::EniSpec eni_spec(const NetworkInterface& i) {
  host::EniSpec out{i.id, i.subnet_id,      i.private_ip, i.mac, i.public_ip, false, !i.source_dest_check_off,
                    true, i.security_groups};
  // A load balancer listens on its public address on the host itself, and answers its clients there.
  out.served_by_host = i.requester == "amazon-elb" && !i.public_ip.empty();
  if (i.requester == "amazon-nat") out.source_dest_check = out.filtered = false;
  return out;
}

VpcPlan empty_plan(const Vpc& vpc, const std::string& region) {
  VpcPlan plan;
  auto& n = plan.network;
  n.id = plan.names.vpc = vpc.id;
  for (const auto& block : blocks_of(vpc)) n.cidrs.push_back(block.cidr);
  plan.names.domain = internal_domain(region);
  plan.names.cidrs = n.cidrs;
  if (auto first = Cidr::parse(vpc.cidr); first && vpc.dns_support) {
    n.resolver = ipv4_text(first->first() + 2);
    plan.names.listen = {n.resolver, "169.254.169.253"};
  }
  return plan;
}

}  // namespace

std::map<std::string, VpcPlan> plan_vpcs(store::Transaction& tx, const store::Scope& scope) {
  std::map<std::string, VpcPlan> plans;
  std::map<std::string, Vpc> vpcs;
  for (auto& vpc : tx.list<Vpc>(scope)) {
    plans.emplace(vpc.id, empty_plan(vpc, scope.region));
    vpcs.emplace(vpc.id, std::move(vpc));
  }
  auto plan_of = [&](const std::string& vpc_id) {
    auto it = plans.find(vpc_id);
    return it == plans.end() ? nullptr : &it->second;
  };
  std::map<std::string, std::string> gateways;  // by VPC
  for (const auto& g : tx.list<InternetGateway>(scope))
    if (auto* plan = plan_of(g.vpc_id)) {
      plan->network.internet = true;
      gateways[g.vpc_id] = g.id;
    }
  std::map<std::string, std::string> table_of;  // by subnet
  for (const auto& t : tx.list<RouteTable>(scope)) {
    auto* plan = plan_of(t.vpc_id);
    if (!plan) continue;
    host::RouteTableSpec spec{t.id, {}};
    for (const auto& r : t.routes) spec.routes.push_back(route_spec(r, gateways[t.vpc_id]));
    plan->network.route_tables.push_back(std::move(spec));
    for (const auto& a : t.associations)
      if (!a.subnet_id.empty()) table_of[a.subnet_id] = t.id;
  }
  for (const auto& s : tx.list<Subnet>(scope)) {
    auto* plan = plan_of(s.vpc_id);
    if (!plan) continue;
    const auto& vpc = vpcs.at(s.vpc_id);
    auto table = table_of.find(s.id);
    plan->network.subnets.push_back({s.id, s.cidr,
                                     table == table_of.end() ? vpc.main_route_table : table->second,
                                     s.acl_id.empty() ? vpc.default_acl : s.acl_id});
  }
  for (const auto& acl : tx.list<NetworkAcl>(scope))
    if (auto* plan = plan_of(acl.vpc_id)) plan->network.acls.push_back(acl_spec(acl));
  for (const auto& g : tx.list<SecurityGroup>(scope))
    if (auto* plan = plan_of(g.vpc_id)) {
      host::GroupSpec spec{g.id, {}};
      for (const auto& r : g.rules) spec.rules.push_back(rule_spec(r));
      plan->network.groups.push_back(std::move(spec));
    }
  for (const auto& n : tx.list<NatGateway>(scope))
    if (auto* plan = plan_of(n.vpc_id); plan && n.state != "deleted" && n.state != "failed")
      plan->network.nats.push_back({n.id, n.eni_id});
  for (const auto& i : tx.list<NetworkInterface>(scope))
    if (auto* plan = plan_of(i.vpc_id)) plan->network.enis.push_back(eni_spec(i));
  for (const auto& name : tx.list<PrivateName>(scope))
    if (auto* plan = plan_of(name.vpc_id)) plan->names.records[name.fqdn] = name.addresses;
  for (const auto& name : tx.list<PrivateName>(public_names_scope()))
    for (auto& [id, plan] : plans) plan.names.records[name.fqdn] = name.addresses;
  return plans;
}

}  // namespace nubecita::ec2
