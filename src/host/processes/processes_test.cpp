#include "host/processes/processes.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "host/processes/launch.hpp"

namespace nubecita::host {
namespace {

using namespace std::chrono_literals;

class ProcessesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/nbc-processes-XXXXXX";
    dir_ = mkdtemp(name);
    open();
  }
  void TearDown() override {
    if (processes_) EXPECT_TRUE(processes_->stop_all(1s));
    std::filesystem::remove_all(dir_);
  }
  void open() {
    auto p = make_processes(dir_);
    ASSERT_TRUE(p) << p.error().message;
    processes_ = std::move(*p);
  }
  ProcessSpec shell(const std::string& name, const std::string& script) {
    ProcessSpec s;
    s.name = name;
    s.argv = {"/bin/sh", "-c", script};
    s.log_file = dir_ + "/" + name + ".log";
    return s;
  }
  std::string log(const std::string& name) { return read_file(dir_ + "/" + name + ".log").value_or(""); }
  template <class F>
  static bool eventually(F condition) {
    for (int i = 0; i < 500; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }
  std::string dir_;
  std::unique_ptr<Processes> processes_;
};

TEST_F(ProcessesTest, SpawnsAndStops) {
  auto pid = processes_->spawn(shell("a", "echo hello; exec sleep 100"));
  ASSERT_TRUE(pid) << pid.error().message;
  EXPECT_EQ(processes_->pid("a"), *pid);
  EXPECT_TRUE(eventually([&] { return log("a") == "hello\n"; }));
  EXPECT_EQ(processes_->spawn(shell("a", "true")).error().code, "ProcessExists");
  EXPECT_TRUE(processes_->stop("a", 2s));
  EXPECT_FALSE(processes_->alive("a"));
  EXPECT_FALSE(read_stat(*pid)) << "a zombie is left";
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/run/proc/a.json"));
}

TEST_F(ProcessesTest, KillsWhatIgnoresTermAndItsChildren) {
  auto pid = processes_->spawn(shell("a", "trap '' TERM; sleep 100 & echo $!; while :; do sleep 1; done"));
  ASSERT_TRUE(pid);
  ASSERT_TRUE(eventually([&] { return !log("a").empty(); }));
  int grandchild = std::stoi(log("a"));
  EXPECT_TRUE(processes_->stop("a", 50ms));
  EXPECT_FALSE(read_stat(*pid));
  EXPECT_TRUE(eventually([&] {
    auto s = read_stat(grandchild);
    return !s || s->state == 'Z';
  }));
}

TEST_F(ProcessesTest, TellsAboutTheEnd) {
  std::atomic<int> code{-1};
  ASSERT_TRUE(processes_->spawn(shell("a", "sleep 0.1; exit 7")));
  processes_->watch("a", [&](const ProcessExit& e) { code = e.code.value_or(-2); });
  EXPECT_TRUE(eventually([&] { return code == 7; }));
  EXPECT_EQ(processes_->list().size(), 1u);
  EXPECT_FALSE(processes_->list()[0].alive);
  bool at_once = false;
  processes_->watch("a", [&](const ProcessExit& e) { at_once = e.code == 7; });
  EXPECT_TRUE(at_once);
}

TEST_F(ProcessesTest, SaysWhichStepFailed) {
  ProcessSpec s = shell("a", "true");
  s.argv = {"/nonexistent/program"};
  auto r = processes_->spawn(s);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().message, "/nonexistent/program: executing failed: No such file or directory");
  s = shell("a", "true");
  s.netns = "/run/netns/nbc-none";
  EXPECT_NE(processes_->spawn(s).error().message.find("/run/netns/nbc-none"), std::string::npos);
  s = shell("a", "true");
  s.directory = "/nonexistent";
  EXPECT_NE(processes_->spawn(s).error().message.find("entering its directory"), std::string::npos);
  s = shell("../a", "true");
  EXPECT_FALSE(processes_->spawn(s));
  EXPECT_TRUE(processes_->list().empty());
}

TEST_F(ProcessesTest, AdoptsAfterARestart) {
  auto pid = processes_->spawn(shell("a", "exec sleep 100"));
  ASSERT_TRUE(pid);
  ASSERT_TRUE(processes_->spawn(shell("b", "exit 0")));
  processes_.reset();
  open();
  EXPECT_EQ(processes_->pid("a"), *pid);
  EXPECT_TRUE(eventually([&] { return !processes_->alive("b"); }));
  std::atomic<bool> gone{false};
  processes_->watch("a", [&](const ProcessExit&) { gone = true; });
  EXPECT_TRUE(processes_->stop("a", 2s));
  EXPECT_TRUE(gone);
}

