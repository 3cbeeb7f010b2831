#include "services/dynamodb/recovery.hpp"

#include <gtest/gtest.h>

#include "api/testing.hpp"

namespace nubecita::dynamodb {
namespace {

TEST(NoteTest, SaysWhatWasThere) {
  const Note was{1'700'000'000'123, std::string_view("a\0b", 3), "item"}, none{1, "p", {}}, empty{1, "", ""};
  for (auto& n : {was, none, empty}) {
    const auto bytes = encode_note(n);
    const auto back = decode_note(bytes);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->at, n.at);
    EXPECT_EQ(back->place, n.place);
    EXPECT_EQ(back->was, n.was);
  }
  for (auto nonsense : {"", "short", "012345678901234567890"})
    EXPECT_FALSE(decode_note(nonsense)) << nonsense;
}

TEST(JournalTest, GoesBackAsFarAsItWasKept) {
  const int64_t day = 86'400'000;
  EXPECT_EQ(earliest({"", "", 100 * day, 35}, 101 * day), 100 * day);
  EXPECT_EQ(earliest({"", "", 100 * day, 35}, 200 * day), 165 * day);
}

class UndoTest : public ::testing::Test {
 protected:
  UndoTest() : bench_("dynamodb") {}
  /// One commit: what stands at `place` from `at` on; null: nothing.
  void change(int64_t at, const std::string& place, const char* value) {
    auto tx = bench_.store().begin();
    auto old = tx->get("now/" + place);
    Note note{at, place, {}};
    if (old) note.was = *old;
    tx->append("notes/", encode_note(note));
    if (value)
      tx->put("now/" + place, value);
    else
      tx->erase("now/" + place);
    ASSERT_EQ(bench_.store().commit(std::move(tx)), store::CommitResult::done);
  }
  std::string as_of(int64_t moment) {
    auto reader = bench_.store().begin();
    EXPECT_TRUE(bench_.transact([&](store::Transaction& tx) -> Status {
      for (char c = 'a'; c < 'f'; ++c) tx.erase(std::string("then/") + c);
      tx.scan("now/", {}, [&](std::string_view k, std::string_view v) {
        tx.put("then/" + std::string(k.substr(4)), std::string(v));
        return true;
      });
      return {};
    }));
    EXPECT_TRUE(undo_since(bench_.store(), *reader, "notes/", "then/", moment));
    std::string out;
    bench_.store().begin()->scan("then/", {}, [&](std::string_view k, std::string_view v) {
      out.append(k.substr(5)).append("=").append(v).append(" ");
      return true;
    });
    return out;
  }
  api::testing::Bench bench_;
};

TEST_F(UndoTest, EachMomentComesBack) {
  change(1, "a", "1");
  change(2, "b", "1");
  change(3, "a", "2");
  change(4, "b", nullptr);
  change(5, "a", nullptr);
  change(6, "b", "2");
  const char* expected[] = {"", "a=1 ", "a=1 b=1 ", "a=2 b=1 ", "a=2 ", "", "b=2 "};
  for (int64_t t = 0; t < 7; ++t) EXPECT_EQ(as_of(t), expected[t]) << t;
}

TEST_F(UndoTest, MoreThanABatch) {
  change(1, "a", "first");
  for (int i = 0; i < 2500; ++i) change(2 + i, "a", std::to_string(i).c_str());
  EXPECT_EQ(as_of(1), "a=first ");
  EXPECT_EQ(as_of(2 + 1200), "a=1200 ");
}

TEST_F(UndoTest, AStateThatTheTableHasHad) {
  change(5, "a", "1");  // two commits whose clocks disagree
  change(3, "b", "1");
  EXPECT_EQ(as_of(3), "a=1 b=1 ");
  EXPECT_EQ(as_of(2), "");
}

}  // namespace
}  // namespace nubecita::dynamodb
