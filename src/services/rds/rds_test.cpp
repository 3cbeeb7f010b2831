// The operations and the controller, with a fake machine.
#include "services/rds/rds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "api/testing.hpp"
#include "control/engine.hpp"
#include "host/databases/databases.hpp"
#include "services/ec2/ec2.hpp"
#include "services/rds/common.hpp"
#include "services/rds/instance_rules.hpp"

namespace nubecita::rds {
namespace {

using namespace std::chrono_literals;

class FakeDatabases : public host::Databases {
 public:
  struct Server {
    host::DatabaseSpec spec;
    std::string password;
    std::map<std::string, std::string> running;
    int pid = 0, starts = 0;
    std::function<void()> gone;
  };
  std::vector<host::DatabaseEngine> engines() override {
    return {{"postgres", "15.20", "/pg"}, {"mariadb", "10.11.19", "/maria"}};
  }
  Result<std::shared_ptr<const std::vector<host::DatabaseParameter>>> parameters(
      const std::string&) override {
    return std::make_shared<const std::vector<host::DatabaseParameter>>(std::vector<host::DatabaseParameter>{
        {"archive_command", "", "string", "", "", true, false},
        {"log_statement", "", "list", "none,ddl,mod,all", "none", true, true},
        {"max_connections", "", "integer", "1-1000", "100", false, true},
        {"work_mem", "", "integer", "64-100000", "4096", true, true}});
  }
  Status prepare(const std::string& engine) override {
    std::lock_guard lock(mutex);
    prepared += engine + " ";
    return {};
  }
  Status ensure(const host::DatabaseSpec& spec) override {
    std::lock_guard lock(mutex);
    if (!broken.empty()) return fail("DatabaseFailed", broken, 500);
    auto& s = servers[spec.id];
    if (s.password.empty()) s.password = spec.master_password;
    if (!s.pid) {
      s.pid = ++next_pid;
      ++s.starts;
      s.running = spec.parameters;
    }
    s.spec = spec;
    return {};
  }
  host::DatabaseState observe(const host::DatabaseSpec& spec) override {
    std::lock_guard lock(mutex);
    auto s = servers.find(spec.id);
    if (s == servers.end()) return {};
    host::DatabaseState out{true, true, {}, s->second.pid != 0};
    if (s->second.pid) out.pid = s->second.pid;
    return out;
  }
  Status reconfigure(const host::DatabaseSpec& spec,
                     const std::map<std::string, std::optional<std::string>>& changed) override {
    std::lock_guard lock(mutex);
    for (auto& [k, v] : changed) {
      if (v)
        servers[spec.id].running[k] = *v;
      else
        servers[spec.id].running.erase(k);
    }
    return {};
  }
  Status set_master_password(const host::DatabaseSpec& spec, const std::string& password) override {
    std::lock_guard lock(mutex);
    servers[spec.id].password = password;
    return {};
  }
  Status stop(const host::DatabaseSpec& spec) override {
    std::lock_guard lock(mutex);
    servers[spec.id].pid = 0;
    return {};
  }
  Status remove(const std::string& id) override {
    std::lock_guard lock(mutex);
    servers.erase(id);
    return {};
  }
  void watch(const std::string& id, std::function<void()> gone) override {
    std::lock_guard lock(mutex);
    if (servers.contains(id)) servers[id].gone = std::move(gone);
  }
  std::vector<std::string> list() override { return {}; }

