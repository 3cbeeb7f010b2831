// One VPC on the machine: its router namespace, its ENIs, and what was last seen of both, so that a change
// costs only the difference. Made by adopting what is there or from nothing. One thread at a time
// (machine_network.cpp locks).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "host/network/host_side.hpp"
#include "host/network/netlink.hpp"
#include "host/network/network.hpp"
#include "host/network/ruleset.hpp"

namespace nubecita::host {

class Router {
 public:
  /// Adopts or makes the router namespace and its transit.
  static Result<std::unique_ptr<Router>> open(const NetworkOptions& options, HostSide& host,
                                              const std::string& vpc);

  /// After an error what is known here may be wrong: open the router anew.
  Result<Applied> apply(const VpcSpec& spec);
  /// ENIs whose links are here.
  std::set<std::string> enis() const;

 private:
  using RouteKey = std::tuple<uint32_t, uint32_t, uint8_t>;  // table, destination, bits
  using Routes = std::map<RouteKey, Route>;

  Router(const NetworkOptions& options, HostSide& host, std::string vpc, Fd ns, Netlink netlink);
  Status adopt();
  Status remove_gone(const VpcSpec& spec);
  void make_new(const VpcSpec& spec, Applied& applied);
  Status make_eni(const VpcSpec& spec, const EniSpec& eni);
  Status bring_up(const VpcSpec& spec, Applied& applied);
  Status prepare_nat(const EniSpec& eni);
  Status load_rules(const VpcSpec& spec);
  Status set_routes(const VpcSpec& spec);
  Routes wanted_routes(const VpcSpec& spec) const;
  Route wanted_route(const VpcSpec& spec, const RouteSpec& r, uint32_t table) const;
  Status set_public(const VpcSpec& spec);
  std::string ns_name(const std::string& id) const { return "n" + options_.tag + "-" + id; }

  const NetworkOptions& options_;
  HostSide& host_;
  std::string vpc_;
  Fd ns_;
  Netlink netlink_;
  Transit transit_;
  int gateway_link_ = 0, next_index_ = 2;
  std::map<std::string, int> links_;  // ENI id → index of its link here
  std::set<std::string> fresh_;       // links made by this apply(): not named yet
  std::set<std::string> nats_;        // ENIs that translate already
  std::set<uint32_t> addresses_;      // gateways and resolver, on lo
  std::set<uint32_t> marks_;
  Routes routes_;
  std::map<uint32_t, Route> public_;
  std::optional<Ruleset> rules_;
};

/// In a fresh namespace of the calling thread: what every router needs before its links.
Status prepare_router_namespace();

}  // namespace nubecita::host
