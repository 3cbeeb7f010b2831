#include "store/store.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "store/changes.hpp"
#include "store/impl.hpp"
#include "store/recent_writes.hpp"
#include "store/shared_records.hpp"

// RocksDB comes compiled without the thread sanitizer, which therefore does not see how it synchronises.
// Names are matched by a symbolizer: run with TSAN_OPTIONS=external_symbolizer_path=/usr/bin/llvm-symbolizer.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizer's name for it
extern "C" const char* __tsan_default_suppressions() { return "race:rocksdb::\n"; }

namespace nubecita::store {
namespace {

struct StoreTest : testing::Test {
  StoreTest() {
    char name[] = "/tmp/nubecita-store-XXXXXX";
    dir = mkdtemp(name);
    reopen();
  }
  ~StoreTest() override {
    store.reset();
    std::filesystem::remove_all(dir);
  }
  void reopen() {
    store.reset();
    auto opened = Store::open(dir);
    ASSERT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
  }
  void put(const std::string& key, const std::string& value) {
    auto tx = store->begin();
    tx->put(key, value);
    ASSERT_EQ(store->commit(std::move(tx)), CommitResult::done);
  }
  std::optional<std::string> get(const std::string& key) { return store->begin()->get(key); }
  static std::string scan(Transaction& tx, std::string_view prefix, std::string_view from = {},
                          size_t most = 1000) {
    std::string out;
    tx.scan(prefix, from, [&](std::string_view k, std::string_view v) {
      out.append(k).append("=").append(v).append(" ");
      return --most > 0;
    });
    return out;
  }

