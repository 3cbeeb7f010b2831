#include "services/dynamodb/expression.hpp"

#include <gtest/gtest.h>

#include "services/dynamodb/key_condition.hpp"
#include "services/dynamodb/keys.hpp"

namespace nubecita::dynamodb {
namespace {

struct Expressions : testing::Test {
  Arena arena;
  std::string item(std::string_view json) {
    JsonReader in(json, arena);
    auto made = read_item(in);
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    return made.value_or("");
  }
  Placeholders placeholders(std::string_view json) {
    Placeholders out;
    Input in(arena);
    EXPECT_TRUE(in.parse(json));
    EXPECT_TRUE(out.read(in));
    return out;
  }
  static constexpr std::string_view kItem =
      R"({"p":{"S":"k"},"n":{"N":"5"},"l":{"L":[{"N":"1"},{"S":"two"},{"M":{"x":{"N":"3"}}}]},"m":{"M":{"a":{"S":"deep"},"b":{"N":"2"}}},
          "ss":{"SS":["b","a"]},"t":{"BOOL":true}})";
  static constexpr std::string_view kValues =
      R"({"ExpressionAttributeValues":{":five":{"N":"5.0"},":six":{"N":"6"},":k":{"S":"k"},":d":{"S":"de"},":a":{"S":"a"},":S":{"S":"S"},
          ":list":{"L":[{"S":"new"}]},":set":{"SS":["b","c"]}},"ExpressionAttributeNames":{"#m":"m"}})";

  std::string test(std::string_view text) {
    auto names = placeholders(kValues);
    auto c = parse_condition(text, "ConditionExpression", names, arena);
    if (!c) return c.error().message;
    return holds(**c, item(kItem), arena) ? "true" : "false";
  }
  std::string changed(std::string_view text) {
    auto names = placeholders(kValues);
    auto u = parse_update(text, names, arena);
    if (!u) return u.error().message;
    auto out = apply(*u, item(kItem), arena);
    if (!out) return out.error().message;
    std::string json;
    write_item(json, *out);
    return json;
  }
};

TEST_F(Expressions, ConditionsHoldAsTheySay) {
  for (auto yes : {"n = :five", "p <> :five", "n < :six", "n BETWEEN :five AND :six", "p IN (:five, :k)",
                   "attribute_exists(m.a)", "attribute_not_exists(l[3])", "begins_with(#m.a, :d)",
                   "contains(ss, :a)", "size(l) < :five", "attribute_type(p, :S)",
                   "not n = :six AND (p = :k or n = :six)", "NOT (n = :six)", "(n) = :five", "zzz <> :five"})
    EXPECT_EQ(test(yes), "true") << yes;
  for (auto no : {"n = :k", "zzz = :five", "p < :five", "size(t) = :five", "contains(m, :a)",
                  "n = :six OR p = :d", "l[1].x = :k"})
    EXPECT_EQ(test(no), "false") << no;
}

TEST_F(Expressions, MistakesAreToldAsAwsTellsThem) {
  EXPECT_EQ(test(""), "Invalid ConditionExpression: The expression can not be empty;");
  EXPECT_EQ(test("a = :nope"),
            "Invalid ConditionExpression: An expression attribute value used in expression is not defined; "
            "attribute value: :nope");
  EXPECT_EQ(test("#x = :five"),
            "Invalid ConditionExpression: An expression attribute name used in the document path is not "
            "defined; attribute name: #x");
  EXPECT_EQ(test("size = :five"),
            "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: size");
  EXPECT_EQ(test("dog(n)"), "Invalid ConditionExpression: Invalid function name; function: dog");
  EXPECT_EQ(test("n = = :five").substr(0, 53), "Invalid ConditionExpression: Syntax error; token: \"=\"");
  EXPECT_NE(test("((n = :five))").find("redundant parentheses"), std::string::npos);
  EXPECT_NE(changed("SET a = :k SET b = :k").find("can only be used once"), std::string::npos);
  EXPECT_NE(changed("SET m = :k, m.a = :k").find("overlap"), std::string::npos);
}

