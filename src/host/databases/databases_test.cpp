// With the real servers, in a network namespace: needs root and the servers installed; skipped otherwise.
#include "host/databases/databases.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "host/databases/server.hpp"
#include "host/processes/processes.hpp"

namespace nubecita::host {
namespace {

using namespace std::chrono_literals;

struct RealServers : testing::TestWithParam<std::string> {
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    char name[] = "/tmp/nubecita-databases-XXXXXX";
    dir = mkdtemp(name);
    processes = *make_processes(dir);
    databases = make_databases(dir, *processes);
    for (auto& engine : databases->engines())
      if (engine.engine == GetParam()) spec.version = engine.version;
    if (spec.version.empty()) GTEST_SKIP() << GetParam() << " is not installed";
    netns = "nbt-" + std::filesystem::path(dir).filename().string().substr(19) + GetParam().substr(0, 2);
    run({"ip", "netns", "add", netns});
    run({"ip", "-n", netns, "addr", "add", "10.9.0.5/32", "dev", "lo"});
    run({"ip", "-n", netns, "link", "set", "lo", "up"});
    spec.id = "one";
    spec.engine = GetParam();
    spec.netns = "/run/netns/" + netns;
    spec.address = "10.9.0.5";
    spec.port = spec.engine == "postgres" ? 5433 : 3307;
    spec.master_user = "boss";
    spec.master_password = "p'a\\s\"s $word;--";
    spec.first_database = "first-db";
    spec.memory_bytes = 1 << 30;
  }
  void TearDown() override {
    if (databases) (void)databases->remove("one");
    if (!netns.empty()) run({"ip", "netns", "del", netns});
    databases.reset();
    if (processes) (void)processes->stop_all(1s);
    processes.reset();
    if (!dir.empty()) std::filesystem::remove_all(dir);
  }
  RunResult run(const std::vector<std::string>& argv, std::vector<std::string> environment = {}) {
    RunOptions o;
    if (!environment.empty()) {
      o.environment = std::move(environment);
      o.environment.push_back("PATH=/usr/bin:/bin:/usr/sbin:/sbin");
    }
    auto r = processes->run(argv, o);
    return r ? *r : RunResult{-1, "", r.error().message};
  }
  /// A statement as the master user, over the network of the namespace.
  RunResult query(const std::string& password, const std::string& sql) {
    if (spec.engine == "postgres")
      return run({"nsenter", "--net=" + spec.netns, "psql", "-X", "-tA", "-h", spec.address, "-p",
                  std::to_string(spec.port), "-U", spec.master_user, "-d", spec.first_database, "-c", sql},
                 {"PGPASSWORD=" + password});
    return run({"nsenter", "--net=" + spec.netns, "mariadb", "--no-defaults", "-N", "-B", "-h", spec.address,
                "-P", std::to_string(spec.port), "-u", spec.master_user, spec.first_database, "-e", sql},
               {"MYSQL_PWD=" + password});
  }