  std::string dir;
  std::unique_ptr<Store> store;
};

TEST_F(StoreTest, WritesAreReadBackAndSurviveReopening) {
  put("a", "1");
  put("b", std::string("\0\xff", 2));
  put("a", "2");
  reopen();
  EXPECT_EQ(get("a"), "2");
  EXPECT_EQ(get("b"), std::string("\0\xff", 2));
  EXPECT_EQ(get("c"), std::nullopt);
}

TEST_F(StoreTest, KeysComeApart) {
  auto key = make_key("ecr.image", {"123", "eu-west-1"}, "team/app/sha256:1");
  EXPECT_EQ(key, "ecr.image/123/eu-west-1/team/app/sha256:1");
  auto parts = parse_key(key);
  EXPECT_EQ(parts.table, "ecr.image");
  EXPECT_EQ(parts.account, "123");
  EXPECT_EQ(parts.region, "eu-west-1");
  EXPECT_EQ(parts.id, "team/app/sha256:1");
  EXPECT_EQ(parse_key("").id, "");
  EXPECT_EQ(parse_key("t/a").account, "a");
}

TEST_F(StoreTest, ATransactionSeesItsSnapshotOnly) {
  put("k", "old");
  auto tx = store->begin();
  EXPECT_EQ(tx->get("k"), "old");
  put("k", "new");
  put("l", "new");
  EXPECT_EQ(tx->get("k"), "old");
  EXPECT_EQ(tx->get("l"), std::nullopt);
  EXPECT_EQ(scan(*tx, ""), "k=old ");
  EXPECT_EQ(store->commit(std::move(tx)), CommitResult::done);  // it only read: it stands at its snapshot
}

TEST_F(StoreTest, TheSnapshotIsTakenAtTheFirstRead) {
  auto tx = store->begin();
  put("k", "new");
  EXPECT_EQ(tx->get("k"), "new");
  tx->put("k", "newer");
  EXPECT_EQ(store->commit(std::move(tx)), CommitResult::done);
}

TEST_F(StoreTest, AChangedKeyConflicts) {
  put("k", "1");
  auto tx = store->begin();
  tx->get("k");
  tx->put("other", "x");
  put("k", "2");
  EXPECT_EQ(store->commit(std::move(tx)), CommitResult::conflict);
  EXPECT_EQ(get("other"), std::nullopt);
}

TEST_F(StoreTest, AKeyThatWasAbsentConflictsWhenItAppearsAndWhenItGoes) {
  auto tx = store->begin();
  tx->get("k");
  tx->put("x", "x");
  put("k", "1");
  EXPECT_EQ(store->commit(std::move(tx)), CommitResult::conflict);

  tx = store->begin();
  tx->get("k");
  tx->put("x", "x");
  auto eraser = store->begin();
  eraser->erase("k");
  ASSERT_EQ(store->commit(std::move(eraser)), CommitResult::done);
  EXPECT_EQ(store->commit(std::move(tx)), CommitResult::conflict);
}

TEST_F(StoreTest, WritesWithoutReadsNeverConflict) {
  auto tx = store->begin();
  tx->put("k", "1");
  put("k", "2");
  EXPECT_EQ(tx->get("k"), "1");  // its own
  EXPECT_EQ(store->commit(std::move(tx)), CommitResult::done);
  EXPECT_EQ(get("k"), "1");
}

struct Text {
  std::string bytes;
};
std::shared_ptr<const Text> shared(Transaction& tx, std::string_view key, int* made = nullptr) {
  return tx.shared<Text>(key, [made](std::string_view bytes) {
    if (made) ++*made;
    return std::make_shared<const Text>(std::string(bytes));
  });
}

TEST_F(StoreTest, ASharedRecordIsDecodedOnceUntilItIsWritten) {
  int made = 0;
  EXPECT_EQ(shared(*store->begin(), "k", &made), nullptr);
  put("k", "1");
  EXPECT_EQ(shared(*store->begin(), "k", &made)->bytes, "1");
  const auto again = shared(*store->begin(), "k", &made);  // asked for twice: kept
  EXPECT_EQ(again->bytes, "1");
  EXPECT_EQ(shared(*store->begin(), "k", &made), again);
  EXPECT_EQ(made, 2);
  put("k", "2");
  EXPECT_EQ(shared(*store->begin(), "k", &made)->bytes, "2");
  EXPECT_EQ(made, 3);
  auto eraser = store->begin();
  eraser->erase("k");
  EXPECT_EQ(shared(*eraser, "k"), nullptr);  // its own write
  eraser->put("k", "3");
  EXPECT_EQ(shared(*eraser, "k")->bytes, "3");
  EXPECT_EQ(shared(*store->begin(), "k", &made)->bytes, "2");
  EXPECT_EQ(made, 3);
}

TEST_F(StoreTest, ASharedRecordIsThatOfTheSnapshot) {
  put("k", "old");
  auto before = store->begin();
  before->get("other");  // takes the snapshot
  put("k", "new");
  EXPECT_EQ(shared(*before, "k")->bytes, "old");  // read, but not kept for those after the write
  auto after = store->begin();
  EXPECT_EQ(shared(*after, "k")->bytes, "new");
  EXPECT_EQ(shared(*before, "k")->bytes, "old");
}

TEST_F(StoreTest, ASharedRecordConflictsAsAnyThatWasRead) {
  put("k", "1");
  EXPECT_EQ(shared(*store->begin(), "k")->bytes, "1");
  auto tx = store->begin();
  EXPECT_EQ(shared(*tx, "k")->bytes, "1");
  tx->put("x", "x");
  put("k", "2");
  EXPECT_EQ(store->commit(std::move(tx)), CommitResult::conflict);
}

TEST_F(StoreTest, SharedRecordsAgreeWithPlainOnesWhileTheyAreWritten) {
  constexpr int kKeys = 5;
  auto key = [](int i) { return "k" + std::to_string(i); };
  for (int i = 0; i < kKeys; ++i) put(key(i), "0");
  std::atomic<bool> over = false;
  std::atomic<int> differ = 0, looked = 0;
  std::vector<std::jthread> readers;
  for (int t = 0; t < 4; ++t)
    readers.emplace_back([&] {
      while (!over) {
        auto tx = store->begin();
        for (int i = 0; i < kKeys; ++i) {
          const auto s = shared(*tx, key(i));
          differ += !s || s->bytes != tx->get(key(i));
          ++looked;
        }
      }
    });
  for (int n = 1; n <= 2000; ++n) {
    auto tx = store->begin();
    for (int i = n % 2; i < kKeys; i += 2) tx->put(key(i), std::to_string(n));
    ASSERT_EQ(store->commit(std::move(tx)), CommitResult::done);
    // Who has the answer sees it.
    ASSERT_EQ(shared(*store->begin(), key(n % 2))->bytes, std::to_string(n));
  }
  over = true;
  readers.clear();
  EXPECT_EQ(differ, 0);
  EXPECT_GT(looked, 1000);
}

TEST(SharedRecordsTest, WhatIsAskedForStaysWithinTheBound) {
  SharedRecords records;
  constexpr size_t kBytes = 64u << 10;
  const auto key = [](size_t i) { return "k" + std::to_string(i); };
  const auto ask = [&](size_t i) {
    if (records.find(key(i), typeid(std::string), 1)) return true;
    records.keep(key(i), typeid(std::string), 1, std::make_shared<const std::string>(key(i)), kBytes);
    return false;
  };
  const size_t most = SharedRecords::kMost / kBytes;
  for (size_t i = 0; i < 3 * most; ++i) {
    EXPECT_FALSE(ask(i));
    EXPECT_FALSE(ask(i));  // now it is kept
    EXPECT_TRUE(ask(i));
    if (i > 0) EXPECT_TRUE(ask(0)) << i;
  }
  size_t kept = 0;
  for (size_t i = 0; i < 3 * most; ++i)
    if (auto value = records.find(key(i), typeid(std::string), 1)) {
      EXPECT_EQ(*std::static_pointer_cast<const std::string>(value), key(i));
      ++kept;
    }
  EXPECT_GE(kept, most / 3);
  EXPECT_LE(kept, most);
  records.keep("large", typeid(std::string), 1, std::make_shared<const std::string>(), SharedRecords::kMost);
  records.keep("large", typeid(std::string), 1, std::make_shared<const std::string>(), SharedRecords::kMost);
  EXPECT_EQ(records.find("large", typeid(std::string), 1), nullptr);
}

// Of every eleven values that are written, one stays: no file is ever wholly dead.
TEST_F(StoreTest, WhatIsOverwrittenGivesItsRoomBack) {
  constexpr size_t kHot = 500, kStay = 50, kRounds = 100, kBytes = 8u << 10;
  const std::string value(kBytes, 'v');
  for (size_t round = 0; round < kRounds; ++round) {
    auto tx = store->begin();
    for (size_t i = 0; i < kHot; ++i) {
      tx->put(fmt::format("{:04}", i), value);
      if (i % (kHot / kStay) == 0) tx->put(fmt::format("{:04} of {}", i, round), value);
    }
    ASSERT_EQ(store->commit(std::move(tx)), CommitResult::done);
  }
  const size_t alive = (kHot + kStay * kRounds) * kBytes;
  size_t bytes = 0;
  for (int tries = 0; tries < 600; ++tries) {  // compaction is in the background
    bytes = 0;
    std::error_code gone;
    for (const auto& file : std::filesystem::directory_iterator(dir))
      if (const auto size = file.file_size(gone); !gone) bytes += size;
    if (bytes < 3 * alive) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_LT(bytes, 3 * alive);
}

TEST_F(StoreTest, WhatIsInMemoryGoesToAFileWhenNobodyWrites) {
  const auto tables = [this] {
    int n = 0;
    for (const auto& file : std::filesystem::directory_iterator(dir)) n += file.path().extension() == ".sst";
    return n;
  };
  auto tx = store->begin();
  for (int i = 0; i < 2000; ++i) tx->put(fmt::format("k{}", i), std::string(1000, 'v'));
  ASSERT_EQ(store->commit(std::move(tx)), CommitResult::done);
  EXPECT_EQ(tables(), 0);
  for (int tries = 0; tries < 600 && tables() == 0; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(tables(), 1);
  EXPECT_EQ(get("k7"), std::string(1000, 'v'));
}

TEST_F(StoreTest, PhantomsConflict) {
  put("p/1", "");
  put("p/5", "");
  for (auto [key, expected] : {std::pair{"p/", CommitResult::conflict},
                               {"p/3", CommitResult::conflict},
                               {"p/5", CommitResult::conflict},
                               {"p/9", CommitResult::conflict},
                               {"o/9", CommitResult::done},
                               {"p0", CommitResult::done},
                               {"p", CommitResult::done}}) {
    auto tx = store->begin();
    scan(*tx, "p/");
    tx->put("x", "x");
    put(key, "new");
    EXPECT_EQ(store->commit(std::move(tx)), expected) << key;
  }
}

TEST_F(StoreTest, AScanIsCheckedOnlyAsFarAsItWent) {
  for (auto k : {"p/1", "p/3", "p/5", "p/7"}) put(k, "");
  for (auto [key, expected] : {std::pair{"p/2", CommitResult::done},
                               {"p/3", CommitResult::conflict},
                               {"p/4", CommitResult::conflict},
                               {"p/5", CommitResult::conflict},
                               {"p/50", CommitResult::done},
                               {"p/6", CommitResult::done}}) {
    auto tx = store->begin();
    scan(*tx, "p/", "p/3", 2);  // 3 and 4 or 5
    tx->put("x", "x");
    put(key, "new");
    EXPECT_EQ(store->commit(std::move(tx)), expected) << key;
    auto eraser = store->begin();
    for (auto k : {"p/2", "p/4", "p/50", "p/6"}) eraser->erase(k);
    ASSERT_EQ(store->commit(std::move(eraser)), CommitResult::done);
  }
}

TEST_F(StoreTest, ScansMixInOwnWrites) {
  for (auto k : {"a/1", "a/3", "a/5", "b/1"}) put(k, "s");
  auto tx = store->begin();
  tx->put("a/0", "o");
  tx->put("a/3", "o");
  tx->erase("a/5");
  tx->put("a/9", "o");
  tx->put("b/0", "o");
  tx->erase("a/7");
  EXPECT_EQ(scan(*tx, "a/"), "a/0=o a/1=s a/3=o a/9=o ");
  EXPECT_EQ(scan(*tx, "a/", "a/2"), "a/3=o a/9=o ");
  EXPECT_EQ(scan(*tx, "a/", "a/2", 1), "a/3=o ");
  EXPECT_EQ(scan(*tx, "a/", "a"), "a/0=o a/1=s a/3=o a/9=o ");
  EXPECT_EQ(scan(*tx, "a/", "b"), "");
  EXPECT_EQ(scan(*tx, ""), "a/0=o a/1=s a/3=o a/9=o b/0=o b/1=s ");
  EXPECT_EQ(store->commit(std::move(tx)), CommitResult::done);
}

TEST_F(StoreTest, ScansBackwardsMixInOwnWrites) {
  for (const char* k : {"p/1", "p/3", "p/5", "q/1"}) put(k, "s");
  auto tx = store->begin();
  tx->put("p/2", "o");
  tx->put("p/3", "o");
  tx->erase("p/5");
  auto back = [&](std::string_view prefix, std::string_view before, int most = 100) {
    std::string out;
    tx->scan_back(prefix, before, [&](std::string_view k, std::string_view v) {
      out.append(k).append("=").append(v).append(" ");
      return --most > 0;
    });
    return out;
  };
  EXPECT_EQ(back("p/", ""), "p/3=o p/2=o p/1=s ");
  EXPECT_EQ(back("p/", "p/3"), "p/2=o p/1=s ");
  EXPECT_EQ(back("p/", "q/9", 1), "p/3=o ");
  EXPECT_EQ(back("", ""), "q/1=s p/3=o p/2=o p/1=s ");
  EXPECT_EQ(back("p/", "a"), "");
}

TEST_F(StoreTest, AScanBackwardsIsCheckedOnlyAsFarAsItWent) {
  for (const char* k : {"p/1", "p/3", "p/5"}) put(k, "s");
  for (auto [changed, expected] : {std::pair{"p/1", CommitResult::done}, {"p/4", CommitResult::conflict}}) {
    auto tx = store->begin();
    tx->scan_back("p/", "", [&](std::string_view k, std::string_view) { return k != "p/3"; });
    put(changed, "x");
    tx->put("else", "x");
    EXPECT_EQ(store->commit(std::move(tx)), expected) << changed;
  }
}

TEST_F(StoreTest, AppendsSortInTheOrderOfTheirCommitsOverRestarts) {
  std::string expected;
  for (int round = 0; round < 3; ++round) {
    auto late = store->begin();
    late->append("log/", "late" + std::to_string(round));
    auto early = store->begin();
    early->append("log/", "a" + std::to_string(round));
    early->append("log/", "b" + std::to_string(round));
    EXPECT_TRUE(early->has_writes());
    ASSERT_EQ(store->commit(std::move(early)), CommitResult::done);
    ASSERT_EQ(store->commit(std::move(late)), CommitResult::done);
    const auto n = std::to_string(round) + " ";
    expected += "a" + n + "b" + n + "late" + n;
    reopen();
  }
  std::string found;
  store->begin()->scan("log/", {}, [&](std::string_view k, std::string_view v) {
    EXPECT_EQ(k.size(), 12u);
    found.append(v).append(" ");
    return true;
  });
  EXPECT_EQ(found, expected);
}

TEST_F(StoreTest, ManyOpeningsLeaveFewLogs) {
  for (int i = 0; i < 40; ++i) {
    put("k/" + std::to_string(i), "v");
    reopen();
  }
  auto logs = [&] {
    int n = 0;
    for (const auto& file : std::filesystem::directory_iterator(dir)) n += file.path().extension() == ".log";
    return n;
  };
  for (int tries = 0; tries < 100 && logs() > 12; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    reopen();
  }
  EXPECT_LE(logs(), 12);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(store->begin()->get("k/" + std::to_string(i)), "v");
}

TEST_F(StoreTest, AVisitorMayEraseWhatItSees) {
  for (auto k : {"a/1", "a/2", "a/3"}) put(k, "s");
  auto tx = store->begin();
  tx->put("a/15", "o");
  tx->scan("a/", {}, [&](std::string_view k, std::string_view) {
    tx->erase(k);
    return true;
  });
  EXPECT_EQ(scan(*tx, "a/"), "");
  EXPECT_EQ(store->commit(std::move(tx)), CommitResult::done);
  EXPECT_EQ(get("a/2"), std::nullopt);
}

TEST_F(StoreTest, PrefixesOfHighBytesEnd) {
  EXPECT_EQ(end_of_prefix("a"), "b");
  EXPECT_EQ(end_of_prefix("a\xff"), "b");
  EXPECT_EQ(end_of_prefix("\xff\xff"), "");
  put("\xff\xff", "1");
  auto tx = store->begin();
  EXPECT_EQ(scan(*tx, "\xff"), "\xff\xff=1 ");
}

TEST_F(StoreTest, TransactionsOfOneGroupConflictWithEachOther) {
  // A notice holds the commit thread, so that what is committed meanwhile forms one group.
  std::atomic<bool> open{false};
  auto id = store->watch("gate", [&](const ChangedKeys&) { open.wait(false); });
  std::atomic<int> answered{0}, conflicts{0};
  auto opener = store->begin();
  opener->put("gate", "");
  store->commit(std::move(opener), [&](CommitResult, std::string) { ++answered; });
  while (answered < 1) std::this_thread::yield();
  for (int i = 0; i < 10; ++i) {
    auto tx = store->begin();
    if (i % 2)
      scan(*tx, "coun");
    else
      tx->get("counter");
    tx->put("counter", std::to_string(i));
    store->commit(std::move(tx), [&](CommitResult r, std::string) {
      conflicts += r == CommitResult::conflict;
      ++answered;
    });
  }
  open = true;
  open.notify_all();
  while (answered < 11) std::this_thread::yield();
  EXPECT_EQ(conflicts, 9);
  EXPECT_EQ(get("counter"), "0");
  store->unwatch(id);
}

TEST_F(StoreTest, NoIncrementIsLostUnder64Threads) {
  constexpr int kThreads = 64, kEach = 20;
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        auto done = store->transact([&](Transaction& tx) -> Status {
          std::string key = "counter/" + std::to_string(t % 4);
          tx.put(key, std::to_string(std::stoi(tx.get(key).value_or("0")) + 1));
          tx.put("own/" + std::to_string(t) + "/" + std::to_string(i), "x");
          return {};
        });
        failures += !done;
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(failures, 0);
  reopen();
  int sum = 0, own = 0;
  auto tx = store->begin();
  tx->scan("counter/", {}, [&](std::string_view, std::string_view v) {
    sum += std::stoi(std::string(v));
    return true;
  });
  tx->scan("own/", {}, [&](std::string_view, std::string_view) {
    ++own;
    return true;
  });
  EXPECT_EQ(sum, kThreads * kEach);
  EXPECT_EQ(own, kThreads * kEach);
}

TEST_F(StoreTest, WriteSkewIsImpossible) {
  // Two doctors: each may leave only while the other stays. Snapshot isolation alone would let both go.
  for (int round = 0; round < 50; ++round) {
    put("on/a", "1");
    put("on/b", "1");
    auto leave = [&](std::string me) {
      (void)store->transact([&](Transaction& tx) -> Status {
        int on = 0;
        tx.scan("on/", {}, [&](std::string_view, std::string_view) { return ++on, true; });
        if (on < 2) return fail("Stay", "");
        tx.erase("on/" + me);
        return {};
      });
    };
    std::thread a(leave, "a"), b(leave, "b");
    a.join();
    b.join();
    auto tx = store->begin();
    EXPECT_NE(scan(*tx, "on/"), "");
  }
}

TEST_F(StoreTest, AnErrorOfTheWorkWritesNothing) {
  auto done = store->transact([](Transaction& tx) -> Status {
    tx.put("k", "v");
    return fail("No", "not today");
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "No");
  EXPECT_EQ(get("k"), std::nullopt);
}

TEST_F(StoreTest, WatchersSeeEveryCommitOnceInOrder) {
  std::vector<std::string> all, some;
  auto a =
      store->watch("k/", [&](const ChangedKeys& keys) { all.insert(all.end(), keys.begin(), keys.end()); });
  auto b = store->watch("k/7",
                        [&](const ChangedKeys& keys) { some.insert(some.end(), keys.begin(), keys.end()); });
  std::mutex order_mutex;
  std::vector<std::string> order;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        auto tx = store->begin();
        std::string key = "k/" + std::to_string(t) + "/" + std::to_string(i);
        tx->put(key, "");
        tx->put("elsewhere/" + key, "");
        tx->erase(key + "/z");
        // Answers come on the commit thread, in commit order.
        std::atomic<bool> answered{false};
        store->commit(std::move(tx), [&](CommitResult, std::string) {
          std::lock_guard lock(order_mutex);
          order.push_back(key);
          order.push_back(key + "/z");
          answered = true;
          answered.notify_one();
        });
        answered.wait(false);
      }
    });
  for (auto& t : threads) t.join();
  store->settle();
  store->unwatch(a);
  store->unwatch(b);
  put("k/last", "");
  EXPECT_EQ(all, order);
  EXPECT_EQ(all.size(), 400u);
  for (auto& key : some) EXPECT_TRUE(key.starts_with("k/7"));
}

TEST_F(StoreTest, ANoticeMayUnwatchItself) {
  int notices = 0;
  uint64_t id = 0;
  id = store->watch("k", [&](const ChangedKeys&) {
    ++notices;
    store->unwatch(id);
  });
  put("k", "1");
  put("k", "2");
  store.reset();
  EXPECT_EQ(notices, 1);
}

TEST_F(StoreTest, ChangesUnderAPrefixAreCountedBeforeTheirCommitIsAnswered) {
  const auto& count = changes(*store, "a/");
  EXPECT_EQ(&changes(*store, "a/"), &count);
  const uint64_t before = count;
  put("b/1", "x");
  EXPECT_EQ(count, before);
  auto tx = store->begin();
  tx->put("a/1", "x");
  tx->put("a/2", "x");
  std::atomic<uint64_t> at_answer = 0;
  store->commit(std::move(tx), [&](CommitResult, std::string) { at_answer = count.load(); });
  store->settle();
  EXPECT_EQ(at_answer, before + 1);
  tx = store->begin();
  tx->erase("a/1");
  ASSERT_EQ(store->commit(std::move(tx)), CommitResult::done);
  EXPECT_EQ(count, before + 2);
}

TEST_F(StoreTest, ASecondOpenSaysThatItIsInUse) {
  auto second = Store::open(dir);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "StoreUnavailable");
  EXPECT_NE(second.error().message.find("in use by another nubecita"), std::string::npos)
      << second.error().message;
}

TEST_F(StoreTest, ADamagedStoreSaysSo) {
  put("k", "v");
  store.reset();
  for (auto& entry : std::filesystem::directory_iterator(dir))
    if (entry.path().filename().string().starts_with("MANIFEST-"))
      std::ofstream(entry.path()) << "this is no manifest";
  auto opened = Store::open(dir);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, "StoreUnavailable");
  EXPECT_NE(opened.error().message.find("damaged"), std::string::npos) << opened.error().message;
  EXPECT_NE(opened.error().message.find(dir), std::string::npos);
}

