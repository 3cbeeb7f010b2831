#include "host/network/ruleset.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/cidr.hpp"

namespace nubecita::host {
namespace {

uint64_t fnv(std::string_view text) {
  uint64_t h = 14695981039346656037ull;
  for (unsigned char c : text) h = (h ^ c) * 1099511628211ull;
  return h;
}

std::string quoted(std::string_view s) { return fmt::format("\"{}\"", s); }

bool is_v4(const std::string& cidr) {
  auto c = Cidr::parse_either(cidr);
  return c && !c->is_v6();
}

/// " ip saddr 10.0.0.0/8" or nothing when the block is everything.
std::string address_match(std::string_view side, const std::string& cidr) {
  auto c = Cidr::parse_either(cidr);
  if (!c || c->bits() == 0) return {};
  return fmt::format("ip {} {} ", side, c->canonical().str());
}

std::string protocol_match(const std::string& protocol) {
  if (protocol == "-1" || protocol == "all") return {};
  return fmt::format("ip protocol {} ", protocol);
}

std::string port_match(const std::string& protocol, int from, int to) {
  const std::string name = protocol == "6" ? "tcp" : protocol == "17" ? "udp" : protocol;
  if ((from < 0 && to < 0) || (from <= 0 && to >= 65535)) return protocol_match(name);
  if (from == to) return fmt::format("{} dport {} ", name, from);
  return fmt::format("{} dport {}-{} ", name, std::max(from, 0), to);
}

std::string icmp_match(int type, int code) {
  if (type < 0) return "ip protocol icmp ";
  if (code < 0) return fmt::format("icmp type {} ", type);
  return fmt::format("icmp type {} icmp code {} ", type, code);
}

bool has_ports(const std::string& p) { return p == "tcp" || p == "udp" || p == "6" || p == "17"; }
bool is_icmp(const std::string& p) { return p == "icmp" || p == "1"; }

/// Nothing but what nft may read: the texts come from far away.
bool known_protocol(const std::string& p) {
  if (p == "-1" || p == "all" || p == "tcp" || p == "udp" || p == "icmp") return true;
  return !p.empty() && p.size() <= 3 &&
         std::all_of(p.begin(), p.end(), [](char c) { return c >= '0' && c <= '9'; }) && std::stoi(p) <= 255;
}
bool plain_id(const std::string& id) {
  return !id.empty() && id.size() <= 64 &&
         std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) || c == '-'; });
}

std::string traffic_match(const std::string& protocol, int from, int to) {
  if (has_ports(protocol)) return port_match(protocol, from, to);
  if (is_icmp(protocol)) return icmp_match(from, to);
  return protocol_match(protocol);
}

class Builder {
 public:
  Builder(const VpcSpec& spec, std::string_view pool) : spec_(spec), pool_(pool) {}

  Ruleset build() {
    for (const auto& g : spec_.groups)
      for (const auto& rule : g.rules)
        if (plain_id(rule.group)) peers_.insert(rule.group);
    declare();
    for (const auto& eni : spec_.enis)
      if (plain_id(eni.id) && parse_ipv4(eni.address)) interface(eni);
    for (const auto& group : spec_.groups)
      if (plain_id(group.id)) group_chains(group);
    subnet_filters();
    base_chains();
    return std::move(out_);
  }

 private:
  void declare() {
    auto set = [&](const char* name, const char* type, bool map = false) {
      out_.sets[name] = {map, type, {}};
    };
    set("vpc_blocks", "type ipv4_addr; flags interval;");
    set("eni_source", "type ifname . ipv4_addr;");
    set("unchecked", "type ifname;");
    set("has_public", "type ipv4_addr;");
    set("table_of", "type ifname : mark;", true);
    set("from_link", "type ifname : verdict;", true);
    set("to_link", "type ifname : verdict;", true);
    set("to_private", "type ipv4_addr : ipv4_addr;", true);
    set("to_public", "type ipv4_addr : ipv4_addr;", true);
    for (const auto& g : peers_) out_.sets["g." + g] = {false, "type ipv4_addr;", {}};
    for (const auto& cidr : spec_.cidrs)
      if (auto c = Cidr::parse(cidr)) out_.sets["vpc_blocks"].elements[c->canonical().str()];
    for (const auto& s : spec_.subnets) table_of_subnet_[s.id] = s.route_table;
    if (spec_.internet) {
      // What comes from outside has passed no security group's egress; what leaves must have a public
      // address.
      out_.sets["from_link"].elements[quoted(kGatewayLink)] = "goto arrive";
      out_.sets["to_link"].elements[quoted(kGatewayLink)] = "jump leave";
    }
  }

