// What the API shows of an instance. Old clients take members for granted that AWS always sends: all of those
// are sent.
#include <algorithm>

#include "services/rds/catalog.hpp"
#include "services/rds/parameters.hpp"
#include "services/rds/render.hpp"

namespace nubecita::rds {
namespace {

constexpr int kGiveUp =
    3;  // attempts after which a creation or a start is shown as failed (it is still being tried)

std::string_view parameter_status(Call& call, const Instance& i, const InstanceStatus& status) {
  if (!status.made || !status.running) return "in-sync";
  auto group = find_group(call.tx, call.scope(), call.cloud, i.parameter_group);
  if (!group || values_at_start(*group) == status.parameters) return "in-sync";
  auto all = settings(call.cloud, i.host_engine);
  return all && !changes_now(*group, **all, status.parameters).empty() ? "applying" : "pending-reboot";
}

std::string storage_failure(const InstanceStatus& s) {
  return s.error.find("No space left") != std::string::npos ? "storage-full" : "";
}

}  // namespace

std::string_view status_name(const Instance& i, const InstanceStatus& s, bool secret_waits) {
  if (i.wanted == "delete") return "deleting";
  if (!s.made)
    return s.failures >= kGiveUp ? (storage_failure(s).empty() ? "failed" : "storage-full") : "creating";
  if (i.wanted == "stop") return s.running ? "stopping" : "stopped";
  if (!s.running) {
    if (s.failures >= kGiveUp)
      return !storage_failure(s).empty()                 ? "storage-full"
             : i.parameter_group.starts_with("default.") ? "failed"
                                                         : "incompatible-parameters";
    return i.boots != s.boots ? "rebooting" : "starting";
  }
  if (i.boots != s.boots) return i.revision != s.revision ? "modifying" : "rebooting";
  if (i.revision != s.revision) return "modifying";
  return secret_waits ? "resetting-master-credentials" : "available";
}

void render(Call& call, const Instance& i, model::DBInstance& out) {
  InstanceStatus status = call.tx.get<InstanceStatus>(call.scope(), i.id).value_or(InstanceStatus{});
  if (status.resource_id != i.resource_id) status = {};  // of an earlier instance of that name
  const bool secret = call.tx.get<Secret>(call.scope(), i.id).has_value();

  out.db_instance_identifier = call.text(i.id);
  out.db_instance_class = call.text(i.instance_class);
  out.engine = call.text(i.engine);
  out.db_instance_status = call.text(status_name(i, status, secret));
  out.master_username = call.text(i.master_user);
  if (!i.db_name.empty()) out.db_name = call.text(i.db_name);
  if (status.made) {
    out.endpoint = call.make<model::Endpoint>();
    out.endpoint->address = call.text(i.hostname);
    out.endpoint->port = i.port;
    out.endpoint->hosted_zone_id = "Z1NUBECITA";
  }
  out.allocated_storage = i.storage_gib;
  out.instance_create_time = wire::Timestamp{i.created};
  out.preferred_backup_window = call.text(i.backup_window);
  out.backup_retention_period = 0;
  out.db_security_groups = call.list<model::DBSecurityGroupMembership>(0);
  out.vpc_security_groups = call.list<model::VpcSecurityGroupMembership>(i.security_groups.size());
  for (size_t n = 0; n < i.security_groups.size(); ++n) {
    out.vpc_security_groups[n].vpc_security_group_id = call.text(i.security_groups[n]);
    out.vpc_security_groups[n].status = "active";
  }
  out.db_parameter_groups = call.list<model::DBParameterGroupStatus>(1);
  out.db_parameter_groups[0].db_parameter_group_name = call.text(i.parameter_group);
  out.db_parameter_groups[0].parameter_apply_status = call.text(parameter_status(call, i, status));
  out.availability_zone = call.text(i.zone);
  out.db_subnet_group = call.make<model::DBSubnetGroup>();
  if (auto group = call.tx.get<SubnetGroup>(call.scope(), i.subnet_group))
    render(call, *group, *out.db_subnet_group);
  out.preferred_maintenance_window = call.text(i.maintenance_window);
  out.pending_modified_values = call.make<model::PendingModifiedValues>();
  if (!i.pending_class.empty()) out.pending_modified_values->db_instance_class = call.text(i.pending_class);
  if (i.pending_storage_gib) out.pending_modified_values->allocated_storage = i.pending_storage_gib;
  if (secret && status.made) out.pending_modified_values->master_user_password = "****";
  out.multi_az = false;
  out.engine_version = call.text(i.engine_version);
  out.auto_minor_version_upgrade = !i.no_minor_upgrades;
  out.read_replica_db_instance_identifiers = call.list<wire::Text>(0);
  out.read_replica_db_cluster_identifiers = call.list<wire::Text>(0);
  out.license_model = call.text(i.license);
  out.option_group_memberships = call.list<model::OptionGroupMembership>(1);
  const std::string family = i.engine + "-" + Offer{i.engine, i.engine_version, {}, {}, {}, {}, {}}.major();
  std::string option_group = "default:" + family;
  std::replace(option_group.begin(), option_group.end(), '.', '-');
  out.option_group_memberships[0].option_group_name = call.text(option_group);
  out.option_group_memberships[0].status = "in-sync";
  out.publicly_accessible = i.publicly_accessible;
  out.status_infos = call.list<model::DBInstanceStatusInfo>(status.error.empty() ? 0 : 1);
  if (!status.error.empty()) {  // AWS speaks of replicas here; we say what is wrong
    out.status_infos[0].status_type = "server";
    out.status_infos[0].normal = false;
    out.status_infos[0].status = "error";
    out.status_infos[0].message = call.text(status.error);
  }
  out.storage_type = call.text(i.storage_type);
  out.db_instance_port = 0;  // AWS sends 0 outside of clusters
  out.storage_encrypted = false;
  out.dbi_resource_id = call.text(i.resource_id);
  out.domain_memberships = call.list<model::DomainMembership>(0);
  out.copy_tags_to_snapshot = i.copy_tags;
  out.monitoring_interval = 0;
  out.db_instance_arn = call.text(instance_arn(call, i.id));
  out.iam_database_authentication_enabled = false;
  out.performance_insights_enabled = false;
  out.enabled_cloudwatch_logs_exports = call.list<wire::Text>(0);
  out.processor_features = call.list<model::ProcessorFeature>(0);
  out.deletion_protection = i.deletion_protection;
  out.associated_roles = call.list<model::DBInstanceRole>(0);
  if (i.max_storage_gib) out.max_allocated_storage = i.max_storage_gib;
  out.tag_list = render_tags(call, i.tags);
  out.customer_owned_ip_enabled = false;
  out.network_type = "IPV4";
  out.activity_stream_status = "stopped";
}

Status describe_db_instances(Call& call, const model::DescribeDBInstancesMessage& in,
                             model::DBInstanceMessage& out) {
  const std::string id = lower(in.db_instance_identifier);
  std::vector<Instance> found;
  if (!id.empty()) {
    auto i = find_instance(call, id);
    TRY(call.authorize(instance_arn(call, id), i ? resource_tags(i->tags, "db-tag") : Conditions{}));
    if (!i) return fail(no_instance(id));
    found.push_back(*i);
  } else {
    TRY(call.authorize(instance_arn(call, "*")));
    found = call.tx.list<Instance>(call.scope());
  }
  // A db-instance-id may also be given as an ARN.
  for (auto& filter : in.filters)
    if (filter.name.sv() == "db-instance-id")
      for (auto& v : filter.values)
        v = call.text(
            lower(v.sv().substr(v.sv().rfind(':') == std::string_view::npos ? 0 : v.sv().rfind(':') + 1)));
  TRY(apply_filters<Instance>(found, in.filters,
                              {{"db-instance-id", [](auto& i) { return i.id; }},
                               {"dbi-resource-id", [](auto& i) { return i.resource_id; }},
                               {"engine", [](auto& i) { return i.engine; }},
                               {"db-cluster-id", [](auto&) { return std::string(); }},
                               {"domain", [](auto&) { return std::string(); }}}));
  TRY_LET(
      found,
      one_page(call, std::move(found), in.marker, in.max_records, [](auto& i) { return i.id; }, out.marker));
  out.db_instances = call.list<model::DBInstance>(found.size());
  for (size_t n = 0; n < found.size(); ++n) render(call, found[n], out.db_instances[n]);
  return {};
}

}  // namespace nubecita::rds
