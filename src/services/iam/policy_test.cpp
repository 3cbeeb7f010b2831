// Policies: grammar, patterns, conditions, and decisions over several policies. The expectations are those of
// the pages named in the headers.
#include <gtest/gtest.h>

#include <map>

#include "services/iam/policy_decision.hpp"

namespace nubecita::iam {
namespace {

struct TestContext : Context {
  std::map<std::string, std::vector<std::string>> values;
  TestContext() = default;
  TestContext(std::initializer_list<std::pair<const std::string, std::vector<std::string>>> v) {
    for (auto& [k, x] : v) values[lowered(k)] = x;
  }
  const std::vector<std::string>* find(std::string_view key) const override {
    auto it = values.find(lowered(key));
    return it == values.end() ? nullptr : &it->second;
  }
};

const PrincipalView kBob{"111122223333", "arn:aws:iam::111122223333:user/bob", "", "AIDABOB1234567890123", "",
                         false};
const PrincipalView kRootUser{"111122223333", "arn:aws:iam::111122223333:root", "", "111122223333", "",
                              false};
const PrincipalView kSession{"111122223333",
                             "arn:aws:sts::111122223333:assumed-role/deploy/s1",
                             "arn:aws:iam::111122223333:role/deploy",
                             "AROADEPLOY1234567890:s1",
                             "",
                             false};
const PrincipalView kStranger{
    "444455556666", "arn:aws:iam::444455556666:user/eve", "", "AIDAEVE1234567890123", "", false};
const PrincipalView kEcs{"", "", "", "", "ecs-tasks.amazonaws.com", false};
const PrincipalView kNobody{"", "", "", "", "", true};

PolicyPtr parsed(std::string_view text, PolicyKind kind = PolicyKind::identity) {
  auto p = Policy::parse(text, kind);
  EXPECT_TRUE(p) << (p ? "" : p.error().message) << "\n" << text;
  return p ? *p : nullptr;
}
/// A policy of one statement whose inside is given.
std::string document(std::string_view inside, std::string_view version = "2012-10-17") {
  return R"({"Version":")" + std::string(version) + R"(","Statement":[{)" + std::string(inside) + "}]}";
}
PolicyPtr allow(std::string_view action, std::string_view resource = "*", std::string_view more = "") {
  return parsed(document(R"("Effect":"Allow","Action":")" + std::string(action) + R"(","Resource":")" +
                         std::string(resource) + "\"" + std::string(more)));
}
PolicyPtr deny(std::string_view action, std::string_view resource = "*") {
  return parsed(document(R"("Effect":"Deny","Action":")" + std::string(action) + R"(","Resource":")" +
                         std::string(resource) + "\""));
}

// ---- grammar

