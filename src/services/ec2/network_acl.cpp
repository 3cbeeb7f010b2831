// Network ACLs, their entries, and which subnets they guard. The last entry ("*", 32767, deny) is shown and
// enforced, never stored.
#include <map>

#include "base/ids.hpp"
#include "services/ec2/filters.hpp"
#include "services/ec2/idempotency.hpp"
#include "services/ec2/network.hpp"
#include "services/ec2/tagging.hpp"

namespace nubecita::ec2 {
namespace {

constexpr int kLastRule = 32767;

/// What ACLs are shown with: each one's subnets.
struct Guarded {
  Call& call;
  std::map<std::string, std::vector<Subnet>> subnets;
  explicit Guarded(Call& c) : call(c) {
    for (auto& subnet : c.tx.list<Subnet>(c.scope())) subnets[subnet.acl_id].push_back(std::move(subnet));
  }
};

/// The stored entries and the two implied ones, in the order that they are evaluated in.
std::vector<AclEntry> all_entries(const NetworkAcl& acl) {
  auto entries = acl.entries;
  for (bool egress : {true, false}) {
    AclEntry last;
    last.number = kLastRule;
    last.egress = egress;
    last.protocol = "-1";
    last.cidr = "0.0.0.0/0";
    entries.push_back(std::move(last));
  }
  std::ranges::sort(entries, [](const AclEntry& a, const AclEntry& b) {
    return std::pair(!a.egress, a.number) < std::pair(!b.egress, b.number);
  });
  return entries;
}

bool has_ports(const AclEntry& e) { return e.protocol == "6" || e.protocol == "17"; }
bool is_icmp(const AclEntry& e) { return e.protocol == "1"; }

template <class F>
Values of_entries(const NetworkAcl& acl, F f) {
  Values out;
  for (const auto& e : all_entries(acl))
    if (auto v = f(e); !v.empty()) out.push_back(v);
  return out;
}
template <class F>
Values of_subnets(Guarded& g, const NetworkAcl& acl, F f) {
  Values out;
  for (const auto& s : g.subnets[acl.id]) out.push_back(f(s));
  return out;
}
std::string number_if(bool there, int n) { return there ? std::to_string(n) : std::string(); }

const Field<NetworkAcl, Guarded> kFilters[] = {
    {"network-acl-id", [](Guarded&, const NetworkAcl& a) { return Values{a.id}; }},
    {"vpc-id", [](Guarded&, const NetworkAcl& a) { return Values{a.vpc_id}; }},
    {"default", [](Guarded&, const NetworkAcl& a) { return Values{yes_no(a.is_default)}; }},
    {"owner-id", [](Guarded& g, const NetworkAcl&) { return Values{g.call.account}; }},
    {"association.association-id",
     [](Guarded& g, const NetworkAcl& a) {
       return of_subnets(g, a, [](auto& s) { return s.acl_association_id; });
     }},
    {"association.network-acl-id",
     [](Guarded& g, const NetworkAcl& a) { return of_subnets(g, a, [](auto& s) { return s.acl_id; }); }},
    {"association.subnet-id",
     [](Guarded& g, const NetworkAcl& a) { return of_subnets(g, a, [](auto& s) { return s.id; }); }},
    {"entry.cidr",
     [](Guarded&, const NetworkAcl& a) { return of_entries(a, [](auto& e) { return e.cidr; }); }},
    {"entry.egress",
     [](Guarded&, const NetworkAcl& a) { return of_entries(a, [](auto& e) { return yes_no(e.egress); }); }},
    {"entry.icmp.code",
     [](Guarded&, const NetworkAcl& a) {
       return of_entries(a, [](auto& e) { return number_if(is_icmp(e), e.icmp_code); });
     }},
    {"entry.icmp.type",
     [](Guarded&, const NetworkAcl& a) {
       return of_entries(a, [](auto& e) { return number_if(is_icmp(e), e.icmp_type); });
     }},
    {"entry.ipv6-cidr", [](Guarded&, const NetworkAcl&) { return Values{}; }},
    {"entry.port-range.from",
     [](Guarded&, const NetworkAcl& a) {
       return of_entries(a, [](auto& e) { return number_if(has_ports(e), e.from); });
     }},
    {"entry.port-range.to",
     [](Guarded&, const NetworkAcl& a) {
       return of_entries(a, [](auto& e) { return number_if(has_ports(e), e.to); });
     }},
    {"entry.protocol",
     [](Guarded&, const NetworkAcl& a) { return of_entries(a, [](auto& e) { return e.protocol; }); }},
    {"entry.rule-action",
     [](Guarded&, const NetworkAcl& a) {
       return of_entries(a, [](auto& e) { return std::string(e.allow ? "allow" : "deny"); });
     }},
    {"entry.rule-number",
     [](Guarded&, const NetworkAcl& a) {
       return of_entries(a, [](auto& e) { return std::to_string(e.number); });
     }},
};

void render(Guarded& g, const NetworkAcl& acl, model::NetworkAcl& out) {
  auto& call = g.call;
  out.network_acl_id = call.text(acl.id);
  out.vpc_id = call.text(acl.vpc_id);
  out.owner_id = call.text(call.account);
  out.is_default = acl.is_default;
  const auto& subnets = g.subnets[acl.id];
  out.associations = call.list<model::NetworkAclAssociation>(subnets.size());
  for (size_t i = 0; i < subnets.size(); ++i) {
    out.associations[i].network_acl_association_id = call.text(subnets[i].acl_association_id);
    out.associations[i].network_acl_id = call.text(acl.id);
    out.associations[i].subnet_id = call.text(subnets[i].id);
  }
  const auto entries = all_entries(acl);
  out.entries = call.list<model::NetworkAclEntry>(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto& e = entries[i];
    auto& o = out.entries[i];
    o.cidr_block = call.text(e.cidr);
    o.egress = e.egress;
    o.protocol = call.text(e.protocol);
    o.rule_action = call.text(e.allow ? "allow" : "deny");
    o.rule_number = e.number;
    if (has_ports(e)) {
      o.port_range = call.make<model::PortRange>();
      o.port_range->from = e.from;
      o.port_range->to = e.to;
    }
    if (is_icmp(e)) {
      o.icmp_type_code = call.make<model::IcmpTypeCode>();
      o.icmp_type_code->type = e.icmp_type;
      o.icmp_type_code->code = e.icmp_code;
    }
  }
  out.tags = render_tags(call, acl.tags);
}

/// AWS keeps protocols of network ACLs as numbers.
Result<std::string> protocol_number(wire::Text text) {
  const auto s = text.sv();
  if (s == "-1" || s == "all") return std::string("-1");
  if (s == "tcp") return std::string("6");
  if (s == "udp") return std::string("17");
  if (s == "icmp") return std::string("1");
  int n = 0;
  for (char c : s) n = c >= '0' && c <= '9' && n <= 255 ? n * 10 + (c - '0') : 1000;
  if (s.empty() || n > 255)
    return bad_value("Invalid value '" + std::string(s) + "' for IP protocol. Unknown protocol.");
  return std::to_string(n);
}

/// The entry that a request to create or replace one describes.
template <class In>
Result<AclEntry> entry_of(const In& in) {
  AclEntry e;
  e.number = *in.rule_number;
  if (e.number < 1 || e.number >= kLastRule)
    return bad_value("Rule number '" + std::to_string(e.number) +
                     "' is invalid: it must be between 1 and 32766.");
  e.egress = *in.egress;
  if (in.rule_action.sv() != "allow" && in.rule_action.sv() != "deny")
    return bad_parameter(in.rule_action.sv(), "ruleAction");
  e.allow = in.rule_action.sv() == "allow";
  if (in.cidr_block.empty()) return missing("cidrBlock");
  TRY_LET(auto block, ipv4_block(in.cidr_block, "cidrBlock"));
  e.cidr = block.str();
  TRY_LET(e.protocol, protocol_number(in.protocol));
  if (has_ports(e)) {
    if (!in.port_range || !in.port_range->from.has() || !in.port_range->to.has())
      return fail("MissingParameter", "The request must contain the parameter portRange for TCP and UDP");
    e.from = *in.port_range->from;
    e.to = *in.port_range->to;
    if (e.from < 0 || e.to > 65535 || e.from > e.to)
      return bad_value("Invalid port range '" + std::to_string(e.from) + "-" + std::to_string(e.to) + "'.");
  }
  if (is_icmp(e)) {
    if (!in.icmp_type_code || !in.icmp_type_code->type.has())
      return fail("MissingParameter", "The request must contain the parameter icmpTypeCode for ICMP");
    e.icmp_type = *in.icmp_type_code->type;
    e.icmp_code = in.icmp_type_code->code.value_or(-1);
    if (e.icmp_type < -1 || e.icmp_type > 255 || e.icmp_code < -1 || e.icmp_code > 255)
      return bad_value("Invalid ICMP type or code.");
  }
  return e;
}

auto find_entry(NetworkAcl& acl, int number, bool egress) {
  return std::ranges::find_if(acl.entries,
                              [&](const AclEntry& e) { return e.number == number && e.egress == egress; });
}
std::unexpected<ApiError> no_such_entry(const NetworkAcl& acl, int number) {
  return fail(
      "InvalidNetworkAclEntry.NotFound",
      "The network acl entry identified by " + std::to_string(number) + " does not exist in " + acl.id + ".");
}

}  // namespace

Status create_network_acl(Call& call, const model::CreateNetworkAclRequest& in,
                          model::CreateNetworkAclResult& out) {
  const auto scope = call.scope();
  TRY_LET(auto tags, new_tags(in.tag_specifications, "network-acl"));
  TRY(allow_create(call, "network-acl", tags, in.vpc_id.sv()));
  TRY_LET(auto vpc, need<Vpc>(call, in.vpc_id.sv()));
  TRY(end_dry_run(in));
  Fingerprint asked;
  asked.add(in.vpc_id).add(in.tag_specifications);
  TRY_LET(const auto earlier, earlier_result(call, in.client_token, asked));
  auto acl = earlier.empty() ? std::nullopt : call.tx.get<NetworkAcl>(scope, earlier);
  if (!acl) {
    acl.emplace();
    acl->id = resource_id("acl");
    acl->vpc_id = vpc.id;
    acl->tags = std::move(tags);
    call.tx.put(scope, *acl);
    remember_result(call, in.client_token, asked, acl->id);
  }
  out.network_acl = call.make<model::NetworkAcl>();
  Guarded guarded(call);
  render(guarded, *acl, *out.network_acl);
  if (!in.client_token.empty()) out.client_token = in.client_token;
  return {};
}

Status delete_network_acl(Call& call, const model::DeleteNetworkAclRequest& in,
                          model::DeleteNetworkAclResponse&) {
  TRY_LET(auto acl, need<NetworkAcl>(call, in.network_acl_id.sv()));
  TRY(end_dry_run(in));
  if (acl.is_default) return bad_value("cannot delete default network ACL " + acl.id);
  for (const auto& subnet : in_vpc<Subnet>(call.tx, call.scope(), acl.vpc_id))
    if (subnet.acl_id == acl.id) return has_dependencies("networkAcl", acl.id);
  call.tx.erase<NetworkAcl>(call.scope(), acl.id);
  return {};
}

Status describe_network_acls(Call& call, const model::DescribeNetworkAclsRequest& in,
                             model::DescribeNetworkAclsResult& out) {
  Guarded guarded(call);
  TRY_LET(auto acls,
          select<NetworkAcl>(call, in, in.network_acl_ids, in.filters, kFilters, guarded, out.next_token));
  out.network_acls = call.list<model::NetworkAcl>(acls.size());
  for (size_t i = 0; i < acls.size(); ++i) render(guarded, acls[i], out.network_acls[i]);
  return {};
}

Status create_network_acl_entry(Call& call, const model::CreateNetworkAclEntryRequest& in,
                                model::CreateNetworkAclEntryResponse&) {
  TRY_LET(auto acl, need<NetworkAcl>(call, in.network_acl_id.sv()));
  TRY(end_dry_run(in));
  TRY_LET(auto entry, entry_of(in));
  if (find_entry(acl, entry.number, entry.egress) != acl.entries.end())
    return fail("NetworkAclEntryAlreadyExists",
                "The network acl entry identified by " + std::to_string(entry.number) + " already exists.");
  acl.entries.push_back(std::move(entry));
  call.tx.put(call.scope(), acl);
  return {};
}

Status replace_network_acl_entry(Call& call, const model::ReplaceNetworkAclEntryRequest& in,
                                 model::ReplaceNetworkAclEntryResponse&) {
  TRY_LET(auto acl, need<NetworkAcl>(call, in.network_acl_id.sv()));
  TRY(end_dry_run(in));
  TRY_LET(auto entry, entry_of(in));
  auto it = find_entry(acl, entry.number, entry.egress);
  if (it == acl.entries.end()) return no_such_entry(acl, entry.number);
  *it = std::move(entry);
  call.tx.put(call.scope(), acl);
  return {};
}

Status delete_network_acl_entry(Call& call, const model::DeleteNetworkAclEntryRequest& in,
                                model::DeleteNetworkAclEntryResponse&) {
  TRY_LET(auto acl, need<NetworkAcl>(call, in.network_acl_id.sv()));
  TRY(end_dry_run(in));
  auto it = find_entry(acl, *in.rule_number, *in.egress);
  if (it == acl.entries.end()) return no_such_entry(acl, *in.rule_number);
  acl.entries.erase(it);
  call.tx.put(call.scope(), acl);
  return {};
}

Status replace_network_acl_association(Call& call, const model::ReplaceNetworkAclAssociationRequest& in,
                                       model::ReplaceNetworkAclAssociationResult& out) {
  const auto scope = call.scope();
  TRY_LET(auto acl, need<NetworkAcl>(call, in.network_acl_id.sv()));
  TRY(end_dry_run(in));
  for (auto& subnet : call.tx.list<Subnet>(scope)) {
    if (subnet.acl_association_id != in.association_id.sv()) continue;
    if (subnet.vpc_id != acl.vpc_id)
      return bad_value("Network ACL " + acl.id + " and subnet " + subnet.id +
                       " belong to different networks");
    subnet.acl_id = acl.id;
    subnet.acl_association_id = resource_id("aclassoc");
    call.tx.put(scope, subnet);
    out.new_association_id = call.text(subnet.acl_association_id);
    return {};
  }
  return fail("InvalidAssociationID.NotFound",
              "The association ID '" + api::str(in.association_id) + "' does not exist");
}

}  // namespace nubecita::ec2
