#include "services/dynamodb/number.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace nubecita::dynamodb {
namespace {

std::string round_trip(std::string_view text) {
  auto n = parse_number(text);
  return n ? format_number(*n) : n.error().message;
}

TEST(Number, ComesBackInOneForm) {
  for (auto [given, expected] :
       {std::pair{"0", "0"},
        {"-0", "0"},
        {"0.000", "0"},
        {"007", "7"},
        {"+5", "5"},
        {"1.500", "1.5"},
        {"-12.34", "-12.34"},
        {".5", "0.5"},
        {"5.", "5"},
        {"1e3", "1000"},
        {"12E-1", "1.2"},
        {"123456789012345678901234567890.12345678", "123456789012345678901234567890.12345678"}})
    EXPECT_EQ(round_trip(given), expected) << given;
}

TEST(Number, LimitsAreThoseOfAws) {
  EXPECT_TRUE(parse_number("9.9999999999999999999999999999999999999E+125"));
  EXPECT_TRUE(parse_number("-1e-130"));
  EXPECT_NE(round_trip("1e126").find("overflow"), std::string::npos);
  EXPECT_NE(round_trip("1e-131").find("underflow"), std::string::npos);
  EXPECT_NE(round_trip("1e99999999999999999999").find("overflow"), std::string::npos);
  EXPECT_NE(round_trip("1.00000000000000000000000000000000000001").find("38 significant digits"),
            std::string::npos);
  EXPECT_TRUE(parse_number("100000000000000000000000000000000000000000"));  // one significant digit
}

TEST(Number, WhatIsNoNumberSaysSo) {
  for (auto bad :
       {"", "-", "e5", "1e", "1e+", "1.2.3", "0x10", "NaN", "Infinity", " 1", "1 ", "1e5x", "1e-+5"})
    EXPECT_FALSE(parse_number(bad)) << bad;
}

TEST(Number, BytesSortAsNumbersDo) {
  std::mt19937 random(7);
  std::vector<std::pair<long double, std::string>> all;
  for (int i = 0; i < 3000; ++i) {
    const int exponent = static_cast<int>(random() % 40) - 20;
    const auto mantissa = static_cast<int>(random() % 2000) - 1000;
    const std::string text = std::to_string(mantissa) + "e" + std::to_string(exponent);
    all.emplace_back(std::stold(text), *parse_number(text));
  }
  std::ranges::sort(all, {}, [](auto& p) { return p.second; });
  for (size_t i = 1; i < all.size(); ++i)
    ASSERT_LE(all[i - 1].first, all[i].first * (all[i].first < 0 ? 0.999999L : 1.000001L));
}

TEST(Number, EndsByItself) {
  for (auto text : {"0", "1", "-1", "1.00010001", "-999", "1e-130", "9e125"}) {
    const auto bytes = *parse_number(text);
    EXPECT_EQ(number_length(bytes + std::string("\x01\xff\0rest", 7)), bytes.size()) << text;
  }
}

TEST(Number, SumsAreExact) {
  auto sum = [](auto a, auto b) { return format_number(*add_numbers(*parse_number(a), *parse_number(b))); };
  auto difference = [](auto a, auto b) {
    return format_number(*subtract_numbers(*parse_number(a), *parse_number(b)));
  };
  EXPECT_EQ(sum("0.1", "0.2"), "0.3");
  EXPECT_EQ(sum("99999999999999999999999999999999999999", "0"), "99999999999999999999999999999999999999");
  EXPECT_EQ(sum("-5", "3"), "-2");
  EXPECT_EQ(sum("5", "-5"), "0");
  EXPECT_EQ(difference("1", "0.0000000001"), "0.9999999999");
  EXPECT_EQ(difference("-1", "-1"), "0");
  EXPECT_FALSE(add_numbers(*parse_number("1e30"), *parse_number("1e-30")));  // 61 digits
  EXPECT_FALSE(add_numbers(*parse_number("9e125"), *parse_number("9e125")));
}

}  // namespace
}  // namespace nubecita::dynamodb