struct Bad {
  PolicyKind kind;
  std::string text, message;  // the beginning of it
};
class Grammar : public testing::TestWithParam<Bad> {};
TEST_P(Grammar, refuses_with_awss_message) {
  auto p = Policy::parse(GetParam().text, GetParam().kind);
  ASSERT_FALSE(p) << GetParam().text;
  EXPECT_EQ(p.error().code, "MalformedPolicyDocument");
  EXPECT_TRUE(p.error().message.starts_with(GetParam().message)) << p.error().message;
}
constexpr auto I = PolicyKind::identity, T = PolicyKind::trust, R = PolicyKind::resource;
INSTANTIATE_TEST_SUITE_P(
    Documents, Grammar,
    testing::Values(
        Bad{I, "", "Syntax errors in policy."}, Bad{I, "no json", "Syntax errors in policy."},
        Bad{T, "{", "This policy contains invalid Json"}, Bad{I, "[]", "Syntax errors in policy."},
        Bad{I, R"({"Version":"2012-10-17"})", "Syntax errors in policy."},
        Bad{I, R"({"Version":"2013-01-01","Statement":[]})",
            "Policy document must be version 2012-10-17 or greater."},
        Bad{I, R"({"Version":"2012-10-17","Statements":[]})", "Syntax errors in policy."},
        Bad{I, document(R"("Effect":"allow","Action":"a:b","Resource":"*")"), "Syntax errors in policy."},
        Bad{I, document(R"("Action":"a:b","Resource":"*")"), "Syntax errors in policy."},
        Bad{I, document(R"("Effect":"Allow","Resource":"*")"), "Policy statement must contain actions."},
        Bad{I, document(R"("Effect":"Allow","Action":[],"Resource":"*")"),
            "Policy statement must contain actions."},
        Bad{I, document(R"("Effect":"Allow","Action":"a:b")"), "Policy statement must contain resources."},
        Bad{I, document(R"("Effect":"Allow","Action":"CreateVpc","Resource":"*")"),
            "Actions/Conditions must be prefaced by a vendor"},
        Bad{I, document(R"("Effect":"Allow","Action":"a:b:c","Resource":"*")"),
            "Actions/Condition can contain only one colon."},
        Bad{I, document(R"("Effect":"Allow","Action":"a b:c","Resource":"*")"), "Vendor a b is not valid"},
        Bad{I, document(R"("Effect":"Allow","Action":"s3:*","Resource":"bucket")"),
            "Resource bucket must be in ARN format or \"*\"."},
        Bad{I, document(R"("Effect":"Allow","Action":"s3:*","Resource":"arn:gcp:s3:::b")"),
            "Partition \"gcp\" is not valid for resource \"arn:gcp:s3:::b\"."},
        Bad{I, document(R"("Effect":"Allow","Action":"a:b","NotAction":"a:c","Resource":"*")"),
            "Syntax errors in policy."},
        Bad{I, document(R"("Effect":"Allow","Action":"a:b","Resource":"*","Principal":"*")"),
            "Policy document should not specify a principal."},
        Bad{I, document(R"("Effect":"Allow","Action":"a:b","Resource":"*","Color":"red")"),
            "Syntax errors in policy."},
        Bad{I,
            document(
                R"("Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"StringIs":{"aws:x":"y"}})"),
            "Invalid Condition type : StringIs."},
        Bad{I,
            document(
                R"("Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.300"}})"),
            "Invalid value in Condition IpAddress"},
        Bad{I,
            document(
                R"("Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"StringEquals":{"x":"y"}})"),
            "Conditions must be prefaced by a vendor"},
        Bad{I, document(R"("Effect":"Allow","Action":"a:b","Resource":"arn:aws:s3:::${aws:username")"),
            "Syntax errors in policy."},
        Bad{I,
            R"({"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":"a:b","Resource":"*"},
                  {"Sid":"a","Effect":"Allow","Action":"a:b","Resource":"*"}]})",
            "Statement IDs (SID) in a single policy must be unique."},
        Bad{T, document(R"("Effect":"Allow","Action":"sts:AssumeRole")"), "Missing required field Principal"},
        Bad{T, document(R"("Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*")"),
            "Has prohibited field Resource"},
        Bad{T, document(R"("Effect":"Allow","Principal":"*","Action":"s3:GetObject")"),
            "AssumeRole policy may only specify STS AssumeRole actions."},
        Bad{T, document(R"("Effect":"Allow","Principal":{"AWS":"bob"},"Action":"sts:AssumeRole")"),
            "Invalid principal in policy: \"AWS\":\"bob\""},
        Bad{T,
            document(
                R"("Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/*"},"Action":"sts:AssumeRole")"),
            "Invalid principal in policy"},
        Bad{R, document(R"("Effect":"Allow","Principal":{"Robot":"x"},"Action":"a:b")"),
            "Syntax errors in policy."}));

TEST(Policy, accepts_what_aws_accepts) {
  parsed(R"({"Statement":{"Effect":"Allow","Action":["s3:Get*","*"],"Resource":["*"]}})");
  parsed(R"({"Version":"2008-10-17","Id":"x","Statement":[]})");
  parsed(document(R"("Sid":"A1","Effect":"Deny","NotAction":"iam:*","NotResource":"arn:aws:s3:::x/*")"));
  parsed(
      document(
          R"("Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","ecs-tasks.amazonaws.com"]},"Action":"sts:AssumeRole")"),
      T);
  parsed(document(
      R"("Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true},"NumericLessThan":{"s3:max-keys":10}})"));
}

// ---- patterns

struct Match {
  std::string pattern, text;
  bool yes;
};
class Patterns : public testing::TestWithParam<Match> {};
TEST_P(Patterns, match) {
  auto p = Pattern::compile(GetParam().pattern, {});
  ASSERT_TRUE(p);
  TestContext context{
      {"aws:username", {"bob*"}}, {"aws:PrincipalTag/team", {"blue"}}, {"aws:many", {"a", "b"}}};
  EXPECT_EQ(p->matches(GetParam().text, context), GetParam().yes)
      << GetParam().pattern << " / " << GetParam().text;
}
INSTANTIATE_TEST_SUITE_P(
    Texts, Patterns,
    testing::Values(Match{"*", "", true}, Match{"*", "anything", true}, Match{"a*c", "abbbc", true},
                    Match{"a*c", "abbb", false}, Match{"a?c", "abc", true}, Match{"a?c", "ac", false},
                    Match{"*.txt", "a.txt.txt", true}, Match{"a*b*c", "a-b-b-c", true},
                    Match{"a**c", "ac", true}, Match{"", "", true}, Match{"", "a", false},
                    Match{"A", "a", false}, Match{"home/${aws:username}/*", "home/bob*/x", true},
                    Match{"home/${aws:username}", "home/bobby", false}, Match{"${*}x", "*x", true},
                    Match{"${*}x", "ax", false}, Match{"${?}${$}", "?$", true},
                    Match{"${aws:absent}", "", false}, Match{"${aws:absent, 'all'}", "all", true},
                    Match{"${aws:principaltag/team}-*", "blue-1", true}, Match{"${aws:many}", "a", false}));

