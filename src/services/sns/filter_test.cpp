#include "services/sns/filter.hpp"

#include <gtest/gtest.h>

namespace nubecita::sns {
namespace {

using Attributes = std::vector<MessageAttribute>;

bool wants(std::string_view policy, const Attributes& attributes) {
  auto p = FilterPolicy::parse(policy, false);
  EXPECT_TRUE(p) << (p ? "" : p.error().message);
  return p && p->wants(attributes);
}
bool wants_body(std::string_view policy, std::string_view body) {
  auto p = FilterPolicy::parse(policy, true);
  EXPECT_TRUE(p) << (p ? "" : p.error().message);
  return p && p->wants_body(body);
}
Attributes one(std::string type, std::string value) { return {{"a", std::move(type), std::move(value)}}; }

TEST(FilterTest, Exact) {
  EXPECT_TRUE(wants(R"({"a":["x","y"]})", one("String", "y")));
  EXPECT_FALSE(wants(R"({"a":["x","y"]})", one("String", "z")));
  EXPECT_FALSE(wants(R"({"a":["x"]})", {}));
  EXPECT_FALSE(wants(R"({"a":["x"],"b":["y"]})", one("String", "x")));
  EXPECT_TRUE(wants(R"({"a":[100]})", one("Number", "1e2")));
  EXPECT_FALSE(wants(R"({"a":[100]})", one("String", "100")));
  EXPECT_TRUE(wants(R"({"a":[true]})", one("String.Array", "[true]")));
}

TEST(FilterTest, Text) {
  EXPECT_TRUE(wants(R"({"a":[{"prefix":"ab"}]})", one("String", "abc")));
  EXPECT_TRUE(wants(R"({"a":[{"suffix":"bc"}]})", one("String", "abc")));
  EXPECT_TRUE(wants(R"({"a":[{"equals-ignore-case":"ABC"}]})", one("String", "abc")));
  EXPECT_TRUE(wants(R"({"a":[{"wildcard":"a*c"}]})", one("String", "abbc")));
  EXPECT_FALSE(wants(R"({"a":[{"wildcard":"a*d"}]})", one("String", "abbc")));
}

TEST(FilterTest, AnythingBut) {
  EXPECT_TRUE(wants(R"({"a":[{"anything-but":"x"}]})", one("String", "y")));
  EXPECT_FALSE(wants(R"({"a":[{"anything-but":["x","y"]}]})", one("String", "y")));
  EXPECT_FALSE(wants(R"({"a":[{"anything-but":{"prefix":"y"}}]})", one("String", "yes")));
  EXPECT_FALSE(wants(R"({"a":[{"anything-but":"x"}]})", {}));
  EXPECT_FALSE(wants(R"({"a":[{"anything-but":[5]}]})", one("Number", "5")));
}

TEST(FilterTest, Numeric) {
  EXPECT_TRUE(wants(R"({"a":[{"numeric":[">",0,"<=",150]}]})", one("Number", "150")));
  EXPECT_FALSE(wants(R"({"a":[{"numeric":[">",0,"<",150]}]})", one("Number", "150")));
  EXPECT_TRUE(wants(R"({"a":[{"numeric":["=",-1.5]}]})", one("Number", "-1.5")));
  EXPECT_FALSE(wants(R"({"a":[{"numeric":["=",1]}]})", one("String", "1")));
  EXPECT_TRUE(
      wants(R"({"a":[100.123456789]})", one("Number", "100.1234567")));  // five digits behind the point
  EXPECT_FALSE(wants(R"({"a":[100.12345]})", one("Number", "100.12346")));
  EXPECT_FALSE(wants(R"({"a":[{"numeric":["<",0.00001]}]})", one("Number", "0.00001")));
  EXPECT_TRUE(wants(R"({"a":[100]})", one("String.Array", "100")));  // which AWS takes for a list of one
}

TEST(FilterTest, ExistsCidrOr) {
  EXPECT_TRUE(wants(R"({"a":[{"exists":true}]})", one("String", "x")));
  EXPECT_TRUE(wants(R"({"b":[{"exists":false}]})", one("String", "x")));
  EXPECT_FALSE(wants(R"({"a":[{"exists":false}]})", one("String", "x")));
  EXPECT_TRUE(wants(R"({"a":[{"cidr":"10.0.0.0/24"}]})", one("String", "10.0.0.255")));
  EXPECT_FALSE(wants(R"({"a":[{"cidr":"10.0.0.0/24"}]})", one("String", "10.0.1.0")));
  EXPECT_TRUE(wants(R"({"$or":[{"a":["x"]},{"b":["y"]}]})", one("String", "x")));
}

TEST(FilterTest, Bodies) {
  EXPECT_TRUE(wants_body(R"({"o":{"k":["v"]}})", R"({"o":{"k":"v"}})"));
  EXPECT_TRUE(wants_body(R"({"o":{"k":["v"]}})", R"({"o":[{"k":"w"},{"k":["u","v"]}]})"));
  EXPECT_FALSE(wants_body(R"({"o":{"k":["v"]}})", R"({"o":"v"})"));
  EXPECT_TRUE(wants_body(R"({"o":{"k":[{"exists":false}]}})", R"({})"));
  EXPECT_TRUE(wants_body(R"({"k":[null]})", R"({"k":null})"));
  EXPECT_FALSE(wants_body(R"({"k":["v"]})", "text"));
}

TEST(FilterTest, RefusesWhatIsNoPolicy) {
  for (auto text : {"", "[]", R"({"a":"x"})", R"({"a":[]})", R"({"a":[{"numeric":["<"]}]})",
                    R"({"a":[{"numeric":["<",5,">",1]}]})", R"({"a":[{"numeric":[">",5,"<",1]}]})",
                    R"({"a":[{"prefix":1}]})", R"({"a":[{"nonsense":"x"}]})", R"({"a":[["x"]]})",
                    R"({"a":[{"exists":"yes"}]})", R"({"a":{"b":["x"]}})"})
    EXPECT_FALSE(FilterPolicy::parse(text, false)) << text;
}

}  // namespace
}  // namespace nubecita::sns