  std::mutex mutex;
  std::map<std::string, Server> servers;
  std::string broken, prepared;
  int next_pid = 100;
};

struct RdsTest : testing::Test {
  RdsTest() : bench("rds"), engine(bench.store()) {
    bench.cloud.databases = &databases;
    bench.cloud.engine = &engine;
    auto made = bench.transact([&](store::Transaction& tx) -> Status {
      ec2::Vpc vpc;
      vpc.id = "vpc-1";
      vpc.cidr = "10.0.0.0/16";
      vpc.default_group = "sg-0";
      tx.put(bench.scope(), vpc);
      for (auto [id, cidr, zone] : {std::tuple{"subnet-a", "10.0.1.0/24", "us-east-1a"},
                                    {"subnet-b", "10.0.2.0/24", "us-east-1b"},
                                    {"subnet-c", "10.0.3.0/24", "us-east-1a"}}) {
        ec2::Subnet s;
        s.id = id;
        s.vpc_id = "vpc-1";
        s.cidr = cidr;
        s.zone = zone;
        tx.put(bench.scope(), s);
      }
      for (auto id : {"sg-0", "sg-1", "sg-2"}) {
        ec2::SecurityGroup g;
        g.id = id;
        g.vpc_id = "vpc-1";
        g.name = id;
        tx.put(bench.scope(), g);
      }
      return {};
    });
    EXPECT_TRUE(made);
    add_controllers(bench.cloud);
    engine.start();
    model::CreateDBSubnetGroupMessage in;
    in.db_subnet_group_name = "Main";
    in.db_subnet_group_description = "two zones";
    in.subnet_ids = bench.texts({"subnet-a", "subnet-b"});
    EXPECT_TRUE(bench.run("CreateDBSubnetGroup", create_db_subnet_group, in));
  }
  ~RdsTest() override { engine.stop(); }

  model::CreateDBInstanceMessage create_input() {
    model::CreateDBInstanceMessage in;
    in.db_instance_identifier = "Blog-DB";
    in.engine = "postgres";
    in.engine_version = "15";
    in.db_instance_class = "db.t3.micro";
    in.allocated_storage = 20;
    in.master_username = "ghost";
    in.master_user_password = "secret-1234";
    in.db_name = "blog";
    in.db_subnet_group_name = "main";
    in.vpc_security_group_ids = bench.texts({"sg-1"});
    in.backup_retention_period = 0;
    return in;
  }
  template <class In = model::CreateDBInstanceMessage>
  Result<model::CreateDBInstanceResult> create(const In& in) {
    return bench.run("CreateDBInstance", create_db_instance, in);
  }
  /// The EC2 controller's part.
  void interface_ready() {
    auto done = bench.transact([&](store::Transaction& tx) -> Status {
      for (auto& eni : tx.list<ec2::NetworkInterface>(bench.scope())) {
        ec2::InterfaceStatus s;
        s.id = eni.id;
        s.ready = true;
        s.netns = "/run/netns/" + eni.id;
        tx.put(bench.scope(), s);
      }
      return {};
    });
    ASSERT_TRUE(done);
    settle();
  }
  void settle() {
    for (int n = 0; n < 3; ++n)
      ASSERT_TRUE(engine.wait_idle(5s));  // status writes wake nobody, group work does
  }
  void make_available() {
    auto made = create(create_input());
    ASSERT_TRUE(made) << made.error().message;
    interface_ready();
    ASSERT_EQ(status(), "available");
  }
  model::DBInstance* describe(std::string_view id = "blog-db") {
    model::DescribeDBInstancesMessage in;
    in.db_instance_identifier = bench.text(id);
    auto out = bench.run("DescribeDBInstances", describe_db_instances, in);
    return out ? &out->db_instances[0] : nullptr;
  }
  std::string status() {
    auto* i = describe();
    return i ? std::string(i->db_instance_status.sv()) : "gone";
  }
  FakeDatabases::Server& server() { return databases.servers.begin()->second; }
  template <class Change>
  auto modify(Change change, bool now = true) {
    model::ModifyDBInstanceMessage in;
    in.db_instance_identifier = "blog-db";
    in.apply_immediately = now;
    change(in);
    return bench.run("ModifyDBInstance", modify_db_instance, in);
  }
  Status make_group(std::initializer_list<model::Parameter> values) {
    model::CreateDBParameterGroupMessage in;
    in.db_parameter_group_name = "tuned";
    in.db_parameter_group_family = "postgres15";
    in.description = "x";
    TRY(bench.run("CreateDBParameterGroup", create_db_parameter_group, in));
    return set_values(values);
  }
  Status set_values(std::initializer_list<model::Parameter> values) {
    model::ModifyDBParameterGroupMessage in;
    in.db_parameter_group_name = "tuned";
    in.parameters = bench.list<model::Parameter>(values);
    TRY(bench.run("ModifyDBParameterGroup", modify_db_parameter_group, in));
    settle();
    return {};
  }
  static model::Parameter value(wire::Text name, wire::Text v, wire::Text method = "immediate") {
    model::Parameter p;
    p.parameter_name = name;
    p.parameter_value = v;
    p.apply_method = method;
    return p;
  }
  std::string apply_status() {
    return std::string(describe()->db_parameter_groups[0].parameter_apply_status.sv());
  }

