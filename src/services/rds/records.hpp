// What RDS keeps. Each record's table, key and members; every member's meaning is AWS's of the same name.
// Plain data. InstanceStatus is what the controller observed and did; operations never write it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nubecita::rds {

struct Tag {
  std::string name, value;
  template <class A>
  void fields(A& a) {
    a("k", name)("v", value);
  }
};

struct SubnetGroup {
  static constexpr std::string_view kTable = "rds.subnet_group";
  std::string name, description, vpc_id;
  std::vector<std::string> subnets;
  std::vector<Tag> tags;
  std::string key() const { return name; }
  template <class A>
  void fields(A& a) {
    a("name", name)("text", description)("vpc", vpc_id)("subnets", subnets)("tags", tags);
  }
};

struct ParameterValue {
  std::string value;
  bool at_reboot = false;  // ApplyMethod pending-reboot
  template <class A>
  void fields(A& a) {
    a("value", value)("at_reboot", at_reboot);
  }
};
struct ParameterGroup {
  static constexpr std::string_view kTable = "rds.parameter_group";
  std::string name, family, description;
  std::map<std::string, ParameterValue> parameters;  // those that differ from the engine's default
  std::vector<Tag> tags;
  std::string key() const { return name; }
  template <class A>
  void fields(A& a) {
    a("name", name)("family", family)("text", description)("parameters", parameters)("tags", tags);
  }
};

struct Instance {
  static constexpr std::string_view kTable = "rds.instance";
  std::string id;  // DBInstanceIdentifier, lower case
  std::string
      resource_id;  // "db-" and 26 capitals and digits; in lower case the id of the database on the machine
  std::string engine, engine_version;     // as AWS calls them
  std::string host_engine, host_version;  // what really runs: differs when MariaDB stands in for MySQL
  std::string instance_class, storage_type, license;
  int storage_gib = 0, max_storage_gib = 0, port = 0;
  std::string master_user, db_name;
  std::string subnet_group, vpc_id, subnet_id, zone, eni_id, address, hostname;
  std::vector<std::string> security_groups;
  std::string parameter_group, backup_window, maintenance_window;
  bool no_minor_upgrades = false, publicly_accessible = false, copy_tags = false, deletion_protection = false;
  std::string wanted = "run";  // "run", "stop", "delete"
  int64_t revision = 0;        // counted up by changes that the controller applies while the server runs
  int64_t boots = 0;           // counted up by what needs a restart
  // Of ModifyDBInstance without ApplyImmediately, until the next restart.
  std::string pending_class;
  int pending_port = 0, pending_storage_gib = 0;
  int64_t created = 0;
  std::vector<Tag> tags;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("resource", resource_id)("engine", engine)("version", engine_version)(
        "host_engine", host_engine)("host_version", host_version)("class", instance_class)(
        "storage_type", storage_type)("license", license)("storage", storage_gib)(
        "max_storage", max_storage_gib)("port", port)("user", master_user)("db", db_name)(
        "subnet_group", subnet_group)("vpc", vpc_id)("subnet", subnet_id)("zone", zone)("eni", eni_id)(
        "address", address)("hostname", hostname)("groups", security_groups)(
        "parameter_group", parameter_group)("backup_window", backup_window)(
        "maintenance_window", maintenance_window)("no_minor_upgrades", no_minor_upgrades)(
        "public", publicly_accessible)("copy_tags", copy_tags)("protected", deletion_protection)(
        "wanted", wanted)("revision", revision)("boots", boots)("pending_class", pending_class)(
        "pending_port", pending_port)("pending_storage", pending_storage_gib)("created", created)("tags",
                                                                                                  tags);
  }
};

/// A master password that the server has not been told yet; erased once it has.
struct Secret {
  static constexpr std::string_view kTable = "rds.secret";
  std::string id;      // of the instance
  std::string serial;  // tells a newer password from the one being applied
  std::string password;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("serial", serial)("password", password);
  }
};

struct InstanceStatus {
  static constexpr std::string_view kTable = "rds.instance_status";
  std::string id, resource_id;
  bool made = false;  // it was available once: there is an endpoint
  bool running = false;
  int pid = 0;
  int64_t revision = 0, boots = 0;                // of the Instance that was last brought about
  std::map<std::string, std::string> parameters;  // that the running server has
  std::string error;                              // of the last attempt; empty: it succeeded
  int failures = 0;                               // attempts since the last success
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("resource", resource_id)("made", made)("running", running)("pid", pid)("revision", revision)(
        "boots", boots)("parameters", parameters)("error", error)("failures", failures);
  }
};

struct Event {
  static constexpr std::string_view kTable = "rds.event";
  int64_t at = 0;
  std::string serial, source_id, source_type, source_arn, message, category;
  std::string key() const;  // by time
  template <class A>
  void fields(A& a) {
    a("at", at)("serial", serial)("source", source_id)("type", source_type)("arn", source_arn)(
        "message", message)("category", category);
  }
};

}  // namespace nubecita::rds
