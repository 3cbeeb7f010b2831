// What EC2 keeps. Each record's table, key and members; every member's meaning is AWS's of the same name.
// Plain data. `...Status` records are what the controller observed; operations never write them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nubecita::ec2 {

struct Tag {
  std::string name, value;
  template <class A>
  void fields(A& a) {
    a("k", name)("v", value);
  }
};

struct Vpc {
  static constexpr std::string_view kTable = "ec2.vpc";
  std::string id, cidr, tenancy = "default", dhcp_options_id = "default";
  bool dns_support = true, dns_hostnames = false, network_metrics = false, is_default = false;
  std::string main_route_table, default_acl, default_group;
  std::vector<std::string> more_cidrs;  // secondary blocks, "<association id>=<cidr>"
  std::vector<Tag> tags;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("cidr", cidr)("tenancy", tenancy)("dhcp", dhcp_options_id)("dns_off", dns_off())(
        "hostnames", dns_hostnames)("metrics", network_metrics)("default", is_default)(
        "main", main_route_table)("acl", default_acl)("group", default_group)("more_cidrs", more_cidrs)(
        "tags", tags);
    dns_support = !dns_off_;
  }

 private:
  bool dns_off_ = false;
  bool& dns_off() {
    dns_off_ = !dns_support;
    return dns_off_;
  }  // kept inverted so that "absent" means AWS's default
};

struct Subnet {
  static constexpr std::string_view kTable = "ec2.subnet";
  std::string id, vpc_id, cidr, zone;
  bool map_public_ip = false, default_for_az = false;
  std::string acl_id, acl_association_id;
  std::vector<Tag> tags;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("vpc", vpc_id)("cidr", cidr)("zone", zone)("public", map_public_ip)(
        "default", default_for_az)("acl", acl_id)("acl_assoc", acl_association_id)("tags", tags);
  }
};

struct InternetGateway {
  static constexpr std::string_view kTable = "ec2.igw";
  std::string id, vpc_id;  // vpc_id empty: detached
  std::vector<Tag> tags;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("vpc", vpc_id)("tags", tags);
  }
};

struct NatGateway {
  static constexpr std::string_view kTable = "ec2.nat";
  std::string id, vpc_id, subnet_id, allocation_id, association_id, eni_id, public_ip, private_ip;
  std::string connectivity = "public";
  std::string state;  // "available", "deleted" (describable for an hour), "failed"
  std::string failure_code, failure_message;
  int64_t created = 0, deleted = 0;
  std::vector<Tag> tags;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("vpc", vpc_id)("subnet", subnet_id)("alloc", allocation_id)("assoc", association_id)(
        "eni", eni_id)("public_ip", public_ip)("private_ip", private_ip)("connectivity", connectivity)(
        "state", state)("failure", failure_code)("why", failure_message)("created", created)(
        "deleted", deleted)("tags", tags);
  }
};

struct Address {  // Elastic IP
  static constexpr std::string_view kTable = "ec2.eip";
  std::string id, public_ip, association_id, eni_id, private_ip, nat_id;
  std::vector<Tag> tags;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("ip", public_ip)("assoc", association_id)("eni", eni_id)("private_ip", private_ip)(
        "nat", nat_id)("tags", tags);
  }
};

struct Route {
  std::string destination;  // CIDR
  std::string target;       // "local", "igw-...", "nat-...", "eni-..."
  std::string origin = "CreateRoute";
  template <class A>
  void fields(A& a) {
    a("dst", destination)("to", target)("origin", origin);
  }
};
struct RouteAssociation {
  std::string id, subnet_id;  // subnet_id empty: the main association
  bool main = false;
  template <class A>
  void fields(A& a) {
    a("id", id)("subnet", subnet_id)("main", main);
  }
};
struct RouteTable {
  static constexpr std::string_view kTable = "ec2.rtb";
  std::string id, vpc_id;
  std::vector<Route> routes;
  std::vector<RouteAssociation> associations;
  std::vector<Tag> tags;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("vpc", vpc_id)("routes", routes)("assoc", associations)("tags", tags);
  }
};