  api::testing::Bench bench;
  FakeDatabases databases;
  control::Engine engine;
};

TEST_F(RdsTest, CreatedWaitsForItsInterfaceAndThenIsAvailable) {
  auto made = create(create_input());
  ASSERT_TRUE(made) << made.error().message;
  auto* i = made->db_instance;
  EXPECT_EQ(i->db_instance_identifier, "blog-db");
  EXPECT_EQ(i->db_instance_status, "creating");
  EXPECT_EQ(i->endpoint, nullptr);
  settle();
  EXPECT_EQ(status(), "creating");
  EXPECT_TRUE(databases.servers.empty());
  interface_ready();
  i = describe();
  ASSERT_TRUE(i);
  EXPECT_EQ(i->db_instance_status, "available");
  ASSERT_TRUE(i->endpoint);
  EXPECT_TRUE(i->endpoint->address.sv().starts_with("blog-db.c")) << i->endpoint->address.sv();
  EXPECT_TRUE(i->endpoint->address.sv().ends_with(".us-east-1.rds.nubecita.localhost"));
  EXPECT_EQ(*i->endpoint->port, 5432);
  EXPECT_EQ(i->engine_version, "15.20");
  EXPECT_EQ(i->db_parameter_groups[0].db_parameter_group_name, "default.postgres15");
  EXPECT_EQ(i->option_group_memberships[0].option_group_name, "default:postgres-15");
  EXPECT_EQ(i->vpc_security_groups[0].vpc_security_group_id, "sg-1");
  EXPECT_EQ(i->db_subnet_group->db_subnet_group_name, "main");
  EXPECT_EQ(i->db_subnet_group->subnets.size(), 2u);
  EXPECT_TRUE(i->pending_modified_values);
  EXPECT_EQ(server().password, "secret-1234");
  EXPECT_EQ(server().spec.first_database, "blog");
  EXPECT_EQ(server().spec.memory_bytes, int64_t{1} << 30);
  // The password is not kept once the server knows it; the name resolves.
  EXPECT_FALSE(
      bench.look([&](auto& tx) { return tx.template get<Secret>(bench.scope(), "blog-db").has_value(); }));
  auto names = bench.look([&](auto& tx) { return tx.template list<ec2::PrivateName>(bench.scope()); });
  ASSERT_EQ(names.size(), 1u);
  EXPECT_EQ(names[0].fqdn, i->endpoint->address.sv());
}

TEST_F(RdsTest, ASubnetGroupHasTheEnginesPrepared) {
  settle();
  EXPECT_NE(databases.prepared.find("postgres"), std::string::npos);
  EXPECT_NE(databases.prepared.find("mariadb"), std::string::npos);
}

TEST_F(RdsTest, WhatCannotBeMadeIsRefusedByItsCode) {
  auto refused = [&](auto change) {
    auto in = create_input();
    change(in);
    auto made = create(in);
    return made ? std::string("made") : made.error().code;
  };
  EXPECT_EQ(refused([](auto& in) { in.engine = "mysql"; }), "InvalidParameterValue");
  EXPECT_EQ(refused([](auto& in) { in.engine = "oracle-ee"; }), "InvalidParameterValue");
  EXPECT_EQ(refused([](auto& in) { in.engine_version = "13.4"; }), "InvalidParameterCombination");
  EXPECT_EQ(refused([](auto& in) { in.db_instance_identifier = "1st"; }), "InvalidParameterValue");
  EXPECT_EQ(refused([](auto& in) { in.db_instance_class = "db.x9.huge"; }), "InvalidParameterValue");
  EXPECT_EQ(refused([](auto& in) { in.master_user_password = "short"; }), "InvalidParameterValue");
  EXPECT_EQ(refused([](auto& in) { in.master_user_password = "with@at-sign"; }), "InvalidParameterValue");
  EXPECT_EQ(refused([](auto& in) { in.master_username = "rdsadmin"; }), "InvalidParameterValue");
  EXPECT_EQ(refused([](auto& in) { in.db_name = "a-b"; }), "InvalidParameterValue");
  EXPECT_EQ(refused([](auto& in) { in.backup_retention_period = 7; }), "InvalidParameterValue");
  EXPECT_EQ(refused([](auto& in) { in.storage_type = "io1"; }), "InvalidParameterValue");
  EXPECT_EQ(refused([](auto& in) { in.db_subnet_group_name = "none"; }), "DBSubnetGroupNotFoundFault");
  EXPECT_EQ(refused([](auto& in) { in.db_parameter_group_name = "none"; }), "DBParameterGroupNotFound");
  EXPECT_EQ(refused([](auto& in) { in.db_parameter_group_name = "default.mariadb10.11"; }),
            "InvalidParameterCombination");
  EXPECT_EQ(refused([&](auto& in) { in.vpc_security_group_ids = bench.texts({"sg-9"}); }),
            "InvalidParameterValue");
  EXPECT_EQ(refused([](auto& in) { in.availability_zone = "us-east-1c"; }), "InvalidVPCNetworkStateFault");
  EXPECT_TRUE(
      bench.look([&](auto& tx) { return tx.template list<ec2::NetworkInterface>(bench.scope()); }).empty());
  EXPECT_EQ(refused([](auto&) {}), "made");
  EXPECT_EQ(refused([](auto&) {}), "DBInstanceAlreadyExists");
}

TEST_F(RdsTest, MySqlIsServedByMariaDbOnlyWhereTheInstallationSaysSo) {
  auto in = create_input();
  in.engine = "mysql";
  in.engine_version = "8.0";
  auto made = create(in);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("mysqld"), std::string::npos);
  EXPECT_NE(made.error().message.find("mariadb_for_mysql"), std::string::npos);
  bench.cloud.config.mariadb_for_mysql = true;
  made = create(in);
  ASSERT_TRUE(made) << made.error().message;
  interface_ready();
  EXPECT_EQ(describe()->engine, "mysql");
  EXPECT_EQ(*describe()->endpoint->port, 3306);
  EXPECT_EQ(server().spec.engine, "mariadb");
}

TEST_F(RdsTest, TheZoneChoosesTheSubnet) {
  auto in = create_input();
  in.availability_zone = "us-east-1b";
  ASSERT_TRUE(create(in));
  auto enis = bench.look([&](auto& tx) { return tx.template list<ec2::NetworkInterface>(bench.scope()); });
  ASSERT_EQ(enis.size(), 1u);
  EXPECT_EQ(enis[0].subnet_id, "subnet-b");
  EXPECT_EQ(enis[0].requester, "amazon-rds");
}

TEST_F(RdsTest, StopStartRebootDelete) {
  make_available();
  const int pid = server().pid;
  model::RebootDBInstanceMessage reboot;
  reboot.db_instance_identifier = "blog-db";
  auto rebooting = bench.run("RebootDBInstance", reboot_db_instance, reboot);
  ASSERT_TRUE(rebooting);
  EXPECT_EQ(rebooting->db_instance->db_instance_status, "rebooting");
  settle();
  EXPECT_EQ(status(), "available");
  EXPECT_NE(server().pid, pid);

  model::StartDBInstanceMessage start;
  start.db_instance_identifier = "blog-db";
  EXPECT_EQ(bench.run("StartDBInstance", start_db_instance, start).error().code, "InvalidDBInstanceState");
  model::StopDBInstanceMessage stop;
  stop.db_instance_identifier = "blog-db";
  auto stopping = bench.run("StopDBInstance", stop_db_instance, stop);
  ASSERT_TRUE(stopping);
  EXPECT_EQ(stopping->db_instance->db_instance_status, "stopping");
  settle();
  EXPECT_EQ(status(), "stopped");
  EXPECT_EQ(server().pid, 0);
  EXPECT_EQ(modify([](auto& in) { in.db_instance_class = "db.t3.small"; }).error().code,
            "InvalidDBInstanceState");
  auto starting = bench.run("StartDBInstance", start_db_instance, start);
  ASSERT_TRUE(starting);
  EXPECT_EQ(starting->db_instance->db_instance_status, "starting");
  settle();
  EXPECT_EQ(status(), "available");

  model::DeleteDBInstanceMessage remove;
  remove.db_instance_identifier = "blog-db";
  EXPECT_EQ(bench.run("DeleteDBInstance", delete_db_instance, remove).error().code,
            "InvalidParameterCombination");
  remove.final_db_snapshot_identifier = "last";
  EXPECT_NE(bench.run("DeleteDBInstance", delete_db_instance, remove).error().message.find("not served"),
            std::string::npos);
  remove.final_db_snapshot_identifier = {};
  remove.skip_final_snapshot = true;
  ASSERT_TRUE(modify([](auto& in) { in.deletion_protection = true; }));
  EXPECT_NE(bench.run("DeleteDBInstance", delete_db_instance, remove).error().message.find("protect"),
            std::string::npos);
  ASSERT_TRUE(modify([](auto& in) { in.deletion_protection = false; }));
  model::DeleteDBSubnetGroupMessage group;
  group.db_subnet_group_name = "main";
  EXPECT_EQ(bench.run("DeleteDBSubnetGroup", delete_db_subnet_group, group).error().code,
            "InvalidDBSubnetGroupStateFault");
  ASSERT_TRUE(bench.run("DeleteDBInstance", delete_db_instance, remove));
  settle();
  EXPECT_EQ(status(), "gone");
  EXPECT_TRUE(databases.servers.empty());
  EXPECT_TRUE(
      bench.look([&](auto& tx) { return tx.template list<ec2::NetworkInterface>(bench.scope()); }).empty());
  EXPECT_TRUE(
      bench.look([&](auto& tx) { return tx.template list<ec2::PrivateName>(bench.scope()); }).empty());
  EXPECT_TRUE(bench.run("DeleteDBSubnetGroup", delete_db_subnet_group, group));
}

TEST_F(RdsTest, AServerThatDiesIsStartedAgain) {
  make_available();
  std::function<void()> gone;
  {
    std::lock_guard lock(databases.mutex);
    server().pid = 0;
    gone = server().gone;
  }
  ASSERT_TRUE(gone);
  gone();
  settle();
  EXPECT_EQ(status(), "available");
  EXPECT_EQ(server().starts, 2);
}

TEST_F(RdsTest, ModifyChangesPasswordGroupsAndClass) {
  make_available();
  auto changed = modify([](auto& in) { in.master_user_password = "another-1"; }, false);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->db_instance->pending_modified_values->master_user_password, "****");
  settle();
  EXPECT_EQ(server().password, "another-1");
  EXPECT_EQ(status(), "available");
  ASSERT_TRUE(modify([&](auto& in) { in.vpc_security_group_ids = bench.texts({"sg-2", "sg-1"}); }));
  auto enis = bench.look([&](auto& tx) { return tx.template list<ec2::NetworkInterface>(bench.scope()); });
  EXPECT_EQ(enis[0].security_groups, (std::vector<std::string>{"sg-2", "sg-1"}));
  settle();

