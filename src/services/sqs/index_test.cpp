#include "services/sqs/index.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/clock.hpp"
#include "services/sqs/message.hpp"
#include "store/store.hpp"

namespace nubecita::sqs {
namespace {

class IndexTest : public ::testing::Test {
 protected:
  IndexTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "nbc-test-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    store_ = std::move(*store::Store::open(directory_ + "/store", {.sync = false}));
  }
  ~IndexTest() override {
    index_.reset();
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  Index& open(bool fifo) {
    index_ = std::make_unique<Index>(*store_, store::Scope{"1", "r"}, "box.0", fifo);
    return *index_;
  }
  /// Commits a message and tells the index, as SendMessage does.
  Place send(const std::string& body, const std::string& group = {}, int64_t delay = 0, bool kept = false) {
    Message m;
    m.body = body;
    m.sent = now_ms();
    m.available = m.sent + delay;
    m.group = group;
    const Place place{index_->fifo() ? 0 : m.available, index_->next_number()};
    auto tx = store_->begin();
    const auto bytes = encode_message(m);
    tx->put(index_->message_key(place), bytes);
    EXPECT_EQ(store_->commit(std::move(tx)), store::CommitResult::done);
    index_->arrived({{place, m.sent, m.available, m.group, kept ? Kept::make(bytes) : KeptPtr()}});
    return place;
  }
  void erase(const Place& place) {
    auto tx = store_->begin();
    tx->erase(index_->message_key(place));
    tx->erase(index_->flight_key(place));
    EXPECT_EQ(store_->commit(std::move(tx)), store::CommitResult::done);
    index_->removed({place});
  }
  std::vector<Taken> take(size_t most, int64_t visible_ms = 30'000, int64_t later = 0) {
    bool over = false;
    const auto now = now_ms() + later;
    return index_->take(now, most, now + visible_ms, 0, over);
  }
  std::string directory_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Index> index_;
};

TEST_F(IndexTest, EachMessageOnceUntilItsFlightEnds) {
  open(false);
  for (int i = 0; i < 25; ++i) send(std::to_string(i));
  EXPECT_EQ(take(10).size(), 10u);
  EXPECT_EQ(take(10).size(), 10u);
  EXPECT_EQ(take(10).size(), 5u);
  EXPECT_TRUE(take(10).empty());
  EXPECT_EQ(index_->counts(now_ms()).in_flight, 25);
  auto again = take(10, 30'000, 31'000);
  ASSERT_EQ(again.size(), 10u);
  EXPECT_EQ(again[0].flight.receives, 2u);
}

TEST_F(IndexTest, ABacklogIsLoadedAsItIsConsumed) {
  open(false);
  for (int i = 0; i < 3000; ++i) send(std::to_string(i));
  open(false);  // as after a restart
  EXPECT_EQ(index_->counts(now_ms()).visible, 3000);
  std::set<Place> seen;
  for (auto got = take(10); !got.empty(); got = take(10))
    for (auto& t : got) {
      EXPECT_TRUE(seen.insert(t.place).second);
      erase(t.place);
    }
  EXPECT_EQ(seen.size(), 3000u);
  EXPECT_EQ(index_->counts(now_ms()).visible, 0);
  send("new");
  EXPECT_EQ(take(10).size(), 1u);
}

TEST_F(IndexTest, DelayedMessagesWait) {
  open(false);
  send("later", {}, 5000);
  send("now");
  EXPECT_EQ(index_->counts(now_ms()).delayed, 1);
  EXPECT_EQ(take(10).size(), 1u);
  EXPECT_EQ(take(10, 30'000, 5001).size(), 1u);
}

TEST_F(IndexTest, WhatWasPutBackIsThereAgain) {
  open(false);
  send("x");
  auto got = take(1);
  index_->put_back(got);
  auto again = take(1);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].flight.receives, 1u);
}

TEST_F(IndexTest, AGroupInFlightGivesNoOther) {
  open(true);
  auto a0 = send("a0", "a"), a1 = send("a1", "a"), b0 = send("b0", "b");
  auto first = take(1);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].place, a0);
  auto second = take(10);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].place, b0);
  EXPECT_TRUE(take(10).empty());
  erase(a0);
  auto third = take(10);
  ASSERT_EQ(third.size(), 1u);
  EXPECT_EQ(third[0].place, a1);
}