struct GroupRule {           // one security group rule, sgr-...
  std::string id, protocol;  // "-1", "tcp", "udp", "icmp", or a number
  int from = -1, to = -1;    // ports, or ICMP type and code; -1: all
  bool egress = false;
  std::string cidr, group_id, group_account;  // one of: an IPv4/IPv6 CIDR, a group
  std::string description;
  std::vector<Tag> tags;
  template <class A>
  void fields(A& a) {
    a("id", id)("proto", protocol)("from1", from1())("to1", to1())("egress", egress)("cidr", cidr)(
        "group", group_id)("owner", group_account)("text", description)("tags", tags);
    from = from1_ - 1;
    to = to1_ - 1;
  }

 private:
  int from1_ = 0, to1_ = 0;
  int& from1() {
    from1_ = from + 1;
    return from1_;
  }  // kept one higher so that "absent" means -1
  int& to1() {
    to1_ = to + 1;
    return to1_;
  }
};
struct SecurityGroup {
  static constexpr std::string_view kTable = "ec2.sg";
  std::string id, vpc_id, name, description;
  std::vector<GroupRule> rules;
  std::vector<Tag> tags;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("vpc", vpc_id)("name", name)("text", description)("rules", rules)("tags", tags);
  }
};

struct AclEntry {
  int number = 0;  // 1..32766; the final "*" (32767, deny) is implied and never stored
  bool egress = false, allow = false;
  std::string protocol, cidr;
  int from = 0, to = 0;  // ports of tcp/udp
  int icmp_type = 0, icmp_code = 0;
  template <class A>
  void fields(A& a) {
    a("n", number)("egress", egress)("allow", allow)("proto", protocol)("cidr", cidr)("from", from)("to", to)(
        "type", icmp_type)("code", icmp_code);
  }
};
struct NetworkAcl {
  static constexpr std::string_view kTable = "ec2.acl";
  std::string id, vpc_id;
  bool is_default = false;
  std::vector<AclEntry> entries;
  std::vector<Tag> tags;  // which subnets: Subnet::acl_id
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("vpc", vpc_id)("default", is_default)("entries", entries)("tags", tags);
  }
};

struct NetworkInterface {
  static constexpr std::string_view kTable = "ec2.eni";
  std::string id, vpc_id, subnet_id, zone, mac, private_ip, public_ip, description;
  std::string requester;  // "" (a user) or the service that manages it
  std::string owner_key;  // store key of the record that owns it
  std::string attachment_id, instance_owner_id;
  std::vector<std::string> security_groups;
  bool source_dest_check_off = false;
  std::vector<Tag> tags;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("vpc", vpc_id)("subnet", subnet_id)("zone", zone)("mac", mac)("ip", private_ip)(
        "public_ip", public_ip)("text", description)("requester", requester)("owner", owner_key)(
        "attachment", attachment_id)("instance_owner", instance_owner_id)("groups", security_groups)(
        "no_check", source_dest_check_off)("tags", tags);
  }
};

struct InterfaceStatus {  // observed
  static constexpr std::string_view kTable = "ec2.eni_status";
  std::string id;
  bool ready = false;  // namespace, address and rules are in place
  std::string netns;   // "/run/netns/n<tag>-eni-..."
  std::string error;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("ready", ready)("netns", netns)("error", error);
  }
  friend bool operator==(const InterfaceStatus&, const InterfaceStatus&) = default;
};

struct PrivateName {
  static constexpr std::string_view kTable = "ec2.name";
  std::string vpc_id, fqdn;
  std::vector<std::string> addresses;
  std::string key() const { return vpc_id + "/" + fqdn; }
  template <class A>
  void fields(A& a) {
    a("vpc", vpc_id)("fqdn", fqdn)("addresses", addresses);
  }
};

struct PublicAddress {  // one of the pool that is taken; scope account "-", region "-"
  static constexpr std::string_view kTable = "ec2.public";
  std::string address, owner_key;
  std::string key() const { return address; }
  template <class A>
  void fields(A& a) {
    a("address", address)("owner", owner_key);
  }
};

}  // namespace nubecita::ec2
