// Rules as text and as differences; real packets are in network_test.cpp.
#include "host/network/ruleset.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace nubecita::host {
namespace {

VpcSpec sample() {
  VpcSpec v;
  v.id = "vpc-1";
  v.cidrs = {"10.0.0.0/16"};
  v.resolver = "10.0.0.2";
  v.internet = true;
  v.subnets = {{"subnet-1", "10.0.1.0/24", "rtb-1", "acl-1"}};
  v.route_tables = {{"rtb-1", {{"10.0.0.0/16", RouteSpec::To::local, {}}}}};
  v.acls = {{"acl-1", {{100, false, true}, {100, true, true}}}};
  v.groups = {{"sg-1", {{true, "-1", -1, -1, "0.0.0.0/0", {}}, {false, "tcp", 80, 81, "192.0.2.0/24", {}}}}};
  v.enis = {
      {"eni-1", "subnet-1", "10.0.1.10", "02:00:00:00:00:01", "127.100.0.7", false, true, true, {"sg-1"}}};
  return v;
}
Ruleset rules(const VpcSpec& v) { return make_ruleset(v, "127.100.0.0/16"); }
bool has(const std::vector<std::string>& rules, const std::string& rule) {
  return std::find(rules.begin(), rules.end(), rule) != rules.end();
}

TEST(Ruleset, LinkNamesAreShort) {
  EXPECT_EQ(eni_link("eni-0123456789abcdef0"), "e-456789abcdef0");
  EXPECT_LE(eni_link("eni-0123456789abcdef0").size(), 15u);
  EXPECT_EQ(eni_link("eni-a"), "e-a");
}

TEST(Ruleset, OneAddressOneToOne) {
  auto r = rules(sample());
  EXPECT_EQ(r.sets["to_private"].elements["127.100.0.7"], "10.0.1.10");
  EXPECT_EQ(r.sets["to_public"].elements["10.0.1.10"], "127.100.0.7");
  EXPECT_TRUE(r.sets["eni_source"].elements.contains("\"e-1\" . 10.0.1.10"));
  auto v = sample();
  v.internet = false;
  EXPECT_TRUE(rules(v).sets["to_private"].elements.empty()) << "no gateway, no way in";
  v = sample();
  v.enis[0].served_by_host = true;
  EXPECT_TRUE(rules(v).sets["to_private"].elements.empty());
}

TEST(Ruleset, GroupRules) {
  auto v = sample();
  v.groups[0].rules.push_back({false, "udp", 53, 53, {}, "sg-2"});
  v.groups[0].rules.push_back({false, "icmp", 8, -1, "10.0.0.0/8", {}});
  v.groups[0].rules.push_back({false, "50", -1, -1, "10.0.0.0/8", {}});
  v.groups[0].rules.push_back({false, "tcp", 22, 22, "2001:db8::/32", {}});  // IPv6 does not exist here
  v.groups[0].rules.push_back({false, "tcp; drop", 22, 22, "10.0.0.0/8", {}});
  auto in = rules(v).chains["in.sg-1"].rules;
  EXPECT_EQ(in.size(), 4u);
  EXPECT_TRUE(has(in, "ip saddr 192.0.2.0/24 tcp dport 80-81 accept"));
  EXPECT_TRUE(has(in, "ip saddr @g.sg-2 udp dport 53 accept"));
  EXPECT_TRUE(has(in, "ip saddr 10.0.0.0/8 icmp type 8 accept"));
  EXPECT_TRUE(has(in, "ip saddr 10.0.0.0/8 ip protocol 50 accept"));
  EXPECT_TRUE(has(rules(v).chains["out.sg-1"].rules, "goto arrive"));
}

TEST(Ruleset, AclKeepsItsOrderAndDeniesAtTheEnd) {
  auto v = sample();
  EXPECT_TRUE(rules(v).chains["subnets"].rules.empty()) << "allow all first: nothing to ask";
  v.acls[0].entries = {{200, false, true, "6", "0.0.0.0/0", 80, 80},
                       {100, false, false, "-1", "10.9.0.0/16"},
                       {100, true, true}};
  auto r = rules(v);
  EXPECT_EQ(r.chains["entering.acl-1"].rules,
            (std::vector<std::string>{"ip saddr 10.9.0.0/16 drop", "tcp dport 80 return", "drop"}));
  EXPECT_FALSE(r.chains.contains("leaving.acl-1"));
  EXPECT_TRUE(
      has(r.chains["subnets"].rules, "oifname @s.subnet-1 iifname != @s.subnet-1 jump entering.acl-1"));
}

TEST(Ruleset, EqualRulesNeedNothing) { EXPECT_EQ(diff_text(rules(sample()), rules(sample())), ""); }

TEST(Ruleset, OneMoreMemberCostsElementsOnly) {
  auto v = sample();
  v.enis.push_back({"eni-2", "subnet-1", "10.0.1.11", "02:00:00:00:00:02", "", false, true, true, {"sg-1"}});
  auto text = diff_text(rules(sample()), rules(v));
  EXPECT_NE(text.find("add element inet vpc eni_source { \"e-2\" . 10.0.1.11 }"), std::string::npos);
  EXPECT_EQ(text.find("rule"), std::string::npos);
  EXPECT_EQ(text.find("delete"), std::string::npos);
  auto back = diff_text(rules(v), rules(sample()));
  EXPECT_NE(back.find("delete element inet vpc from_link { \"e-2\" }"), std::string::npos);
}

TEST(Ruleset, ChangedGroupChangesItsChainOnly) {
  auto v = sample();
  v.groups[0].rules.pop_back();
  EXPECT_EQ(diff_text(rules(sample()), rules(v)), "flush chain inet vpc in.sg-1\n");
  v.groups.clear();
  auto text = diff_text(rules(sample()), rules(v));
  EXPECT_LT(text.find("delete element"), text.find("delete chain inet vpc in.sg-1"))
      << "nobody may point at it any more";
}

TEST(Ruleset, PublicPoolDecidesWhatTheOutsideSees) {
  EXPECT_TRUE(
      has(rules(sample()).chains["to_internet"].rules, "oifname \"igw\" ip saddr @has_public masquerade"));
  auto real = make_ruleset(sample(), "203.0.113.0/24");
  EXPECT_EQ(real.chains["to_internet"].rules,
            std::vector<std::string>{"oifname \"igw\" snat ip to ip saddr map @to_public"});
}

}  // namespace
}  // namespace nubecita::host