TEST_F(IndexTest, AnEarlierNumberThatIsNotCommittedYetHoldsLaterOnes) {
  open(true);
  const auto early = index_->next_number();
  send("late", "g");
  EXPECT_TRUE(take(10).empty());
  index_->not_sent({early});
  EXPECT_EQ(take(10).size(), 1u);
}

TEST_F(IndexTest, FifoFlightsSurviveARestart) {
  open(true);
  auto a0 = send("a0", "a");
  send("a1", "a");
  auto got = take(1);
  ASSERT_EQ(got.size(), 1u);
  auto tx = store_->begin();
  tx->put(index_->flight_key(a0), got[0].flight.text());
  ASSERT_EQ(store_->commit(std::move(tx)), store::CommitResult::done);
  open(true);
  EXPECT_TRUE(take(10).empty());
  EXPECT_EQ(index_->flight(a0, now_ms())->ticket, got[0].flight.ticket);
  erase(a0);
  EXPECT_EQ(take(10).size(), 1u);
}

TEST_F(IndexTest, WhatIsReceivedFirstIsKept) {
  for (bool fifo : {false, true}) {
    open(fifo);
    send("a", "g", 0, true);
    auto taken = take(1, 1000);
    ASSERT_EQ(taken.size(), 1u);
    ASSERT_TRUE(taken[0].message);
    EXPECT_EQ(decode_message(taken[0].message->bytes)->body, "a");
    taken = take(1, 30'000, 2000);  // again: it has to be read
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_FALSE(taken[0].message);
    erase(taken[0].place);
    const auto gone = send("b", "g", 0, true);
    erase(gone);
    EXPECT_TRUE(take(1).empty());
    send("c", "g");  // what comes from the store is kept on the way
    taken = (open(fifo), take(1));
    ASSERT_EQ(taken.size(), 1u);
    ASSERT_TRUE(taken[0].message);
    EXPECT_EQ(decode_message(taken[0].message->bytes)->body, "c");
    erase(taken[0].place);
  }
}

TEST_F(IndexTest, NotMoreIsKeptThanIsAllowed) {
  EXPECT_FALSE(Kept::make(std::string(Kept::kMostOfOne + 1, 'x')));
  std::vector<KeptPtr> all;
  while (auto one = Kept::make(std::string(Kept::kMostOfOne, 'x'))) all.push_back(std::move(one));
  EXPECT_EQ(all.size(), Kept::kMost / Kept::kMostOfOne);
  open(false);
  send("a", {}, 0, true);
  auto taken = take(1);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_FALSE(taken[0].message);
  all.clear();
  EXPECT_TRUE(Kept::make("x"));
}

TEST_F(IndexTest, AnArrivalWakesAWaiterAndTimeWakesTheRest) {
  open(false);
  EXPECT_TRUE(take(1).empty());
  int woken = 0;
  const auto now = now_ms();
  index_->park(now, now + 20'000, [&] { ++woken; });
  index_->park(now, now + 30'000, [&] { ++woken; });
  EXPECT_EQ(woken, 0);
  send("x");
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(take(1).size(), 1u);
  index_->tick(now + 29'999);
  EXPECT_EQ(woken, 1);
  index_->tick(now + 30'000);
  EXPECT_EQ(woken, 2);
}

TEST(MessageTest, ComesBackAsWritten) {
  Message m;
  m.id = "id";
  m.body = std::string("b\0dy", 4);
  m.attributes = {{"n", "Binary", "\xff"}};
  m.sent = 7;
  m.available = 9;
  m.group = "g";
  auto back = decode_message(encode_message(m));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->body, m.body);
  EXPECT_EQ(back->attributes[0].value, "\xff");
  EXPECT_EQ(back->group, "g");
  EXPECT_FALSE(decode_message("nonsense"));
  EXPECT_FALSE(decode_message(encode_message(m) + "x"));
}

TEST(MessageTest, ReceiptsComeBackAndStrangersDoNot) {
  const Receipt r{"abc", 3, {1234567, 99}, 17};
  auto back = Receipt::parse(r.text());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->place, r.place);
  EXPECT_EQ(back->ticket, 17u);
  EXPECT_EQ(back->generation, 3);
  EXPECT_FALSE(Receipt::parse("AQEB"));
}

}  // namespace
}  // namespace nubecita::sqs
