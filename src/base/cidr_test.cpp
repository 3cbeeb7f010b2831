#include "base/cidr.hpp"

#include <gtest/gtest.h>

namespace nubecita {
namespace {

TEST(Cidr, ParsesAndPrints) {
  for (auto text : {"10.0.0.0/16", "0.0.0.0/0", "255.255.255.255/32", "2001:db8::/32", "::/0"}) {
    auto c = Cidr::parse(text);
    ASSERT_TRUE(c) << text;
    EXPECT_EQ(c->str(), text);
  }
}

TEST(Cidr, RefusesLooseText) {
  for (auto text : {"", "/", "10.0.0.0", "10.0.0/16", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",
                    "10.0.0.0/016", "010.0.0.0/8", "256.0.0.0/8", " 10.0.0.0/8", "10.0.0.0/8 ",
                    "10.0.0.0.0/8", "10..0.0/8", "::/129", ":::/1", "fe80::1%lo/64", "1.2.3.4/3/2"})
    EXPECT_FALSE(Cidr::parse(text)) << text;
  EXPECT_FALSE(Cidr::parse(std::string_view("10.0.0.0\0/8", 11)));
  EXPECT_FALSE(Cidr::parse_address("10.0.0.0/32"));
}

TEST(Cidr, Canonical) {
  EXPECT_EQ(Cidr::parse("10.1.2.3/16")->canonical().str(), "10.1.0.0/16");
  EXPECT_EQ(Cidr::parse("10.1.2.3/0")->canonical().str(), "0.0.0.0/0");
  EXPECT_EQ(Cidr::parse("10.1.2.131/25")->canonical().str(), "10.1.2.128/25");
  EXPECT_EQ(Cidr::parse("2001:db8:1:2::5/48")->canonical().str(), "2001:db8:1::/48");
  EXPECT_TRUE(Cidr::parse("10.1.2.3/16")->has_host_bits());
  EXPECT_FALSE(Cidr::parse("10.1.2.3/32")->has_host_bits());
}

TEST(Cidr, ContainsAndOverlaps) {
  auto vpc = *Cidr::parse("10.0.0.0/16");
  EXPECT_TRUE(vpc.contains(*Cidr::parse("10.0.255.0/24")));
  EXPECT_TRUE(vpc.contains(vpc));
  EXPECT_FALSE(vpc.contains(*Cidr::parse("10.1.0.0/24")));
  EXPECT_FALSE(vpc.contains(*Cidr::parse("10.0.0.0/15")));
  EXPECT_TRUE(vpc.overlaps(*Cidr::parse("10.0.0.0/8")));
  EXPECT_FALSE(Cidr::parse("0.0.0.0/0")->contains(*Cidr::parse("::/0")));
  EXPECT_TRUE(Cidr::parse("2001:db8::/32")->contains(*Cidr::parse_address("2001:db8::1")));
}

TEST(Cidr, Ranges) {
  auto c = *Cidr::parse("10.0.1.0/24");
  EXPECT_EQ(c.size(), 256u);
  EXPECT_EQ(ipv4_text(c.first() + 4), "10.0.1.4");
  EXPECT_EQ(ipv4_text(c.last()), "10.0.1.255");
  EXPECT_EQ(Cidr::parse("0.0.0.0/0")->last(), 0xffffffffu);
}

}  // namespace
}  // namespace nubecita
