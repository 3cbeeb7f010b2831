// Load balancers: their interfaces, one per subnet, of which the first is the proxy's home and carries the
// public address; their attributes, security groups and subnets.
#include <algorithm>
#include <set>

#include "base/ids.hpp"
#include "services/ec2/ec2.hpp"
#include "services/ec2/public_names.hpp"
#include "services/elbv2/actions.hpp"
#include "services/elbv2/attributes.hpp"
#include "services/elbv2/common.hpp"

namespace nubecita::elbv2 {

namespace {

// AWS's own zone of names under elb.<region>: clients only hand it on to Route 53.
constexpr std::string_view kHostedZone = "Z35SXDOTRQ7X7K";
constexpr size_t kMostLoadBalancers = 50;

std::string description(const LoadBalancer& lb) { return "ELB app/" + lb.key(); }
std::string owner_key(const Scope& scope, const LoadBalancer& lb) {
  return store::make_key(LoadBalancer::kTable, scope, lb.key());
}

void render_zones(Call& call, const LoadBalancer& lb, wire::List<model::AvailabilityZone>& out) {
  out = call.list<model::AvailabilityZone>(lb.zones.size());
  for (size_t i = 0; i < lb.zones.size(); ++i) {
    out[i].zone_name = call.text(lb.zones[i].zone);
    out[i].subnet_id = call.text(lb.zones[i].subnet_id);
    out[i].load_balancer_addresses = call.list<model::LoadBalancerAddress>(0);
  }
}

void render(Call& call, const LoadBalancer& lb, model::LoadBalancer& out) {
  out.load_balancer_arn = call.text(lb.arn);
  out.dns_name = call.text(lb.dns_name);
  out.canonical_hosted_zone_id = call.text(kHostedZone);
  out.created_time = wire::Timestamp{lb.created};
  out.load_balancer_name = call.text(lb.name);
  out.scheme = call.text(lb.internal ? "internal" : "internet-facing");
  out.vpc_id = call.text(lb.vpc_id);
  out.state = call.make<model::LoadBalancerState>();
  auto status = call.tx.get<LoadBalancerStatus>(call.scope(), lb.key());
  out.state->code = call.text(status ? status->state : "provisioning");
  if (status && !status->reason.empty()) out.state->reason = call.text(status->reason);
  out.type = "application";
  render_zones(call, lb, out.availability_zones);
  out.security_groups = call.texts(lb.security_groups);
  out.ip_address_type = call.text(lb.ip_address_type);
}

// The subnets of `Subnets` or `SubnetMappings`: two zones at least, one subnet a zone, one VPC.
Result<std::vector<ec2::Subnet>> read_subnets(Call& call, const wire::List<wire::Text>& ids,
                                              const wire::List<model::SubnetMapping>& mappings) {
  std::vector<std::string> wanted = api::strings(ids);
  if (!ids.empty() && !mappings.empty())
    return invalid("You cannot specify both subnets and subnet mappings");
  for (auto& m : mappings) wanted.push_back(api::str(m.subnet_id));
  std::vector<ec2::Subnet> out;
  std::set<std::string> zones;
  for (auto& id : wanted) {
    auto s = ec2::find_subnet(call.tx, call.scope(), id);
    if (!s) return fail("SubnetNotFound", "The subnet ID '" + id + "' does not exist");
    if (!out.empty() && s->vpc_id != out[0].vpc_id)
      return bad_config("All subnets must belong to the same VPC: '" + out[0].vpc_id + "'");
    if (!zones.insert(s->zone).second)
      return bad_config(
          "A load balancer cannot be attached to multiple subnets in the same Availability Zone");
    out.push_back(std::move(*s));
  }
  if (out.size() < 2)
    return invalid("At least two subnets in two different Availability Zones must be specified");
  return out;
}

Status need_gateway(Call& call, const std::string& vpc_id) {
  for (auto& g : call.tx.list<ec2::InternetGateway>(call.scope()))
    if (g.vpc_id == vpc_id) return {};
  return fail("InvalidSubnet", "VPC " + vpc_id + " has no internet gateway");
}

Result<std::vector<std::string>> read_groups(Call& call, const wire::List<wire::Text>& ids,
                                             const std::string& vpc_id) {
  auto wanted = api::strings(ids);
  if (wanted.empty())
    if (auto vpc = call.tx.get<ec2::Vpc>(call.scope(), vpc_id)) wanted.push_back(vpc->default_group);
  std::vector<std::string> out;
  for (auto& id : wanted) {
    auto g = ec2::find_group(call.tx, call.scope(), id);
    if (!g) return fail("InvalidSecurityGroup", "The security group '" + id + "' does not exist");
    if (g->vpc_id != vpc_id)
      return bad_config("One or more security groups are invalid: '" + id + "' is not in VPC '" + vpc_id +
                        "'");
    if (std::ranges::find(out, id) == out.end()) out.push_back(id);
  }
  return out;
}

Result<Zone> enter(Call& call, LoadBalancer& lb, const ec2::Subnet& subnet, bool with_public_address) {
  ec2::NewInterface wanted;
  wanted.subnet_id = subnet.id;
  wanted.security_groups = lb.security_groups;
  wanted.description = description(lb);
  wanted.requester = "amazon-elb";
  wanted.owner_key = owner_key(call.scope(), lb);
  wanted.public_ip = with_public_address;
  wanted.public_pool = call.cloud.config.public_pool;
  auto eni = ec2::create_interface(call.tx, call.scope(), wanted);
  if (!eni && eni.error().code == "InsufficientFreeAddressesInSubnet")
    return fail("InvalidSubnet", "Not enough IP space available in " + subnet.id);
  if (!eni) return std::unexpected(eni.error());
  if (with_public_address) lb.public_address = eni->public_ip;
  return Zone{subnet.id, subnet.zone, eni->id, eni->private_ip};
}

// An internal name means the private addresses, a public one the public address; in every VPC, as AWS has
// both in public DNS.
void put_name(Call& call, const LoadBalancer& lb) {
  std::vector<std::string> addresses;
  if (!lb.internal)
    addresses.push_back(lb.public_address);
  else
    for (auto& z : lb.zones) addresses.push_back(z.private_ip);
  ec2::put_public_name(call.tx, lb.dns_name, addresses);
}

std::string dns_name(const Call& call, const LoadBalancer& lb) {
  auto number = std::to_string(std::stoull(lb.id, nullptr, 16) % 10'000'000'000ULL);
  std::string host = (lb.internal ? "internal-" : "") + lb.name + "-" + number;
  std::ranges::transform(host, host.begin(), [](unsigned char c) { return static_cast<char>(tolower(c)); });
  return host + "." + call.region + ".elb." + call.cloud.config.domain;
}

Status check_request(const model::CreateLoadBalancerInput& in) {
  if (!in.type.empty() && in.type.sv() != "application")
    return not_served("A load balancer of type " + api::str(in.type));
  if (!in.ip_address_type.empty() && in.ip_address_type.sv() != "ipv4")
    return not_served("IP address type " + api::str(in.ip_address_type));
  if (!in.enable_prefix_for_ipv6_source_nat.empty() && in.enable_prefix_for_ipv6_source_nat.sv() != "off")
    return not_served("IPv6 source NAT");
  TRY(check_name(in.name, "Load balancer"));
  if (in.name.sv().starts_with("internal-"))
    return invalid("The load balancer name '" + api::str(in.name) + "' cannot begin with 'internal-'");
  return {};
}

// AWS answers the existing one when everything asked is the same.
bool same(const LoadBalancer& lb, const std::vector<ec2::Subnet>& subnets,
          const std::vector<std::string>& groups, bool internal) {
  std::set<std::string> a, b;
  for (auto& z : lb.zones) a.insert(z.subnet_id);
  for (auto& s : subnets) b.insert(s.id);
  return a == b && lb.internal == internal &&
         std::set(lb.security_groups.begin(), lb.security_groups.end()) ==
             std::set(groups.begin(), groups.end());
}

}  // namespace

Status create_load_balancer(Call& call, const model::CreateLoadBalancerInput& in,
                            model::CreateLoadBalancerOutput& out) {
  TRY_LET(auto tags, read_tags(in.tags));
  TRY(allow_create(call, make_arn(call.scope(), "loadbalancer/app/" + api::str(in.name) + "/*"), tags));
  TRY(check_request(in));
  TRY_LET(auto subnets, read_subnets(call, in.subnets, in.subnet_mappings));
  LoadBalancer lb;
  lb.name = api::str(in.name);
  lb.vpc_id = subnets[0].vpc_id;
  lb.internal = in.scheme.sv() == "internal";
  TRY_LET(lb.security_groups, read_groups(call, in.security_groups, lb.vpc_id));
  if (auto other = find_lb_by_name(call.tx, call.scope(), lb.name)) {
    if (!same(*other, subnets, lb.security_groups, lb.internal) || other->tags != tags)
      return fail("DuplicateLoadBalancerName",
                  "A load balancer with the same name '" + lb.name + "' exists, but with different settings");
    lb = std::move(*other);
  } else {
    if (!lb.internal) TRY(need_gateway(call, lb.vpc_id));
    if (call.tx.list<LoadBalancer>(call.scope()).size() >= kMostLoadBalancers)
      return fail("TooManyLoadBalancers",
                  "The limit of load balancers has been reached: " + std::to_string(kMostLoadBalancers));
    lb.id = random_hex(16);
    lb.arn = lb_arn(call.scope(), lb.key());
    lb.dns_name = dns_name(call, lb);
    lb.tags = std::move(tags);
    lb.created = call.now;
    for (auto& s : subnets) {
      TRY_LET(auto zone, enter(call, lb, s, lb.zones.empty() && !lb.internal));
      lb.zones.push_back(std::move(zone));
    }
    put_name(call, lb);
    call.tx.put(call.scope(), lb);
  }
  out.load_balancers = call.list<model::LoadBalancer>(1);
  render(call, lb, out.load_balancers[0]);
  return {};
}

Status delete_load_balancer(Call& call, const model::DeleteLoadBalancerInput& in,
                            model::DeleteLoadBalancerOutput&) {
  auto lb = find_lb(call.tx, call.scope(), in.load_balancer_arn);
  TRY(allow(call, in.load_balancer_arn, lb ? &lb->tags : nullptr));
  if (!lb) return {};  // as AWS: deleting what is gone is fine
  if (value_of(lb_attributes(), lb->attributes, "deletion_protection.enabled") == "true")
    return fail("OperationNotPermitted",
                "Load balancer '" + lb->arn + "' cannot be deleted because deletion protection is enabled");
  for (auto& l : listeners_of(call.tx, call.scope(), *lb)) erase_listener(call, l);
  for (auto& z : lb->zones) ec2::delete_interface(call.tx, call.scope(), z.eni_id);
  ec2::erase_public_name(call.tx, lb->dns_name);
  ec2::erase_private_name(call.tx, call.scope(), lb->vpc_id, lb->dns_name);  // where earlier versions kept it
  call.tx.erase<LoadBalancerStatus>(call.scope(), lb->key());
  call.tx.erase<LoadBalancer>(call.scope(), lb->key());
  return {};
}

Status describe_load_balancers(Call& call, const model::DescribeLoadBalancersInput& in,
                               model::DescribeLoadBalancersOutput& out) {
  TRY(allow_read(call));
  if (!in.names.empty() && !in.load_balancer_arns.empty())
    return invalid("Load balancer names and load balancer ARNs cannot be specified at the same time");
  std::vector<LoadBalancer> found;
  for (auto& arn : in.load_balancer_arns) {
    if (!arn.sv().starts_with("arn:"))
      return invalid("'" + api::str(arn) + "' is not a valid load balancer ARN");
    auto lb = find_lb(call.tx, call.scope(), arn);
    if (!lb) return no_such_lb();
    found.push_back(std::move(*lb));
  }
  for (auto& name : in.names) {
    auto lb = find_lb_by_name(call.tx, call.scope(), name);
    if (!lb) return fail("LoadBalancerNotFound", "Load balancers '[" + api::str(name) + "]' not found");
    found.push_back(std::move(*lb));
  }
  if (in.names.empty() && in.load_balancer_arns.empty()) found = call.tx.list<LoadBalancer>(call.scope());
  std::ranges::sort(found, {}, [](auto& lb) { return lb.key(); });
  std::string next;
  TRY_LET(auto page, api::page(
                         std::move(found), in.marker, page_size(in.page_size),
                         [](auto& lb) { return lb.key(); }, next, "ValidationError"));
  out.load_balancers = call.list<model::LoadBalancer>(page.size());
  for (size_t i = 0; i < page.size(); ++i) render(call, page[i], out.load_balancers[i]);
  if (!next.empty()) out.next_marker = call.text(next);
  return {};
}

namespace {

void render_attributes(Call& call, const LoadBalancer& lb, wire::List<model::LoadBalancerAttribute>& out) {
  auto all = with_defaults(lb_attributes(), lb.attributes);
  out = call.list<model::LoadBalancerAttribute>(all.size());
  size_t i = 0;
  for (auto& [k, v] : all) out[i++] = {call.text(k), call.text(v)};
}

}  // namespace

Status describe_load_balancer_attributes(Call& call, const model::DescribeLoadBalancerAttributesInput& in,
                                         model::DescribeLoadBalancerAttributesOutput& out) {
  TRY(allow_read(call));
  auto lb = find_lb(call.tx, call.scope(), in.load_balancer_arn);
  if (!lb) return no_such_lb();
  render_attributes(call, *lb, out.attributes);
  return {};
}

Status modify_load_balancer_attributes(Call& call, const model::ModifyLoadBalancerAttributesInput& in,
                                       model::ModifyLoadBalancerAttributesOutput& out) {
  TRY_LET(auto lb, need_lb(call, in.load_balancer_arn));
  for (auto& a : in.attributes)
    TRY(set_attribute(lb_attributes(), "Load balancer", lb.attributes, a.key, a.value));
  call.tx.put(call.scope(), lb);
  render_attributes(call, lb, out.attributes);
  return {};
}

Status set_ip_address_type(Call& call, const model::SetIpAddressTypeInput& in,
                           model::SetIpAddressTypeOutput& out) {
  TRY_LET(auto lb, need_lb(call, in.load_balancer_arn));
  if (in.ip_address_type.sv() != "ipv4") return not_served("IP address type " + api::str(in.ip_address_type));
  out.ip_address_type = call.text(lb.ip_address_type);
  return {};
}

Status set_security_groups(Call& call, const model::SetSecurityGroupsInput& in,
                           model::SetSecurityGroupsOutput& out) {
  TRY_LET(auto lb, need_lb(call, in.load_balancer_arn));
  if (!in.enforce_security_group_inbound_rules_on_private_link_traffic.empty())
    return not_served("PrivateLink");
  TRY_LET(lb.security_groups, read_groups(call, in.security_groups, lb.vpc_id));
  for (auto& z : lb.zones)
    if (auto eni = ec2::find_interface(call.tx, call.scope(), z.eni_id)) {
      eni->security_groups = lb.security_groups;
      call.tx.put(call.scope(), *eni);
    }
  call.tx.put(call.scope(), lb);
  out.security_group_ids = call.texts(lb.security_groups);
  return {};
}

Status set_subnets(Call& call, const model::SetSubnetsInput& in, model::SetSubnetsOutput& out) {
  TRY_LET(auto lb, need_lb(call, in.load_balancer_arn));
  if (!in.ip_address_type.empty() && in.ip_address_type.sv() != "ipv4")
    return not_served("IP address type " + api::str(in.ip_address_type));
  if (!in.enable_prefix_for_ipv6_source_nat.empty() && in.enable_prefix_for_ipv6_source_nat.sv() != "off")
    return not_served("IPv6 source NAT");
  TRY_LET(auto subnets, read_subnets(call, in.subnets, in.subnet_mappings));
  if (subnets[0].vpc_id != lb.vpc_id)
    return bad_config("The subnets are not in the load balancer's VPC '" + lb.vpc_id + "'");
  auto wanted = [&](const Zone& z) {
    return std::ranges::any_of(subnets, [&](auto& s) { return s.id == z.subnet_id; });
  };
  const bool home_stays = wanted(lb.zones[0]);
  std::vector<Zone> kept;
  for (auto& z : lb.zones) {
    if (wanted(z))
      kept.push_back(z);
    else
      ec2::delete_interface(call.tx, call.scope(), z.eni_id);
  }
  // If the home's subnet goes, the next zone becomes the home, with a new public address.
  if (!home_stays && !lb.internal && !kept.empty()) {
    ec2::delete_interface(call.tx, call.scope(), kept[0].eni_id);
    TRY_LET(kept[0], enter(call, lb, *ec2::find_subnet(call.tx, call.scope(), kept[0].subnet_id), true));
  }
  lb.zones = std::move(kept);
  for (auto& s : subnets)
    if (std::ranges::none_of(lb.zones, [&](auto& z) { return z.subnet_id == s.id; })) {
      TRY_LET(auto zone, enter(call, lb, s, lb.zones.empty() && !lb.internal));
      lb.zones.push_back(std::move(zone));
    }
  put_name(call, lb);
  call.tx.put(call.scope(), lb);
  render_zones(call, lb, out.availability_zones);
  out.ip_address_type = call.text(lb.ip_address_type);
  return {};
}

}  // namespace nubecita::elbv2
