#include "host/network/router.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/cidr.hpp"
#include "base/log.hpp"
#include "host/network/flows.hpp"
#include "host/network/nft.hpp"

namespace nubecita::host {
namespace {

constexpr int kLoopback = 1;
constexpr int kEniIndex = 32;  // of eth0 in its namespace: above whatever the kernel puts into a new one
constexpr uint32_t kRulePriority = 100;
constexpr uint32_t kResolverAlias = 0xa9fea9fd;  // 169.254.169.253
constexpr uint32_t kTaskMetadata =
    0xa9feaa02;  // 169.254.170.2: whoever serves it listens in the router's namespace
constexpr Mac kRouterMac = {0x02, 0x6e, 0x62,
                            0x63, 0x00, 0x01};  // the same on every link: they are never bridged

uint32_t gateway_of(const Cidr& subnet) { return subnet.first() + 1; }

const SubnetSpec* subnet_of(const VpcSpec& spec, const std::string& id) {
  auto it = std::find_if(spec.subnets.begin(), spec.subnets.end(), [&](const auto& s) { return s.id == id; });
  return it == spec.subnets.end() ? nullptr : &*it;
}

/// The pool's block when it lies in 127.0.0.0/8, which hosts keep to themselves unless told otherwise.
std::optional<Cidr> loopback_pool(const NetworkOptions& options) {
  auto c = Cidr::parse(options.public_pool);
  if (c && !c->is_v6() && (c->v4() >> 24) == 127) return c->canonical();
  return {};
}

}  // namespace

Status prepare_router_namespace() {
  for (auto [path, value] :
       {std::pair{"net/ipv4/ip_forward", "1"},
        {"net/ipv4/conf/all/send_redirects", "0"},
        {"net/ipv4/conf/default/send_redirects", "0"},
        {"net/ipv4/conf/all/accept_redirects", "0"},
        {"net/ipv4/conf/default/accept_redirects", "0"},
        {"net/ipv4/conf/all/route_localnet", "1"},
        {"net/ipv4/conf/all/rp_filter", "0"},  // the rules check sources more strictly
        {"net/ipv4/conf/default/rp_filter", "0"},
        {"net/ipv4/ip_unprivileged_port_start", "0"}})  // the name server runs without privilege
    TRY(write_sysctl(path, value));
  (void)write_sysctl("net/ipv6/conf/default/disable_ipv6", "1");  // absent in kernels without IPv6
  TRY_LET(auto netlink, Netlink::open());
  Batch batch;
  batch.set_up(kLoopback, {}, "setting up lo");
  TRY(netlink.run(batch));
  // Without it the loopback block is forwarded like any other: public addresses may lie in it.
  Batch clear;
  clear.delete_address({kLoopback, 0x7f000001, 8}, "clearing lo");
  return netlink.run(clear);
}

Router::Router(const NetworkOptions& options, HostSide& host, std::string vpc, Fd ns, Netlink netlink)
    : options_(options),
      host_(host),
      vpc_(std::move(vpc)),
      ns_(std::move(ns)),
      netlink_(std::move(netlink)) {}

Result<std::unique_ptr<Router>> Router::open(const NetworkOptions& options, HostSide& host,
                                             const std::string& vpc) {
  const auto name = "n" + options.tag + "-" + vpc;
  if (!namespace_exists(name))
    TRY(on_own_thread([&]() -> Status {
      TRY(new_namespace(name));
      return {};
    }));
  TRY_LET(Fd ns, open_namespace(name));
  TRY_LET(auto netlink, Netlink::open_in(ns.get()));
  std::unique_ptr<Router> router(new Router(options, host, vpc, std::move(ns), std::move(netlink)));
  TRY(router->adopt());
  return router;
}

Status Router::adopt() {
  TRY_LET(auto links, netlink_.links());
  const auto gateway =
      std::find_if(links.begin(), links.end(), [](const Link& l) { return l.name == kGatewayLink; });
  if (gateway == links.end())  // new, or a crash came before the transit
    TRY(on_own_thread([&]() -> Status {
      TRY(enter_namespace(ns_.get()));
      return prepare_router_namespace();
    }));
  TRY_LET(transit_, host_.make_transit(vpc_, ns_.get()));
  TRY_LET(links, netlink_.links());
  Batch batch;
  for (const auto& l : links) {
    next_index_ = std::max(next_index_, l.index + 1);
    if (l.name == kGatewayLink)
      gateway_link_ = l.index;
    else if (!l.alias.empty() && namespace_exists(ns_name(l.alias)))
      links_[l.alias] = l.index;
    else if (l.name.starts_with("e-"))  // or its namespace was taken away by hand
      batch.delete_link(l.index, "removing a half-made link");
  }
  batch.add_address({gateway_link_, transit_.router_address, 30}, false, "addressing the router");
  batch.set_up(gateway_link_, {}, "setting up the router's link");
  TRY(netlink_.run(batch));
  TRY(host_.await_transit(transit_));
  TRY_LET(auto addresses, netlink_.addresses());
  for (const auto& a : addresses)
    if (a.link == kLoopback) addresses_.insert(a.address);
  TRY_LET(auto routes, netlink_.routes());
  for (const auto& r : routes) routes_[{r.table, r.destination, r.bits}] = r;
  TRY_LET(auto marks, netlink_.rule_marks(kRulePriority));
  marks_.insert(marks.begin(), marks.end());
  TRY_LET(public_, host_.public_routes(transit_));
  return {};
}

std::set<std::string> Router::enis() const {
  std::set<std::string> out;
  for (const auto& [id, index] : links_) out.insert(id);
  return out;
}

Result<Applied> Router::apply(const VpcSpec& spec) {
  Applied applied;
  fresh_.clear();
  TRY(remove_gone(spec));
  make_new(spec, applied);
  if (!applied.errors.empty()) {  // the others are served
    VpcSpec rest = spec;
    std::erase_if(rest.enis, [&](const auto& e) { return applied.errors.contains(e.id); });
    TRY(bring_up(rest, applied));
  } else {
    TRY(bring_up(spec, applied));
  }
  return applied;
}

Status Router::bring_up(const VpcSpec& spec, Applied& applied) {
  TRY(load_rules(spec));
  TRY(set_routes(spec));
  TRY(set_public(spec));
  for (const auto& nat : spec.nats) {
    auto eni =
        std::find_if(spec.enis.begin(), spec.enis.end(), [&](const auto& e) { return e.id == nat.eni; });
    if (eni == spec.enis.end() || !links_.contains(nat.eni) || nats_.contains(nat.eni)) continue;
    if (auto done = prepare_nat(*eni); !done) applied.errors[nat.eni] = done.error().message;
  }
  return {};
}

Status Router::remove_gone(const VpcSpec& spec) {
  std::set<std::string> wanted;
  for (const auto& e : spec.enis) wanted.insert(e.id);
  std::vector<int> gone;
  for (auto it = links_.begin(); it != links_.end();) {
    const auto& [id, index] = *it;
    if (wanted.contains(id)) {
      ++it;
      continue;
    }
    gone.push_back(index);
    TRY(drop_namespace(ns_name(id)));
    std::erase_if(routes_, [&](const auto& r) { return r.second.link == index; });
    nats_.erase(id);
    it = links_.erase(it);
  }
  Batch batch;
  batch.delete_links(gone, "removing links");
  return gone.empty() ? Status{} : netlink_.run(batch);
}

void Router::make_new(const VpcSpec& spec, Applied& applied) {
  std::vector<const EniSpec*> missing;
  for (const auto& e : spec.enis)
    if (!links_.contains(e.id)) missing.push_back(&e);
  if (missing.empty()) return;
  (void)on_own_thread([&]() -> Status {
    for (const auto* e : missing) {
      if (auto made = make_eni(spec, *e); !made) {
        log_warning("network", "{}: {}", e->id, made.error().message);
        applied.errors[e->id] = made.error().message;
        (void)drop_namespace(ns_name(e->id));  // its link goes with it
        links_.erase(e->id);
      }
    }
    return {};
  });
}

/// On a thread of its own, which ends in the ENI's namespace.
Status Router::make_eni(const VpcSpec& spec, const EniSpec& eni) {
  const auto* subnet = subnet_of(spec, eni.subnet);
  const auto block = subnet ? Cidr::parse(subnet->cidr) : std::nullopt;
  const auto address = parse_ipv4(eni.address);
  const auto mac = parse_mac(eni.mac);
  if (!block || block->is_v6())
    return fail("NetworkUnavailable", eni.id + ": its subnet has no IPv4 block", 500);
  if (!address)
    return fail("NetworkUnavailable", eni.id + ": \"" + eni.address + "\" is no IPv4 address", 500);
  if (!mac) return fail("NetworkUnavailable", eni.id + ": \"" + eni.mac + "\" is no MAC address", 500);

  TRY(new_namespace(ns_name(eni.id)));
  (void)write_sysctl("net/ipv6/conf/default/disable_ipv6", "1");
  // As container engines have it: inside, low ports and ping need no privilege.
  (void)write_sysctl("net/ipv4/ip_unprivileged_port_start", "0");
  (void)write_sysctl("net/ipv4/ping_group_range", "0 2147483647");
  TRY_LET(auto netlink, Netlink::open());
  const uint32_t gateway = gateway_of(*block);
  const int index = next_index_++;
  Batch b;
  b.add_veth({"eth0", kEniIndex, mac}, {eni_link(eni.id), index, kRouterMac}, ns_.get(),
             "making the link of " + eni.id);
  b.set_up(kLoopback, {}, "setting up lo of " + eni.id);
  TRY(netlink.run(b));
  links_[eni.id] = index;  // from here on remove_gone() finds it
  Batch router;  // its end first: the last one to come up sends at once, and for ours await_running() is at
                 // hand
  router.set_up(index, {}, "setting up the link of " + eni.id);
  TRY(netlink_.run(router));
  b = Batch();
  b.set_up(kEniIndex,
           {{IPV4_DEVCONF_ROUTE_LOCALNET, loopback_pool(options_) ? 1u : 0u},
            {IPV4_DEVCONF_ACCEPT_REDIRECTS, 0},
            {IPV4_DEVCONF_SEND_REDIRECTS, 0}},
           "setting up eth0 of " + eni.id);
  // The block's length is shown, but neighbours are reached through the router like everybody else.
  b.add_address({kEniIndex, *address, static_cast<uint8_t>(block->bits())}, true, "addressing " + eni.id);
  b.put_route({kMainTable, 0, 0, RTN_UNICAST, gateway, 0, kEniIndex}, "routing " + eni.id);
  if (auto pool = loopback_pool(options_))
    b.put_route({kLocalTable, pool->first(), static_cast<uint8_t>(pool->bits()), RTN_UNICAST, gateway,
                 *address, kEniIndex},
                "routing the public pool of " + eni.id);
  b.put_neighbour(kEniIndex, gateway, kRouterMac, "naming the gateway of " + eni.id);
  TRY(netlink.run(b));
  fresh_.insert(eni.id);
  return {};
}

/// A NAT gateway is a namespace that forwards what is routed to it under its own address.
Status Router::prepare_nat(const EniSpec& eni) {
  TRY_LET(Fd ns, open_namespace(ns_name(eni.id)));
  Ruleset rules;
  rules.table = "inet nat_gateway";
  rules.chains["translate"] = {"type nat hook postrouting priority srcnat; policy accept;",
                               {"oifname \"eth0\" ip saddr != " + eni.address + " masquerade"}};
  // Nobody reaches it from outside: only answers come in.
  rules.chains["own"] = {"type filter hook input priority filter; policy drop;",
                         {"ct state established,related accept", "iifname \"lo\" accept"}};
  rules.chains["through"] = {"type filter hook forward priority filter; policy accept;",
                             {"ct state invalid drop"}};
  TRY(on_own_thread([&]() -> Status {
    TRY(enter_namespace(ns.get()));
    TRY(write_sysctl("net/ipv4/conf/all/send_redirects", "0"));
    TRY(run_nft(full_text(rules)));
    return write_sysctl("net/ipv4/ip_forward", "1");
  }));
  nats_.insert(eni.id);
  return {};
}

// Public addresses that led to an interface and lead to it no longer: elsewhere, or nowhere.
static std::vector<LostAddress> lost_addresses(const Ruleset& before, const Ruleset& now) {
  static const std::map<std::string, std::string> none;
  auto mapped = [](const Ruleset& r) -> auto& {
    auto set = r.sets.find("to_private");
    return set == r.sets.end() ? none : set->second.elements;
  };
  std::vector<LostAddress> out;
  for (const auto& [public_address, private_address] : mapped(before)) {
    auto still = mapped(now).find(public_address);
    if (still == mapped(now).end() || still->second != private_address)
      out.push_back({parse_ipv4(public_address).value_or(0), parse_ipv4(private_address).value_or(0)});
  }
  return out;
}

Status Router::load_rules(const VpcSpec& spec) {
  auto wanted = make_ruleset(spec, options_.public_pool);
  const auto difference = rules_ ? diff_text(*rules_, wanted) : std::string();
  if (rules_ && difference.empty()) return {};
  const auto lost = rules_ ? lost_addresses(*rules_, wanted) : std::vector<LostAddress>();
  auto load = [&]() -> Status {
    if (rules_) {
      auto changed = run_nft(difference);
      if (changed) return {};
      log_warning("network", "{}: loading all rules anew: {}", vpc_, changed.error().message);
    }
    return run_nft(full_text(wanted));
  };
  auto status = on_own_thread([&]() -> Status {
    TRY(enter_namespace(ns_.get()));
    TRY(load());
    // Connections are translated as they began: those of the former owner of an address end here.
    if (auto done = lost.empty() ? Status{} : forget_flows(lost); !done)
      log_warning("network", "{}: connections of a lost public address stay: {}", vpc_, done.error().message);
    return {};
  });
  if (status)
    rules_ = std::move(wanted);
  else
    rules_.reset();
  return status;
}

Route Router::wanted_route(const VpcSpec& spec, const RouteSpec& r, uint32_t table) const {
  const auto block = Cidr::parse(r.destination)->canonical();
  Route route{table, block.v4(), static_cast<uint8_t>(block.bits()), RTN_BLACKHOLE, 0, 0, 0};
  auto through = [&](const std::string& eni_id) {
    auto link = links_.find(eni_id);
    auto eni =
        std::find_if(spec.enis.begin(), spec.enis.end(), [&](const auto& e) { return e.id == eni_id; });
    if (link == links_.end() || eni == spec.enis.end()) return;
    route.type = RTN_UNICAST;
    route.gateway = parse_ipv4(eni->address).value_or(0);
    route.link = link->second;
  };
  switch (r.to) {
    case RouteSpec::To::local:
      route.type = RTN_THROW;
      break;  // on to the main table, where every ENI has its route
    case RouteSpec::To::internet:
      if (!spec.internet) break;
      route.type = RTN_UNICAST;
      route.gateway = transit_.host_address;
      route.link = gateway_link_;
      break;
    case RouteSpec::To::nat:
      for (const auto& n : spec.nats)
        if (n.id == r.target) through(n.eni);
      break;
    case RouteSpec::To::interface:
      through(r.target);
      break;
    case RouteSpec::To::blackhole:
      break;
  }
  return route;
}

Router::Routes Router::wanted_routes(const VpcSpec& spec) const {
  Routes out;
  auto put = [&](const Route& r) { out[{r.table, r.destination, r.bits}] = r; };
  put({kMainTable, 0, 0, RTN_UNICAST, transit_.host_address, 0,
       gateway_link_});  // the router's own: its resolver
  for (const auto& cidr : spec.cidrs)
    if (auto c = Cidr::parse(cidr); c && !c->is_v6())
      put({kMainTable, c->first(), static_cast<uint8_t>(c->bits()), RTN_BLACKHOLE, 0, 0, 0});
  for (const auto& e : spec.enis) {
    auto link = links_.find(e.id);
    auto address = parse_ipv4(e.address);
    if (link != links_.end() && address) put({kMainTable, *address, 32, RTN_UNICAST, 0, 0, link->second});
  }
  for (const auto& t : spec.route_tables) {
    const auto table = table_number(t.id);
    put({table, 0, 0, RTN_BLACKHOLE, 0, 0, 0});  // what no route names is dropped, not looked up further
    for (const auto& r : t.routes)
      if (auto c = Cidr::parse(r.destination); c && !c->is_v6()) put(wanted_route(spec, r, table));
  }
  return out;
}

Status Router::set_routes(const VpcSpec& spec) {
  Batch batch;
  for (const auto& id : fresh_) {
    auto eni = std::find_if(spec.enis.begin(), spec.enis.end(), [&](const auto& e) { return e.id == id; });
    batch.put_neighbour(links_[id], *parse_ipv4(eni->address), *parse_mac(eni->mac), "naming " + id);
  }
  // Not on the interfaces' own namespaces: a listener there would take port 80 from what runs in them.
  std::set<uint32_t> addresses = {kTaskMetadata};
  for (const auto& s : spec.subnets)
    if (auto c = Cidr::parse(s.cidr); c && !c->is_v6()) addresses.insert(gateway_of(*c));
  if (auto r = parse_ipv4(spec.resolver)) addresses.insert({*r, kResolverAlias});
  for (auto a : addresses)
    if (!addresses_.contains(a)) batch.add_address({kLoopback, a, 32}, true, "addressing the router");
  for (auto a : addresses_)
    if (!addresses.contains(a)) batch.delete_address({kLoopback, a, 32}, "taking an address from the router");

  auto wanted = wanted_routes(spec);
  std::set<uint32_t> marks;
  for (const auto& t : spec.route_tables) marks.insert(table_number(t.id));
  for (const auto& [key, r] : wanted) {
    auto now = routes_.find(key);
    if (now == routes_.end() || now->second != r) batch.put_route(r, "routing " + ipv4_text(r.destination));
  }
  for (auto m : marks)
    if (!marks_.contains(m)) batch.add_rule(m, m, kRulePriority, "adding a route table");
  for (auto m : marks_)
    if (!marks.contains(m)) batch.delete_rule(m, m, kRulePriority, "removing a route table");
  for (const auto& [key, r] : routes_)
    if (!wanted.contains(key)) batch.delete_route(r, "removing the route to " + ipv4_text(r.destination));
  // The name says that the link is complete: a crash before it makes the next run start over.
  for (const auto& id : fresh_) batch.set_alias(links_[id], id, "naming the link of " + id);
  if (!batch.empty()) TRY(netlink_.run(batch));
  for (const auto& id : fresh_) TRY(netlink_.await_running(links_[id]));
  addresses_ = std::move(addresses);
  marks_ = std::move(marks);
  routes_ = std::move(wanted);
  return {};
}

Status Router::set_public(const VpcSpec& spec) {
  std::map<uint32_t, Route> wanted;
  if (spec.internet)
    for (const auto& e : spec.enis)
      if (auto a = parse_ipv4(e.public_address); a && !e.served_by_host && links_.contains(e.id))
        wanted[*a] = host_.public_route(transit_, *a);
  std::vector<Route> put, gone;
  for (const auto& [a, r] : wanted)
    if (auto now = public_.find(a); now == public_.end() || now->second != r) put.push_back(r);
  for (const auto& [a, r] : public_)
    if (!wanted.contains(a)) gone.push_back(r);
  TRY(host_.change_public_routes(put, gone));
  public_ = std::move(wanted);
  return host_.set_listeners(
      vpc_, spec.internet ? listener_rules(spec) : std::map<std::string, std::vector<std::string>>());
}

}  // namespace nubecita::host
