#include "services/rds/catalog.hpp"

#include <algorithm>

#include "base/memory.hpp"
#include "host/databases/databases.hpp"
#include "services/rds/common.hpp"

namespace nubecita::rds {
namespace {

/// The version of MySQL that MariaDB 10 and 11 say they are when they stand in for it.
constexpr const char* kStandInVersion = "8.0";

std::string major_of(const std::string& engine, const std::string& version) {
  auto dot = version.find('.');
  if (engine == "postgres" || dot == std::string::npos) return version.substr(0, dot);
  return version.substr(0, version.find('.', dot + 1));
}

Offer make_offer(const std::string& engine, const std::string& version, const host::DatabaseEngine& real) {
  Offer o{engine, version, real.engine, real.version, engine + major_of(engine, version), {}, {}};
  o.license = engine == "postgres" ? "postgresql-license" : "general-public-license";
  o.description = engine == "postgres"  ? "PostgreSQL"
                  : engine == "mariadb" ? "MariaDB Community Edition"
                                        : "MySQL Community Edition";
  if (engine != real.engine) o.description += " (served by MariaDB " + real.version + ")";
  return o;
}

struct Size {
  const char* name;
  int steps;  // powers of two from "large"
};
constexpr Size kSizes[] = {{"micro", -3},  {"small", -2},  {"medium", -1}, {"large", 0},   {"xlarge", 1},
                           {"2xlarge", 2}, {"4xlarge", 3}, {"8xlarge", 4}, {"16xlarge", 5}};

}  // namespace

std::string Offer::major() const { return major_of(engine, version); }

std::vector<Offer> offers(const api::Cloud& cloud) {
  std::vector<Offer> out;
  if (!cloud.databases) return out;
  bool mysql = false;
  const auto engines = cloud.databases->engines();
  for (auto& e : engines) {
    out.push_back(make_offer(e.engine, e.version, e));
    mysql |= e.engine == "mysql";
  }
  if (!mysql && cloud.config.mariadb_for_mysql)
    for (auto& e : engines)
      if (e.engine == "mariadb") {
        out.push_back(make_offer("mysql", kStandInVersion, e));
        break;
      }
  return out;
}

Result<Offer> find_offer(const api::Cloud& cloud, const std::string& engine, const std::string& version) {
  std::string have;
  for (auto& o : offers(cloud)) {
    if (o.engine != engine) continue;
    if (version.empty() || version == o.version || version == o.major()) return o;
    // A stand-in has no minor versions of its own: it takes the place of any of that major version.
    if (o.engine != o.host_engine && major_of(engine, version) == o.major()) {
      Offer exact = o;
      exact.version = version;
      return exact;
    }
    have += (have.empty() ? "" : ", ") + o.version;
  }
  if (!have.empty())
    return fail("InvalidParameterCombination", "Cannot find version " + version + " for " + engine +
                                                   ": this machine has " + have +
                                                   ". Ask for that or for its major version.");
  if (engine == "mysql")
    return fail("InvalidParameterValue",
                "Engine mysql is not served by this installation. There are two ways: install a MySQL server "
                "(/usr/sbin/mysqld) on "
                "the machine, or set \"mariadb_for_mysql\": true in its nubecita.json, which lets MariaDB "
                "stand in for it.");
  if (engine == "postgres" || engine == "mariadb")
    return fail("InvalidParameterValue", "Engine " + engine +
                                             " is not installed on this machine: install the package " +
                                             (engine == "postgres" ? "postgresql" : "mariadb-server") + ".");
  return fail("InvalidParameterValue",
              "Invalid DB engine: " + engine + ". Served are postgres, mariadb and mysql.");
}

std::optional<Offer> offer_of_family(const api::Cloud& cloud, const std::string& family) {
  for (auto& o : offers(cloud))
    if (o.family == family) return o;
  return {};
}

const std::vector<InstanceClass>& instance_classes() {
  static const std::vector<InstanceClass> all = [] {
    std::vector<InstanceClass> out;
    auto family = [&](const char* name, int64_t large_gib, const char* first, const char* last) {
      bool on = false;
      for (auto& size : kSizes) {
        on |= std::string_view(size.name) == first;
        const int64_t large = large_gib << 30;
        if (on)
          out.push_back({std::string("db.") + name + "." + size.name,
                         size.steps < 0 ? large >> -size.steps : large << size.steps});
        if (std::string_view(size.name) == last) break;
      }
    };
    for (auto name : {"t2", "t3", "t4g"}) family(name, 8, "micro", "2xlarge");
    for (auto name : {"m4", "m5", "m5d", "m6g", "m6gd", "m6i", "m6id", "m7g", "m7i"})
      family(name, 8, "large", "16xlarge");
    for (auto name : {"r4", "r5", "r5b", "r5d", "r6g", "r6gd", "r6i", "r6id", "r7g", "r7i"})
      family(name, 16, "large", "16xlarge");
    return out;
  }();
  return all;
}

std::optional<int64_t> class_memory(std::string_view name) {
  for (auto& c : instance_classes())
    if (c.name == name) return c.memory_bytes;
  return {};
}

int64_t granted_memory(std::string_view name) {
  const int64_t machine = static_cast<int64_t>(memory_of_the_machine());
  return std::min(class_memory(name).value_or(int64_t{1} << 30), machine / 2);
}

// --- operations

Status describe_db_engine_versions(Call& call, const model::DescribeDBEngineVersionsMessage& in,
                                   model::DBEngineVersionMessage& out) {
  TRY(call.authorize("*"));
  std::vector<Offer> found;
  for (auto& o : offers(call.cloud)) {
    if (in.engine.has() && !in.engine.empty() && o.engine != in.engine.sv()) continue;
    const auto version = in.engine_version.sv();
    if (!version.empty() && o.version != version && o.major() != version) continue;
    if (!in.db_parameter_group_family.empty() && o.family != in.db_parameter_group_family.sv()) continue;
    found.push_back(o);
  }
  TRY(apply_filters<Offer>(found, in.filters,
                           {{"engine", [](auto& o) { return o.engine; }},
                            {"engine-version", [](auto& o) { return o.version; }},
                            {"db-parameter-group-family", [](auto& o) { return o.family; }},
                            {"status", [](auto&) { return std::string("available"); }},
                            {"engine-mode", [](auto&) { return std::string("provisioned"); }}}));
  std::sort(found.begin(), found.end(),
            [](auto& a, auto& b) { return std::pair(a.engine, a.version) < std::pair(b.engine, b.version); });
  TRY_LET(found, one_page(
                     call, std::move(found), in.marker, in.max_records,
                     [](auto& o) { return o.engine + " " + o.version; }, out.marker));
  out.db_engine_versions = call.list<model::DBEngineVersion>(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    auto& v = out.db_engine_versions[i];
    const Offer& o = found[i];
    v.engine = call.text(o.engine);
    v.engine_version = call.text(o.version);
    v.major_engine_version = call.text(o.major());
    v.db_parameter_group_family = call.text(o.family);
    v.db_engine_description = call.text(o.description);
    v.db_engine_version_description = call.text(o.description + " " + o.version);
    v.valid_upgrade_target = call.list<model::UpgradeTarget>(0);
    v.exportable_log_types = call.list<wire::Text>(0);
    v.supports_log_exports_to_cloudwatch_logs = false;
    v.supports_read_replica = false;
    v.supported_engine_modes = call.list<wire::Text>(0);
    v.supported_feature_names = call.list<wire::Text>(0);
    v.status = "available";
    v.supports_parallel_query = false;
    v.supports_global_databases = false;
    v.tag_list = call.list<model::Tag>(0);
    v.supports_babelfish = false;
    v.supports_certificate_rotation_without_restart = false;
    v.supported_ca_certificate_identifiers = call.list<wire::Text>(0);
  }
  return {};
}

Status describe_orderable_db_instance_options(Call& call,
                                              const model::DescribeOrderableDBInstanceOptionsMessage& in,
                                              model::OrderableDBInstanceOptionsMessage& out) {
  TRY(call.authorize("*"));
  struct Option {
    Offer offer;
    std::string instance_class, storage_type;
    std::string id() const {
      return offer.engine + " " + offer.version + " " + instance_class + " " + storage_type;
    }
  };
  std::vector<Option> found;
  if (in.vpc.value_or(true))
    for (auto& o : offers(call.cloud)) {
      if (o.engine != in.engine.sv()) continue;
      if (!in.engine_version.empty() && o.version != in.engine_version.sv() &&
          o.major() != in.engine_version.sv())
        continue;
      if (!in.license_model.empty() && o.license != in.license_model.sv()) continue;
      for (auto& c : instance_classes()) {
        if (!in.db_instance_class.empty() && c.name != in.db_instance_class.sv()) continue;
        for (auto storage : {"gp2", "gp3", "standard"}) found.push_back({o, c.name, storage});
      }
    }
  std::sort(found.begin(), found.end(), [](auto& a, auto& b) { return a.id() < b.id(); });
  TRY_LET(found,
          one_page(
              call, std::move(found), in.marker, in.max_records, [](auto& o) { return o.id(); }, out.marker));
  out.orderable_db_instance_options = call.list<model::OrderableDBInstanceOption>(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    auto& v = out.orderable_db_instance_options[i];
    v.engine = call.text(found[i].offer.engine);
    v.engine_version = call.text(found[i].offer.version);
    v.db_instance_class = call.text(found[i].instance_class);
    v.license_model = call.text(found[i].offer.license);
    v.storage_type = call.text(found[i].storage_type);
    v.availability_zones = call.list<model::AvailabilityZone>(3);
    for (size_t z = 0; z < 3; ++z)
      v.availability_zones[z].name = call.text(call.region + std::string(1, static_cast<char>('a' + z)));
    v.multi_az_capable = false;
    v.read_replica_capable = false;
    v.vpc = true;
    v.supports_storage_encryption = false;
    v.supports_iops = false;
    v.supports_storage_throughput = false;
    v.supports_enhanced_monitoring = false;
    v.supports_iam_database_authentication = false;
    v.supports_performance_insights = false;
    v.supports_storage_autoscaling = true;
    v.supports_kerberos_authentication = false;
    v.supports_global_databases = false;
    v.supports_clusters = false;
    v.outpost_capable = false;
    v.min_storage_size = 5;
    v.max_storage_size = 65536;
    v.available_processor_features = call.list<model::AvailableProcessorFeature>(0);
    v.supported_engine_modes = call.list<wire::Text>(0);
    v.supported_network_types = call.texts({"IPV4"});
  }
  return {};
}

}  // namespace nubecita::rds
