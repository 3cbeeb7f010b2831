#include "host/network/host_side.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/ip.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "base/cidr.hpp"
#include "host/network/nft.hpp"
#include "host/network/ruleset.hpp"

namespace nubecita::host {
namespace {

constexpr const char* kFolder = "/run/nubecita";
constexpr const char* kForwardingWas = "/run/nubecita/ip_forward";  // its value before the first of us came
constexpr uint32_t kTransitBase = 0xa9fe0000;                       // 169.254.0.0
constexpr uint32_t kTransits = 8192;                                // /30 blocks of the /17

/// Held while installations agree on something.
Result<Fd> machine_lock() {
  if (::mkdir(kFolder, 0755) != 0 && errno != EEXIST) return network_error("making /run/nubecita", errno);
  Fd fd(::open("/run/nubecita/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return network_error("opening /run/nubecita/lock", errno);
  if (::flock(fd.get(), LOCK_EX) != 0) return network_error("locking /run/nubecita/lock", errno);
  return fd;
}

}  // namespace

HostSide::HostSide(const NetworkOptions& options) : options_(options) {}

Status HostSide::open() {
  if (netlink_) return {};
  namespace_ = Fd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!namespace_) return network_error("opening the host's namespace", errno);
  TRY_LET(auto socket, Netlink::open_in(namespace_.get()));
  netlink_ = std::move(socket);
  return {};
}

Status HostSide::prepare() {
  TRY(open());
  if (prepared_) return {};
  TRY(load_rules());
  const auto forwarding = read_sysctl("net/ipv4/ip_forward");
  if (forwarding != "1") {
    std::ofstream(kForwardingWas) << forwarding;
    TRY(write_sysctl("net/ipv4/ip_forward", "1"));
  }
  prepared_ = true;
  return {};
}

/// From a VPC the host's own listeners are out of reach, except those bound to a public address (load
/// balancers); these are reached, from wherever, as the security groups of their ENIs say. What comes to a
/// VPC from outside comes for a public address; what a router sends under its own address leaves under the
/// host's. The front door's ports are as good as 80 and 443.
Ruleset HostSide::wanted_rules() const {
  const auto ours = "\"" + link_prefix() + "*\"";
  const auto& pool = options_.public_pool;
  Ruleset rules;
  rules.table = "inet nubecita_" + options_.tag;
  auto& listeners = rules.sets["listeners"] = {true, "type ipv4_addr : verdict;", {}};
  for (const auto& [vpc, addresses] : listeners_)
    for (const auto& [address, accepted] : addresses) {
      auto chain = accepted;
      chain.push_back("drop");
      rules.chains["for." + address] = {"", std::move(chain)};
      listeners.elements[address] = "jump for." + address;
    }
  rules.chains["incoming"] = {"type filter hook input priority filter - 5; policy accept;",
                              {"ct state established,related accept", "iifname " + ours + " jump from_vpcs",
                               "ip daddr vmap @listeners"}};
  // No listener that is bound to all addresses: those were not meant.
  rules.chains["from_vpcs"] = {"", {"ip daddr " + pool + " socket wildcard 0 return", "drop"}};
  rules.chains["through"] = {"type filter hook forward priority filter - 5; policy accept;",
                             {"iifname " + ours + " tcp flags syn tcp option maxseg size set rt mtu",
                              "oifname != " + ours + " accept", "ct state established,related accept",
                              "ip daddr " + pool + " accept", "drop"}};
  rules.chains["arriving"] = {"type nat hook prerouting priority dstnat; policy accept;", {}};
  for (auto [ours_outside, inside] : {std::pair{options_.http_port, 80}, {options_.https_port, 443}})
    if (ours_outside != inside)
      rules.chains["arriving"].rules.push_back(
          fmt::format("iifname {} ip daddr {} tcp dport {} dnat to :{}", ours, pool, ours_outside, inside));
  rules.chains["outgoing"] = {
      "type nat hook postrouting priority srcnat; policy accept;",
      {"ip saddr 169.254.0.0/17 oifname != \"lo\" oifname != " + ours + " masquerade"}};
  return rules;
}

Status HostSide::load_rules() {
  auto wanted = wanted_rules();
  const auto text = prepared_ ? diff_text(rules_, wanted) : full_text(wanted);
  if (text.empty()) return {};
  auto run = [&](const std::string& commands) {
    return on_own_thread([&]() -> Status {
      TRY(enter_namespace(namespace_.get()));
      return run_nft(commands);
    });
  };
  auto loaded = run(text);
  if (!loaded && prepared_) loaded = run(full_text(wanted));
  TRY(std::move(loaded));
  rules_ = std::move(wanted);
  return {};
}

Status HostSide::set_listeners(const std::string& vpc,
                               const std::map<std::string, std::vector<std::string>>& rules) {
  std::lock_guard guard(mutex_);
  if (rules.empty())
    listeners_.erase(vpc);
  else
    listeners_[vpc] = rules;
  return prepared_ ? load_rules() : Status{};
}

Result<std::vector<Transit>> HostSide::transits_locked() {
  TRY_LET(auto links, netlink_->links());
  TRY_LET(auto addresses, netlink_->addresses());
  const auto prefix = alias("");
  std::vector<Transit> out;
  for (const auto& link : links) {
    if (!link.name.starts_with(link_prefix()) || !link.alias.starts_with(prefix)) continue;
    Transit t{link.alias.substr(prefix.size()), link.index, 0, 0};
    for (const auto& a : addresses)
      if (a.link == link.index) t.host_address = a.address;
    if (t.host_address) {
      t.router_address = t.host_address + 1;
      out.push_back(std::move(t));
    }
  }
  return out;
}

Result<std::vector<Transit>> HostSide::transits() {
  std::lock_guard guard(mutex_);
  TRY(open());
  return transits_locked();
}

Result<Transit> HostSide::make_transit(const std::string& vpc, int router) {
  std::lock_guard guard(mutex_);
  TRY_LET(Fd lock, machine_lock());
  TRY(prepare());
  TRY_LET(auto existing, transits_locked());
  // A crash may have left a pair that does not say yet whose it is.
  TRY_LET(auto links, netlink_->links());
  Batch away;
  for (const auto& l : links)
    if (l.name.starts_with(link_prefix()) && l.alias.empty())
      away.delete_link(l.index, "removing a half-made transit");
  TRY(netlink_->run(away));
  TRY_LET(auto inside, Netlink::open_in(router));
  TRY_LET(auto inner_links, inside.links());
  const bool connected = std::any_of(inner_links.begin(), inner_links.end(),
                                     [](const Link& l) { return l.name == kGatewayLink; });
  for (const auto& t : existing) {
    if (t.vpc != vpc) continue;
    if (connected) return t;
    away.delete_link(t.host_link, "removing an old transit");
  }
  TRY(netlink_->run(away));

  TRY_LET(auto addresses, netlink_->addresses());
  std::set<uint32_t> taken;
  for (const auto& a : addresses)
    if (a.address >= kTransitBase && a.address < kTransitBase + kTransits * 4)
      taken.insert((a.address - kTransitBase) / 4);
  uint32_t number = 1;
  while (taken.contains(number)) ++number;
  if (number >= kTransits)
    return fail("NetworkUnavailable", "no address is left for another VPC's transit", 500);

  const auto name = link_prefix() + std::to_string(number);
  Batch make;
  make.add_veth({name, 0, {}}, {std::string(kGatewayLink), 0, {}}, router, "making the transit of " + vpc);
  TRY(netlink_->run(make));
  TRY_LET(links, netlink_->links());
  Transit t{vpc, 0, kTransitBase + number * 4 + 1, kTransitBase + number * 4 + 2};
  for (const auto& l : links)
    if (l.name == name) t.host_link = l.index;
  Batch set;
  set.add_address({t.host_link, t.host_address, 30}, false, "addressing the transit of " + vpc);
  // Packets of public addresses that are loopback ones (the default pool) come and go here.
  set.set_up(t.host_link, {{IPV4_DEVCONF_ROUTE_LOCALNET, 1}, {IPV4_DEVCONF_SEND_REDIRECTS, 0}},
             "setting up the transit of " + vpc);
  set.set_alias(t.host_link, alias(vpc), "naming the transit of " + vpc);
  TRY(netlink_->run(set));
  return t;
}

Status HostSide::await_transit(const Transit& t) {
  std::lock_guard guard(mutex_);
  return netlink_->await_running(t.host_link);
}

Status HostSide::remove_transit(const std::string& vpc) {
  std::lock_guard guard(mutex_);
  TRY(open());
  TRY_LET(auto all, transits_locked());
  Batch away;
  for (const auto& t : all)
    if (t.vpc == vpc) away.delete_link(t.host_link, "removing the transit of " + vpc);
  TRY(netlink_->run(away));
  if (listeners_.erase(vpc) && prepared_) TRY(load_rules());
  return leave_locked();
}

Status HostSide::leave_if_last() {
  std::lock_guard guard(mutex_);
  TRY(open());
  return leave_locked();
}

Status HostSide::leave_locked() {
  TRY_LET(auto left, transits_locked());
  if (!left.empty()) return {};
  TRY_LET(Fd lock, machine_lock());
  const auto table = "inet nubecita_" + options_.tag;
  TRY(on_own_thread([&]() -> Status {
    TRY(enter_namespace(namespace_.get()));
    return run_nft("add table " + table + "\ndelete table " + table + "\n");
  }));
  prepared_ = false;
  TRY_LET(auto links, netlink_->links());
  if (std::any_of(links.begin(), links.end(), [](const Link& l) { return l.alias.starts_with("nubecita "); }))
    return {};
  std::ifstream was(kForwardingWas);
  if (std::string value; was && was >> value) {
    TRY(write_sysctl("net/ipv4/ip_forward", value));
    ::unlink(kForwardingWas);
  }
  drop_namespace_folder();
  ::unlink("/run/nubecita/lock");
  ::rmdir(kFolder);  // stays if something else of ours is in it
  return {};
}

Route HostSide::public_route(const Transit& t, uint32_t address) const {
  // In the local table, where its block would otherwise be the host's own (127.0.0.0/8).
  return {kLocalTable, address, 32, 1, t.router_address, t.host_address, t.host_link};
}

Result<std::map<uint32_t, Route>> HostSide::public_routes(const Transit& t) {
  std::lock_guard guard(mutex_);
  TRY_LET(auto routes, netlink_->routes());
  std::map<uint32_t, Route> out;
  for (const auto& r : routes)
    if (r.link == t.host_link && r.table == kLocalTable && r.bits == 32) out[r.destination] = r;
  return out;
}

Status HostSide::change_public_routes(const std::vector<Route>& put, const std::vector<Route>& gone) {
  std::lock_guard guard(mutex_);
  Batch batch;
  for (const auto& r : gone) batch.delete_route(r, "removing the route of a public address");
  for (const auto& r : put) batch.put_route(r, "routing public address " + ipv4_text(r.destination));
  return batch.empty() ? Status{} : netlink_->run(batch);
}

}  // namespace nubecita::host