TEST(Pattern, worst_case_is_quick) {
  std::string stars, text(2000, 'a');
  for (int i = 0; i < 200; ++i) stars += "a*";
  auto p = Pattern::compile(stars + "b", {});
  EXPECT_FALSE(p->matches(text, TestContext{}));
}

TEST(Policy, old_version_has_no_variables) {
  auto p = parsed(
      document(R"("Effect":"Allow","Action":"a:b","Resource":"arn:aws:s3:::${aws:username}")", "2008-10-17"));
  TestContext context{{"aws:username", {"bob"}}};
  EXPECT_FALSE(p->evaluate("a:b", "arn:aws:s3:::bob", kBob, context).allowed);
  EXPECT_TRUE(p->evaluate("a:b", "arn:aws:s3:::${aws:username}", kBob, context).allowed);
}

// ---- conditions

struct Cond {
  std::string inside;  // of "Condition"
  bool yes;
};
class Conditions : public testing::TestWithParam<Cond> {};
TEST_P(Conditions, hold) {
  auto p = parsed(
      document(R"("Effect":"Allow","Action":"*","Resource":"*","Condition":{)" + GetParam().inside + "}"));
  TestContext context{{"aws:username", {"Bob"}},
                      {"aws:SourceIp", {"203.0.113.7"}},
                      {"aws:CurrentTime", {"2026-11-22T18:00:00Z"}},
                      {"aws:EpochTime", {"1795370400"}},
                      {"aws:SecureTransport", {"false"}},
                      {"s3:max-keys", {"10"}},
                      {"aws:TagKeys", {"env", "team"}},
                      {"aws:SourceArn", {"arn:aws:sns:us-east-1:111122223333:topic-a"}},
                      {"aws:RequestTag/env", {"staging"}},
                      {"app:blob", {"QmluYXJ5"}}};
  EXPECT_EQ(p->evaluate("a:b", "*", kBob, context).allowed, GetParam().yes) << GetParam().inside;
}
INSTANTIATE_TEST_SUITE_P(
    Operators, Conditions,
    testing::Values(
        Cond{R"("StringEquals":{"aws:username":"Bob"})", true},
        Cond{R"("StringEquals":{"aws:username":"bob"})", false},
        Cond{R"("StringEquals":{"AWS:UserName":["Al","Bob"]})", true},
        Cond{R"("StringEquals":{"aws:username":"B*"})", false},
        Cond{R"("StringEqualsIgnoreCase":{"aws:username":"bOB"})", true},
        Cond{R"("StringNotEquals":{"aws:username":"Bob"})", false},
        Cond{R"("StringNotEquals":{"aws:username":["Al","Ed"]})", true},
        Cond{R"("StringNotEquals":{"aws:none":"x"})", true},
        Cond{R"("StringNotEqualsIgnoreCase":{"aws:username":"bob"})", false},
        Cond{R"("StringLike":{"aws:username":"B?b"})", true},
        Cond{R"("StringNotLike":{"aws:username":"B*"})", false},
        Cond{R"("StringEquals":{"aws:none":"x"})", false},
        Cond{R"("StringEqualsIfExists":{"aws:none":"x"})", true},
        Cond{R"("StringEqualsIfExists":{"aws:username":"x"})", false},
        Cond{R"("StringEquals":{"aws:RequestTag/env":"${aws:username}"})", false},
        Cond{R"("StringLike":{"aws:username":"${aws:none}"})", false},
        Cond{R"("NumericEquals":{"s3:max-keys":"10.0"})", true},
        Cond{R"("NumericNotEquals":{"s3:max-keys":10})", false},
        Cond{R"("NumericLessThan":{"s3:max-keys":"10"})", false},
        Cond{R"("NumericLessThanEquals":{"s3:max-keys":"10"})", true},
        Cond{R"("NumericGreaterThan":{"s3:max-keys":"9"})", true},
        Cond{R"("NumericGreaterThanEquals":{"s3:max-keys":"11"})", false},
        Cond{R"("NumericEquals":{"aws:username":"1"})", false},
        Cond{R"("DateLessThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"})", true},
        Cond{R"("DateGreaterThan":{"aws:CurrentTime":"2027-01-01"})", false},
        Cond{R"("DateEquals":{"aws:CurrentTime":"2026-11-22T18:00:00Z"})", true},
        Cond{R"("DateGreaterThanEquals":{"aws:EpochTime":"1795370400"})", true},
        Cond{R"("Bool":{"aws:SecureTransport":"false"})", true},
        Cond{R"("Bool":{"aws:SecureTransport":"true"})", false},
        Cond{R"("BoolIfExists":{"aws:MultiFactorAuthPresent":"true"})", true},
        Cond{R"("Bool":{"aws:MultiFactorAuthPresent":"false"})", false},
        Cond{R"("BinaryEquals":{"app:blob":"QmluYXJ5"})", true},
        Cond{R"("IpAddress":{"aws:SourceIp":"203.0.113.0/24"})", true},
        Cond{R"("IpAddress":{"aws:SourceIp":"203.0.113.8/29"})", false},
        Cond{R"("IpAddress":{"aws:SourceIp":["10.0.0.0/8","203.0.113.7"]})", true},
        Cond{R"("NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"})", false},
        Cond{R"("NotIpAddress":{"aws:SourceIp":"2001:db8::/32"})", true},
        Cond{R"("ArnLike":{"aws:SourceArn":"arn:aws:sns:*:111122223333:topic-*"})", true},
        Cond{R"("ArnEquals":{"aws:SourceArn":"arn:aws:sns:*:*:*"})", true},
        Cond{R"("ArnLike":{"aws:SourceArn":"arn:aws:sns:*"})", false},
        Cond{R"("ArnNotLike":{"aws:SourceArn":"arn:aws:sqs:*:*:*"})", true},
        Cond{R"("Null":{"aws:none":"true"})", true}, Cond{R"("Null":{"aws:username":"true"})", false},
        Cond{R"("Null":{"aws:username":false})", true},
        Cond{R"("ForAllValues:StringEquals":{"aws:TagKeys":["env","team","x"]})", true},
        Cond{R"("ForAllValues:StringEquals":{"aws:TagKeys":["env"]})", false},
        Cond{R"("ForAllValues:StringEquals":{"aws:none":["env"]})", true},
        Cond{R"("ForAnyValue:StringEquals":{"aws:TagKeys":["team"]})", true},
        Cond{R"("ForAnyValue:StringEquals":{"aws:none":["team"]})", false},
        Cond{R"("ForAnyValue:StringNotEquals":{"aws:TagKeys":["team"]})", true},
        Cond{R"("ForAllValues:StringNotEquals":{"aws:TagKeys":["team"]})", false},
        Cond{R"("StringEquals":{"aws:username":"Bob"},"Bool":{"aws:SecureTransport":"true"})", false},
        Cond{R"("StringEquals":{"aws:username":"Bob","aws:RequestTag/env":"staging"})", true},
        Cond{R"("StringEquals":{"aws:username":"Bob","aws:RequestTag/env":"production"})", false}));

