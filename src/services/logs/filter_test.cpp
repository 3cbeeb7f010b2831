#include "services/logs/filter.hpp"

#include <gtest/gtest.h>

namespace nubecita::logs {
namespace {

bool matches(std::string_view pattern, std::string_view message) {
  auto f = Filter::parse(pattern);
  EXPECT_TRUE(f) << pattern << ": " << (f ? "" : f.error().message);
  return f && f->matches(message);
}
std::string error(std::string_view pattern) {
  auto f = Filter::parse(pattern);
  return f ? "" : f.error().message;
}

TEST(FilterTerms, AllMustBeThere) {
  EXPECT_TRUE(matches("", "anything"));
  EXPECT_TRUE(matches("  ", "anything"));
  EXPECT_TRUE(matches("ERROR", "[ERROR 400] BAD REQUEST"));
  EXPECT_FALSE(matches("ERROR", "[error 400] bad request"));
  EXPECT_TRUE(matches("ERROR REQUEST", "[ERROR 400] BAD REQUEST"));
  EXPECT_FALSE(matches("ERROR GOOD", "[ERROR 400] BAD REQUEST"));
  EXPECT_TRUE(matches("\"BAD REQUEST\"", "[ERROR 400] BAD REQUEST"));
  EXPECT_FALSE(matches("\"REQUEST BAD\"", "[ERROR 400] BAD REQUEST"));
  EXPECT_TRUE(matches(R"("say \"hi\"")", "they say \"hi\""));
}

TEST(FilterTerms, ExcludedAndOptional) {
  EXPECT_TRUE(matches("ERROR -ARGUMENTS", "ERROR: failed"));
  EXPECT_FALSE(matches("ERROR -ARGUMENTS", "ERROR: bad ARGUMENTS"));
  EXPECT_FALSE(matches("-\"health check\"", "GET health check"));
  EXPECT_TRUE(matches("-\"health check\"", "GET /"));
  EXPECT_TRUE(matches("?ERROR ?WARN", "WARN: x"));
  EXPECT_FALSE(matches("?ERROR ?WARN", "INFO: x"));
  EXPECT_TRUE(matches("?ERROR REQUEST", "good REQUEST"));  // ? has no say beside other terms
}

TEST(FilterTerms, RegularExpressions) {
  EXPECT_TRUE(matches("%AUTHORIZED%", "UNAUTHORIZED"));
  EXPECT_TRUE(matches("%^[0-9]+ ms$%", "12 ms"));
  EXPECT_FALSE(matches("%^[0-9]+ ms$%", "took 12 ms"));
  EXPECT_TRUE(matches("ERROR %5\\d\\d%", "ERROR 503"));
}

TEST(FilterTerms, Errors) {
  EXPECT_EQ(error("a/b"),
            "Invalid filter pattern: a term with other characters than letters, digits and _ must stand in "
            "double quotes at \"a/b\"");
  EXPECT_NE(error("\"open"), "");
  EXPECT_NE(error("%(a)%"), "");
  EXPECT_NE(error("%[a%"), "");
  EXPECT_NE(error("-"), "");
}

constexpr auto kEvent =
    R"({"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","errorMessage":null,"ok":true,"bad":false,
  "status":503,"latency":0.25,"arrayKey":["value","another"],"objectList":[{"name":"a","id":1},{"name":"b","id":2}],
  "user":{"id":1,"email":"John.Doe@example.com"},"odd name":"x"})";

TEST(FilterJson, TextAndWildcards) {
  EXPECT_TRUE(matches(R"({ $.eventType = "UpdateTrail" })", kEvent));
  EXPECT_TRUE(matches("{$.eventType=UpdateTrail}", kEvent));
  EXPECT_TRUE(matches(R"({ $.eventType = "Update*" })", kEvent));
  EXPECT_FALSE(matches(R"({ $.eventType = "update*" })", kEvent));
  EXPECT_TRUE(matches(R"({ $.sourceIPAddress != 123.123.* })", kEvent));
  EXPECT_FALSE(matches(R"({ $.sourceIPAddress != 111.111.* })", kEvent));
  EXPECT_FALSE(matches(R"({ $.missing != "x" })", kEvent));
  EXPECT_TRUE(matches(R"({ $.arrayKey[0] = "value" })", kEvent));
  EXPECT_FALSE(matches(R"({ $.arrayKey[1] = "value" })", kEvent));
  EXPECT_TRUE(matches(R"({ $.arrayKey[*] = "another" })", kEvent));
  EXPECT_TRUE(matches(R"({ $.objectList[1].id = 2 })", kEvent));
  EXPECT_TRUE(matches(R"({ $['odd name'] = x })", kEvent));
  EXPECT_TRUE(matches(R"({ $.user.email = %@example\.com% })", kEvent));
}