  const int64_t noon = 1795780800000;  // a Friday, 12:00 UTC
  set_test_clock(noon);
  ASSERT_TRUE(modify([](auto& in) { in.preferred_maintenance_window = "Sat:05:00-Sat:06:00"; }));
  auto later = modify([](auto& in) { in.db_instance_class = "db.t3.medium"; }, false);
  ASSERT_TRUE(later);
  EXPECT_EQ(later->db_instance->db_instance_class, "db.t3.micro");
  EXPECT_EQ(later->db_instance->pending_modified_values->db_instance_class, "db.t3.medium");
  settle();
  EXPECT_EQ(server().starts, 1);
  set_test_clock(noon + 18 * 3600 * 1000);  // Saturday, 06:00: over
  engine.enqueue("rds.instance", store::make_key(Instance::kTable, bench.scope(), "blog-db"));
  settle();
  EXPECT_EQ(server().starts, 1);
  set_test_clock(noon + 17 * 3600 * 1000 + 60000);  // Saturday, 05:01
  engine.enqueue("rds.instance", store::make_key(Instance::kTable, bench.scope(), "blog-db"));
  settle();
  EXPECT_EQ(server().starts, 2);
  EXPECT_EQ(describe()->db_instance_class, "db.t3.medium");
  EXPECT_EQ(server().spec.memory_bytes, int64_t{4} << 30);
  set_test_clock(-1);

