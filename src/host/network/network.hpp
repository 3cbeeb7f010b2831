// Virtual networks of the machine. A VPC is a router namespace; an ENI is a namespace of its own with one
// routed veth pair to its VPC's router; every packet, the same subnet's included, crosses the router's
// nftables rules. The way of a packet is told in docs/networking.md.
//
// Declarative: the caller describes one whole VPC and apply() brings the machine there. What exists is
// adopted, never made anew: a link that is as described is not touched, an established connection is not
// disturbed. Everything made here outlives the process; its names carry the installation's tag, so that
// installations do not meet.
//
// Plain host types; nothing of AWS and nothing of the store. Any thread; calls about one VPC wait for each
// other. Needs root. Lifecycle: 1. make_network(), 2. use, 3. destroy: the networks stay.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace nubecita::host {

struct SubnetSpec {
  std::string id, cidr;     // its gateway is the first address after the base
  std::string route_table;  // id of one of VpcSpec::route_tables
  std::string acl;          // id of one of VpcSpec::acls; empty: no filter between subnets
  friend bool operator==(const SubnetSpec&, const SubnetSpec&) = default;
};

struct RouteSpec {
  enum class To { local, internet, nat, interface, blackhole };
  std::string destination;  // IPv4 CIDR
  To to = To::local;
  std::string target;  // id of a NAT gateway or of an ENI
  friend bool operator==(const RouteSpec&, const RouteSpec&) = default;
};
struct RouteTableSpec {
  std::string id;
  std::vector<RouteSpec> routes;  // the longest prefix wins; what matches none is dropped
  friend bool operator==(const RouteTableSpec&, const RouteTableSpec&) = default;
};

struct GroupRuleSpec {
  bool egress = false;
  std::string protocol = "-1";  // "-1" (all), "tcp", "udp", "icmp" or a number
  int from = -1, to = -1;       // ports, or ICMP type and code; -1: all
  std::string cidr;             // the peer: an IPv4 CIDR ...
  std::string group;            // ... or the members of a group of this VPC
  friend bool operator==(const GroupRuleSpec&, const GroupRuleSpec&) = default;
};
struct GroupSpec {  // a security group: stateful, what no rule allows is dropped
  std::string id;
  std::vector<GroupRuleSpec> rules;
  friend bool operator==(const GroupSpec&, const GroupSpec&) = default;
};

struct AclEntrySpec {
  int number = 0;
  bool egress = false, allow = false;
  std::string protocol = "-1", cidr = "0.0.0.0/0";
  int from = 0, to = 0;                // ports of tcp and udp; 0 to 0: all
  int icmp_type = -1, icmp_code = -1;  // -1: all
  friend bool operator==(const AclEntrySpec&, const AclEntrySpec&) = default;
};
struct AclSpec {  // stateless and ordered; for packets that enter or leave a subnet; the end of the list
                  // denies
  std::string id;
  std::vector<AclEntrySpec> entries;
  friend bool operator==(const AclSpec&, const AclSpec&) = default;
};

struct EniSpec {
  std::string id, subnet, address, mac;
  std::string public_address;   // mapped one to one through the internet gateway; empty: none
  bool served_by_host = false;  // its public address is a listener of the host (a load balancer), not mapped
  bool source_dest_check = true;  // false: it may send and get packets of other addresses
  bool filtered = true;           // false: security groups do not apply (NAT gateways)
  std::vector<std::string> groups;
  friend bool operator==(const EniSpec&, const EniSpec&) = default;
};

struct NatSpec {  // translates what is routed to it to its ENI's address
  std::string id, eni;
  friend bool operator==(const NatSpec&, const NatSpec&) = default;
};

struct VpcSpec {
  std::string id;
  std::vector<std::string> cidrs;
  std::string resolver;   // the VPC's name server (base + 2 of the first CIDR); empty: none
  bool internet = false;  // an internet gateway is attached
  std::vector<SubnetSpec> subnets;
  std::vector<RouteTableSpec> route_tables;
  std::vector<GroupSpec> groups;
  std::vector<AclSpec> acls;
  std::vector<NatSpec> nats;
  std::vector<EniSpec> enis;
  friend bool operator==(const VpcSpec&, const VpcSpec&) = default;
};

/// What apply() could not do, by ENI id; the others are in place and enforced.
struct Applied {
  std::map<std::string, std::string> errors;
};

/// What of this installation exists on the machine.
struct Observed {
  std::set<std::string> vpcs, enis;
};

class Network {
 public:
  virtual ~Network() = default;

  /// Brings the VPC to `spec`: its router, the ENIs (those that `spec` does not name go), routes,
  /// translations, filters. Errors: "NetworkUnavailable" naming the step and the kernel's reason. May be
  /// called again at any time.
  virtual Result<Applied> apply(const VpcSpec& spec) = 0;
  /// Removes the router and every ENI of the VPC. Processes inside lose their network; an absent VPC is fine.
  virtual Status remove_vpc(const std::string& id) = 0;
  virtual Result<Observed> observe() = 0;
  /// Removes an ENI namespace that belongs to no VPC (any more).
  virtual Status remove_orphan(const std::string& eni) = 0;
  /// Takes everything of this installation off the machine: namespaces, links, rules, and host settings when
  /// no other installation needs them.
  virtual Status remove_everything() = 0;

  /// Where an ENI's namespace is (or will be): "/run/netns/n<tag>-<id>".
  virtual std::string netns_path(const std::string& eni) const = 0;
  virtual std::string router_netns_path(const std::string& vpc) const = 0;
};

struct NetworkOptions {
  std::string tag;                             // installation_tag()
  std::string public_pool = "127.100.0.0/16";  // addresses that public addresses come from
  // The front door's: what a VPC sends to them at a public address comes to 80 and 443 there, so that the
  // URLs that people use outside lead to the same place inside.
  int http_port = 80, https_port = 443;
};

/// Touches nothing until the first apply().
Result<std::unique_ptr<Network>> make_network(NetworkOptions options);

}  // namespace nubecita::host