  std::string dir, netns;
  std::unique_ptr<Processes> processes;
  std::unique_ptr<Databases> databases;
  DatabaseSpec spec;
};

TEST_P(RealServers, ALife) {
  auto began = std::chrono::steady_clock::now();
  auto ms = [&] {
    auto now = std::chrono::steady_clock::now();
    auto took = std::chrono::duration_cast<std::chrono::milliseconds>(now - began).count();
    began = now;
    return took;
  };
  auto made = databases->ensure(spec);
  ASSERT_TRUE(made) << made.error().message;
  RecordProperty("first_ms", std::to_string(ms()));
  auto state = databases->observe(spec);
  EXPECT_TRUE(state.created && state.initialised && state.ready);
  ASSERT_TRUE(state.pid);

  // The master user: may make tables, may not touch the machine.
  auto r = query(spec.master_password, "CREATE TABLE t (a int); INSERT INTO t VALUES (42); SELECT a FROM t");
  EXPECT_NE(r.out.find("42"), std::string::npos) << r.err;
  EXPECT_NE(query("wrong", "SELECT 1").code, 0);
  EXPECT_NE(query(spec.master_password, spec.engine == "postgres" ? "COPY t TO '/tmp/stolen'"
                                                                  : "SELECT 1 INTO OUTFILE '/tmp/stolen'")
                .code,
            0);
  // Not in the machine's own network.
  EXPECT_FALSE(listens(getpid(), spec.address, spec.port));

  // Idempotent: the same process.
  ASSERT_TRUE(databases->ensure(spec));
  EXPECT_EQ(databases->observe(spec).pid, state.pid);

  ASSERT_TRUE(databases->set_master_password(spec, "new 'one'"));
  EXPECT_EQ(query("new 'one'", "SELECT 1").code, 0);
  EXPECT_NE(query(spec.master_password, "SELECT 1").code, 0);

  // A setting while it runs, and one at a restart.
  const std::string setting = spec.engine == "postgres" ? "work_mem" : "max_connect_errors";
  const std::string show = spec.engine == "postgres" ? "SHOW work_mem" : "SELECT @@global.max_connect_errors";
  spec.parameters[setting] = "12345";
  ASSERT_TRUE(databases->reconfigure(spec, {{setting, "12345"}}));
  for (int i = 0; i < 100 && query("new 'one'", show).out.find("12345") == std::string::npos; ++i)
    std::this_thread::sleep_for(20ms);
  EXPECT_NE(query("new 'one'", show).out.find("12345"), std::string::npos);

  ASSERT_TRUE(databases->stop(spec));
  EXPECT_FALSE(databases->observe(spec).pid);
  ms();
  ASSERT_TRUE(databases->ensure(spec));
  RecordProperty("restart_ms", std::to_string(ms()));
  EXPECT_NE(query("new 'one'", show).out.find("12345"), std::string::npos);
  EXPECT_NE(query("new 'one'", "SELECT a FROM t").out.find("42"), std::string::npos);

  // kill -9: watched, and its data is there after the next start.
  std::atomic<bool> gone{false};
  databases->watch("one", [&] { gone = true; });
  kill(*databases->observe(spec).pid, SIGKILL);
  for (int i = 0; i < 200 && !gone; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(gone);
  for (int i = 0; i < 200 && databases->observe(spec).pid; ++i) std::this_thread::sleep_for(10ms);
  auto again = databases->ensure(spec);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_NE(query("new 'one'", "SELECT a FROM t").out.find("42"), std::string::npos);

  // A second one is made from the prepared copy.
  DatabaseSpec two = spec;
  two.id = "two";
  two.port += 1;
  two.parameters.clear();
  ms();
  made = databases->ensure(two);
  EXPECT_TRUE(made) << made.error().message;
  RecordProperty("second_ms", std::to_string(ms()));
  EXPECT_EQ(databases->list().size(), 2u);
  EXPECT_TRUE(databases->remove("two"));

  EXPECT_TRUE(databases->remove("one"));
  EXPECT_TRUE(databases->remove("one"));
  EXPECT_TRUE(databases->list().empty());
  EXPECT_FALSE(databases->observe(spec).pid);
}

TEST_P(RealServers, AnAddressThatIsNotThereIsAClearError) {
  if (spec.engine != "postgres")
    GTEST_SKIP() << "MariaDB binds to an address that may come later (IP_FREEBIND)";
  spec.address = "10.9.0.6";
  auto made = databases->ensure(spec);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, "DatabaseFailed");
  EXPECT_NE(made.error().message.find("10.9.0.6"), std::string::npos) << made.error().message;
  spec.address = "10.9.0.5";
  made = databases->ensure(spec);
  EXPECT_TRUE(made) << made.error().message;
}

TEST_P(RealServers, ABadParameterIsAClearError) {
  spec.parameters[spec.engine == "postgres" ? "wal_level" : "innodb_flush_method"] = "nonsense";
  auto made = databases->ensure(spec);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("nonsense"), std::string::npos) << made.error().message;
}

TEST_P(RealServers, SettingsComeFromTheProgram) {
  auto list = databases->parameters(spec.engine);
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_GT((*list)->size(), 200u);
  auto find = [&](const std::string& name) {
    for (auto& p : **list)
      if (p.name == name) return p;
    ADD_FAILURE() << name;
    return DatabaseParameter{};
  };
  if (spec.engine == "postgres") {
    auto p = find("max_connections");
    EXPECT_EQ(p.type, "integer");
    EXPECT_FALSE(p.dynamic);
    EXPECT_EQ(p.allowed, "1-262143");
    EXPECT_EQ(p.default_value, "");
    EXPECT_TRUE(find("work_mem").dynamic);
    EXPECT_EQ(find("autovacuum").allowed, "0,1");
    EXPECT_FALSE(find("archive_command").modifiable);
    EXPECT_FALSE(find("listen_addresses").modifiable);
  } else {
    auto p = find("max_connections");
    EXPECT_EQ(p.type, "integer");
    EXPECT_TRUE(p.dynamic);
    EXPECT_EQ(p.default_value, "151");
    EXPECT_FALSE(find("innodb_log_buffer_size").dynamic);
    EXPECT_EQ(find("slow_query_log").allowed, "0,1");
    EXPECT_FALSE(find("plugin_dir").modifiable);
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, RealServers, testing::Values("postgres", "mariadb", "mysql"),
                         [](auto& info) { return info.param; });

TEST(Databases, AnEngineThatIsNotThereIsNamed) {
  char name[] = "/tmp/nubecita-databases-XXXXXX";
  std::string dir = mkdtemp(name);
  auto processes = *make_processes(dir);
  auto databases = make_databases(dir, *processes);
  auto r = databases->ensure({.id = "x", .engine = "oracle-ee", .version = "19"});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, "EngineNotInstalled");
  EXPECT_NE(r.error().message.find("oracle-ee"), std::string::npos);
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace nubecita::host