  EXPECT_EQ(modify([](auto& in) { in.allocated_storage = 10; }).error().code, "InvalidParameterCombination");
  ASSERT_TRUE(modify([](auto& in) { in.allocated_storage = 40; }));
  EXPECT_EQ(*describe()->allocated_storage, 40);
  ASSERT_TRUE(modify([](auto& in) { in.db_port_number = 5499; }));
  settle();
  EXPECT_EQ(server().spec.port, 5499);
  EXPECT_EQ(server().starts, 3);
}

TEST_F(RdsTest, ParametersApplyAtOnceOrAtTheNextStart) {
  make_available();
  ASSERT_TRUE(make_group({value("work_mem", "8192"), value("max_connections", "50", "pending-reboot")}));
  ASSERT_TRUE(modify([](auto& in) { in.db_parameter_group_name = "tuned"; }));
  settle();
  EXPECT_EQ(server().running, (std::map<std::string, std::string>{{"work_mem", "8192"}}));
  EXPECT_EQ(apply_status(), "pending-reboot");
  model::RebootDBInstanceMessage reboot;
  reboot.db_instance_identifier = "blog-db";
  ASSERT_TRUE(bench.run("RebootDBInstance", reboot_db_instance, reboot));
  settle();
  EXPECT_EQ(server().running,
            (std::map<std::string, std::string>{{"max_connections", "50"}, {"work_mem", "8192"}}));
  EXPECT_EQ(apply_status(), "in-sync");
  ASSERT_TRUE(set_values({value("work_mem", "9000")}));
  EXPECT_EQ(server().running["work_mem"], "9000");
  EXPECT_EQ(apply_status(), "in-sync");
  model::ResetDBParameterGroupMessage reset;
  reset.db_parameter_group_name = "tuned";
  reset.reset_all_parameters = true;
  ASSERT_TRUE(bench.run("ResetDBParameterGroup", reset_db_parameter_group, reset));
  settle();
  EXPECT_EQ(server().running, (std::map<std::string, std::string>{{"max_connections", "50"}}));
  EXPECT_EQ(apply_status(), "pending-reboot");
  model::DeleteDBParameterGroupMessage remove;
  remove.db_parameter_group_name = "tuned";
  EXPECT_EQ(bench.run("DeleteDBParameterGroup", delete_db_parameter_group, remove).error().code,
            "InvalidDBParameterGroupState");
}

