#include "services/ec2/filters.hpp"

#include <gtest/gtest.h>

namespace nubecita::ec2 {
namespace {

TEST(Wildcards, MatchAsEc2sFiltersDo) {
  EXPECT_TRUE(wildcard_match("", ""));
  EXPECT_TRUE(wildcard_match("*", ""));
  EXPECT_TRUE(wildcard_match("*", "anything"));
  EXPECT_TRUE(wildcard_match("a*c", "abbbc"));
  EXPECT_TRUE(wildcard_match("a*c", "ac"));
  EXPECT_FALSE(wildcard_match("a*c", "abcd"));
  EXPECT_TRUE(wildcard_match("?", "x"));
  EXPECT_FALSE(wildcard_match("?", ""));
  EXPECT_TRUE(wildcard_match("*x?z*", "aaxyzbb"));
  EXPECT_FALSE(wildcard_match("A", "a"));
  EXPECT_TRUE(wildcard_match("\\*", "*"));
  EXPECT_FALSE(wildcard_match("\\*", "x"));
  EXPECT_TRUE(wildcard_match("a\\?b*", "a?bcd"));
  EXPECT_TRUE(wildcard_match("a\\", "a\\"));
}

TEST(Wildcards, ManyStarsStayQuick) {
  std::string text(20000, 'a'), pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  EXPECT_FALSE(wildcard_match(pattern + "b", text));
}

}  // namespace
}  // namespace nubecita::ec2
