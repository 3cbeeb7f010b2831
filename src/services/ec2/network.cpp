#include "services/ec2/network.hpp"

#include <algorithm>

#include "base/ids.hpp"

namespace nubecita::ec2 {

Result<Cidr> ipv4_block(wire::Text text, std::string_view parameter) {
  auto block = Cidr::parse(text.sv());
  if (!block || block->is_v6()) return bad_parameter(text.sv(), parameter, "This is not a valid CIDR block.");
  return block->canonical();
}

Result<Cidr> network_block(wire::Text text, std::string_view range_code) {
  TRY_LET(auto block, ipv4_block(text, "cidrBlock"));
  // Never routable in a VPC: this network, loopback, link-local (metadata addresses), multicast and reserved.
  static const Cidr unusable[] = {*Cidr::parse("0.0.0.0/8"), *Cidr::parse("127.0.0.0/8"),
                                  *Cidr::parse("169.254.0.0/16"), *Cidr::parse("224.0.0.0/3")};
  const bool bad = block.bits() < 16 || block.bits() > 28 ||
                   std::ranges::any_of(unusable, [&](const Cidr& c) { return c.overlaps(block); });
  if (bad) return fail(range_code, "The CIDR '" + block.str() + "' is invalid.");
  return block;
}

std::string primary_association(const Vpc& vpc) {
  return "vpc-cidr-assoc-" + vpc.id.substr(vpc.id.find('-') + 1);
}

std::vector<Block> blocks_of(const Vpc& vpc) {
  std::vector<Block> out{{primary_association(vpc), vpc.cidr}};
  for (const auto& entry : vpc.more_cidrs) {
    auto equals = entry.find('=');
    out.push_back({entry.substr(0, equals), entry.substr(equals + 1)});
  }
  return out;
}

std::vector<std::string> zones_of(std::string_view region) {
  std::vector<std::string> out;
  for (char letter : {'a', 'b', 'c'}) out.push_back(std::string(region) + letter);
  return out;
}

// AWS abbreviates "ap-southeast-2" to "apse2": the first word, the compass point, the number.
std::string zone_id(std::string_view zone) {
  const auto region = zone.substr(0, zone.size() - 1);
  std::string out;
  size_t at = 0;
  for (int word = 0; at <= region.size(); ++word) {
    auto dash = std::min(region.find('-', at), region.size());
    const auto part = region.substr(at, dash - at);
    at = dash + 1;
    static constexpr std::string_view points[] = {"north", "south", "east", "west", "central"};
    if (word == 0 || (!part.empty() && part[0] >= '0' && part[0] <= '9')) {
      out += part;
      continue;
    }
    for (auto rest = part; !rest.empty();) {  // "southeast" -> "se"; any other word -> its first letter
      out += rest[0];
      auto point = std::ranges::find_if(points, [&](std::string_view p) { return rest.starts_with(p); });
      rest.remove_prefix(point == std::end(points) ? rest.size() : point->size());
    }
  }
  return out + "-az" + std::to_string(zone.back() - 'a' + 1);
}

Result<std::string> pick_zone(std::string_view region, wire::Text name, wire::Text id) {
  const auto zones = zones_of(region);
  if (!name.empty() && !id.empty())
    return fail("InvalidParameterCombination",
                "You can specify either availabilityZone or availabilityZoneId, not both.");
  if (name.empty() && id.empty()) return zones[0];
  for (const auto& zone : zones)
    if (name.empty() ? id.sv() == zone_id(zone) : name.sv() == zone) return zone;
  std::string all = zones[0] + ", " + zones[1] + ", " + zones[2];
  if (name.empty()) all = zone_id(zones[0]) + ", " + zone_id(zones[1]) + ", " + zone_id(zones[2]);
  return bad_parameter(
      name.empty() ? id.sv() : name.sv(), name.empty() ? "availabilityZoneId" : "availabilityZone",
      "Subnets can currently only be created in the following availability zones: " + all + ".");
}

std::string default_dhcp_options(std::string_view account, std::string_view region) {
  return "dopt-0" + to_hex(sha256(std::string(account) + "/" + std::string(region))).substr(0, 16);
}

std::string internal_domain(std::string_view region) {
  return region == "us-east-1" ? "ec2.internal" : std::string(region) + ".compute.internal";
}

std::optional<Vpc> default_vpc(store::Transaction& tx, const store::Scope& scope) {
  for (auto& vpc : tx.list<Vpc>(scope))
    if (vpc.is_default) return std::move(vpc);
  return {};
}

RouteTable new_route_table(const Vpc& vpc) {
  RouteTable table;
  table.id = resource_id("rtb");
  table.vpc_id = vpc.id;
  for (const auto& block : blocks_of(vpc)) table.routes.push_back({block.cidr, "local", "CreateRouteTable"});
  return table;
}

SecurityGroup new_group(std::string vpc_id, std::string name, std::string description) {
  SecurityGroup group;
  group.id = resource_id("sg");
  group.vpc_id = std::move(vpc_id);
  group.name = std::move(name);
  group.description = std::move(description);
  GroupRule out;
  out.id = resource_id("sgr");
  out.protocol = "-1";
  out.egress = true;
  out.cidr = "0.0.0.0/0";
  group.rules.push_back(std::move(out));
  return group;
}

Vpc make_vpc(store::Transaction& tx, const store::Scope& scope, const Cidr& block, std::vector<Tag> tags) {
  Vpc vpc;
  vpc.id = resource_id("vpc");
  vpc.cidr = block.str();
  vpc.dhcp_options_id = default_dhcp_options(scope.account, scope.region);
  vpc.tags = std::move(tags);

  auto table = new_route_table(vpc);
  table.associations.push_back({resource_id("rtbassoc"), "", true});
  vpc.main_route_table = table.id;

  NetworkAcl acl;
  acl.id = resource_id("acl");
  acl.vpc_id = vpc.id;
  acl.is_default = true;
  for (bool egress : {true, false}) {
    AclEntry all;
    all.number = 100;
    all.egress = egress;
    all.allow = true;
    all.protocol = "-1";
    all.cidr = "0.0.0.0/0";
    acl.entries.push_back(std::move(all));
  }
  vpc.default_acl = acl.id;

  auto group = new_group(vpc.id, "default", "default VPC security group");
  GroupRule self;
  self.id = resource_id("sgr");
  self.protocol = "-1";
  self.group_id = group.id;
  self.group_account = scope.account;
  group.rules.push_back(std::move(self));
  vpc.default_group = group.id;

  tx.put(scope, table);
  tx.put(scope, acl);
  tx.put(scope, group);
  tx.put(scope, vpc);
  return vpc;
}

Subnet make_subnet(store::Transaction& tx, const store::Scope& scope, const Vpc& vpc, const Cidr& block,
                   std::string zone, std::vector<Tag> tags) {
  Subnet subnet;
  subnet.id = resource_id("subnet");
  subnet.vpc_id = vpc.id;
  subnet.cidr = block.str();
  subnet.zone = std::move(zone);
  subnet.acl_id = vpc.default_acl;
  subnet.acl_association_id = resource_id("aclassoc");
  subnet.tags = std::move(tags);
  tx.put(scope, subnet);
  return subnet;
}

std::optional<InternetGateway> attached_gateway(store::Transaction& tx, const store::Scope& scope,
                                                std::string_view vpc_id) {
  for (auto& gateway : tx.list<InternetGateway>(scope))
    if (gateway.vpc_id == vpc_id) return std::move(gateway);
  return {};
}

bool target_alive(store::Transaction& tx, const store::Scope& scope, std::string_view vpc_id,
                  std::string_view target) {
  if (target.starts_with("igw-")) {
    auto gateway = tx.get<InternetGateway>(scope, target);
    return gateway && gateway->vpc_id == vpc_id;
  }
  if (target.starts_with("nat-")) {
    auto gateway = tx.get<NatGateway>(scope, target);
    return gateway && gateway->state == "available";
  }
  if (target.starts_with("eni-")) return tx.get<NetworkInterface>(scope, target).has_value();
  return target == "local";
}

}  // namespace nubecita::ec2