TEST_F(RdsTest, BadParametersAreRefused) {
  ASSERT_TRUE(make_group({value("work_mem", "8192")}));
  EXPECT_EQ(set_values({value("work_mem", "12")}).error().code, "InvalidParameterValue");
  EXPECT_EQ(set_values({value("work_mem", "64MB")}).error().code, "InvalidParameterValue");
  EXPECT_EQ(set_values({value("log_statement", "some")}).error().code, "InvalidParameterValue");
  EXPECT_EQ(set_values({value("no_such_thing", "1")}).error().code, "InvalidParameterValue");
  EXPECT_EQ(set_values({value("archive_command", "rm -rf /")}).error().code, "InvalidParameterValue");
  EXPECT_EQ(set_values({value("max_connections", "50")}).error().code, "InvalidParameterCombination");
  model::DescribeDBParametersMessage in;
  in.db_parameter_group_name = "tuned";
  in.source = "user";
  auto out = bench.run("DescribeDBParameters", describe_db_parameters, in);
  ASSERT_TRUE(out);
  ASSERT_EQ(out->parameters.size(), 1u);
  EXPECT_EQ(out->parameters[0].parameter_value, "8192");
  EXPECT_EQ(out->parameters[0].apply_type, "dynamic");
  EXPECT_EQ(out->parameters[0].apply_method, "immediate");
}

