// Subnets, and the default VPC with its default subnets.
#include "base/ids.hpp"
#include "services/ec2/filters.hpp"
#include "services/ec2/interfaces.hpp"
#include "services/ec2/network.hpp"
#include "services/ec2/render.hpp"
#include "services/ec2/tagging.hpp"

namespace nubecita::ec2 {
namespace {

Values none(Call&, const Subnet&) { return {}; }
Values no(Call&, const Subnet&) { return {"false"}; }
Values cidr(Call&, const Subnet& s) { return {s.cidr}; }
Values zone(Call&, const Subnet& s) { return {s.zone}; }
Values default_for_az(Call&, const Subnet& s) { return {yes_no(s.default_for_az)}; }

const Field<Subnet> kFilters[] = {
    {"subnet-id", [](Call&, const Subnet& s) { return Values{s.id}; }},
    {"vpc-id", [](Call&, const Subnet& s) { return Values{s.vpc_id}; }},
    {"availability-zone", zone},
    {"availabilityZone", zone},
    {"availability-zone-id", [](Call&, const Subnet& s) { return Values{zone_id(s.zone)}; }},
    {"available-ip-address-count",
     [](Call& c, const Subnet& s) { return Values{std::to_string(free_addresses(c.tx, c.scope(), s))}; }},
    {"cidr", cidr},
    {"cidr-block", cidr},
    {"cidrBlock", cidr},
    {"default-for-az", default_for_az},
    {"defaultForAz", default_for_az},
    {"map-public-ip-on-launch", [](Call&, const Subnet& s) { return Values{yes_no(s.map_public_ip)}; }},
    {"owner-id", [](Call& c, const Subnet&) { return Values{c.account}; }},
    {"state", [](Call&, const Subnet&) { return Values{"available"}; }},
    {"subnet-arn", [](Call& c, const Subnet& s) { return Values{resource_arn(c, "subnet", s.id)}; }},
    {"private-dns-name-options-on-launch.hostname-type",
     [](Call&, const Subnet&) { return Values{"ip-name"}; }},
    {"private-dns-name-options-on-launch.enable-resource-name-dns-a-record", no},
    {"private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record", no},
    {"enable-dns64", no},
    {"ipv6-native", no},
    {"map-customer-owned-ip-on-launch", no},
    {"customer-owned-ipv4-pool", none},
    {"enable-lni-at-device-index", none},
    {"outpost-arn", none},
    {"ipv6-cidr-block-association.ipv6-cidr-block", none},
    {"ipv6-cidr-block-association.association-id", none},
    {"ipv6-cidr-block-association.state", none},
};

bool on(const model::AttributeBooleanValue* v) { return v && v->value.value_or(false); }

}  // namespace

void render(Call& call, const Subnet& s, model::Subnet& out) {
  out.subnet_id = call.text(s.id);
  out.subnet_arn = call.text(resource_arn(call, "subnet", s.id));
  out.vpc_id = call.text(s.vpc_id);
  out.owner_id = call.text(call.account);
  out.state = "available";
  out.cidr_block = call.text(s.cidr);
  out.availability_zone = call.text(s.zone);
  out.availability_zone_id = call.text(zone_id(s.zone));
  out.available_ip_address_count = free_addresses(call.tx, call.scope(), s);
  out.default_for_az = s.default_for_az;
  out.map_public_ip_on_launch = s.map_public_ip;
  out.map_customer_owned_ip_on_launch = false;
  out.assign_ipv6_address_on_creation = false;
  out.ipv6_cidr_block_association_set = call.list<model::SubnetIpv6CidrBlockAssociation>(0);
  out.enable_dns64 = false;
  out.ipv6_native = false;
  out.private_dns_name_options_on_launch = call.make<model::PrivateDnsNameOptionsOnLaunch>();
  out.private_dns_name_options_on_launch->hostname_type = "ip-name";
  out.private_dns_name_options_on_launch->enable_resource_name_dns_a_record = false;
  out.private_dns_name_options_on_launch->enable_resource_name_dns_aaaa_record = false;
  out.tags = render_tags(call, s.tags);
}

Status create_subnet(Call& call, const model::CreateSubnetRequest& in, model::CreateSubnetResult& out) {
  TRY_LET(auto tags, new_tags(in.tag_specifications, "subnet"));
  TRY(allow_create(call, "subnet", tags, in.vpc_id.sv()));
  TRY_LET(auto vpc, need<Vpc>(call, in.vpc_id.sv()));
  TRY(end_dry_run(in));
  if (in.cidr_block.empty()) return missing("cidrBlock");
  TRY_LET(auto block, network_block(in.cidr_block, "InvalidSubnet.Range"));
  bool inside = false;
  for (const auto& b : blocks_of(vpc)) inside |= Cidr::parse(b.cidr)->contains(block);
  if (!inside) return fail("InvalidSubnet.Range", "The CIDR '" + block.str() + "' is invalid.");
  for (const auto& other : in_vpc<Subnet>(call.tx, call.scope(), vpc.id))
    if (Cidr::parse(other.cidr)->overlaps(block))
      return fail("InvalidSubnet.Conflict", "The CIDR '" + block.str() + "' conflicts with another subnet");
  TRY_LET(auto zone_name, pick_zone(call.region, in.availability_zone, in.availability_zone_id));
  auto subnet = make_subnet(call.tx, call.scope(), vpc, block, std::move(zone_name), std::move(tags));
  out.subnet = call.make<model::Subnet>();
  render(call, subnet, *out.subnet);
  return {};
}

Status delete_subnet(Call& call, const model::DeleteSubnetRequest& in, model::DeleteSubnetResponse&) {
  TRY_LET(auto subnet, need<Subnet>(call, in.subnet_id.sv()));
  TRY(end_dry_run(in));
  const auto scope = call.scope();
  if (used_addresses(call.tx, scope, subnet) > 0) return has_dependencies("subnet", subnet.id);
  for (auto& table : in_vpc<RouteTable>(call.tx, scope, subnet.vpc_id))
    if (std::erase_if(table.associations,
                      [&](const RouteAssociation& a) { return a.subnet_id == subnet.id; }))
      call.tx.put(scope, table);
  call.tx.erase<Subnet>(scope, subnet.id);
  return {};
}

Status describe_subnets(Call& call, const model::DescribeSubnetsRequest& in,
                        model::DescribeSubnetsResult& out) {
  TRY_LET(auto subnets, select<Subnet>(call, in, in.subnet_ids, in.filters, kFilters, call, out.next_token));
  out.subnets = call.list<model::Subnet>(subnets.size());
  for (size_t i = 0; i < subnets.size(); ++i) render(call, subnets[i], out.subnets[i]);
  return {};
}

Status modify_subnet_attribute(Call& call, const model::ModifySubnetAttributeRequest& in,
                               model::ModifySubnetAttributeResponse&) {
  TRY_LET(auto subnet, need<Subnet>(call, in.subnet_id.sv()));
  if (on(in.assign_ipv6_address_on_creation)) return not_served("assignIpv6AddressOnCreation (IPv6)");
  if (on(in.map_customer_owned_ip_on_launch)) return not_served("mapCustomerOwnedIpOnLaunch");
  if (on(in.enable_dns64)) return not_served("enableDns64 (IPv6)");
  if (on(in.enable_resource_name_dns_a_record_on_launch))
    return not_served("enableResourceNameDnsARecordOnLaunch");
  if (on(in.enable_resource_name_dns_aaaa_record_on_launch))
    return not_served("enableResourceNameDnsAAAARecordOnLaunch (IPv6)");
  if (!in.private_dns_hostname_type_on_launch.empty() &&
      in.private_dns_hostname_type_on_launch.sv() != "ip-name")
    return not_served("privateDnsHostnameTypeOnLaunch '" + api::str(in.private_dns_hostname_type_on_launch) +
                      "'");
  if (in.map_public_ip_on_launch && in.map_public_ip_on_launch->value.has()) {
    subnet.map_public_ip = *in.map_public_ip_on_launch->value;
    call.tx.put(call.scope(), subnet);
  }
  return {};
}

// The default VPC: 172.31.0.0/16, a /20 in each zone, an internet gateway and a route to it
// (https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc.html).
namespace {

Subnet make_default_subnet(Call& call, const Vpc& vpc, const Cidr& block, const std::string& zone_name) {
  auto subnet = make_subnet(call.tx, call.scope(), vpc, block, zone_name, {});
  subnet.default_for_az = subnet.map_public_ip = true;
  call.tx.put(call.scope(), subnet);
  return subnet;
}

}  // namespace

Status create_default_vpc(Call& call, const model::CreateDefaultVpcRequest& in,
                          model::CreateDefaultVpcResult& out) {
  TRY(allow_create(call, "vpc", {}));
  TRY(end_dry_run(in));
  const auto scope = call.scope();
  if (default_vpc(call.tx, scope))
    return fail("DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.");
  auto vpc = make_vpc(call.tx, scope, *Cidr::parse("172.31.0.0/16"), {});
  vpc.is_default = vpc.dns_hostnames = true;
  call.tx.put(scope, vpc);
  InternetGateway gateway{resource_id("igw"), vpc.id, {}};
  call.tx.put(scope, gateway);
  auto table = *call.tx.get<RouteTable>(scope, vpc.main_route_table);
  table.routes.push_back({"0.0.0.0/0", gateway.id, "CreateRoute"});
  call.tx.put(scope, table);
  uint32_t at = *parse_ipv4("172.31.0.0");
  for (const auto& zone_name : zones_of(call.region)) {
    make_default_subnet(call, vpc, Cidr::v4(at, 20), zone_name);
    at += 1u << 12;
  }
  out.vpc = call.make<model::Vpc>();
  render(call, vpc, *out.vpc);
  return {};
}

Status create_default_subnet(Call& call, const model::CreateDefaultSubnetRequest& in,
                             model::CreateDefaultSubnetResult& out) {
  TRY(allow_create(call, "subnet", {}));
  TRY(end_dry_run(in));
  if (in.availability_zone.empty() && in.availability_zone_id.empty()) return missing("availabilityZone");
  TRY_LET(auto zone_name, pick_zone(call.region, in.availability_zone, in.availability_zone_id));
  auto vpc = default_vpc(call.tx, call.scope());
  if (!vpc) return fail("DefaultVpcDoesNotExist", "No default VPC exists for this account in this region.");
  const auto subnets = in_vpc<Subnet>(call.tx, call.scope(), vpc->id);
  for (const auto& s : subnets)
    if (s.default_for_az && s.zone == zone_name)
      return fail("DefaultSubnetAlreadyExistsInAvailabilityZone",
                  "'" + s.id + "' is already the default subnet in " + zone_name + ".");
  const auto whole = *Cidr::parse(vpc->cidr);
  for (uint32_t at = whole.first(); whole.contains(Cidr::v4(at, 20)); at += 1u << 12) {
    const auto block = Cidr::v4(at, 20);
    if (std::ranges::any_of(subnets, [&](const Subnet& s) { return Cidr::parse(s.cidr)->overlaps(block); }))
      continue;
    auto subnet = make_default_subnet(call, *vpc, block, zone_name);
    out.subnet = call.make<model::Subnet>();
    render(call, subnet, *out.subnet);
    return {};
  }
  return fail("InsufficientCidrBlocks", "The default VPC has no free block of the size /20.");
}

}  // namespace nubecita::ec2