// ---- actions and resources

TEST(Policy, action_without_case_resource_with_case) {
  auto p = allow("EC2:create*", "arn:aws:ec2:*:*:vpc/*");
  EXPECT_TRUE(p->evaluate("ec2:createvpc", "arn:aws:ec2:us-east-1:1:vpc/vpc-1", kBob, TestContext{}).allowed);
  EXPECT_FALSE(
      p->evaluate("ec2:createvpc", "arn:aws:EC2:us-east-1:1:vpc/vpc-1", kBob, TestContext{}).allowed);
  EXPECT_FALSE(
      p->evaluate("ec2:deletevpc", "arn:aws:ec2:us-east-1:1:vpc/vpc-1", kBob, TestContext{}).allowed);
}
TEST(Policy, not_action_and_not_resource) {
  auto p = parsed(document(R"("Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:s3:::secret*")"));
  EXPECT_TRUE(p->evaluate("s3:getobject", "arn:aws:s3:::open/x", kBob, TestContext{}).allowed);
  EXPECT_FALSE(p->evaluate("s3:getobject", "arn:aws:s3:::secret/x", kBob, TestContext{}).allowed);
  EXPECT_FALSE(p->evaluate("iam:getuser", "*", kBob, TestContext{}).allowed);
}

// ---- principals

