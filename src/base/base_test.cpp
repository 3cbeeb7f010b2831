#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/arena.hpp"
#include "base/arn.hpp"
#include "base/clock.hpp"
#include "base/config.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"

using namespace nubecita;

TEST(Clock, RoundTripsIso8601) {
  EXPECT_EQ(iso8601(1795369718123, true), "2026-11-22T17:48:38.123Z");
  EXPECT_EQ(parse_time("2026-11-22T17:48:38.123Z"), 1795369718123);
  EXPECT_EQ(parse_time("20261122T174838Z"), 1795369718000);
  EXPECT_EQ(parse_time("2026-11-22T18:48:38+01:00"), 1795369718000);
  EXPECT_EQ(parse_time(http_date(1795369718000)), 1795369718000);
  EXPECT_EQ(parse_time("Mon, 23 Nov 2026 03:04:47 -0000"), parse_time("2026-11-23T03:04:47Z"));
  EXPECT_FALSE(parse_time("Mon, 23 Nov 2026 03:04:47 +0200"));
  EXPECT_FALSE(parse_time("2026-13-22T17:48:38Z"));
  EXPECT_FALSE(parse_time("2026-11-22T17:48:38Zjunk"));
  EXPECT_FALSE(parse_time(""));
}

TEST(Ids, HaveTheShapeOfAws) {
  auto id = resource_id("vpc");
  EXPECT_EQ(id.size(), 21u);
  EXPECT_TRUE(id.starts_with("vpc-0"));
  EXPECT_NE(resource_id("vpc"), id);
  EXPECT_EQ(uuid().size(), 36u);
}

TEST(Base64, IsStrict) {
  std::string out;
  EXPECT_TRUE(base64_decode(base64(std::string("\0\xff\x10", 3)), out));
  EXPECT_EQ(out, std::string("\0\xff\x10", 3));
  EXPECT_FALSE(base64_decode("abc", out));
  EXPECT_FALSE(base64_decode("ab c", out));
  EXPECT_FALSE(base64_decode("abc\n", out));
}

TEST(Sha256, KnownAnswer) {
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(ArnText, Parses) {
  auto a = Arn::parse("arn:aws:iam::123456789012:role/path/name");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->service, "iam");
  EXPECT_EQ(a->region, "");
  EXPECT_EQ(a->resource, "role/path/name");
  EXPECT_EQ(a->str(), "arn:aws:iam::123456789012:role/path/name");
  EXPECT_FALSE(Arn::parse("arn:aws:iam::1"));
  EXPECT_FALSE(Arn::parse("arn:aws:iam::1:"));
  EXPECT_FALSE(Arn::parse("nra:aws:iam::1:x"));
}

TEST(Json, RefusesTrailingBytesAndDepth) {
  EXPECT_TRUE(json::parse("{\"a\":1} \n"));
  EXPECT_FALSE(json::parse("{\"a\":1} x"));
  EXPECT_FALSE(json::parse("{\"a\":"));
  EXPECT_FALSE(json::parse(std::string(100, '[') + std::string(100, ']')));
}

TEST(Arena, ZeroesAndAligns) {
  Arena arena;
  for (int i = 0; i < 1000; ++i) {
    auto* p = arena.make<int64_t>();
    EXPECT_EQ(*p, 0);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 16, 0u);
    *p = -1;
  }
  EXPECT_EQ(arena.copy("abc"), "abc");
}

TEST(Configuration, NamesTheUnknownKey) {
  auto dir = std::filesystem::temp_directory_path() / ("nbc-config-" + random_hex(8));
  std::filesystem::create_directories(dir);
  EXPECT_TRUE(load_config(dir));
  std::ofstream(dir / "nubecita.json") << R"({"http_port": 8080, "domain": "cloud.test"})";
  auto good = load_config(dir);
  ASSERT_TRUE(good);
  EXPECT_EQ(good->http_port, 8080);
  EXPECT_EQ(good->domain, "cloud.test");
  std::ofstream(dir / "nubecita.json") << R"({"http_prot": 8080})";
  auto bad = load_config(dir);
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("http_prot"), std::string::npos);
  std::filesystem::remove_all(dir);
}