TEST_F(ProcessesTest, DoesNotAdoptAnotherWithThePid) {
  std::filesystem::create_directories(dir_ + "/run/proc");
  std::ofstream(dir_ + "/run/proc/x.json")
      << R"({"pid":)" << getpid() << R"(,"start_time":1,"boot":"?","argv":[]})";
  std::ofstream(dir_ + "/run/proc/damaged.json") << "{";
  open();
  EXPECT_FALSE(processes_->alive("x"));
  EXPECT_TRUE(processes_->stop("x", 1s));
}

TEST_F(ProcessesTest, InheritsOnlyWhatIsListed) {
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);  // without close-on-exec, on purpose
  auto s = shell("a", "ls /proc/self/fd | tr '\\n' ' '; echo $LISTEN; echo told >&5; umask; pwd");
  s.fds = {{pipes[1], 5}};
  s.environment = {"LISTEN=yes"};
  s.umask = 0027;
  s.directory = "/usr";
  ASSERT_TRUE(processes_->spawn(s));
  EXPECT_TRUE(eventually([&] { return !processes_->alive("a"); }));
  // 3 is ls reading the directory.
  EXPECT_EQ(log("a"), "0 1 2 3 5 yes\n0027\n/usr\n");
  char told[6] = {};
  EXPECT_EQ(read(pipes[0], told, 5), 5);
  EXPECT_STREQ(told, "told\n");
  close(pipes[0]);
  close(pipes[1]);
}

TEST_F(ProcessesTest, DropsUserButKeepsACapability) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  std::filesystem::permissions(dir_, std::filesystem::perms(0755));
  auto s = shell("a", "id -u; id -g; id -G; grep -E 'CapEff|NoNewPrivs' /proc/self/status; ulimit -n");
  s.uid = 65534;
  s.gid = 65534;
  s.groups = {65533};
  s.capabilities = {10};  // CAP_NET_BIND_SERVICE
  s.limits = {{RLIMIT_NOFILE, 99, 99}};
  ASSERT_TRUE(processes_->spawn(s));
  EXPECT_TRUE(eventually([&] { return !processes_->alive("a"); }));
  EXPECT_EQ(log("a"), "65534\n65534\n65534 65533\nCapEff:\t0000000000000400\nNoNewPrivs:\t1\n99\n");
}

TEST_F(ProcessesTest, LimitsMemory) {
  Cgroups cgroups(installation_tag(dir_));
  auto c = cgroups.controllers();
  if (geteuid() != 0 || std::ranges::find(c, "memory") == c.end())
    GTEST_SKIP() << "no memory controller to use";
  auto s = shell("a", "exec sleep 100");
  s.cgroup = {64 << 20, 0.5, 20};
  auto pid = processes_->spawn(s);
  ASSERT_TRUE(pid) << pid.error().message;
  EXPECT_EQ(cgroups.members("a"), std::vector<int>{*pid});
  EXPECT_TRUE(cgroups.memory_usage("a"));
  auto group = cgroups.path("memory", "a");
  EXPECT_TRUE(std::filesystem::exists(group));
  EXPECT_TRUE(processes_->stop("a", 1s));
  EXPECT_FALSE(std::filesystem::exists(group));
}

TEST_F(ProcessesTest, Runs) {
  RunOptions o;
  o.input = std::string(300'000, 'x');
  auto r = processes_->run({"sh", "-c", "wc -c; echo bad >&2; exit 3"}, o);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->out, "300000\n");
  EXPECT_EQ(r->err, "bad\n");
  EXPECT_EQ(r->code, 3);
  o.timeout = 100ms;
  EXPECT_EQ(processes_->run({"sleep", "100"}, o).error().code, "ProcessTimeout");
  EXPECT_EQ(processes_->run({"no-such-program-here"}).error().code, "ProcessFailed");
  EXPECT_EQ(processes_->run({"sh", "-c", "kill -9 $$"})->code, 128 + 9);
}

TEST_F(ProcessesTest, ManyAtOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        auto name = "p" + std::to_string(t) + "-" + std::to_string(i);
        EXPECT_TRUE(processes_->spawn(shell(name, "exec sleep 100")));
        EXPECT_TRUE(processes_->run({"true"}));
        if (i % 2) EXPECT_TRUE(processes_->stop(name, 1s));
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(processes_->list("p").size(), 20u);
  EXPECT_TRUE(processes_->stop_all(1s));
  EXPECT_TRUE(processes_->list().empty());
}

TEST(InstallationTag, IsStable) {
  EXPECT_EQ(installation_tag("/var/lib/nubecita"), installation_tag("/var/lib/nubecita/"));
  EXPECT_EQ(installation_tag("/var/lib/nubecita").size(), 4u);
  EXPECT_NE(installation_tag("/a"), installation_tag("/b"));
}

}  // namespace
}  // namespace nubecita::host
