#include "services/s3/target.hpp"

#include <gtest/gtest.h>

#include "services/s3/range.hpp"

namespace nubecita::s3 {
namespace {

std::string target(std::string_view host, std::string_view path) {
  Config config;
  auto head = http::make_head("GET", path, {{"Host", std::string(host)}});
  auto t = parse_target(config, *head);
  return t ? t->bucket + "|" + t->key + (t->website ? "|website" : "") : "bad";
}

TEST(Target, PathStyle) {
  EXPECT_EQ(target("127.0.0.1:4566", "/b/a%20b/c"), "b|a b/c");
  EXPECT_EQ(target("127.0.0.1:4566", "/b/"), "b|");
  EXPECT_EQ(target("127.0.0.1:4566", "/b"), "b|");
  EXPECT_EQ(target("127.0.0.1:4566", "/b//x"), "b|/x");
  EXPECT_EQ(target("s3.us-east-1.amazonaws.com", "/b/k"), "b|k");
  EXPECT_EQ(target("localhost:4566", "/b/k"), "b|k");
  EXPECT_EQ(target("nubecita.localhost:4566", "/b/k"), "b|k");
  EXPECT_EQ(target("x", "/b/%ff"), "bad");
}

TEST(Target, VirtualHostStyle) {
  EXPECT_EQ(target("b.s3.amazonaws.com", "/k"), "b|k");
  EXPECT_EQ(target("my.dotted.b.s3.eu-west-1.amazonaws.com", "/k/l"), "my.dotted.b|k/l");
  EXPECT_EQ(target("b.s3.us-east-1.nubecita.localhost:4566", "/"), "b|");
  EXPECT_EQ(target("b.localhost:4566", "/k"), "b|k");
  EXPECT_EQ(target("b.s3.localhost", "/k"), "b|k");
  EXPECT_EQ(target("b.s3-website-us-east-1.amazonaws.com", "/k"), "b|k|website");
  EXPECT_EQ(target("b.s3-website.eu-west-1.nubecita.localhost", "/k"), "b|k|website");
}

TEST(Target, OtherHostsAreNotOurs) {
  Config config;
  for (auto host : {"127.0.0.1", "localhost", "nubecita.localhost", "sts.us-east-1.amazonaws.com",
                    "1.dkr.ecr.us-east-1.nubecita.localhost", "a.b.localhost"})
    EXPECT_FALSE(is_s3_host(config, host)) << host;
}

TEST(BucketName, Rules) {
  for (auto good : {"abc", "my-bucket", "a.b.c", "0ab"}) EXPECT_TRUE(is_bucket_name(good)) << good;
  for (auto bad : {"ab", "Abc", "-ab", "ab-", "a..b", "1.2.3.4", "a_b", "xn--abc", "x-s3alias"})
    EXPECT_FALSE(is_bucket_name(bad)) << bad;
  EXPECT_FALSE(is_bucket_name(std::string(64, 'a')));
}

TEST(Range, Forms) {
  auto r = [](std::string_view text, int64_t size) {
    auto x = parse_range(text, size);
    if (!x) return std::string("whole");
    return x->satisfiable ? std::to_string(x->first) + "-" + std::to_string(x->last) : std::string("none");
  };
  EXPECT_EQ(r("bytes=0-0", 10), "0-0");
  EXPECT_EQ(r("bytes=4-", 10), "4-9");
  EXPECT_EQ(r("bytes=-3", 10), "7-9");
  EXPECT_EQ(r("bytes=-30", 10), "0-9");
  EXPECT_EQ(r("bytes=5-100", 10), "5-9");
  EXPECT_EQ(r("bytes=10-", 10), "none");
  EXPECT_EQ(r("bytes=-0", 10), "none");
  EXPECT_EQ(r("bytes=0-", 0), "none");
  for (auto odd : {"bytes=5-2", "bytes=a-b", "bytes=1-2,4-5", "items=1-2", "bytes=", "bytes=-",
                   "bytes=99999999999999999999-"})
    EXPECT_EQ(r(odd, 10), "whole") << odd;
}

}  // namespace
}  // namespace nubecita::s3