  void interface(const EniSpec& eni) {
    const auto link = quoted(eni_link(eni.id));
    auto& sets = out_.sets;
    if (eni.source_dest_check)
      sets["eni_source"].elements[link + " . " + eni.address];
    else
      sets["unchecked"].elements[link];
    if (auto t = table_of_subnet_.find(eni.subnet); t != table_of_subnet_.end() && !t->second.empty())
      sets["table_of"].elements[link] = fmt::format("{:#010x}", table_number(t->second));
    if (spec_.internet && parse_ipv4(eni.public_address) && !eni.served_by_host) {
      sets["to_private"].elements[eni.public_address] = eni.address;
      sets["to_public"].elements[eni.address] = eni.public_address;
      sets["has_public"].elements[eni.address];
    }
    if (!eni.filtered) {
      sets["from_link"].elements[link] = "goto arrive";
      sets["to_link"].elements[link] = "accept";
      return;
    }
    for (const auto& g : eni.groups)
      if (peers_.contains(g)) sets["g." + g].elements[eni.address];
    if (auto chain = profile(eni.groups, "out"); !chain.empty())
      sets["from_link"].elements[link] = "jump " + chain;
    if (auto chain = profile(eni.groups, "in"); !chain.empty())
      sets["to_link"].elements[link] = "jump " + chain;
  }

  /// The chain of a combination of groups: that of the only one, or one that asks each in turn.
  std::string profile(std::vector<std::string> groups, const std::string& direction) {
    std::erase_if(groups, [&](const auto& id) {
      return std::none_of(spec_.groups.begin(), spec_.groups.end(),
                          [&](const auto& g) { return g.id == id && plain_id(id); });
    });
    std::sort(groups.begin(), groups.end());
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
    if (groups.empty()) return {};
    if (groups.size() == 1) return direction + "." + groups[0];
    std::string all;
    for (const auto& g : groups) all += g + ",";
    const auto name = fmt::format("{}.all-{:016x}", direction, fnv(all));
    auto& chain = out_.chains[name];
    if (chain.rules.empty())
      for (const auto& g : groups) chain.rules.push_back("jump " + direction + "." + g);
    return name;
  }

  void group_chains(const GroupSpec& group) {
    auto& in = out_.chains["in." + group.id].rules;
    auto& out = out_.chains["out." + group.id].rules;
    for (const auto& r : group.rules) {
      if (!known_protocol(r.protocol) || (!r.group.empty() && !plain_id(r.group))) continue;
      const char* side = r.egress ? "daddr" : "saddr";
      std::string peer;
      if (!r.group.empty())
        peer = fmt::format("ip {} @g.{} ", side, r.group);
      else if (is_v4(r.cidr))
        peer = address_match(side, r.cidr);
      else
        continue;  // an IPv6 block: no such packet exists here
      auto text = peer + traffic_match(r.protocol, r.from, r.to) + (r.egress ? "goto arrive" : "accept");
      auto& rules = r.egress ? out : in;
      if (std::find(rules.begin(), rules.end(), text) == rules.end()) rules.push_back(std::move(text));
    }
  }

  static bool allows_all(const std::vector<const AclEntrySpec*>& entries) {
    if (entries.empty()) return false;
    const auto& e = *entries.front();
    auto c = Cidr::parse_either(e.cidr);
    return e.allow && (e.protocol == "-1" || e.protocol == "all") && c && !c->is_v6() && c->bits() == 0;
  }

  /// The chain of an ACL's direction; empty when its first entry allows everything.
  std::string acl_chain(const std::string& id, bool egress) {
    const auto acl =
        std::find_if(spec_.acls.begin(), spec_.acls.end(), [&](const auto& a) { return a.id == id; });
    if (acl == spec_.acls.end()) return {};
    std::vector<const AclEntrySpec*> entries;
    for (const auto& e : acl->entries)
      if (e.egress == egress && is_v4(e.cidr) && known_protocol(e.protocol)) entries.push_back(&e);
    std::sort(entries.begin(), entries.end(), [](auto* a, auto* b) { return a->number < b->number; });
    if (allows_all(entries)) return {};
    const auto name = (egress ? "leaving." : "entering.") + id;
    auto& chain = out_.chains[name];
    if (!chain.rules.empty()) return name;
    for (const auto* e : entries) {
      auto match = address_match(egress ? "daddr" : "saddr", e->cidr);
      match += is_icmp(e->protocol) ? icmp_match(e->icmp_type, e->icmp_code)
                                    : traffic_match(e->protocol, e->from, e->to);
      chain.rules.push_back(match + (e->allow ? "return" : "drop"));
    }
    chain.rules.push_back("drop");
    return name;
  }