TEST(FilterJson, Numbers) {
  EXPECT_TRUE(matches("{ $.status >= 500 }", kEvent));
  EXPECT_FALSE(matches("{ $.status < 500 }", kEvent));
  EXPECT_TRUE(matches("{ $.status = 5.03e2 }", kEvent));
  EXPECT_TRUE(matches("{ $.status = 5* }", kEvent));
  EXPECT_TRUE(matches("{ $.latency <= .25 }", kEvent));
  EXPECT_FALSE(matches("{ $.eventType > 1 }", kEvent));
  EXPECT_TRUE(matches("{ $.status != 404 }", kEvent));
}

TEST(FilterJson, NullExistsAndBooleans) {
  EXPECT_TRUE(matches("{ $.errorMessage IS NULL }", kEvent));
  EXPECT_FALSE(matches("{ $.eventType IS NULL }", kEvent));
  EXPECT_TRUE(matches("{ $.nothing NOT EXISTS }", kEvent));
  EXPECT_FALSE(matches("{ $.status NOT EXISTS }", kEvent));
  EXPECT_TRUE(matches("{ $.ok IS TRUE }", kEvent));
  EXPECT_TRUE(matches("{ $.bad IS FALSE }", kEvent));
  EXPECT_FALSE(matches("{ $.bad IS TRUE }", kEvent));
}

TEST(FilterJson, AndBindsTighterThanOr) {
  EXPECT_TRUE(matches("{ $.ok IS TRUE || $.bad IS TRUE && $.status = 1 }", kEvent));
  EXPECT_FALSE(matches("{ ($.ok IS TRUE || $.bad IS TRUE) && $.status = 1 }", kEvent));
  EXPECT_TRUE(matches(R"({ ($.user.id = 1) && ($.user.email = "John.Doe@*" || $.x = 1) })", kEvent));
}

TEST(FilterJson, OtherMessagesDoNotMatch) {
  EXPECT_FALSE(matches("{ $.a NOT EXISTS }", "plain text"));
  EXPECT_FALSE(matches("{ $.a NOT EXISTS }", "{broken"));
}

TEST(FilterJson, Errors) {
  for (auto bad : {"{", "{ }", "{ a = 1 }", "{ $.a }", "{ $.a = }", "{ $.a = 1", "{ $.a = 1 } x",
                   "{ $.a > text }", "{ $.a IS MAYBE }", "{ ($.a = 1 }", "{ $.a = 1 && }", "{ $. = 1 }",
                   "{ $.a[x] = 1 }", "{ $.a NOT THERE }", "{ $.a = \"open }"})
    EXPECT_NE(error(bad), "") << bad;
  std::string deep = "{ ";
  for (int i = 0; i < 500; ++i) deep += "(";
  EXPECT_NE(error(deep), "");
}

constexpr auto kLine =
    R"(127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534)";

TEST(FilterFields, ByPlace) {
  EXPECT_TRUE(matches("[ip, env, user, time, request, status, bytes]", kLine));
  EXPECT_FALSE(matches("[ip, env, user, time, request, status]", kLine));
  EXPECT_TRUE(matches("[ip, env, user, time, request, status = 404, bytes]", kLine));
  EXPECT_TRUE(matches("[ip, env, user, time, request, status = 4*, bytes > 1000]", kLine));
  EXPECT_FALSE(matches("[ip, env, user, time, request, status = 4*, bytes > 2000]", kLine));
  EXPECT_TRUE(matches("[ip, env, user, time, request = \"*html*\", status, bytes]", kLine));
  EXPECT_TRUE(matches("[ip != 10.*, env, user, time, request, status, bytes]", kLine));
}

TEST(FilterFields, EllipsisAndConditions) {
  EXPECT_TRUE(matches("[..., status = 404, bytes]", kLine));
  EXPECT_TRUE(matches("[ip, ..., bytes < 2000]", kLine));
  EXPECT_TRUE(matches("[ip = 127.0.0.1, ...]", kLine));
  EXPECT_FALSE(matches("[..., status = 404]", kLine));
  EXPECT_TRUE(matches("[..., status = 4* && status != 400, bytes]", kLine));
  EXPECT_TRUE(matches("[..., status = 500 || status = 404, bytes]", kLine));
  EXPECT_TRUE(matches("[..., (status = 500 || status = 404), bytes]", kLine));
  EXPECT_TRUE(matches("[..., request = %HTTP/1\\.[01]%, status, bytes]", kLine));
  EXPECT_TRUE(matches("[w1=ERROR || w1=WARN, ...]", "WARN disk is full"));
  EXPECT_FALSE(matches("[w1=ERROR || w1=WARN, ...]", "INFO disk is full"));
}

TEST(FilterFields, Errors) {
  for (auto bad : {"[", "[a", "[a, b", "[a = ]", "[..., a, ...]", "[a] b", "[a > x]", "[(a = 1, b]"})
    EXPECT_NE(error(bad), "") << bad;
}

}  // namespace
}  // namespace nubecita::logs
