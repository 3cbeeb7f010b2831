// DB subnet groups. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSubnetGroup.html
#include <algorithm>
#include <set>

#include "services/ec2/ec2.hpp"
#include "services/rds/render.hpp"

namespace nubecita::rds {
namespace {

Status check_name(std::string_view name) {
  const bool good = !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == ' ';
  });
  if (!good)
    return fail("InvalidParameterValue",
                "The parameter DBSubnetGroupName must have 1 to 255 letters, digits, spaces, hyphens, "
                "underscores or periods.");
  if (lower(name) == "default")
    return fail("InvalidParameterValue", "The DB subnet group name 'default' is reserved.");
  return {};
}

/// Fills vpc_id and subnets from the ids of a request.
Status take_subnets(Call& call, const wire::List<wire::Text>& ids, SubnetGroup& group) {
  std::set<std::string> zones;
  group.subnets.clear();
  std::string vpc;
  for (auto& id : ids) {
    auto subnet = ec2::find_subnet(call.tx, call.scope(), api::str(id));
    if (!subnet) return fail("InvalidSubnet", "Some input subnets in :[" + api::str(id) + "] are invalid.");
    if (vpc.empty()) vpc = subnet->vpc_id;
    if (vpc != subnet->vpc_id)
      return fail("InvalidSubnet", "The DB subnet group's subnets must be in one VPC: " + api::str(id) +
                                       " is in " + subnet->vpc_id + ".");
    if (!group.vpc_id.empty() && group.vpc_id != vpc)
      return fail("InvalidSubnet", "The new subnets are not in the same VPC as the existing subnet group: " +
                                       group.vpc_id + ".");
    if (std::find(group.subnets.begin(), group.subnets.end(), subnet->id) == group.subnets.end())
      group.subnets.push_back(subnet->id);
    zones.insert(subnet->zone);
  }
  if (zones.size() < 2)
    return fail("DBSubnetGroupDoesNotCoverEnoughAZs",
                "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ "
                "coverage: " +
                    (zones.empty() ? std::string("none") : *zones.begin()) +
                    ". Add subnets to cover at least 2 AZs.");
  group.vpc_id = vpc;
  return {};
}

}  // namespace

void render(Call& call, const SubnetGroup& g, model::DBSubnetGroup& out) {
  out.db_subnet_group_name = call.text(g.name);
  out.db_subnet_group_description = call.text(g.description);
  out.vpc_id = call.text(g.vpc_id);
  out.subnet_group_status = "Complete";
  out.db_subnet_group_arn = call.text(subnet_group_arn(call, g.name));
  out.supported_network_types = call.texts({"IPV4"});
  out.subnets = call.list<model::Subnet>(g.subnets.size());
  for (size_t i = 0; i < g.subnets.size(); ++i) {
    auto& s = out.subnets[i];
    auto subnet = ec2::find_subnet(call.tx, call.scope(), g.subnets[i]);
    s.subnet_identifier = call.text(g.subnets[i]);
    s.subnet_availability_zone = call.make<model::AvailabilityZone>();
    s.subnet_availability_zone->name = call.text(subnet ? subnet->zone : "");
    s.subnet_outpost = call.make<model::Outpost>();
    s.subnet_status = subnet ? wire::Text("Active") : wire::Text("Inactive");
  }
}

Status create_db_subnet_group(Call& call, const model::CreateDBSubnetGroupMessage& in,
                              model::CreateDBSubnetGroupResult& out) {
  TRY_LET(auto tags, new_tags(in.tags));
  SubnetGroup g{lower(in.db_subnet_group_name), api::str(in.db_subnet_group_description), {}, {}, tags};
  TRY(call.authorize(subnet_group_arn(call, g.name), request_tags(tags)));
  TRY(check_name(g.name));
  if (call.tx.get<SubnetGroup>(call.scope(), g.name))
    return fail("DBSubnetGroupAlreadyExists", "The DB subnet group '" + g.name + "' already exists.");
  TRY(take_subnets(call, in.subnet_ids, g));
  call.tx.put(call.scope(), g);
  out.db_subnet_group = call.make<model::DBSubnetGroup>();
  render(call, g, *out.db_subnet_group);
  return {};
}

Status describe_db_subnet_groups(Call& call, const model::DescribeDBSubnetGroupsMessage& in,
                                 model::DBSubnetGroupMessage& out) {
  const std::string name = lower(in.db_subnet_group_name);
  TRY(call.authorize(subnet_group_arn(call, name.empty() ? "*" : name)));
  std::vector<SubnetGroup> found;
  if (name.empty()) {
    found = call.tx.list<SubnetGroup>(call.scope());
  } else {
    auto g = call.tx.get<SubnetGroup>(call.scope(), name);
    if (!g) return fail(no_subnet_group(name));
    found.push_back(*g);
  }
  TRY(apply_filters<SubnetGroup>(found, in.filters, {}));
  TRY_LET(found,
          one_page(
              call, std::move(found), in.marker, in.max_records, [](auto& g) { return g.name; }, out.marker));
  out.db_subnet_groups = call.list<model::DBSubnetGroup>(found.size());
  for (size_t i = 0; i < found.size(); ++i) render(call, found[i], out.db_subnet_groups[i]);
  return {};
}

Status modify_db_subnet_group(Call& call, const model::ModifyDBSubnetGroupMessage& in,
                              model::ModifyDBSubnetGroupResult& out) {
  const std::string name = lower(in.db_subnet_group_name);
  auto g = call.tx.get<SubnetGroup>(call.scope(), name);
  TRY(call.authorize(subnet_group_arn(call, name), g ? resource_tags(g->tags, "subgrp-tag") : Conditions{}));
  if (!g) return fail(no_subnet_group(name));
  if (in.db_subnet_group_description.has()) g->description = api::str(in.db_subnet_group_description);
  TRY(take_subnets(call, in.subnet_ids, *g));
  for (auto& i : call.tx.list<Instance>(call.scope()))
    if (i.subnet_group == g->name &&
        std::find(g->subnets.begin(), g->subnets.end(), i.subnet_id) == g->subnets.end())
      return fail("SubnetAlreadyInUse", "Subnet " + i.subnet_id + " is in use by DB instance " + i.id +
                                            " and cannot leave the group.");
  call.tx.put(call.scope(), *g);
  out.db_subnet_group = call.make<model::DBSubnetGroup>();
  render(call, *g, *out.db_subnet_group);
  return {};
}

Status delete_db_subnet_group(Call& call, const model::DeleteDBSubnetGroupMessage& in,
                              model::DeleteDBSubnetGroupResponse&) {
  const std::string name = lower(in.db_subnet_group_name);
  auto g = call.tx.get<SubnetGroup>(call.scope(), name);
  TRY(call.authorize(subnet_group_arn(call, name), g ? resource_tags(g->tags, "subgrp-tag") : Conditions{}));
  if (!g) return fail(no_subnet_group(name));
  for (auto& i : call.tx.list<Instance>(call.scope()))
    if (i.subnet_group == g->name)
      return fail("InvalidDBSubnetGroupStateFault", "Cannot delete the subnet group '" + name +
                                                        "' because at least one database instance: " + i.id +
                                                        " is still using it.");
  call.tx.erase<SubnetGroup>(call.scope(), name);
  return {};
}

}  // namespace nubecita::rds