struct Who {
  std::string principal;  // the element with its value
  const PrincipalView* asker;
  bool yes;
};
class PrincipalElement : public testing::TestWithParam<Who> {};
TEST_P(PrincipalElement, names) {
  auto p = parsed(document(R"("Effect":"Allow","Action":"a:b",)" + GetParam().principal), R);
  EXPECT_EQ(p->evaluate("a:b", "*", *GetParam().asker, TestContext{}).allowed, GetParam().yes)
      << GetParam().principal << " " << GetParam().asker->arn;
}
INSTANTIATE_TEST_SUITE_P(
    Elements, PrincipalElement,
    testing::Values(
        Who{R"("Principal":"*")", &kNobody, true}, Who{R"("Principal":{"AWS":"*"})", &kStranger, true},
        Who{R"("Principal":{"AWS":"111122223333"})", &kBob, true},
        Who{R"("Principal":{"AWS":"arn:aws:iam::111122223333:root"})", &kSession, true},
        Who{R"("Principal":{"AWS":"111122223333"})", &kStranger, false},
        Who{R"("Principal":{"AWS":["arn:aws:iam::111122223333:user/bob"]})", &kBob, true},
        Who{R"("Principal":{"AWS":"arn:aws:iam::111122223333:user/Bob"})", &kBob, false},
        Who{R"("Principal":{"AWS":"AIDABOB1234567890123"})", &kBob, true},
        Who{R"("Principal":{"AWS":"arn:aws:iam::111122223333:role/deploy"})", &kSession, true},
        Who{R"("Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/deploy/s1"})", &kSession, true},
        Who{R"("Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/deploy/s2"})", &kSession, false},
        Who{R"("Principal":{"Service":"ecs-tasks.amazonaws.com"})", &kEcs, true},
        Who{R"("Principal":{"Service":"ec2.amazonaws.com"})", &kEcs, false},
        Who{R"("Principal":{"AWS":"*"})", &kEcs, false},
        Who{R"("Principal":{"AWS":"111122223333"})", &kNobody, false},
        Who{R"("NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/bob"})", &kBob, false},
        Who{R"("NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/bob"})", &kStranger, true}));

// ---- decisions

