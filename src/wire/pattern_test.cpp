#include "wire/pattern.hpp"

#include <gtest/gtest.h>

#include <string>

namespace nubecita::wire {
namespace {

TEST(Pattern, WholeTexts) {
  EXPECT_TRUE(matches_pattern("[a-z]+", "abc"));
  EXPECT_FALSE(matches_pattern("[a-z]+", "abc1"));
  EXPECT_FALSE(matches_pattern("[a-z]+", ""));
  EXPECT_TRUE(matches_pattern("^[a-z]*$", ""));
}

TEST(Pattern, WhatModelsUse) {
  constexpr auto repository = "(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*";
  EXPECT_TRUE(matches_pattern(repository, "team/app-1/web.x"));
  EXPECT_FALSE(matches_pattern(repository, "Team/app"));
  EXPECT_FALSE(matches_pattern(repository, "app-"));
  EXPECT_TRUE(matches_pattern(R"([\w+=,.@-]+)", "a+b=c,d.e@f-g_h"));
  EXPECT_FALSE(matches_pattern(R"([\w+=,.@-]+)", "a b"));
  EXPECT_TRUE(matches_pattern(R"([\.\-_/#A-Za-z0-9]+)", "/ecs/web#1"));
  EXPECT_TRUE(matches_pattern("[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", "tab\there ü"));
  EXPECT_FALSE(matches_pattern("[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", "☃"));
  EXPECT_TRUE(matches_pattern(R"(arn:aws[a-z-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+)",
                              "arn:aws:iam::123456789012:role/x"));
  EXPECT_FALSE(matches_pattern(R"(\d{12})", "12345678901"));
  EXPECT_TRUE(matches_pattern(R"([\s\S]*)", "any\nthing"));
  EXPECT_TRUE(matches_pattern(R"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", "ünder_score: 1"));
  EXPECT_FALSE(matches_pattern(R"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", "a*b"));
}

TEST(Pattern, Counts) {
  EXPECT_TRUE(matches_pattern("a{2,3}", "aa"));
  EXPECT_TRUE(matches_pattern("a{2,3}", "aaa"));
  EXPECT_FALSE(matches_pattern("a{2,3}", "a"));
  EXPECT_FALSE(matches_pattern("a{2,3}", "aaaa"));
  EXPECT_TRUE(matches_pattern("(ab|c){2,}", "abcab"));
  EXPECT_FALSE(matches_pattern("(ab|c){2,}", "ab"));
  EXPECT_TRUE(matches_pattern("a{0,2}b?", ""));
}

TEST(Pattern, WhatItDoesNotUnderstandMatches) {
  EXPECT_TRUE(matches_pattern("(?!aws:)[a-z:]+", "aws:x"));
  EXPECT_TRUE(matches_pattern("(", "anything"));
  EXPECT_TRUE(matches_pattern("[a-z", "anything"));
  EXPECT_TRUE(matches_pattern("(a{100}){100}", "b"));
}

TEST(Pattern, NoPatternTakesLong) { EXPECT_FALSE(matches_pattern("(a|aa|a*)*b", std::string(5000, 'a'))); }

}  // namespace
}  // namespace nubecita::wire
