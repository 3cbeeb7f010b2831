#include "host/containers/containers.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "base/ids.hpp"
#include "host/containers/container_json.hpp"
#include "host/containers/exits.hpp"
#include "host/containers/settings.hpp"
#include "host/processes/processes.hpp"

namespace nubecita::host {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

#define ASSERT_DONE(...)                         \
  do {                                           \
    auto done_ = (__VA_ARGS__);                  \
    ASSERT_TRUE(done_) << done_.error().message; \
  } while (0)

json::object body_of(const ContainerSpec& spec, const Machine& machine = {}) {
  auto text = create_body(spec, machine, "abcd");
  EXPECT_TRUE(text);
  return json::parse(*text)->as_object();
}

TEST(CreateBody, NamesBothLimitsWithinTheMachines) {
  Machine small;
  small.max_files = 20000;
  auto limits = *json::array_at(body_of({}, small), "r_limits");
  ASSERT_EQ(limits.size(), 2u);
  EXPECT_EQ(json::serialize(limits[0]), R"({"type":"nofile","soft":20000,"hard":20000})");
  EXPECT_EQ(json::text_or(limits[1].as_object(), "type"), "nproc");
}

TEST(CreateBody, RefusesALimitAboveTheMachines) {
  Machine small;
  small.max_files = 20000;
  ContainerSpec spec;
  spec.limits = {{"nofile", 1024, 30000}};
  auto text = create_body(spec, small, "abcd");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, "CreateFailed");
  EXPECT_NE(text.error().message.find("hard limit 20000"), std::string::npos);
}

TEST(CreateBody, MemoryIncludesSwapOnlyWhereTheKernelCounts) {
  ContainerSpec spec;
  spec.memory_bytes = 64 << 20;
  Machine counts;
  counts.swap_accounting = true;
  EXPECT_EQ(json::serialize(*json::object_at(body_of(spec, counts), "resource_limits")),
            R"({"memory":{"limit":67108864,"swap":67108864}})");
  EXPECT_EQ(json::serialize(*json::object_at(body_of(spec), "resource_limits")),
            R"({"memory":{"limit":67108864}})");
}

TEST(CreateBody, AbsentCommandIsTheImagesAndLabelsCarryTheTag) {
  ContainerSpec spec;
  spec.labels = {{"task", "t"}};
  auto body = body_of(spec);
  EXPECT_FALSE(body.contains("entrypoint"));
  EXPECT_FALSE(body.contains("command"));
  EXPECT_EQ(json::serialize(body["labels"]), R"({"nubecita":"abcd","task":"t"})");
  EXPECT_EQ(json::serialize(body["log_configuration"]), R"({"driver":"none"})");
}

TEST(Settings, MixedCgroupsNeedRuncAndCgroupfs) {
  PodmanPaths paths("/d");
  Machine mixed;
  EXPECT_NE(containers_conf(paths, mixed).find("runtime = \"runc\""), std::string::npos);
  EXPECT_NE(containers_conf(paths, mixed).find("cgroup_manager = \"cgroupfs\""), std::string::npos);
  Machine modern;
  modern.unified_cgroups = modern.systemd = true;
  EXPECT_EQ(containers_conf(paths, modern).find("runtime ="), std::string::npos);
  EXPECT_EQ(containers_conf(paths, modern).find("cgroup_manager"), std::string::npos);
}

TEST(ExitWatch, TellsTheEndOfAProcess) {
  int pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  std::mutex m;
  std::condition_variable changed;
  std::optional<ContainerExit> seen;
  ExitWatch watch(
      [](const std::string&, const std::string& id) { return std::pair{id == "id" ? 143 : 0, false}; });
  ASSERT_TRUE(watch.add("c", std::make_shared<ExitWatch::Handles>("id", pid), [&](const ContainerExit& e) {
    std::lock_guard lock(m);
    seen = e;
    changed.notify_all();
  }));
  kill(pid, SIGTERM);
  std::unique_lock lock(m);
  ASSERT_TRUE(changed.wait_for(lock, 5s, [&] { return seen.has_value(); }));
  EXPECT_EQ(seen->exit_code, 143);
  EXPECT_FALSE(seen->oom_killed);
  lock.unlock();
  waitpid(pid, nullptr, 0);
}

TEST(Doctor, AMissingPodmanIsNamed) {
  fs::path dir = fs::temp_directory_path() / ("nbc-containers-" + random_hex(8));
  fs::create_directories(dir / "run/proc");
  auto processes = make_processes(dir);
  ASSERT_TRUE(processes);
  auto containers = make_containers({.data_dir = dir, .podman = "/nonexistent/podman"}, **processes);
  auto s = containers->ready();
  ASSERT_FALSE(s);
  EXPECT_EQ(s.error().code, "ContainersUnavailable");
  EXPECT_NE(s.error().message.find("apt-get install podman"), std::string::npos);
  fs::remove_all(dir);
}