TEST_F(Expressions, UpdatesChangeOnlyWhatTheySay) {
  EXPECT_EQ(changed("REMOVE l, m, ss, t SET n = n + :six"), R"({"n":{"N":"11"},"p":{"S":"k"}})");
  EXPECT_EQ(changed("SET m.c = if_not_exists(zz, n) REMOVE l, ss, t, m.a"),
            R"({"m":{"M":{"b":{"N":"2"},"c":{"N":"5"}}},"n":{"N":"5"},"p":{"S":"k"}})");
  EXPECT_EQ(changed("REMOVE l[0], l[2].x, m, ss, t SET l[9] = :k"),
            R"({"l":{"L":[{"S":"two"},{"M":{}},{"S":"k"}]},"n":{"N":"5"},"p":{"S":"k"}})");
  EXPECT_EQ(changed("ADD ss :set REMOVE l, m, t"),
            R"({"n":{"N":"5"},"p":{"S":"k"},"ss":{"SS":["a","b","c"]}})");
  EXPECT_EQ(changed("DELETE ss :set REMOVE l, m, t"), R"({"n":{"N":"5"},"p":{"S":"k"},"ss":{"SS":["a"]}})");
  EXPECT_EQ(changed("SET a = n, n = :six REMOVE l, m, ss, t"),
            R"({"a":{"N":"5"},"n":{"N":"6"},"p":{"S":"k"}})");
  EXPECT_NE(changed("SET x.y = :k").find("document path"), std::string::npos);
  EXPECT_NE(changed("SET x = y").find("does not exist in the item"), std::string::npos);
}

TEST_F(Expressions, ProjectionsKeepWhatIsAround) {
  auto names = placeholders(kValues);
  auto paths = parse_projection("#m.a, l[2].x, l[0], zz", names, arena);
  ASSERT_TRUE(paths);
  std::string json;
  write_item(json, project(item(kItem), *paths));
  EXPECT_EQ(json, R"({"l":{"L":[{"N":"1"},{"M":{"x":{"N":"3"}}}]},"m":{"M":{"a":{"S":"deep"}}}})");
}

TEST_F(Expressions, KeyConditionsAreRangesOfPlaces) {
  const Schema schema{{{"p", "S"}}, {{"c", "N"}}};
  auto place = [&](int c) {
    return *place_of(schema, item(R"({"p":{"S":"k"},"c":{"N":")" + std::to_string(c) + "\"}}"));
  };
  auto range = [&](std::string_view text) {
    auto names = placeholders(kValues);
    return key_range(schema, **parse_condition(text, "KeyConditionExpression", names, arena),
                     "KeyConditionExpression");
  };
  auto inside = [&](std::string_view text) {
    auto r = range(text);
    std::string out;
    for (int c : {-1000, 4, 5, 6, 7})
      if (place(c) >= r->from && place(c) < r->to) out += std::to_string(c) + " ";
    return out;
  };
  EXPECT_EQ(inside("p = :k"), "-1000 4 5 6 7 ");
  EXPECT_EQ(inside("p = :k AND c > :five"), "6 7 ");
  EXPECT_EQ(inside(":five <= c AND p = :k"), "5 6 7 ");
  EXPECT_EQ(inside("p = :k AND c < :five"), "-1000 4 ");
  EXPECT_EQ(inside("p = :k AND c BETWEEN :five AND :six"), "5 6 ");
  EXPECT_EQ(inside("p = :k AND c = :six"), "6 ");
  for (auto bad :
       {"c = :five", "p > :k", "p = :k OR c = :five", "p = :k AND p = :k", "p = :five", "p = :k AND z = :k"})
    EXPECT_FALSE(range(bad)) << bad;
}

}  // namespace
}  // namespace nubecita::dynamodb
