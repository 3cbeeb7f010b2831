// CreateDBInstance: the instance and its network interface in one transaction; the controller does the rest.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
#include <algorithm>

#include "base/ids.hpp"
#include "services/ec2/ec2.hpp"
#include "services/rds/catalog.hpp"
#include "services/rds/instance_rules.hpp"
#include "services/rds/parameters.hpp"
#include "services/rds/render.hpp"

namespace nubecita::rds {
namespace {

constexpr std::string_view kCapitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The part of endpoint names that is the same for all instances of an account in a region.
std::string endpoint_hash(const Call& call) {
  const auto hash = sha256("rds/" + call.account + "/" + call.region);
  std::string out = "c";
  for (size_t n = 0; n < 11; ++n)
    out += "abcdefghijklmnopqrstuvwxyz0123456789"[static_cast<unsigned char>(hash[n]) % 36];
  return out;
}

Status allow(Call& call, const Instance& i) {
  TRY(call.authorize(instance_arn(call, i.id), request_tags(i.tags)));
  if (!i.subnet_group.empty()) TRY(call.authorize(subnet_group_arn(call, i.subnet_group)));
  if (!i.parameter_group.empty()) TRY(call.authorize(parameter_group_arn(call, i.parameter_group)));
  if (!i.tags.empty())
    TRY(call.authorize(instance_arn(call, i.id), request_tags(i.tags), "rds:AddTagsToResource"));
  return {};
}

Status check(const Instance& i, std::string_view password) {
  TRY(check_identifier("DBInstanceIdentifier", i.id));
  TRY(check_class(i.instance_class));
  TRY(check_master_user(i.engine, i.master_user));
  TRY(check_password(i.engine, password));
  if (!i.db_name.empty()) TRY(check_database_name(i.engine, i.db_name));
  TRY(check_port(i.port));
  TRY(check_storage(i.storage_gib, i.storage_type));
  TRY(check_backup_window(i.backup_window));
  TRY(check_maintenance_window(i.maintenance_window));
  if (i.max_storage_gib && i.max_storage_gib < i.storage_gib)
    return fail("InvalidParameterCombination", "MaxAllocatedStorage must not be less than AllocatedStorage.");
  return {};
}

/// The subnet: of the zone that was asked for, else spread over the group by the instance's id.
Status choose_subnet(Call& call, wire::Text zone, Instance& i) {
  if (i.subnet_group.empty())
    return fail("DBSubnetGroupNotFoundFault",
                "DBSubnetGroupName is needed: there is no default DB subnet group.", 404);
  auto group = call.tx.get<SubnetGroup>(call.scope(), i.subnet_group);
  if (!group) return fail(no_subnet_group(i.subnet_group));
  std::vector<ec2::Subnet> fitting;
  for (auto& id : group->subnets)
    if (auto subnet = ec2::find_subnet(call.tx, call.scope(), id);
        subnet && (zone.empty() || subnet->zone == zone.sv()))
      fitting.push_back(*subnet);
  if (fitting.empty())
    return fail("InvalidVPCNetworkStateFault",
                zone.empty() ? "The DB subnet group " + i.subnet_group + " has no subnet left."
                             : "No subnet of the DB subnet group " + i.subnet_group + " is in " +
                                   api::str(zone) + ".");
  auto& chosen = fitting[static_cast<unsigned char>(sha256(i.resource_id)[0]) % fitting.size()];
  i.vpc_id = chosen.vpc_id;
  i.subnet_id = chosen.id;
  i.zone = chosen.zone;
  return {};
}

Status make_interface(Call& call, Instance& i) {
  ec2::NewInterface wanted;
  wanted.subnet_id = i.subnet_id;
  wanted.security_groups = i.security_groups;
  wanted.description = "RDSNetworkInterface";
  wanted.requester = "amazon-rds";
  wanted.owner_key = store::make_key(Instance::kTable, call.scope(), i.id);
  wanted.public_ip = i.publicly_accessible;
  wanted.public_pool = call.cloud.config.public_pool;
  auto eni = ec2::create_interface(call.tx, call.scope(), wanted);
  if (!eni) {
    // EC2's codes are not RDS's.
    auto error = eni.error();
    if (error.code == "InvalidGroup.NotFound")
      return fail("InvalidParameterValue", "Invalid security group: " + error.message);
    return fail("InvalidVPCNetworkStateFault", error.message);
  }
  i.eni_id = eni->id;
  i.address = eni->private_ip;
  i.security_groups = eni->security_groups;
  return {};
}

}  // namespace

Status create_db_instance(Call& call, const model::CreateDBInstanceMessage& in,
                          model::CreateDBInstanceResult& out) {
  Instance i;
  i.id = lower(in.db_instance_identifier);
  TRY_LET(i.tags, new_tags(in.tags));
  for (auto& s : in.tag_specifications) {
    TRY_LET(auto more, new_tags(s.tags));
    if (s.resource_type.sv() == "db-instance") merge_tags(i.tags, more);
  }
  i.subnet_group = lower(in.db_subnet_group_name);
  i.parameter_group = lower(in.db_parameter_group_name);
  TRY(allow(call, i));

  i.engine = api::str(in.engine);
  TRY_LET(auto offer, find_offer(call.cloud, i.engine, api::str(in.engine_version)));
  i.engine_version = offer.version;
  i.host_engine = offer.host_engine;
  i.host_version = offer.host_version;
  i.license = offer.license;
  if (!in.license_model.empty() && in.license_model.sv() != offer.license)
    return fail("InvalidParameterCombination", "License model '" + api::str(in.license_model) +
                                                   "' does not fit the engine " + i.engine + ": use " +
                                                   offer.license + ".");
  i.resource_id = "db-" + random_text(26, kCapitals);
  i.instance_class = api::str(in.db_instance_class);
  i.storage_type = std::string(in.storage_type.value_or("gp2"));
  i.storage_gib = in.allocated_storage.value_or(0);
  i.max_storage_gib = in.max_allocated_storage.value_or(0);
  i.port = in.port.value_or(offer.default_port());
  i.master_user = api::str(in.master_username);
  i.db_name = api::str(in.db_name);
  i.backup_window = in.preferred_backup_window.empty() ? chosen_backup_window(i.resource_id)
                                                       : api::str(in.preferred_backup_window);
  i.maintenance_window = in.preferred_maintenance_window.empty() ? chosen_maintenance_window(i.resource_id)
                                                                 : lower(in.preferred_maintenance_window);
  i.no_minor_upgrades = !in.auto_minor_version_upgrade.value_or(true);
  i.publicly_accessible = in.publicly_accessible.value_or(false);
  i.copy_tags = in.copy_tags_to_snapshot.value_or(false);
  i.deletion_protection = in.deletion_protection.value_or(false);
  i.security_groups = api::strings(in.vpc_security_group_ids);
  i.created = call.now;
  i.boots = i.revision = 1;
  TRY(check(i, in.master_user_password));
  TRY(check_retention(in.backup_retention_period.value_or(0)));
  if (!in.option_group_name.empty() && !in.option_group_name.sv().starts_with("default:"))
    return fail("OptionGroupNotFoundFault",
                "Specified OptionGroupName: " + api::str(in.option_group_name) + " not found.", 404);
  if (!in.network_type.empty() && in.network_type.sv() != "IPV4")
    return fail("InvalidParameterValue",
                "NetworkType " + api::str(in.network_type) + " is not served: use IPV4.");

  if (call.tx.get<Instance>(call.scope(), i.id))
    return fail("DBInstanceAlreadyExists", "DB instance already exists");
  if (i.parameter_group.empty()) i.parameter_group = default_group(offer.family);
  auto group = find_group(call.tx, call.scope(), call.cloud, i.parameter_group);
  if (!group) return fail(no_parameter_group(i.parameter_group));
  if (group->family != offer.family)
    return fail(
        "InvalidParameterCombination",
        "The parameter group " + group->name + " with DBParameterGroupFamily " + group->family +
            " can't be used for this instance. Please use a parameter group with DBParameterGroupFamily " +
            offer.family + ".");
  TRY(choose_subnet(call, in.availability_zone, i));
  TRY(make_interface(call, i));
  i.hostname = i.id + "." + endpoint_hash(call) + "." + call.region + ".rds." + call.cloud.config.domain;
  call.tx.put(call.scope(), i);
  call.tx.put(call.scope(), Secret{i.id, random_hex(16), api::str(in.master_user_password)});
  out.db_instance = call.make<model::DBInstance>();
  render(call, i, *out.db_instance);
  return {};
}

}  // namespace nubecita::rds
