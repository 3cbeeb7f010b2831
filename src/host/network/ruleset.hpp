// The nftables rules of one VPC's router, as a value: made from a VpcSpec, written as text for nft, and
// compared, so that a change of one member costs one element and not a reload. Pure; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/network/network.hpp"

namespace nubecita::host {

/// Name of the router's link to the host, and of an ENI's link in the router.
inline constexpr std::string_view kGatewayLink = "igw";
std::string eni_link(std::string_view eni_id);
/// Kernel routing table and packet mark of a route table: a stable number, so that a restart finds the same.
uint32_t table_number(std::string_view route_table_id);

struct Ruleset {
  struct Set {
    bool map = false;
    std::string type;                             // e.g. "type ifname : mark;"
    std::map<std::string, std::string> elements;  // key → value (empty for a plain set)
    friend bool operator==(const Set&, const Set&) = default;
  };
  struct Chain {
    std::string hook;  // empty for a chain that others jump to
    std::vector<std::string> rules;
    friend bool operator==(const Chain&, const Chain&) = default;
  };
  std::string table = "inet vpc";
  std::map<std::string, Set> sets;
  std::map<std::string, Chain> chains;
  friend bool operator==(const Ruleset&, const Ruleset&) = default;
};

/// `pool`: the public address pool. Rules that cannot match IPv4 traffic of the VPC are left out.
Ruleset make_ruleset(const VpcSpec& spec, std::string_view pool);
/// For the public addresses that the host itself serves: what the security groups of their ENIs let in, in
/// nft's words.
std::map<std::string, std::vector<std::string>> listener_rules(const VpcSpec& spec);
/// The whole of it, replacing the table in one transaction.
std::string full_text(const Ruleset& rules);
/// The commands from `from` to `to`, one transaction; empty when they are equal.
std::string diff_text(const Ruleset& from, const Ruleset& to);

}  // namespace nubecita::host
