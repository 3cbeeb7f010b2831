#include "control/engine.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

namespace nubecita::control {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct EngineTest : testing::Test {
  EngineTest() {
    char name[] = "/tmp/nubecita-engine-XXXXXX";
    dir = mkdtemp(name);
    store = *store::Store::open(dir, {.sync = false});
    engine = std::make_unique<Engine>(*store);
  }
  ~EngineTest() override {
    engine.reset();
    store.reset();
    std::filesystem::remove_all(dir);
  }
  void put(const std::string& key, const std::string& value = "x") {
    ASSERT_TRUE(
        store->transact([&](store::Transaction& tx) -> Status { return tx.put(key, value), Status{}; }));
  }
  /// A controller of table "t" that counts runs per key and then does `more`.
  Controller counting(const std::function<Result<Again>(const std::string&)>& more = {}) {
    Controller c;
    c.name = "test";
    c.tables = {"t"};
    c.reconcile = [this, more](const std::string& key) -> Result<Again> {
      {
        std::lock_guard lock(mutex);
        ++runs[key];
      }
      return more ? more(key) : Result<Again>(done());
    };
    return c;
  }
  int count(const std::string& key) {
    std::lock_guard lock(mutex);
    return runs[key];
  }

  std::string dir;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Engine> engine;
  std::mutex mutex;
  std::map<std::string, int> runs;
};

TEST_F(EngineTest, WorksOnWhatExistsAndOnWhatChanges) {
  put("t/1/r/a");
  put("other/1/r/a");
  engine->add(counting());
  engine->start();
  ASSERT_TRUE(engine->wait_idle(5s));
  EXPECT_EQ(count("t/1/r/a"), 1);
  put("t/1/r/b");
  put("other/1/r/b");
  ASSERT_TRUE(engine->wait_idle(5s));
  EXPECT_EQ(count("t/1/r/b"), 1);
  EXPECT_EQ(runs.size(), 2u);
}

TEST_F(EngineTest, KeysForMapsChangesOfSeveralTables) {
  auto c = counting();
  c.tables = {"t", "u"};
  c.keys_for = [](const store::ParsedKey& k, std::string_view) -> std::vector<std::string> {
    if (k.id == "none") return {};
    return {std::string(k.id), "all"};
  };
  engine->add(std::move(c));
  engine->start();
  put("t/1/r/a");
  put("u/1/r/b");
  put("u/1/r/none");
  ASSERT_TRUE(engine->wait_idle(5s));
  EXPECT_EQ(count("a"), 1);
  EXPECT_EQ(count("b"), 1);
  EXPECT_GE(count("all"), 1);
  EXPECT_EQ(count("none"), 0);
}

TEST_F(EngineTest, OneKeyIsNeverWorkedOnTwiceAtATimeButManyKeysAre) {
  std::atomic<int> together{0}, most{0}, clashes{0};
  std::map<std::string, std::atomic<int>> inside;
  for (auto k : {"a", "b", "c", "d", "e", "f"}) inside[k] = 0;
  auto c = counting([&](const std::string& key) -> Result<Again> {
    if (++inside[key] > 1) ++clashes;
    int now = ++together;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    std::this_thread::sleep_for(5ms);
    --together;
    --inside[key];
    return done();
  });
  c.workers = 3;
  engine->add(std::move(c));
  engine->start();
  for (int i = 0; i < 20; ++i)
    for (auto& [k, n] : inside) {
      engine->enqueue("test", k);
      if (i % 5 == 0) std::this_thread::sleep_for(1ms);
    }
  ASSERT_TRUE(engine->wait_idle(5s));
  EXPECT_EQ(clashes, 0);
  EXPECT_EQ(most, 3);
}

TEST_F(EngineTest, ABurstAfterRestUsesAllWorkers) {
  std::atomic<int> together{0};
  auto c = counting([&](const std::string& key) -> Result<Again> {
    if (key == "first") return again_in(1h);
    ++together;
    for (auto until = Clock::now() + 5s; together < 3 && Clock::now() < until;)
      std::this_thread::sleep_for(1ms);
    return together == 3 ? Result<Again>(done()) : fail("Alone", "the others never came");
  });
  c.workers = 3;
  engine->add(std::move(c));
  engine->start();
  engine->enqueue("test", "first");
  ASSERT_TRUE(engine->wait_idle(5s));
  for (auto k : {"a", "b", "c"}) engine->enqueue("test", k);
  ASSERT_TRUE(engine->wait_idle(10s));
  EXPECT_TRUE(engine->troubles().empty());
}

TEST_F(EngineTest, AChangeDuringWorkRunsTheKeyOnceMore) {
  std::atomic<bool> inside{false}, go{false};
  engine->add(counting([&](const std::string&) -> Result<Again> {
    inside = true;
    inside.notify_all();
    go.wait(false);
    return done();
  }));
  engine->start();
  put("t/1/r/a");
  inside.wait(false);
  // Not by commits: the notice of the last one may come when the work is done, and is more work then.
  for (int i = 0; i < 10; ++i) engine->enqueue("test", "t/1/r/a");
  go = true;
  go.notify_all();
  ASSERT_TRUE(engine->wait_idle(5s));
  EXPECT_EQ(count("t/1/r/a"), 2);
}

TEST_F(EngineTest, FailuresAreRetriedLaterAndLaterAndShown) {
  std::vector<Clock::time_point> times;
  engine->add(counting([&](const std::string&) -> Result<Again> {
    times.push_back(Clock::now());
    if (times.size() < 4) return fail("Broken", "no luck " + std::to_string(times.size()));
    return done();
  }));
  engine->start();
  put("t/1/r/a");
  std::this_thread::sleep_for(20ms);
  auto troubles = engine->troubles();
  ASSERT_EQ(troubles.size(), 1u);
  EXPECT_EQ(troubles[0].controller, "test");
  EXPECT_EQ(troubles[0].key, "t/1/r/a");
  EXPECT_EQ(troubles[0].message, "no luck 1");
  EXPECT_EQ(troubles[0].failures, 1);
  for (auto until = Clock::now() + 5s; count("t/1/r/a") < 4 && Clock::now() < until;)
    std::this_thread::sleep_for(5ms);
  ASSERT_TRUE(engine->wait_idle(5s));
  ASSERT_EQ(times.size(), 4u);
  EXPECT_GE(times[1] - times[0], 50ms);
  EXPECT_GE(times[2] - times[1], 100ms);
  EXPECT_GE(times[3] - times[2], 200ms);
  EXPECT_TRUE(engine->troubles().empty());
}

TEST_F(EngineTest, AChangeDoesNotWaitForTheRetry) {
  std::atomic<bool> broken{true};
  engine->add(counting([&](const std::string&) -> Result<Again> {
    if (broken) return fail("Broken", "x");
    return done();
  }));
  engine->start();
  for (int i = 0; i < 8; ++i) {  // the next retry is many seconds away
    put("t/1/r/a", std::to_string(i));
    ASSERT_TRUE(engine->wait_idle(5s));
  }
  broken = false;
  put("t/1/r/a", "good");
  ASSERT_TRUE(engine->wait_idle(1s));
  EXPECT_TRUE(engine->troubles().empty());
}

TEST_F(EngineTest, AnExceptionIsAFailure) {
  engine->add(
      counting([&](const std::string&) -> Result<Again> { throw store::CorruptRecord("bad bytes"); }));
  engine->start();
  put("t/1/r/a");
  ASSERT_TRUE(engine->wait_idle(5s));
  ASSERT_EQ(engine->troubles().size(), 1u);
  EXPECT_EQ(engine->troubles()[0].message, "bad bytes");
}

TEST_F(EngineTest, AgainInRunsLaterAndDelayedKeysAreNoWork) {
  std::atomic<int> n{0};
  engine->add(counting([&](const std::string&) -> Result<Again> {
    if (++n == 1) return again_in(50ms);
    return done();
  }));
  engine->start();
  const auto began = Clock::now();
  put("t/1/r/a");
  ASSERT_TRUE(engine->wait_idle(5s));
  EXPECT_EQ(n, 1);
  while (n < 2 && Clock::now() < began + 5s) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(n, 2);
  EXPECT_GE(Clock::now() - began, 50ms);
}

TEST_F(EngineTest, EnqueueWithDelayAndAnEarlierOneWins) {
  engine->add(counting());
  engine->start();
  engine->enqueue("test", "k", 1h);
  ASSERT_TRUE(engine->wait_idle(5s));
  EXPECT_EQ(count("k"), 0);
  engine->enqueue("test", "k");
  ASSERT_TRUE(engine->wait_idle(5s));
  EXPECT_EQ(count("k"), 1);
}

TEST_F(EngineTest, WhatIsEnqueuedBeforeStartIsWorkedOn) {
  engine->add(counting());
  engine->enqueue("test", "k");
  EXPECT_EQ(count("k"), 0);
  engine->start();
  ASSERT_TRUE(engine->wait_idle(5s));
  EXPECT_EQ(count("k"), 1);
}

TEST_F(EngineTest, StopWaitsForTheWorkInHandAndStartsNoOther) {
  std::atomic<bool> inside{false}, finished{false};
  auto c = counting([&](const std::string&) -> Result<Again> {
    inside = true;
    inside.notify_all();
    std::this_thread::sleep_for(50ms);
    finished = true;
    return again_in(0ms);
  });
  c.workers = 1;
  engine->add(std::move(c));
  engine->start();
  put("t/1/r/a");
  inside.wait(false);
  put("t/1/r/b");
  engine->stop();
  EXPECT_TRUE(finished);
  put("t/1/r/c");
  engine->enqueue("test", "d");
  EXPECT_EQ(runs.size(), 1u);
}

}  // namespace
}  // namespace nubecita::control
