#include "services/ec2/group_rules.hpp"

#include <algorithm>

#include "base/cidr.hpp"
#include "services/ec2/tagging.hpp"

namespace nubecita::ec2 {
namespace {

constexpr std::pair<std::string_view, std::string_view> kNames[] = {
    {"6", "tcp"}, {"17", "udp"}, {"1", "icmp"}, {"58", "icmpv6"}};

Result<std::string> protocol_name(wire::Text text) {
  std::string s = api::str(text);
  std::ranges::transform(s, s.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (s == "all" || s == "-1") return std::string("-1");
  for (auto [number, name] : kNames)
    if (s == number || s == name) return std::string(name);
  int n = 0;
  for (char c : s) n = c >= '0' && c <= '9' && n <= 255 ? n * 10 + (c - '0') : 1000;
  if (s.empty() || n > 255) return bad_value("Invalid value '" + s + "' for IP protocol. Unknown protocol.");
  return std::to_string(n);
}

/// Protocol and ports of a rule.
Status read_traffic(wire::Text protocol, wire::Opt<int32_t> from, wire::Opt<int32_t> to, GroupRule& rule) {
  if (protocol.empty()) return missing("ipProtocol");
  TRY_LET(rule.protocol, protocol_name(protocol));
  if (rule.protocol == "tcp" || rule.protocol == "udp") {
    if (!from.has() || !to.has())
      return bad_value("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.");
    for (int port : {*from, *to})
      if (port < 0 || port > 65535)
        return bad_value("TCP/UDP port (" + std::to_string(port) + ") out of range");
    if (*from > *to)
      return bad_value("Invalid TCP/UDP port range (" + std::to_string(*from) + "-" + std::to_string(*to) +
                       ")");
    rule.from = *from;
    rule.to = *to;
  } else if (rule.protocol == "icmp" || rule.protocol == "icmpv6") {
    rule.from = from.value_or(-1);
    rule.to = to.value_or(-1);
    if (rule.from < -1 || rule.from > 255)
      return bad_value("ICMP type (" + std::to_string(rule.from) + ") out of range");
    if (rule.to < -1 || rule.to > 255)
      return bad_value("ICMP code (" + std::to_string(rule.to) + ") out of range");
  }  // other protocols have no ports: AWS ignores what is given
  return {};
}

Status read_description(wire::Text text, GroupRule& rule) {
  TRY(check_rule_description(text.sv()));
  rule.description = api::str(text);
  return {};
}

Status read_block(wire::Text text, bool v6, GroupRule& rule) {
  auto block = Cidr::parse(text.sv());
  if (!block || block->is_v6() != v6) return bad_value("CIDR block " + api::str(text) + " is malformed");
  rule.cidr = block->canonical().str();
  return {};
}

Status read_peer(Call& call, const SecurityGroup& group, wire::Text id, wire::Text name, wire::Text account,
                 wire::Text vpc, GroupRule& rule) {
  std::optional<SecurityGroup> peer;
  if (!id.empty()) {
    peer = call.tx.get<SecurityGroup>(call.scope(), id.sv());
  } else if (!name.empty()) {
    for (auto& g : call.tx.list<SecurityGroup>(call.scope()))
      if (g.vpc_id == group.vpc_id && g.name == name.sv()) peer = std::move(g);
  } else {
    return missing("groupId");
  }
  const bool reachable = peer && peer->vpc_id == group.vpc_id &&
                         (account.empty() || account.sv() == call.account) &&
                         (vpc.empty() || vpc.sv() == peer->vpc_id);
  if (!reachable) return no_such<SecurityGroup>(id.empty() ? name.sv() : id.sv());
  rule.group_id = peer->id;
  rule.group_account = call.account;
  return {};
}

Status add_once(std::vector<GroupRule>& rules, GroupRule rule) {
  if (std::ranges::any_of(rules, [&](const GroupRule& r) { return same_traffic(r, rule); }))
    return bad_value("The same permission must not appear multiple times");
  rules.push_back(std::move(rule));
  return {};
}

std::string upper(std::string s) {
  std::ranges::transform(s, s.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return s;
}

}  // namespace

bool plain_text(std::string_view s) {
  static constexpr std::string_view kAllowed = " ._-:/()#,@[]+=&;{}!$*";
  return s.size() <= 255 && std::ranges::all_of(s, [](unsigned char c) {
           return c < 128 &&
                  (std::isalnum(c) || kAllowed.find(static_cast<char>(c)) != std::string_view::npos);
         });
}

Status check_rule_description(std::string_view text) {
  if (plain_text(text)) return {};
  return bad_value(
      "Invalid rule description. Valid descriptions are strings less than 256 characters from the following "
      "set: "
      " a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*");
}

Result<std::vector<GroupRule>> read_permissions(Call& call, const SecurityGroup& group,
                                                const Permissions& permissions, bool egress) {
  std::vector<GroupRule> rules;
  for (const auto& p : permissions) {
    GroupRule base;
    base.egress = egress;
    TRY(read_traffic(p.ip_protocol, p.from_port, p.to_port, base));
    if (p.ip_ranges.empty() && p.ipv6_ranges.empty() && p.user_id_group_pairs.empty())
      return fail("MissingParameter", "Source group/cidr information is missing");
    for (const auto& range : p.ip_ranges) {
      GroupRule rule = base;
      TRY(read_block(range.cidr_ip, false, rule));
      TRY(read_description(range.description, rule));
      TRY(add_once(rules, std::move(rule)));
    }
    for (const auto& range : p.ipv6_ranges) {
      GroupRule rule = base;
      TRY(read_block(range.cidr_ipv6, true, rule));
      TRY(read_description(range.description, rule));
      TRY(add_once(rules, std::move(rule)));
    }
    for (const auto& pair : p.user_id_group_pairs) {
      GroupRule rule = base;
      TRY(read_peer(call, group, pair.group_id, pair.group_name, pair.user_id, pair.vpc_id, rule));
      TRY(read_description(pair.description, rule));
      TRY(add_once(rules, std::move(rule)));
    }
  }
  return rules;
}

Result<GroupRule> read_rule(Call& call, const SecurityGroup& group, const model::SecurityGroupRuleRequest& in,
                            bool egress) {
  GroupRule rule;
  rule.egress = egress;
  TRY(read_traffic(in.ip_protocol, in.from_port, in.to_port, rule));
  TRY(read_description(in.description, rule));
  const int peers = !in.cidr_ipv4.empty() + !in.cidr_ipv6.empty() + !in.referenced_group_id.empty();
  if (peers != 1)
    return fail("InvalidParameterCombination",
                "A rule has exactly one of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupId.");
  if (!in.cidr_ipv4.empty()) TRY(read_block(in.cidr_ipv4, false, rule));
  if (!in.cidr_ipv6.empty()) TRY(read_block(in.cidr_ipv6, true, rule));
  if (!in.referenced_group_id.empty()) TRY(read_peer(call, group, in.referenced_group_id, {}, {}, {}, rule));
  return rule;
}

bool same_traffic(const GroupRule& a, const GroupRule& b) {
  return a.egress == b.egress && a.protocol == b.protocol && a.from == b.from && a.to == b.to &&
         a.cidr == b.cidr && a.group_id == b.group_id;
}

std::string rule_text(const GroupRule& rule) {
  std::string out = "peer: " + (rule.cidr.empty() ? rule.group_id : rule.cidr) + ", ";
  out += rule.protocol == "-1" ? "ALL" : upper(rule.protocol);
  if (rule.protocol == "tcp" || rule.protocol == "udp")
    out += ", from port: " + std::to_string(rule.from) + ", to port: " + std::to_string(rule.to);
  else if (rule.protocol == "icmp" || rule.protocol == "icmpv6")
    out += ", type: " + std::to_string(rule.from) + ", code: " + std::to_string(rule.to);
  return out + ", ALLOW";
}

std::unexpected<ApiError> duplicate_rule(const GroupRule& rule) {
  return fail("InvalidPermission.Duplicate", "the specified rule \"" + rule_text(rule) + "\" already exists");
}

wire::List<model::IpPermission> render_permissions(Call& call, const SecurityGroup& group, bool egress) {
  std::vector<std::vector<const GroupRule*>> gathered;
  for (const auto& rule : group.rules) {
    if (rule.egress != egress) continue;
    auto it = std::ranges::find_if(gathered, [&](auto& g) {
      return g[0]->protocol == rule.protocol && g[0]->from == rule.from && g[0]->to == rule.to;
    });
    if (it == gathered.end())
      gathered.push_back({&rule});
    else
      it->push_back(&rule);
  }
  auto out = call.list<model::IpPermission>(gathered.size());
  for (size_t i = 0; i < gathered.size(); ++i) {
    auto& p = out[i];
    const auto& rules = gathered[i];
    auto count = [&](auto test) { return static_cast<size_t>(std::ranges::count_if(rules, test)); };
    auto is_v6 = [](const GroupRule* r) { return r->cidr.find(':') != std::string::npos; };
    p.ip_protocol = call.text(rules[0]->protocol);
    const auto& protocol = rules[0]->protocol;
    if (protocol == "tcp" || protocol == "udp" || protocol.starts_with("icmp")) {
      p.from_port = rules[0]->from;
      p.to_port = rules[0]->to;
    }
    p.ipv6_ranges = call.list<model::Ipv6Range>(count(is_v6));
    p.user_id_group_pairs =
        call.list<model::UserIdGroupPair>(count([](auto* r) { return !r->group_id.empty(); }));
    p.ip_ranges =
        call.list<model::IpRange>(rules.size() - p.ipv6_ranges.size() - p.user_id_group_pairs.size());
    p.prefix_list_ids = call.list<model::PrefixListId>(0);
    size_t v4 = 0, v6 = 0, pairs = 0;
    for (const auto* rule : rules) {
      const auto description = rule->description.empty() ? wire::Text() : call.text(rule->description);
      if (!rule->group_id.empty()) {
        auto& pair = p.user_id_group_pairs[pairs++];
        pair.group_id = call.text(rule->group_id);
        pair.user_id = call.text(rule->group_account);
        pair.description = description;
      } else if (is_v6(rule)) {
        p.ipv6_ranges[v6].cidr_ipv6 = call.text(rule->cidr);
        p.ipv6_ranges[v6++].description = description;
      } else {
        p.ip_ranges[v4].cidr_ip = call.text(rule->cidr);
        p.ip_ranges[v4++].description = description;
      }
    }
  }
  return out;
}

void render(Call& call, const SecurityGroup& group, const GroupRule& rule, model::SecurityGroupRule& out) {
  out.security_group_rule_id = call.text(rule.id);
  out.security_group_rule_arn = call.text(resource_arn(call, kRuleType, rule.id));
  out.group_id = call.text(group.id);
  out.group_owner_id = call.text(call.account);
  out.is_egress = rule.egress;
  out.ip_protocol = call.text(rule.protocol);
  out.from_port = rule.from;
  out.to_port = rule.to;
  if (!rule.group_id.empty()) {
    out.referenced_group_info = call.make<model::ReferencedSecurityGroup>();
    out.referenced_group_info->group_id = call.text(rule.group_id);
    out.referenced_group_info->user_id = call.text(rule.group_account);
  } else if (rule.cidr.find(':') != std::string::npos) {
    out.cidr_ipv6 = call.text(rule.cidr);
  } else {
    out.cidr_ipv4 = call.text(rule.cidr);
  }
  if (!rule.description.empty()) out.description = call.text(rule.description);
  out.tags = render_tags(call, rule.tags);
}

}  // namespace nubecita::ec2