  void subnet_filters() {
    auto& rules = out_.chains["subnets"].rules;
    std::vector<std::string> entering;  // a packet leaves one subnet before it enters another
    for (const auto& s : spec_.subnets) {
      const auto out = acl_chain(s.acl, true), in = acl_chain(s.acl, false);
      if (out.empty() && in.empty()) continue;
      auto& set = out_.sets["s." + s.id] = {false, "type ifname;", {}};
      for (const auto& eni : spec_.enis)
        if (eni.subnet == s.id) set.elements[quoted(eni_link(eni.id))];
      if (!out.empty()) rules.push_back(fmt::format("iifname @s.{0} oifname != @s.{0} jump {1}", s.id, out));
      if (!in.empty()) entering.push_back(fmt::format("oifname @s.{0} iifname != @s.{0} jump {1}", s.id, in));
    }
    rules.insert(rules.end(), entering.begin(), entering.end());
    out_.chains["subnets"].hook = "type filter hook forward priority filter - 10; policy accept;";
  }

  void base_chains() {
    auto& c = out_.chains;
    const auto igw = quoted(kGatewayLink);
    auto pool = Cidr::parse(pool_);
    const bool loopback_pool = pool && !pool->is_v6() && (pool->v4() >> 24) == 127;
    const auto loopback =
        loopback_pool ? fmt::format("ip saddr 127.0.0.0/8 ip saddr != {0} drop", pool->canonical().str())
                      : std::string("ip saddr 127.0.0.0/8 drop");
    auto loopback_to = loopback;
    for (size_t at = 0; (at = loopback_to.find("saddr", at)) != std::string::npos; ++at)
      loopback_to[at] = 'd';

    c["guard"] = {"type filter hook prerouting priority raw; policy drop;",
                  {"iifname \"lo\" accept", "meta protocol != ip drop", loopback, loopback_to,
                   "icmp type redirect drop", fmt::format("iifname {} ip saddr @vpc_blocks drop", igw),
                   fmt::format("iifname {} accept", igw), "meta mark set iifname map @table_of",
                   "iifname . ip saddr @eni_source accept", "iifname @unchecked accept"}};
    c["router"] = {"type filter hook input priority filter; policy drop;",
                   {"ct state established,related accept", "iifname \"lo\" accept",
                    fmt::format("iifname != {} ip daddr 169.254.170.2 tcp dport 80 accept", igw)}};
    if (parse_ipv4(spec_.resolver))
      c["router"].rules.push_back(fmt::format(
          "iifname != {} ip daddr {{ {}, 169.254.169.253 }} meta l4proto {{ tcp, udp }} th dport 53 accept",
          igw, spec_.resolver));
    c["forward"] = {
        "type filter hook forward priority filter; policy drop;",
        {"ct state vmap { established : accept, related : accept, invalid : drop }",
         fmt::format("oifname != {} oifname != @unchecked oifname . ip daddr != @eni_source drop", igw),
         "iifname vmap @from_link"}};
    c["arrive"] = {"", {"oifname vmap @to_link", "drop"}};
    c["leave"] = {"", {"ip saddr @has_public accept"}};
    c["from_internet"] = {"type nat hook prerouting priority dstnat; policy accept;",
                          {fmt::format("iifname {} dnat ip to ip daddr map @to_private", igw)}};
    auto& out = c["to_internet"] = {"type nat hook postrouting priority srcnat; policy accept;", {}};
    if (loopback_pool) {
      // Such an address means nothing beyond this machine, and the host would take answers to it for
      // forgeries: only the machine's other public addresses see it, the outside sees the host's own
      // (host_side.cpp).
      out.rules = {fmt::format("oifname {} ip daddr {} snat ip to ip saddr map @to_public", igw,
                               pool->canonical().str()),
                   fmt::format("oifname {} ip saddr @has_public masquerade", igw)};
    } else {
      out.rules = {fmt::format("oifname {} snat ip to ip saddr map @to_public", igw)};
    }
  }

  const VpcSpec& spec_;
  std::string_view pool_;
  Ruleset out_;
  std::set<std::string> peers_;  // groups that rules name as peers
  std::map<std::string, std::string> table_of_subnet_;
};

std::string element_list(const std::map<std::string, std::string>& elements) {
  std::string out;
  for (const auto& [k, v] : elements) {
    if (!out.empty()) out += ", ";
    out += v.empty() ? k : k + " : " + v;
  }
  return out;
}
/// What to add and (by key only) to delete; a changed value is deleted and added in the same transaction.
void compare(const std::map<std::string, std::string>& from, const std::map<std::string, std::string>& to,
             std::map<std::string, std::string>& add, std::map<std::string, std::string>& del) {
  auto a = from.begin();
  for (auto b = to.begin(); a != from.end() || b != to.end();) {
    const int order = a == from.end() ? 1 : b == to.end() ? -1 : a->first.compare(b->first);
    if (order < 0) {
      del[(a++)->first];
    } else if (order > 0) {
      add.insert(*b++);
    } else {
      if (a->second != b->second) {
        del[a->first];
        add.insert(*b);
      }
      ++a, ++b;
    }
  }
}

