// What was acknowledged survives: kill -9 at random moments, and a full disk that later has room again. Both
// run in processes of their own (this binary again, with a filter), because RocksDB's threads do not survive
// a fork.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "store/changes.hpp"
#include "store/store.hpp"

namespace nubecita::store {
namespace {

std::string make_dir() {
  char name[] = "/tmp/nubecita-durability-XXXXXX";
  return mkdtemp(name);
}

pid_t run_child(const char* test, const std::string& dir, int out) {
  pid_t pid = fork();
  if (pid == 0) {
    setenv("NUBECITA_TEST_DIR", dir.c_str(), 1);
    setenv("NUBECITA_TEST_FD", std::to_string(out).c_str(), 1);
    const std::string filter = std::string("--gtest_filter=Child.DISABLED_") + test;
    int log = open((dir + ".log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(log, 1);
    dup2(log, 2);
    execl("/proc/self/exe", "store_test", filter.c_str(), "--gtest_also_run_disabled_tests", nullptr);
    _exit(127);
  }
  return pid;
}

std::string log_of(const std::string& dir) {
  std::ifstream in(dir + ".log");
  return {std::istreambuf_iterator<char>(in), {}};
}

// Four writers, each appending numbers 0, 1, 2 ... as pairs of keys and telling each one after it is
// acknowledged.
TEST(Child, DISABLED_Writer) {
  const int out = std::atoi(getenv("NUBECITA_TEST_FD"));
  auto store = Store::open(getenv("NUBECITA_TEST_DIR"));
  ASSERT_TRUE(store) << store.error().message;
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w)
    writers.emplace_back([&, w] {
      for (;;) {
        int n = 0;
        auto done = (*store)->transact([&](Transaction& tx) -> Status {
          const std::string counter = "counter/" + std::to_string(w);
          n = std::stoi(tx.get(counter).value_or("0"));
          tx.put(counter, std::to_string(n + 1));
          tx.put("item/" + std::to_string(w) + "/" + std::to_string(n),
                 std::string(200, static_cast<char>('a' + n % 26)));
          return {};
        });
        if (!done) std::abort();
        int message[2] = {w, n};
        if (write(out, message, sizeof message) != sizeof message) return;
      }
    });
  for (auto& w : writers) w.join();
}

TEST(Durability, AcknowledgedWritesSurviveKill9) {
  const std::string dir = make_dir();
  std::mt19937 random(std::random_device{}());
  int acknowledged[4] = {0, 0, 0, 0};  // numbers below these were acknowledged
  for (int round = 0; round < 20; ++round) {
    int fds[2];
    ASSERT_EQ(pipe(fds), 0);
    const pid_t child = run_child("Writer", dir, fds[1]);
    close(fds[1]);
    fcntl(fds[0], F_SETPIPE_SZ, 1 << 20);
    int message[2];
    auto note = [&] { acknowledged[message[0]] = std::max(acknowledged[message[0]], message[1] + 1); };
    ASSERT_EQ(read(fds[0], message, sizeof message), static_cast<ssize_t>(sizeof message)) << log_of(dir);
    note();
    std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution<int>(0, 80)(random)));
    kill(child, SIGKILL);
    while (read(fds[0], message, sizeof message) == static_cast<ssize_t>(sizeof message)) note();
    close(fds[0]);
    waitpid(child, nullptr, 0);

    auto store = Store::open(dir);
    ASSERT_TRUE(store) << store.error().message;
    auto tx = (*store)->begin();
    for (int w = 0; w < 4; ++w) {
      const int n = std::stoi(tx->get("counter/" + std::to_string(w)).value_or("0"));
      EXPECT_GE(n, acknowledged[w]) << "round " << round;
      int items = 0;
      tx->scan("item/" + std::to_string(w) + "/", {},
               [&](std::string_view, std::string_view) { return ++items, true; });
      EXPECT_EQ(items, n) << "a commit was torn, round " << round;
    }
  }
  EXPECT_GT(acknowledged[0], 20);
  std::filesystem::remove_all(dir);
  std::filesystem::remove(dir + ".log");
}

/// How many of the items 0, 1, 2, ... there are from the first on.
int items_of(Store& store) {
  int n = 0;
  for (auto tx = store.begin(); tx->get(std::to_string(n));) ++n;
  return n;
}

TEST(Durability, ADamagedLogIsNotPassedOver) {
  const std::string dir = make_dir();
  constexpr int kItems = 200;
  {
    auto store = Store::open(dir);
    ASSERT_TRUE(store) << store.error().message;
    for (int n = 0; n < kItems; ++n) {
      auto tx = (*store)->begin();
      tx->put(std::to_string(n), std::string(500, 'x'));
      ASSERT_EQ((*store)->commit(std::move(tx)), CommitResult::done);
    }
  }
  std::string log;
  for (auto& file : std::filesystem::directory_iterator(dir))
    if (file.path().extension() == ".log") log = file.path();
  // A write that a power cut cut off was not acknowledged: all before it is there.
  const auto size = std::filesystem::file_size(log);
  std::filesystem::resize_file(log, size - 3);
  {
    auto store = Store::open(dir);
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ(items_of(**store), kItems - 1);
  }
  {
    std::fstream f(log);
    f.seekp(static_cast<std::streamoff>(size / 2));
    f.put('y');
    f.put('y');
  }
  auto refused = Store::open(dir);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "StoreUnavailable");
  EXPECT_NE(refused.error().message.find("damaged"), std::string::npos) << refused.error().message;
  int left = 0;
  {
    auto store = Store::open(dir, {.accept_loss = true});
    ASSERT_TRUE(store) << store.error().message;
    left = items_of(**store);
    EXPECT_GT(left, kItems / 4);
    EXPECT_LT(left, kItems * 3 / 4);
  }
  auto store = Store::open(dir);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(items_of(**store), left);
  std::filesystem::remove_all(dir);
}