TEST_F(RdsTest, AServerThatWillNotStartIsShownAndRecovers) {
  databases.broken = "no luck";
  ASSERT_TRUE(create(create_input()));
  interface_ready();
  for (int n = 0; n < 200 && status() != "failed"; ++n) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(status(), "failed");
  ASSERT_EQ(describe()->status_infos.size(), 1u);
  EXPECT_EQ(describe()->status_infos[0].message, "no luck");
  {
    std::lock_guard lock(databases.mutex);
    databases.broken.clear();
  }
  for (int n = 0; n < 500 && status() != "available"; ++n) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(status(), "available");
  EXPECT_EQ(describe()->status_infos.size(), 0u);
}

TEST_F(RdsTest, FiltersAndTags) {
  make_available();
  auto find = [&](wire::Text name, std::string_view v) -> std::string {
    model::DescribeDBInstancesMessage in;
    model::Filter f;
    f.name = name;
    f.values = bench.texts({v});
    in.filters = bench.list<model::Filter>({f});
    auto out = bench.run("DescribeDBInstances", describe_db_instances, in);
    return out ? std::to_string(out->db_instances.size()) : out.error().code;
  };
  EXPECT_EQ(find("dbi-resource-id", describe()->dbi_resource_id), "1");
  EXPECT_EQ(find("dbi-resource-id", "db-NONE"), "0");
  EXPECT_EQ(find("db-instance-id", "BLOG-DB"), "1");
  EXPECT_EQ(find("db-instance-id", "arn:aws:rds:us-east-1:111122223333:db:blog-db"), "1");
  EXPECT_EQ(find("engine", "mariadb"), "0");
  EXPECT_EQ(find("colour", "x"), "InvalidParameterValue");

  model::AddTagsToResourceMessage add;
  add.resource_name = describe()->db_instance_arn;
  model::Tag tag;
  tag.key = "env";
  tag.value = "test";
  add.tags = bench.list<model::Tag>({tag});
  ASSERT_TRUE(bench.run("AddTagsToResource", add_tags_to_resource, add));
  model::ListTagsForResourceMessage list;
  list.resource_name = add.resource_name;
  EXPECT_EQ(bench.run("ListTagsForResource", list_tags_for_resource, list)->tag_list[0].value, "test");
  model::RemoveTagsFromResourceMessage remove;
  remove.resource_name = add.resource_name;
  remove.tag_keys = bench.texts({"env"});
  ASSERT_TRUE(bench.run("RemoveTagsFromResource", remove_tags_from_resource, remove));
  EXPECT_EQ(bench.run("ListTagsForResource", list_tags_for_resource, list)->tag_list.size(), 0u);
  list.resource_name = "arn:aws:rds:us-east-1:111122223333:db:none";
  EXPECT_EQ(bench.run("ListTagsForResource", list_tags_for_resource, list).error().code,
            "DBInstanceNotFound");
}