std::string outcome(const PolicySet& set, const PrincipalView& who,
                    std::string_view resource_account = "111122223333") {
  auto d = decide(set, {"s3:getobject", "arn:aws:s3:::b/x", resource_account, who, TestContext{}});
  static const char* layers[] = {"identity", "boundary", "session", "resource"};
  if (d.allowed()) return "allowed";
  return std::string(d.outcome == Decision::Outcome::explicit_deny ? "explicit " : "no ") +
         layers[static_cast<int>(d.layer)];
}
PolicyPtr on_resource(std::string_view principal, std::string_view effect = "Allow") {
  return parsed(document(R"("Effect":")" + std::string(effect) +
                         R"(","Action":"s3:*","Resource":"*","Principal":)" + std::string(principal)),
                R);
}
const char* kBobOnly = R"({"AWS":"arn:aws:iam::111122223333:user/bob"})";
const char* kDeployRole = R"({"AWS":"arn:aws:iam::111122223333:role/deploy"})";
const char* kDeploySession = R"({"AWS":"arn:aws:sts::111122223333:assumed-role/deploy/s1"})";
const char* kWholeAccount = R"({"AWS":"arn:aws:iam::111122223333:root"})";

TEST(Decide, identity_policies) {
  EXPECT_EQ(outcome({}, kBob), "no identity");
  EXPECT_EQ(outcome({.identity = {allow("s3:*")}}, kBob), "allowed");
  EXPECT_EQ(outcome({.identity = {allow("s3:*"), deny("s3:GetObject")}}, kBob), "explicit identity");
  EXPECT_EQ(outcome({.identity = {allow("ec2:*"), allow("s3:Get*", "arn:aws:s3:::b/*")}}, kBob), "allowed");
}
TEST(Decide, boundary_cuts) {
  EXPECT_EQ(outcome({.identity = {allow("*")}, .boundary = {allow("ec2:*")}, .has_boundary = true}, kBob),
            "no boundary");
  EXPECT_EQ(outcome({.identity = {allow("*")}, .boundary = {allow("s3:*")}, .has_boundary = true}, kBob),
            "allowed");
  EXPECT_EQ(outcome({.boundary = {allow("s3:*")}, .has_boundary = true}, kBob),
            "no identity");  // it grants nothing
  EXPECT_EQ(outcome({.identity = {allow("*")}, .boundary = {deny("s3:*")}, .has_boundary = true}, kBob),
            "explicit boundary");
  EXPECT_EQ(outcome({.identity = {allow("*")}, .has_boundary = true}, kBob), "no boundary");
}
TEST(Decide, session_policy_cuts) {
  EXPECT_EQ(outcome({.identity = {allow("*")}, .session = {allow("ec2:*")}, .has_session = true}, kSession),
            "no session");
  EXPECT_EQ(
      outcome({.identity = {allow("*")}, .session = {allow("ec2:*"), allow("s3:*")}, .has_session = true},
              kSession),
      "allowed");
  EXPECT_EQ(outcome({.session = {allow("s3:*")}, .has_session = true}, kSession), "no identity");
  EXPECT_EQ(outcome({.identity = {allow("*")}, .session = {deny("s3:*")}, .has_session = true}, kSession),
            "explicit session");
}
TEST(Decide, resource_policy_in_the_same_account) {
  EXPECT_EQ(outcome({.resource = on_resource(kBobOnly)}, kBob), "allowed");
  EXPECT_EQ(outcome({.resource = on_resource(kWholeAccount)}, kBob), "no identity");  // it only delegates
  EXPECT_EQ(outcome({.resource = on_resource("\"*\"")}, kBob), "allowed");
  EXPECT_EQ(outcome({.identity = {allow("*")}, .resource = on_resource(kBobOnly, "Deny")}, kBob),
            "explicit resource");
  EXPECT_EQ(outcome({.identity = {deny("*")}, .resource = on_resource(kBobOnly)}, kBob), "explicit identity");
  // A user named directly is not limited by the silence of his boundary; a role is; its session by name is
  // not.
  EXPECT_EQ(
      outcome({.boundary = {allow("ec2:*")}, .has_boundary = true, .resource = on_resource(kBobOnly)}, kBob),
      "allowed");
  EXPECT_EQ(
      outcome({.boundary = {allow("ec2:*")}, .has_boundary = true, .resource = on_resource(kDeployRole)},
              kSession),
      "no boundary");
  EXPECT_EQ(outcome({.session = {allow("ec2:*")}, .has_session = true, .resource = on_resource(kDeployRole)},
                    kSession),
            "no session");
  EXPECT_EQ(
      outcome({.session = {allow("ec2:*")}, .has_session = true, .resource = on_resource(kDeploySession)},
              kSession),
      "allowed");
}
TEST(Decide, across_accounts_both_sides_must_allow) {
  auto eve = on_resource(R"({"AWS":"arn:aws:iam::444455556666:user/eve"})");
  auto whole = on_resource(R"({"AWS":"444455556666"})");
  EXPECT_EQ(outcome({.identity = {allow("*")}}, kStranger), "no resource");
  EXPECT_EQ(outcome({.resource = eve}, kStranger), "no identity");
  EXPECT_EQ(outcome({.identity = {allow("s3:*")}, .resource = eve}, kStranger), "allowed");
  EXPECT_EQ(outcome({.identity = {allow("s3:*")}, .resource = whole}, kStranger), "allowed");
  EXPECT_EQ(outcome({.root = true}, kRootUser, "999988887777"), "no resource");
}
TEST(Decide, root_services_and_nobody) {
  EXPECT_EQ(outcome({.root = true}, kRootUser), "allowed");
  EXPECT_EQ(outcome({.resource = on_resource("\"*\""), .root = true}, kRootUser), "allowed");
  EXPECT_EQ(outcome({.resource = on_resource(kWholeAccount, "Deny"), .root = true}, kRootUser),
            "explicit resource");
  EXPECT_EQ(outcome({.resource = on_resource(R"({"Service":"ecs-tasks.amazonaws.com"})")}, kEcs), "allowed");
  EXPECT_EQ(outcome({}, kEcs), "no resource");
  EXPECT_EQ(outcome({.identity = {allow("*")}}, kNobody), "no resource");
  EXPECT_EQ(outcome({.resource = on_resource("\"*\"")}, kNobody), "allowed");
}
TEST(Decide, trust_policy_is_required) {
  EXPECT_EQ(
      outcome({.identity = {allow("*")}, .resource = on_resource(kDeployRole), .resource_required = true},
              kBob),
      "no resource");
  EXPECT_EQ(
      outcome({.identity = {allow("*")}, .resource = on_resource(kWholeAccount), .resource_required = true},
              kBob),
      "allowed");
  EXPECT_EQ(outcome({.resource = on_resource(kWholeAccount), .resource_required = true}, kBob),
            "no identity");
  EXPECT_EQ(outcome({.resource = on_resource(kBobOnly), .resource_required = true}, kBob), "allowed");
  EXPECT_EQ(outcome({.resource_required = true, .root = true}, kRootUser), "no resource");
}

TEST(Refusal, says_why) {
  using enum Decision::Outcome;
  using enum Decision::Layer;
  const char* arn = "arn:aws:iam::111122223333:user/bob";
  EXPECT_EQ(refusal({implicit_deny, identity}, arn, "ec2:CreateVpc", "*"),
            "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: ec2:CreateVpc on "
            "resource: * because no "
            "identity-based policy allows the ec2:CreateVpc action");
  EXPECT_EQ(refusal({explicit_deny, identity}, arn, "s3:GetObject", "arn:aws:s3:::b/x"),
            "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: s3:GetObject on "
            "resource: arn:aws:s3:::b/x "
            "with an explicit deny in an identity-based policy");
  EXPECT_TRUE(refusal({implicit_deny, boundary}, arn, "a:B", "*")
                  .ends_with("because no permissions boundary allows the a:B action"));
  EXPECT_TRUE(refusal({implicit_deny, session}, arn, "a:B", "*")
                  .ends_with("because no session policy allows the a:B action"));
  EXPECT_TRUE(refusal({explicit_deny, resource}, arn, "a:B", "*")
                  .ends_with("with an explicit deny in a resource-based policy"));
}

}  // namespace
}  // namespace nubecita::iam
