// ModifyDBInstance, RebootDBInstance, StartDBInstance, StopDBInstance, DeleteDBInstance: each says what is
// wanted; the controller brings it about.
#include <algorithm>

#include "base/ids.hpp"
#include "services/ec2/ec2.hpp"
#include "services/rds/catalog.hpp"
#include "services/rds/instance_rules.hpp"
#include "services/rds/parameters.hpp"
#include "services/rds/render.hpp"

namespace nubecita::rds {
namespace {

/// The instance, if the caller may act on it.
Result<Instance> need(Call& call, wire::Text id) {
  auto i = find_instance(call, id);
  TRY(call.authorize(instance_arn(call, lower(id)), i ? resource_tags(i->tags, "db-tag") : Conditions{}));
  if (!i) return fail(no_instance(id));
  return *i;
}

std::string_view status_of(Call& call, const Instance& i) {
  auto status = call.tx.get<InstanceStatus>(call.scope(), i.id).value_or(InstanceStatus{});
  if (status.resource_id != i.resource_id) status = {};
  return status_name(i, status, call.tx.get<Secret>(call.scope(), i.id).has_value());
}

std::unexpected<ApiError> wrong_state(const Instance& i, std::string_view state, std::string_view needed) {
  return fail("InvalidDBInstanceState",
              "Instance " + i.id + " is " + std::string(state) + ": it must be " + std::string(needed) + ".");
}

template <class Out>
Status answer(Call& call, const Instance& i, Out& out) {
  call.tx.put(call.scope(), i);
  out.db_instance = call.make<model::DBInstance>();
  render(call, i, *out.db_instance);
  return {};
}

Status change_groups(Call& call, const wire::List<wire::Text>& ids, Instance& i) {
  auto eni = ec2::find_interface(call.tx, call.scope(), i.eni_id);
  if (!eni) return fail("InvalidDBInstanceState", "Instance " + i.id + " has lost its network interface.");
  std::vector<std::string> groups;
  for (auto& id : ids) {
    auto group = ec2::find_group(call.tx, call.scope(), api::str(id));
    if (!group || group->vpc_id != i.vpc_id)
      return fail("InvalidParameterValue",
                  "Invalid security group: " + api::str(id) + " is not in the VPC " + i.vpc_id + ".");
    if (std::find(groups.begin(), groups.end(), group->id) == groups.end()) groups.push_back(group->id);
  }
  if (groups.empty())
    return fail("InvalidParameterValue", "An instance needs at least one VPC security group.");
  if (groups == i.security_groups) return {};
  eni->security_groups = i.security_groups = groups;
  call.tx.put(call.scope(), *eni);
  return {};
}

Status change_storage(const model::ModifyDBInstanceMessage& in, bool now, Instance& i) {
  const std::string type = in.storage_type.empty() ? i.storage_type : api::str(in.storage_type);
  const int size = in.allocated_storage.value_or(i.storage_gib);
  TRY(check_storage(size, type));
  if (size < i.storage_gib)
    return fail("InvalidParameterCombination", "Requested storage size (" + std::to_string(size) +
                                                   ") cannot be less than the current storage size (" +
                                                   std::to_string(i.storage_gib) + ").");
  i.storage_type = type;
  if (now || size == i.storage_gib) {
    i.storage_gib = size;
    if (now || in.allocated_storage.has()) i.pending_storage_gib = 0;
  } else {
    i.pending_storage_gib = size;
  }
  if (in.max_allocated_storage.has()) i.max_storage_gib = *in.max_allocated_storage;
  if (i.max_storage_gib && i.max_storage_gib < i.storage_gib)
    return fail("InvalidParameterCombination", "MaxAllocatedStorage must not be less than AllocatedStorage.");
  return {};
}

Status change_group(Call& call, wire::Text name, Instance& i) {
  auto group = find_group(call.tx, call.scope(), call.cloud, lower(name));
  if (!group) return fail(no_parameter_group(name));
  TRY(call.authorize(parameter_group_arn(call, group->name)));
  TRY_LET(auto offer, find_offer(call.cloud, i.engine, i.engine_version));
  if (group->family != offer.family)
    return fail(
        "InvalidParameterCombination",
        "The parameter group " + group->name + " with DBParameterGroupFamily " + group->family +
            " can't be used for this instance. Please use a parameter group with DBParameterGroupFamily " +
            offer.family + ".");
  i.parameter_group = group->name;
  return {};
}

/// What cannot change, given the same as it is, is fine.
Status refuse_changes(Call& call, const model::ModifyDBInstanceMessage& in, const Instance& i) {
  if (!in.engine_version.empty() && in.engine_version.sv() != i.engine_version) {
    TRY_LET(auto offer, find_offer(call.cloud, i.engine, api::str(in.engine_version)));
    if (offer.version != i.engine_version)
      return fail("InvalidParameterCombination", "Cannot upgrade " + i.engine + " from " + i.engine_version +
                                                     " to " + offer.version +
                                                     ": changing the version is not served yet.");
  }
  if (in.publicly_accessible.has() && *in.publicly_accessible != i.publicly_accessible)
    return fail("InvalidParameterCombination",
                "PubliclyAccessible cannot be changed on an existing instance yet.");
  if (!in.license_model.empty() && in.license_model.sv() != i.license)
    return fail("InvalidParameterCombination", "The license model of " + i.engine + " is " + i.license + ".");
  if (!in.option_group_name.empty() && !in.option_group_name.sv().starts_with("default:"))
    return fail("OptionGroupNotFoundFault",
                "Specified OptionGroupName: " + api::str(in.option_group_name) + " not found.", 404);
  if (!in.network_type.empty() && in.network_type.sv() != "IPV4")
    return fail("InvalidParameterValue",
                "NetworkType " + api::str(in.network_type) + " is not served: use IPV4.");
  return check_retention(in.backup_retention_period.value_or(0));
}

}  // namespace

Status modify_db_instance(Call& call, const model::ModifyDBInstanceMessage& in,
                          model::ModifyDBInstanceResult& out) {
  TRY_LET(auto i, need(call, in.db_instance_identifier));
  const auto state = status_of(call, i);
  if (state == "creating" || state == "deleting" || state == "stopping" || state == "stopped")
    return wrong_state(i, state, "available");
  TRY(refuse_changes(call, in, i));
  const bool now = in.apply_immediately.value_or(false);
  if (!in.db_instance_class.empty()) {
    const std::string wanted = api::str(in.db_instance_class);
    TRY(check_class(wanted));
    i.pending_class.clear();
    if (wanted != i.instance_class) {
      if (now) ++i.boots;
      (now ? i.instance_class : i.pending_class) = wanted;
    }
  }
  if (in.db_port_number.has() &&
      *in.db_port_number != i.port) {  // AWS restarts at once, whatever ApplyImmediately says
    TRY(check_port(*in.db_port_number));
    i.port = *in.db_port_number;
    ++i.boots;
  }
  TRY(change_storage(in, now, i));
  if (in.vpc_security_group_ids.has() && !in.vpc_security_group_ids.empty())
    TRY(change_groups(call, in.vpc_security_group_ids, i));
  if (!in.db_parameter_group_name.empty()) TRY(change_group(call, in.db_parameter_group_name, i));
  if (!in.preferred_backup_window.empty()) {
    i.backup_window = api::str(in.preferred_backup_window);
    TRY(check_backup_window(i.backup_window));
  }
  if (!in.preferred_maintenance_window.empty()) {
    i.maintenance_window = lower(in.preferred_maintenance_window);
    TRY(check_maintenance_window(i.maintenance_window));
  }
  if (in.auto_minor_version_upgrade.has()) i.no_minor_upgrades = !*in.auto_minor_version_upgrade;
  if (in.copy_tags_to_snapshot.has()) i.copy_tags = *in.copy_tags_to_snapshot;
  if (in.deletion_protection.has()) i.deletion_protection = *in.deletion_protection;
  if (in.master_user_password.has()) {
    TRY(check_password(i.engine, in.master_user_password));
    call.tx.put(call.scope(), Secret{i.id, random_hex(16), api::str(in.master_user_password)});
  }
  ++i.revision;
  return answer(call, i, out);
}

Status reboot_db_instance(Call& call, const model::RebootDBInstanceMessage& in,
                          model::RebootDBInstanceResult& out) {
  TRY_LET(auto i, need(call, in.db_instance_identifier));
  const auto state = status_of(call, i);
  if (state != "available" && state != "failed" && state != "incompatible-parameters" &&
      state != "storage-full")
    return wrong_state(i, state, "available");
  ++i.boots;
  return answer(call, i, out);
}

Status stop_db_instance(Call& call, const model::StopDBInstanceMessage& in,
                        model::StopDBInstanceResult& out) {
  TRY_LET(auto i, need(call, in.db_instance_identifier));
  const auto state = status_of(call, i);
  if (state != "available") return wrong_state(i, state, "available");
  i.wanted = "stop";
  return answer(call, i, out);
}

Status start_db_instance(Call& call, const model::StartDBInstanceMessage& in,
                         model::StartDBInstanceResult& out) {
  TRY_LET(auto i, need(call, in.db_instance_identifier));
  const auto state = status_of(call, i);
  if (state != "stopped") return wrong_state(i, state, "stopped");
  i.wanted = "run";
  return answer(call, i, out);
}

Status delete_db_instance(Call& call, const model::DeleteDBInstanceMessage& in,
                          model::DeleteDBInstanceResult& out) {
  TRY_LET(auto i, need(call, in.db_instance_identifier));
  if (i.wanted == "delete")
    return fail("InvalidDBInstanceState", "Instance " + i.id + " is already being deleted.");
  if (i.deletion_protection)
    return fail("InvalidParameterCombination",
                "Cannot delete protected DB Instance, please disable deletion protection and try again.");
  if (!in.skip_final_snapshot.value_or(false)) {
    if (in.final_db_snapshot_identifier.empty())
      return fail("InvalidParameterCombination",
                  "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.");
    return fail("InvalidParameterCombination",
                "Final snapshots are not served yet, and deleting without one would lose data that you "
                "asked to keep: make a copy of the data yourself and set SkipFinalSnapshot to true.");
  }
  if (!in.final_db_snapshot_identifier.empty())
    return fail("InvalidParameterCombination",
                "FinalDBSnapshotIdentifier can not be specified when deleting a DB instance with "
                "SkipFinalSnapshot set.");
  i.wanted = "delete";
  return answer(call, i, out);
}

}  // namespace nubecita::rds
