// Rules that several kinds share: reading CIDR blocks as AWS does, zones, what a VPC holds, what is made with
// it. Everything works inside the caller's transaction. One thread, as the call.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "base/cidr.hpp"
#include "models/ec2.hpp"
#include "services/ec2/kinds.hpp"

namespace nubecita::ec2 {

// CIDR blocks. AWS clears host bits silently: "100.68.0.18/18" becomes "100.68.0.0/18".
/// A block of a VPC or a subnet: /16 to /28, in address space that can be routed. `range_code`:
/// InvalidVpc.Range or InvalidSubnet.Range.
Result<Cidr> network_block(wire::Text text, std::string_view range_code);
/// An IPv4 destination or source in canonical form.
Result<Cidr> ipv4_block(wire::Text text, std::string_view parameter);

/// "vpc-cidr-assoc-..." of the primary block, derived from the VPC's id.
std::string primary_association(const Vpc& vpc);
struct Block {
  std::string association_id, cidr;
};
/// Primary first.
std::vector<Block> blocks_of(const Vpc& vpc);

// Zones: three in every region.
std::vector<std::string> zones_of(std::string_view region);  // "us-east-1a", ...
std::string zone_id(std::string_view zone);                  // "use1-az1" of "us-east-1a"
/// The zone that a name or an id of `region` means, its first one if both are absent.
Result<std::string> pick_zone(std::string_view region, wire::Text name, wire::Text id);
/// The region's set of DHCP options, which every VPC has: AmazonProvidedDNS and the region's internal domain.
std::string default_dhcp_options(std::string_view account, std::string_view region);
std::string internal_domain(std::string_view region);  // "ec2.internal", "eu-central-1.compute.internal"

/// Records of a kind that are in `vpc_id`.
template <class R>
std::vector<R> in_vpc(store::Transaction& tx, const store::Scope& scope, std::string_view vpc_id) {
  auto all = tx.list<R>(scope);
  std::erase_if(all, [&](const R& r) { return r.vpc_id != vpc_id; });
  return all;
}
std::optional<Vpc> default_vpc(store::Transaction& tx, const store::Scope& scope);

// What is made with a VPC.
RouteTable new_route_table(const Vpc& vpc);
SecurityGroup new_group(std::string vpc_id, std::string name, std::string description);
/// The VPC with its main route table, default network ACL and default security group.
Vpc make_vpc(store::Transaction& tx, const store::Scope& scope, const Cidr& block, std::vector<Tag> tags);
Subnet make_subnet(store::Transaction& tx, const store::Scope& scope, const Vpc& vpc, const Cidr& block,
                   std::string zone, std::vector<Tag> tags);

/// Whether a route's target is there and usable by `vpc_id`: else the route is a black hole.
bool target_alive(store::Transaction& tx, const store::Scope& scope, std::string_view vpc_id,
                  std::string_view target);
std::optional<InternetGateway> attached_gateway(store::Transaction& tx, const store::Scope& scope,
                                                std::string_view vpc_id);

}  // namespace nubecita::ec2
