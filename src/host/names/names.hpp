// The name servers of VPCs: one dnsmasq per VPC in its router's namespace, answering at base + 2 and
// 169.254.169.253. It knows the names that it is given, names every address of the VPC
// ("ip-10-0-1-5.<domain>", and back), and asks the host's own resolvers for the rest. It runs unprivileged,
// outlives this process and is adopted by the next.
//
// Any thread; calls about one VPC must not overlap (they come from one controller key).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace nubecita::host {

class Processes;

struct NamesSpec {
  std::string vpc;
  std::string netns;                // path of the router's namespace
  std::vector<std::string> listen;  // addresses that the router has
  std::string domain;               // of the names of addresses, e.g. "eu-central-1.compute.internal"
  std::vector<std::string> cidrs;   // whose addresses have such names; empty: none have
  std::map<std::string, std::vector<std::string>> records;  // fqdn → IPv4 addresses
  friend bool operator==(const NamesSpec&, const NamesSpec&) = default;
};

class Names {
 public:
  virtual ~Names() = default;
  /// Starts the VPC's server if it does not run (or must run otherwise) and tells it changed records.
  /// Errors: "NamesUnavailable", "ProcessFailed".
  virtual Status apply(const NamesSpec& spec) = 0;
  /// Stops it; one that does not run is fine.
  virtual Status remove(const std::string& vpc) = 0;
  /// VPCs that have a server, running or not.
  virtual std::vector<std::string> list() = 0;
  virtual Status remove_everything() = 0;
  /// `down` is called on another thread, quickly, when a VPC's server has ended by itself.
  virtual void on_down(std::function<void(const std::string& vpc)> down) = 0;
};

/// `tag`: installation_tag(). Servers' records are kept in /run/nubecita/<tag>.
Result<std::unique_ptr<Names>> make_names(Processes& processes, const std::string& tag);

/// The command line of a server, and the text of its records; for tests.
std::vector<std::string> server_command(const NamesSpec& spec, const std::string& records_file,
                                        const std::vector<std::string>& upstream);
std::string records_text(const NamesSpec& spec);
/// IPv4 name servers of a resolv.conf that others than this host can reach.
std::vector<std::string> upstream_servers(const std::string& resolv_conf);

}  // namespace nubecita::host