// What was read leaves memory when nobody reads any more, whether anybody has written or not.
TEST_F(StoreTest, AtRestNothingIsKeptForReading) {
  auto& impl = store->begin()->state().store;
  const auto cached = [&] {
    uint64_t bytes = 0;
    EXPECT_TRUE(impl.db->GetIntProperty(rocksdb::DB::Properties::kBlockCacheUsage, &bytes));
    return bytes;
  };
  const auto rests = [&] {
    for (int i = 0; i < 200 && !impl.resting; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return impl.resting.load();
  };
  const auto read_all = [&] {
    int seen = 0;
    store->begin()->scan("k", {}, [&](std::string_view, std::string_view) { return ++seen > 0; });
    EXPECT_EQ(seen, 2000);
  };
  for (int i = 0; i < 2000; ++i) {
    auto tx = store->begin();
    tx->put(fmt::format("k{:05}", i), std::string(1000, static_cast<char>(i)));
    store->commit(std::move(tx), [](CommitResult, const std::string&) {});
  }
  ASSERT_TRUE(rests());
  read_all();
  EXPECT_FALSE(impl.resting);
  EXPECT_GT(cached(), 10'000u);
  ASSERT_TRUE(rests());
  // It says that it rests before it drops anything, so that whoever reads meanwhile wakes it.
  for (int i = 0; i < 100 && cached() >= 10'000u; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_LT(cached(), 10'000u);
  put("k", "written at rest");
  EXPECT_EQ(get("k"), "written at rest");
}

TEST_F(StoreTest, AFileInPlaceOfTheDirectorySaysSo) {
  std::ofstream(dir + "/file") << "x";
  auto opened = Store::open(dir + "/file/store");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, "StoreUnavailable");
}

TEST(RecentWrites, ForgetsWhatEverybodySawAndNothingElse) {
  RecentWrites recent;
  recent.add("a", 5);
  recent.add("b", 6);
  recent.add("a", 7);
  recent.prune(5);
  EXPECT_EQ(recent.size(), 2u);
  EXPECT_TRUE(recent.changed_since("a", 6));
  EXPECT_FALSE(recent.changed_since("a", 7));
  EXPECT_FALSE(recent.changed_since("b", 6));
  recent.prune(6);
  EXPECT_EQ(recent.size(), 1u);
  EXPECT_TRUE(recent.changed_since(KeyRange{"", ""}, 6));
  EXPECT_TRUE(
      recent.changed_since("never written", 4));  // older than what is remembered: unknown, so a conflict
  recent.prune(100);
  EXPECT_EQ(recent.size(), 0u);
}

}  // namespace
}  // namespace nubecita::store
