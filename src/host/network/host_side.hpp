// What the virtual networks need of the host itself: one link to each VPC's router ("transit"), the routes of
// public addresses, one nftables table named nubecita_<tag>, and IP forwarding. All of it goes when the last
// VPC goes.
//
// Several installations share the machine: transit addresses and the forwarding switch are agreed on under a
// lock file in /run/nubecita. Any thread, one call at a time inside.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/network/netlink.hpp"
#include "host/network/network.hpp"
#include "host/network/ruleset.hpp"

namespace nubecita::host {

/// The link between the host and one VPC's router: a /30 of 169.254.0.0/17, which no VPC's block can meet.
struct Transit {
  std::string vpc;
  int host_link = 0;
  uint32_t host_address = 0, router_address = 0;
};

class HostSide {
 public:
  explicit HostSide(const NetworkOptions& options);

  /// The VPC's transit, made if it is missing: its other end is the link "igw" in the namespace of `router`.
  Result<Transit> make_transit(const std::string& vpc, int router);
  Result<std::vector<Transit>> transits();
  /// Waits until the transit carries packets; after the router has set up its end.
  Status await_transit(const Transit& t);
  /// Takes a VPC's transit away, and with the last one everything else that is ours on the host.
  Status remove_transit(const std::string& vpc);
  /// Removes table, settings and folder if no transit is left.
  Status leave_if_last();

  /// Routes to public addresses over a transit, as they are / made and removed.
  Result<std::map<uint32_t, Route>> public_routes(const Transit& t);
  Status change_public_routes(const std::vector<Route>& put, const std::vector<Route>& gone);
  /// What may reach the public addresses that the host serves for a VPC; see listener_rules().
  Status set_listeners(const std::string& vpc, const std::map<std::string, std::vector<std::string>>& rules);
  Route public_route(const Transit& t, uint32_t address) const;

 private:
  Status open();
  Status prepare();
  Status leave_locked();
  Status load_rules();
  Ruleset wanted_rules() const;
  Result<std::vector<Transit>> transits_locked();
  std::string alias(const std::string& vpc) const { return "nubecita " + options_.tag + " " + vpc; }
  std::string link_prefix() const { return "n" + options_.tag + "-t"; }

  NetworkOptions options_;
  std::mutex mutex_;
  std::optional<Netlink> netlink_;
  Fd namespace_;
  bool prepared_ = false;
  std::map<std::string, std::map<std::string, std::vector<std::string>>> listeners_;  // by VPC, by address
  Ruleset rules_;                                                                     // as loaded
};

}  // namespace nubecita::host