std::string kind(const Ruleset::Set& s) { return s.map ? "map" : "set"; }

}  // namespace

std::string eni_link(std::string_view eni_id) {
  if (auto dash = eni_id.find('-'); dash != std::string_view::npos) eni_id.remove_prefix(dash + 1);
  if (eni_id.size() > 13) eni_id.remove_prefix(eni_id.size() - 13);
  return "e-" + std::string(eni_id);
}

uint32_t table_number(std::string_view id) {
  // Above the kernel's and people's own tables; 31 bits, so that no tool shows it as negative.
  return static_cast<uint32_t>(fnv(id) & 0x7fffffff) | 0x10000;
}

std::map<std::string, std::vector<std::string>> listener_rules(const VpcSpec& spec) {
  std::map<std::string, std::vector<std::string>> out;
  for (const auto& eni : spec.enis) {
    if (!eni.served_by_host || !parse_ipv4(eni.public_address)) continue;
    auto& rules = out[eni.public_address];
    for (const auto& group : spec.groups) {
      if (std::find(eni.groups.begin(), eni.groups.end(), group.id) == eni.groups.end()) continue;
      // Rules that name a group let its members in by their private addresses, and none comes this way under
      // one.
      for (const auto& r : group.rules)
        if (!r.egress && r.group.empty() && is_v4(r.cidr) && known_protocol(r.protocol))
          rules.push_back(address_match("saddr", r.cidr) + traffic_match(r.protocol, r.from, r.to) +
                          "accept");
    }
  }
  return out;
}

Ruleset make_ruleset(const VpcSpec& spec, std::string_view pool) { return Builder(spec, pool).build(); }

std::string full_text(const Ruleset& r) {
  std::string out = fmt::format("add table {0}\ndelete table {0}\ntable {0} {{\n", r.table);
  for (const auto& [name, s] : r.sets) {
    out += fmt::format("{} {} {{ {}", kind(s), name, s.type);
    if (!s.elements.empty()) out += fmt::format(" elements = {{ {} }};", element_list(s.elements));
    out += " }\n";
  }
  for (const auto& [name, c] : r.chains) {
    out += fmt::format("chain {} {{\n", name);
    if (!c.hook.empty()) out += c.hook + "\n";
    for (const auto& rule : c.rules) out += rule + "\n";
    out += "}\n";
  }
  return out + "}\n";
}

std::string diff_text(const Ruleset& from, const Ruleset& to) {
  const auto& t = to.table;
  std::string made, dropped_elements, rules, added_elements, emptied, gone;
  for (const auto& [name, s] : to.sets) {
    auto old = from.sets.find(name);
    std::map<std::string, std::string> add, del;
    if (old == from.sets.end()) {
      made += fmt::format("add {} {} {} {{ {} }}\n", kind(s), t, name, s.type);
      add = s.elements;
    } else {
      compare(old->second.elements, s.elements, add, del);
    }
    if (!del.empty())
      dropped_elements += fmt::format("delete element {} {} {{ {} }}\n", t, name, element_list(del));
    if (!add.empty())
      added_elements += fmt::format("add element {} {} {{ {} }}\n", t, name, element_list(add));
  }
  for (const auto& [name, c] : to.chains) {
    auto old = from.chains.find(name);
    if (old == from.chains.end())
      made += c.hook.empty() ? fmt::format("add chain {} {}\n", t, name)
                             : fmt::format("add chain {} {} {{ {} }}\n", t, name, c.hook);
    else if (old->second == c)
      continue;
    else
      rules += fmt::format("flush chain {} {}\n", t, name);
    for (const auto& rule : c.rules) rules += fmt::format("add rule {} {} {}\n", t, name, rule);
  }
  for (const auto& [name, c] : from.chains)
    if (!to.chains.contains(name)) {
      emptied += fmt::format("flush chain {} {}\n", t, name);
      gone += fmt::format("delete chain {} {}\n", t, name);
    }
  for (const auto& [name, s] : from.sets)
    if (!to.sets.contains(name)) {
      emptied += fmt::format("flush {} {} {}\n", kind(s), t, name);
      gone += fmt::format("delete {} {} {}\n", kind(s), t, name);
    }
  return made + dropped_elements + rules + added_elements + emptied + gone;
}

}  // namespace nubecita::host