/// Writes until a commit fails; the number of acknowledged writes, and the reason.
int fill(Store& store, const std::string& prefix, std::string& reason) {
  for (int n = 0;; ++n) {
    auto tx = store.begin();
    tx->put(prefix + std::to_string(n), std::string(20000, 'x') + std::to_string(n));
    auto result = store.commit(std::move(tx), &reason);
    if (result != CommitResult::done) {
      EXPECT_EQ(result, CommitResult::failed);
      return n;
    }
    if (n > 100000) {
      ADD_FAILURE() << "never full";
      return n;
    }
  }
}

void expect_items(Store& store, const std::string& prefix, int n) {
  auto tx = store.begin();
  for (int i = 0; i < n; ++i)
    ASSERT_EQ(tx->get(prefix + std::to_string(i)), std::string(20000, 'x') + std::to_string(i))
        << prefix << i;
}

TEST(Child, DISABLED_FullDisk) {
  const std::string dir = getenv("NUBECITA_TEST_DIR");
  ASSERT_EQ(unshare(CLONE_NEWNS), 0);
  ASSERT_EQ(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  ASSERT_EQ(mount("tmpfs", dir.c_str(), "tmpfs", 0, "size=24m"), 0);
  std::ofstream(dir + "/ballast") << std::string(12 << 20, 'b');
  int counts[3];
  {
    auto opened = Store::open(dir + "/store");
    ASSERT_TRUE(opened) << opened.error().message;
    Store& store = **opened;
    std::string reason;
    counts[0] = fill(store, "a/", reason);
    EXPECT_GT(counts[0], 10);
    EXPECT_NE(reason.find("No space left"), std::string::npos) << reason;
    EXPECT_FALSE(store.begin()->get("a/" + std::to_string(counts[0]))) << "a failed write is visible";
    expect_items(store, "a/", counts[0]);  // reads go on
    // Compaction may have freed something meanwhile: fill it.
    const std::string page(4096, 'r');
    for (std::ofstream rest(dir + "/rest"); rest.write(page.data(), 4096).flush();) {
    }
    auto again = store.transact([](Transaction& tx) -> Status {
      tx.put("z", std::string(200000, 'z'));
      return {};
    });
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, "ServiceUnavailable");
    EXPECT_NE(again.error().message.find("No space left"), std::string::npos) << again.error().message;

    const auto& count = changes(store, "untouched/");
    const uint64_t counted = count;
    std::filesystem::remove(dir + "/rest");
    std::filesystem::remove(dir + "/ballast");  // room again: writes come back without a restart
    auto tx = store.begin();
    tx->put("after", "room");
    ASSERT_EQ(store.commit(std::move(tx), &reason), CommitResult::done) << reason;
    EXPECT_GT(count, counted) << "what failed may be there after all: everything counts as changed";
    counts[1] = fill(store, "b/", reason);
    EXPECT_GT(counts[1], 10);
  }
  // Everything acknowledged is there after reopening, the writes after the trouble too.
  ASSERT_EQ(mount(nullptr, dir.c_str(), nullptr, MS_REMOUNT, "size=64m"), 0);
  auto store = Store::open(dir + "/store");
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*store)->begin()->get("after"), "room");
  expect_items(**store, "a/", counts[0]);
  expect_items(**store, "b/", counts[1]);
}

TEST(Durability, AFullDiskFailsClearlyAndRecovers) {
  if (geteuid() != 0) GTEST_SKIP() << "mounting a small disk needs root";
  const std::string dir = make_dir();
  const pid_t child = run_child("FullDisk", dir, 1);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << log_of(dir);
  std::filesystem::remove_all(dir);
  std::filesystem::remove(dir + ".log");
}

}  // namespace
}  // namespace nubecita::store