TEST_F(RdsTest, NothingHappensWithoutPermission) {
  bench.authorizer.allow = [](auto&) { return false; };
  EXPECT_EQ(create(create_input()).error().code, "AccessDenied");
  model::DescribeDBInstancesMessage in;
  EXPECT_EQ(bench.run("DescribeDBInstances", describe_db_instances, in).error().code, "AccessDenied");
  bench.authorizer.allow = {};
  ASSERT_TRUE(create(create_input()));
  EXPECT_TRUE(
      bench.authorizer.was_asked("rds:CreateDBInstance", "arn:aws:rds:us-east-1:111122223333:db:blog-db"));
  EXPECT_TRUE(
      bench.authorizer.was_asked("rds:CreateDBInstance", "arn:aws:rds:us-east-1:111122223333:subgrp:main"));
}

TEST_F(RdsTest, SubnetGroupsNeedTwoZonesOfOneVpc) {
  model::CreateDBSubnetGroupMessage in;
  in.db_subnet_group_name = "other";
  in.db_subnet_group_description = "x";
  in.subnet_ids = bench.texts({"subnet-a", "subnet-c"});
  EXPECT_EQ(bench.run("CreateDBSubnetGroup", create_db_subnet_group, in).error().code,
            "DBSubnetGroupDoesNotCoverEnoughAZs");
  in.subnet_ids = bench.texts({"subnet-a", "subnet-x"});
  EXPECT_EQ(bench.run("CreateDBSubnetGroup", create_db_subnet_group, in).error().code, "InvalidSubnet");
  in.db_subnet_group_name = "MAIN";
  in.subnet_ids = bench.texts({"subnet-a", "subnet-b"});
  EXPECT_EQ(bench.run("CreateDBSubnetGroup", create_db_subnet_group, in).error().code,
            "DBSubnetGroupAlreadyExists");
  in.db_subnet_group_name = "default";
  EXPECT_EQ(bench.run("CreateDBSubnetGroup", create_db_subnet_group, in).error().code,
            "InvalidParameterValue");
}

TEST(InstanceRules, Windows) {
  EXPECT_TRUE(check_backup_window("23:45-00:15"));
  EXPECT_FALSE(check_backup_window("04:00-04:10"));
  EXPECT_FALSE(check_backup_window("24:00-01:00"));
  EXPECT_TRUE(check_maintenance_window("Sun:23:45-Mon:00:15"));
  EXPECT_FALSE(check_maintenance_window("sun:05:00-wed:06:00"));
  EXPECT_FALSE(check_maintenance_window("xyz:05:00-sun:06:00"));
  const int64_t monday = 4 * 86400000;  // 1970-01-05
  EXPECT_EQ(until_window("mon:01:00-mon:02:00", monday), 3600000);
  EXPECT_EQ(until_window("mon:01:00-mon:02:00", monday + 3600000), 0);
  EXPECT_EQ(until_window("sun:23:30-mon:00:30", monday), 0);
  EXPECT_EQ(until_window("mon:01:00-mon:02:00", monday + 7200000), 7 * 86400000 - 3600000);
  for (auto id : {"db-A", "db-B", "db-C"}) {
    EXPECT_TRUE(check_backup_window(chosen_backup_window(id)));
    EXPECT_TRUE(check_maintenance_window(chosen_maintenance_window(id)));
  }
}

}  // namespace
}  // namespace nubecita::rds