// The real podman, where the machine has it and we are root.
class RealContainers : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0 || access("/usr/bin/podman", X_OK) != 0) GTEST_SKIP() << "needs root and podman";
    dir_ = fs::temp_directory_path() / ("nbc-containers-" + random_hex(8));
    fs::create_directories(dir_ / "run/proc");
    auto made = make_processes(dir_);
    ASSERT_TRUE(made);
    processes_ = std::move(*made);
    tag_ = installation_tag(dir_);
    containers_ = make_containers({.data_dir = dir_}, *processes_);
    auto ready = containers_->ready();
    ASSERT_TRUE(ready) << ready.error().message;
    import_image();
  }
  void TearDown() override {
    if (!containers_) return;
    auto gone = containers_->remove_everything();
    EXPECT_TRUE(gone) << gone.error().message;
    containers_.reset();
    processes_.reset();
    fs::remove_all(dir_);
  }
  void import_image() {
    fs::create_directories(dir_ / "root/bin");
    fs::copy_file(GUEST_PROGRAM, dir_ / "root/bin/guest");
    RunOptions options;
    options.environment = PodmanPaths(dir_).environment();
    options.timeout = 60s;
    auto tar = processes_->run({"tar", "-C", (dir_ / "root").string(), "-cf", (dir_ / "i.tar").string(), "."},
                               options);
    ASSERT_TRUE(tar && tar->ok());
    auto import =
        processes_->run({"podman", "import", (dir_ / "i.tar").string(), "localhost/guest:1"}, options);
    ASSERT_TRUE(import && import->ok()) << import->err;
    auto image = containers_->image("localhost/guest:1");
    ASSERT_TRUE(image && *image);
    image_ = (*image)->id;
  }
  ContainerSpec spec(std::vector<std::string> command) {
    ContainerSpec s;
    s.name = "n" + tag_ + "-c" + std::to_string(++count_);
    s.image = image_;
    s.entrypoint = std::vector<std::string>{"/bin/guest"};
    s.command = std::move(command);
    s.netns = "/proc/" + std::to_string(getpid()) + "/ns/net";
    return s;
  }
  ContainerExit wait_for(const std::string& name, const std::function<void()>& then = {}) {
    EXPECT_TRUE(containers_->watch(name, [this](const ContainerExit& e) {
      std::lock_guard lock(mutex_);
      seen_ = e;
      changed_.notify_all();
    }));
    if (then) then();
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 20s, [&] { return seen_.has_value(); }));
    ContainerExit e = seen_.value_or(ContainerExit{});
    seen_.reset();
    return e;
  }

  fs::path dir_;
  std::string tag_, image_;
  int count_ = 0;
  std::unique_ptr<Processes> processes_;
  std::unique_ptr<Containers> containers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<ContainerExit> seen_;
};

TEST_F(RealContainers, ALifeFromCreateToRemove) {
  auto s = spec({"sleep"});
  s.log_file = dir_ / "c.log";
  s.environment = {{"GREETING", "hola"}};
  s.user = "1000";
  ASSERT_DONE(containers_->create(s));
  auto again = containers_->create(s);
  EXPECT_TRUE(again) << "creating twice finds the first";
  auto started = containers_->start(s.name);
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_TRUE(started->running);
  EXPECT_GT(started->pid, 1);

  auto exec = containers_->exec(s.name, {"/bin/guest", "env", "GREETING"}, 10s);
  ASSERT_TRUE(exec) << exec.error().message;
  EXPECT_EQ(exec->output, "hola uid=1000\n");
  EXPECT_EQ(containers_->exec(s.name, {"/bin/guest", "exit", "7"}, 10s)->exit_code, 7);
  EXPECT_TRUE(containers_->exec(s.name, {"/bin/guest", "sleep"}, 300ms)->timed_out);

  // Somebody else (the next nubecita) finds it as it is.
  auto other = make_containers({.data_dir = dir_}, *processes_);
  auto all = other->list();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ(other->inspect(s.name)->value().pid, started->pid);

  auto exit = wait_for(s.name, [&] { EXPECT_TRUE(containers_->signal(s.name, SIGTERM)); });
  EXPECT_EQ(exit.exit_code, 5);
  EXPECT_FALSE(exit.oom_killed);
  std::ifstream log(s.log_file);
  std::string line;
  std::getline(log, line);
  EXPECT_TRUE(line.ends_with(" stdout F up")) << line;
  EXPECT_EQ(wait_for(s.name).exit_code, 5) << "watching what has ended tells at once";
  EXPECT_TRUE(containers_->signal(s.name, SIGTERM)) << "no fault once it is gone";
  EXPECT_TRUE(containers_->remove(s.name));
  EXPECT_TRUE(containers_->remove(s.name));
  EXPECT_FALSE(containers_->inspect(s.name)->has_value());
}

TEST_F(RealContainers, MemoryThatRunsOutIsTold) {
  auto s = spec({"eat"});
  s.memory_bytes = 32 << 20;
  ASSERT_DONE(containers_->create(s));
  ASSERT_DONE(containers_->start(s.name));
  auto exit = wait_for(s.name);
  EXPECT_EQ(exit.exit_code, 137);
  EXPECT_TRUE(exit.oom_killed);
}

TEST_F(RealContainers, AKillIsNoLackOfMemory) {
  auto s = spec({"sleep"});
  s.memory_bytes = 32 << 20;
  ASSERT_DONE(containers_->create(s));
  auto state = containers_->start(s.name);
  ASSERT_TRUE(state);
  auto exit = wait_for(s.name, [&] { kill(state->pid, SIGKILL); });
  EXPECT_EQ(exit.exit_code, 137);
  EXPECT_FALSE(exit.oom_killed);
}

TEST_F(RealContainers, FailuresSayWhy) {
  auto s = spec({});
  s.entrypoint = std::vector<std::string>{"/bin/nosuch"};
  ASSERT_DONE(containers_->create(s));
  auto started = containers_->start(s.name);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, "StartFailed");
  EXPECT_NE(started.error().message.find("/bin/nosuch"), std::string::npos);
  auto pulled = containers_->pull({.reference = "127.0.0.1:1/nosuch:1", .insecure = true});
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, "PullFailed");
  EXPECT_NE(pulled.error().message.find("connection refused"), std::string::npos);
}

}  // namespace
}  // namespace nubecita::host
