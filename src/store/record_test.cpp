#include "store/record.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace nubecita::store {
namespace {

struct Inner {
  std::string name;
  std::vector<int64_t> numbers;
  template <class A>
  void fields(A& a) {
    a("name", name)("numbers", numbers);
  }
  bool operator==(const Inner&) const = default;
};
struct Outer {
  std::string id, text;
  int64_t big = 0;
  int small = 0;
  double real = 0;
  bool flag = false;
  std::optional<std::string> maybe;
  std::optional<int64_t> maybe_number;
  std::vector<std::string> texts;
  std::vector<Inner> inners;
  std::map<std::string, std::string> labels;
  std::map<std::string, Inner> by_name;
  std::map<std::string, std::vector<std::string>> lists;
  Inner one;
  template <class A>
  void fields(A& a) {
    a("id", id)("text", text)("big", big)("small", small)("real", real)("flag", flag)("maybe", maybe)(
        "maybe_number", maybe_number)("texts", texts)("inners", inners)("labels", labels)("by_name", by_name)(
        "lists", lists)("one", one);
  }
  bool operator==(const Outer&) const = default;
};

Outer round_trip(const Outer& o) { return decode_record<Outer>(encode_record(o)); }

TEST(Record, EverythingComesBack) {
  Outer o;
  o.id = "x-1";
  o.text = "línea \"uno\"\n\ttab \\ back \x01\x1f / ☁ 𝄞";
  o.big = std::numeric_limits<int64_t>::min();
  o.small = -7;
  o.real = 0.1;
  o.flag = true;
  o.maybe = "";
  o.maybe_number = 0;
  o.texts = {"", "a", std::string("nul\0inside", 10)};
  o.inners = {{"first", {1, 2, 3}}, {"", {}}, {"third", {std::numeric_limits<int64_t>::max()}}};
  o.labels = {{"", "empty key"}, {"k\"", ""}, {"☁", "v"}};
  o.by_name = {{"a", {"in map", {9}}}};
  o.lists = {{"l", {"x", "y"}}, {"none", {}}};
  o.one = {"alone", {0}};
  EXPECT_EQ(round_trip(o), o);
}

TEST(Record, EveryByteInStringsAndKeysComesBack) {
  for (int first = 0; first < 256; ++first) {
    Outer o;
    o.text = std::string(1, static_cast<char>(first));
    for (int second : {0, 0x41, 0x80, 0xbf, 0xed, 0xff})
      o.texts.push_back(o.text + static_cast<char>(second));
    o.labels[o.text + "\xff"] = o.text;
    EXPECT_EQ(round_trip(o), o) << first;
  }
}

TEST(Record, TextThatLooksLikeEncodedBytesStaysText) {
  Outer o;
  o.text = std::string("\0b64:AAAA", 9);
  o.texts = {"b64:AAAA", std::string("\0", 1), std::string("\0b64:", 5)};
  EXPECT_EQ(round_trip(o), o);
}

TEST(Record, Utf8StaysReadable) {
  Outer o;
  o.text = "nubecita ☁";
  EXPECT_EQ(encode_record(o), R"({"text":"nubecita ☁","one":{}})");
}

TEST(Record, OverlongAndSurrogateUtf8SurviveAsBytes) {
  for (const char* bad : {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x80\x80\x80",
                          "\xe2\x98", "\x80"}) {
    Outer o;
    o.text = bad;
    EXPECT_EQ(round_trip(o), o);
  }
}

TEST(Record, NothingIsLeftOutAndDefaultsStay) {
  EXPECT_EQ(encode_record(Outer{}), R"({"one":{}})");
  EXPECT_EQ(decode_record<Outer>("{}"), Outer{});
  EXPECT_EQ(decode_record<Outer>(R"({"unknown":[1,{"a":2}]})"), Outer{});
}

struct Packed {
  std::string name;
  std::vector<Bytes> parts;
  Bytes one;
  template <class A>
  void fields(A& a) {
    a("name", name)("parts", parts)("one", one);
  }
  bool operator==(const Packed&) const = default;
};

TEST(Record, BytesStandBehindTheJson) {
  using namespace std::string_literals;
  const Packed p{"n", {{"\0\xff"s}, {""}, {R"({"name":"other"})"}}, {"last\0"s}};
  const auto stored = encode_record(p);
  EXPECT_EQ(stored, R"({"name":"n","parts":[[0,2],[2,0],[2,16]],"one":[18,5]})"s + '\0' + "\0\xff"s +
                        R"({"name":"other"})" + "last\0"s);
  EXPECT_EQ(decode_record<Packed>(stored), p);
  EXPECT_EQ(record_json(stored), R"({"name":"n","parts":[[0,2],[2,0],[2,16]],"one":[18,5]})");
  EXPECT_EQ(encode_record(Packed{"n", {}, {}}), R"({"name":"n"})");
}

TEST(Record, BytesThatEndTooEarlyAreCorrupt) {
  using namespace std::string_literals;
  for (const auto& bad : {R"({"one":[0,1]})"s, R"({"one":[0,2]})"s + "\0a"s, R"({"one":[2,0]})"s + "\0a"s,
                          R"({"one":[-1,1]})"s + "\0a"s, R"({"one":[1,-1]})"s + "\0a"s,
                          R"({"one":[0]})"s + "\0a"s, R"({"one":"a"})"s + "\0a"s})
    EXPECT_THROW(decode_record<Packed>(bad), CorruptRecord) << bad;
}

TEST(Record, GarbageIsCorrupt) {
  for (const char* bad :
       {"", "x", "[]", "{\"id\":1}", "{\"id\":\"a\"", "{\"big\":\"1\"}", "{\"small\":4294967296}",
        "{\"flag\":0}", "{\"texts\":{}}", "{\"labels\":[]}", "{\"one\":3}", "{\"inners\":[1]}",
        "{\"text\":\"\\u0000zz\"}", "{\"big\":1.5}", "{} x"})
    EXPECT_THROW(decode_record<Outer>(bad), CorruptRecord) << bad;
}

}  // namespace
}  // namespace nubecita::store
