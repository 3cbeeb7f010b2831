// Security groups. Their rules are in security_group_rule.cpp.
#include "base/ids.hpp"
#include "services/ec2/filters.hpp"
#include "services/ec2/group_lookup.hpp"
#include "services/ec2/group_rules.hpp"
#include "services/ec2/network.hpp"
#include "services/ec2/tagging.hpp"

namespace nubecita::ec2 {
namespace {

using Part = std::string (*)(Call&, const GroupRule&);
/// One part of every rule of a direction; rules that have no such part give nothing.
template <bool Egress, Part part>
Values of_rules(Call& call, const SecurityGroup& g) {
  Values out;
  for (const auto& rule : g.rules)
    if (rule.egress == Egress)
      if (auto v = part(call, rule); !v.empty()) out.push_back(std::move(v));
  return out;
}
bool is_v6(const GroupRule& r) { return r.cidr.find(':') != std::string::npos; }
std::string cidr(Call&, const GroupRule& r) { return is_v6(r) ? "" : r.cidr; }
std::string ipv6_cidr(Call&, const GroupRule& r) { return is_v6(r) ? r.cidr : ""; }
std::string from_port(Call&, const GroupRule& r) { return r.protocol == "-1" ? "" : std::to_string(r.from); }
std::string to_port(Call&, const GroupRule& r) { return r.protocol == "-1" ? "" : std::to_string(r.to); }
std::string peer_id(Call&, const GroupRule& r) { return r.group_id; }
std::string peer_name(Call& c, const GroupRule& r) {
  if (r.group_id.empty()) return {};
  auto g = c.tx.get<SecurityGroup>(c.scope(), r.group_id);
  return g ? g->name : "";
}
std::string protocol(Call&, const GroupRule& r) { return r.protocol; }
std::string peer_account(Call&, const GroupRule& r) { return r.group_account; }
std::string nothing(Call&, const GroupRule&) { return {}; }

const Field<SecurityGroup> kFilters[] = {
    {"group-id", [](Call&, const SecurityGroup& g) { return Values{g.id}; }},
    {"group-name", [](Call&, const SecurityGroup& g) { return Values{g.name}; }},
    {"description", [](Call&, const SecurityGroup& g) { return Values{g.description}; }},
    {"vpc-id", [](Call&, const SecurityGroup& g) { return Values{g.vpc_id}; }},
    {"owner-id", [](Call& c, const SecurityGroup&) { return Values{c.account}; }},
    {"ip-permission.cidr", of_rules<false, cidr>},
    {"ip-permission.ipv6-cidr", of_rules<false, ipv6_cidr>},
    {"ip-permission.from-port", of_rules<false, from_port>},
    {"ip-permission.to-port", of_rules<false, to_port>},
    {"ip-permission.group-id", of_rules<false, peer_id>},
    {"ip-permission.group-name", of_rules<false, peer_name>},
    {"ip-permission.protocol", of_rules<false, protocol>},
    {"ip-permission.user-id", of_rules<false, peer_account>},
    {"ip-permission.prefix-list-id", of_rules<false, nothing>},
    {"egress.ip-permission.cidr", of_rules<true, cidr>},
    {"egress.ip-permission.ipv6-cidr", of_rules<true, ipv6_cidr>},
    {"egress.ip-permission.from-port", of_rules<true, from_port>},
    {"egress.ip-permission.to-port", of_rules<true, to_port>},
    {"egress.ip-permission.group-id", of_rules<true, peer_id>},
    {"egress.ip-permission.group-name", of_rules<true, peer_name>},
    {"egress.ip-permission.protocol", of_rules<true, protocol>},
    {"egress.ip-permission.user-id", of_rules<true, peer_account>},
    {"egress.ip-permission.prefix-list-id", of_rules<true, nothing>},
};

const Field<SecurityGroup> kVpcFilters[] = {
    {"group-id", [](Call&, const SecurityGroup& g) { return Values{g.id}; }},
    {"group-name", [](Call&, const SecurityGroup& g) { return Values{g.name}; }},
    {"description", [](Call&, const SecurityGroup& g) { return Values{g.description}; }},
    {"owner-id", [](Call& c, const SecurityGroup&) { return Values{c.account}; }},
    {"primary-vpc-id", [](Call&, const SecurityGroup& g) { return Values{g.vpc_id}; }},
};

void render(Call& call, const SecurityGroup& g, model::SecurityGroup& out) {
  out.group_id = call.text(g.id);
  out.group_name = call.text(g.name);
  out.description = call.text(g.description);
  out.vpc_id = call.text(g.vpc_id);
  out.owner_id = call.text(call.account);
  out.security_group_arn = call.text(resource_arn(call, "security-group", g.id));
  out.ip_permissions = render_permissions(call, g, false);
  out.ip_permissions_egress = render_permissions(call, g, true);
  out.tags = render_tags(call, g.tags);
}

Status check_names(std::string_view name, std::string_view description) {
  if (name.empty()) return missing("groupName");
  if (description.empty()) return missing("groupDescription");
  if (name.starts_with("sg-"))
    return bad_value("Invalid group name. Group names may not be in the format sg-*");
  if (!plain_text(name))
    return bad_parameter(name, "GroupName",
                         "Names are up to 255 characters from the set a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*");
  if (name == "default")
    return fail("InvalidGroup.Reserved", "Cannot use reserved security group name: default");
  if (!plain_text(description))
    return bad_value(
        "Invalid security group description. Valid descriptions are strings less than 256 characters from "
        "the "
        "following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*");
  return {};
}

/// Interfaces that are in the group, and other groups' rules that name it.
bool in_use(Call& call, const SecurityGroup& group) {
  for (const auto& eni : in_vpc<NetworkInterface>(call.tx, call.scope(), group.vpc_id))
    if (std::ranges::find(eni.security_groups, group.id) != eni.security_groups.end()) return true;
  for (const auto& other : in_vpc<SecurityGroup>(call.tx, call.scope(), group.vpc_id))
    if (other.id != group.id)
      for (const auto& rule : other.rules)
        if (rule.group_id == group.id) return true;
  return false;
}

}  // namespace

Result<SecurityGroup> need_group(Call& call, wire::Text id, wire::Text name) {
  if (!id.empty()) {
    if (!id.sv().starts_with("sg-")) {
      TRY(call.authorize(resource_arn(call, "security-group", "*")));
      return fail("InvalidGroupId.Malformed", "Invalid id: \"" + api::str(id) + "\" (expecting \"sg-...\")");
    }
    return need<SecurityGroup>(call, id.sv());
  }
  TRY(call.authorize(resource_arn(call, "security-group", "*")));
  if (name.empty())
    return fail("MissingParameter", "The request must contain the parameter groupName or groupId");
  auto vpc = default_vpc(call.tx, call.scope());
  if (!vpc) return fail("VPCIdNotSpecified", "No default VPC for this user.");
  for (const auto& g : in_vpc<SecurityGroup>(call.tx, call.scope(), vpc->id))
    if (g.name == name.sv()) return need<SecurityGroup>(call, g.id);
  return fail("InvalidGroup.NotFound",
              "The security group '" + api::str(name) + "' does not exist in default VPC '" + vpc->id + "'");
}

Status create_security_group(Call& call, const model::CreateSecurityGroupRequest& in,
                             model::CreateSecurityGroupResult& out) {
  const auto scope = call.scope();
  TRY_LET(auto tags, new_tags(in.tag_specifications, "security-group"));
  std::string vpc_id = api::str(in.vpc_id);
  if (vpc_id.empty())
    if (auto vpc = default_vpc(call.tx, scope)) vpc_id = vpc->id;
  TRY(allow_create(call, "security-group", tags, vpc_id));
  if (vpc_id.empty()) return fail("VPCIdNotSpecified", "No default VPC for this user.");
  TRY_LET(auto vpc, need<Vpc>(call, vpc_id));
  TRY(end_dry_run(in));
  TRY(check_names(in.group_name.sv(), in.description.sv()));
  for (const auto& other : in_vpc<SecurityGroup>(call.tx, scope, vpc.id))
    if (other.name == in.group_name.sv())
      return fail("InvalidGroup.Duplicate",
                  "The security group '" + other.name + "' already exists for VPC '" + vpc.id + "'");
  auto group = new_group(vpc.id, api::str(in.group_name), api::str(in.description));
  group.tags = std::move(tags);
  call.tx.put(scope, group);
  out.group_id = call.text(group.id);
  out.security_group_arn = call.text(resource_arn(call, "security-group", group.id));
  out.tags = render_tags(call, group.tags);
  return {};
}

Status delete_security_group(Call& call, const model::DeleteSecurityGroupRequest& in,
                             model::DeleteSecurityGroupResult& out) {
  TRY_LET(auto group, need_group(call, in.group_id, in.group_name));
  TRY(end_dry_run(in));
  if (group.name == "default")
    return fail("CannotDelete",
                "the specified group: \"" + group.id + "\" name: \"default\" cannot be deleted by a user");
  if (in_use(call, group))
    return fail("DependencyViolation", "resource " + group.id + " has a dependent object");
  call.tx.erase<SecurityGroup>(call.scope(), group.id);
  out.return_ = true;
  out.group_id = call.text(group.id);
  return {};
}

Status describe_security_groups(Call& call, const model::DescribeSecurityGroupsRequest& in,
                                model::DescribeSecurityGroupsResult& out) {
  TRY(allow_read(call));
  TRY(end_dry_run(in));
  for (const auto& id : in.group_ids)
    if (!id.sv().starts_with("sg-"))
      return fail("InvalidGroupId.Malformed", "Invalid id: \"" + api::str(id) + "\" (expecting \"sg-...\")");
  TRY_LET(auto chosen, choose<SecurityGroup>(call, in.group_ids, in.filters,
                                             std::span<const Field<SecurityGroup>>(kFilters), call));
  if (!in.group_names.empty()) {  // names are those of the default VPC
    auto vpc = default_vpc(call.tx, call.scope());
    const auto vpc_id = vpc ? vpc->id : std::string("none");
    auto named = vpc ? in_vpc<SecurityGroup>(call.tx, call.scope(), vpc_id) : std::vector<SecurityGroup>{};
    for (const auto& name : in.group_names)
      if (std::ranges::find(named, name.sv(), &SecurityGroup::name) == named.end())
        return fail("InvalidGroup.NotFound", "The security group '" + api::str(name) +
                                                 "' does not exist in default VPC '" + vpc_id + "'");
    std::erase_if(chosen, [&](const SecurityGroup& g) {
      return g.vpc_id != vpc_id ||
             std::ranges::none_of(in.group_names, [&](wire::Text n) { return n.sv() == g.name; });
    });
  }
  TRY_LET(auto page,
          one_page(call, std::move(chosen), in, [](const SecurityGroup& g) { return g.id; }, out.next_token));
  out.security_groups = call.list<model::SecurityGroup>(page.size());
  for (size_t i = 0; i < page.size(); ++i) render(call, page[i], out.security_groups[i]);
  return {};
}

Status get_security_groups_for_vpc(Call& call, const model::GetSecurityGroupsForVpcRequest& in,
                                   model::GetSecurityGroupsForVpcResult& out) {
  TRY_LET(auto vpc, need<Vpc>(call, in.vpc_id.sv()));
  TRY(end_dry_run(in));
  TRY_LET(auto chosen, choose<SecurityGroup>(call, {}, in.filters,
                                             std::span<const Field<SecurityGroup>>(kVpcFilters), call));
  std::erase_if(chosen, [&](const SecurityGroup& g) { return g.vpc_id != vpc.id; });
  TRY_LET(auto page,
          one_page(call, std::move(chosen), in, [](const SecurityGroup& g) { return g.id; }, out.next_token));
  out.security_group_for_vpcs = call.list<model::SecurityGroupForVpc>(page.size());
  for (size_t i = 0; i < page.size(); ++i) {
    auto& o = out.security_group_for_vpcs[i];
    o.group_id = call.text(page[i].id);
    o.group_name = call.text(page[i].name);
    o.description = call.text(page[i].description);
    o.owner_id = call.text(call.account);
    o.primary_vpc_id = call.text(page[i].vpc_id);
    o.tags = render_tags(call, page[i].tags);
  }
  return {};
}

// References from peered VPCs, and rules left over from peerings. Peering is not served, so both are truly
// empty.
Status describe_security_group_references(Call& call, const model::DescribeSecurityGroupReferencesRequest& in,
                                          model::DescribeSecurityGroupReferencesResult& out) {
  TRY(allow_read(call));
  TRY(end_dry_run(in));
  for (const auto& id : in.group_id)
    if (!call.tx.get<SecurityGroup>(call.scope(), id.sv())) return no_such<SecurityGroup>(id.sv());
  out.security_group_reference_set = call.list<model::SecurityGroupReference>(0);
  return {};
}
Status describe_stale_security_groups(Call& call, const model::DescribeStaleSecurityGroupsRequest& in,
                                      model::DescribeStaleSecurityGroupsResult& out) {
  TRY(allow_read(call));
  TRY(end_dry_run(in));
  if (!call.tx.get<Vpc>(call.scope(), in.vpc_id.sv())) return no_such<Vpc>(in.vpc_id.sv());
  out.stale_security_group_set = call.list<model::StaleSecurityGroup>(0);
  return {};
}

}  // namespace nubecita::ec2
