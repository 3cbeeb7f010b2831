#include "services/ecr/lifecycle.hpp"

#include <gtest/gtest.h>

namespace nubecita::ecr {
namespace {

constexpr int64_t kDay = 24LL * 3600 * 1000, kNow = 100 * kDay;

std::string rule(int priority, const std::string& selection) {
  return R"({"rulePriority":)" + std::to_string(priority) + R"(,"description":"x","selection":{)" +
         selection + R"(},"action":{"type":"expire"}})";
}
std::string policy(std::initializer_list<std::string> rules) {
  std::string out = R"({"rules":[)";
  for (auto& r : rules) out += (out.back() == '[' ? "" : ",") + r;
  return out + "]}";
}
/// The digests that a policy expires, joined.
std::string expired(const std::string& text, const std::vector<LifecycleImage>& images) {
  auto rules = parse_lifecycle(text);
  EXPECT_TRUE(rules) << rules.error().message;
  std::string out;
  for (auto& e : evaluate_lifecycle(*rules, images, kNow))
    out += images[e.image].digest + std::to_string(e.priority) + " ";
  return out;
}
LifecycleImage image(std::string digest, std::vector<std::string> tags, int64_t days_old,
                     bool needed = false) {
  return {std::move(digest), std::move(tags), kNow - days_old * kDay, needed};
}

const std::string kUntaggedAge =
    R"("tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":14)";
const std::string kAnyCount = R"("tagStatus":"any","countType":"imageCountMoreThan","countNumber":2)";

TEST(Lifecycle, ByAgeAndByCount) {
  std::vector<LifecycleImage> images = {image("a", {}, 20), image("b", {}, 5), image("c", {"v1"}, 30),
                                        image("d", {"v2"}, 1), image("e", {"v3"}, 2)};
  EXPECT_EQ(expired(policy({rule(1, kUntaggedAge)}), images), "a1 ");
  EXPECT_EQ(expired(policy({rule(1, kAnyCount)}), images), "a1 b1 c1 ");
  EXPECT_EQ(
      expired(
          policy({rule(
              1,
              R"("tagStatus":"tagged","tagPrefixList":["v"],"countType":"imageCountMoreThan","countNumber":1)")}),
          images),
      "c1 e1 ");
}

TEST(Lifecycle, AnImageBelongsToTheFirstRuleThatSelectsIt) {
  std::vector<LifecycleImage> images = {image("prod", {"prod-1"}, 50), image("old", {"dev-1"}, 50),
                                        image("new", {"dev-2"}, 1), image("newer", {"dev-3"}, 0)};
  // Rule 1 selects prod and keeps it; the last rule counts it but may not take it.
  auto text = policy(
      {rule(
           1,
           R"("tagStatus":"tagged","tagPrefixList":["prod"],"countType":"imageCountMoreThan","countNumber":5)"),
       rule(9, kAnyCount)});
  EXPECT_EQ(expired(text, images), "old9 ");
}

TEST(Lifecycle, AllPrefixesOrPatternsMustMatch) {
  std::vector<LifecycleImage> images = {image("both", {"alpha-1", "beta-1"}, 50),
                                        image("one", {"alpha-2"}, 50)};
  auto by = [](const std::string& list) {
    return policy({rule(1, R"("tagStatus":"tagged",)" + list +
                               R"(,"countType":"sinceImagePushed","countUnit":"days","countNumber":1)")});
  };
  EXPECT_EQ(expired(by(R"("tagPrefixList":["alpha","beta"])"), images), "both1 ");
  EXPECT_EQ(expired(by(R"("tagPatternList":["*-2"])"), images), "one1 ");
}

TEST(Lifecycle, WhatAnIndexNeedsStays) {
  std::vector<LifecycleImage> images = {image("child", {}, 50, true), image("loose", {}, 50)};
  EXPECT_EQ(expired(policy({rule(1, kUntaggedAge)}), images), "loose1 ");
}

TEST(Lifecycle, RefusesBadPolicies) {
  auto tagged = std::string(R"("tagStatus":"tagged","countType":"imageCountMoreThan","countNumber":1)");
  for (auto& bad :
       {std::string("{"), std::string("[]"), std::string("{}"), policy({}),
        R"({"rules":[1]})" + std::string(), policy({rule(0, kAnyCount)}),
        policy({rule(1, kAnyCount), rule(1, kUntaggedAge)}),
        policy({rule(1, kAnyCount), rule(2, kUntaggedAge)}), policy({rule(1, tagged)}),
        policy({rule(1, R"("tagStatus":"any","countType":"sinceImagePushed","countNumber":1)")}),
        policy({rule(
            1, R"("tagStatus":"any","countType":"imageCountMoreThan","countUnit":"days","countNumber":1)")}),
        policy({rule(
            1, R"("tagStatus":"any","countType":"sinceImagePulled","countUnit":"days","countNumber":1)")}),
        policy({rule(1, R"("tagStatus":"any","countType":"imageCountMoreThan","countNumber":0)")}),
        policy({rule(1, kAnyCount + R"(,"storageClass":"archive")")})}) {
    auto r = parse_lifecycle(bad);
    ASSERT_FALSE(r) << bad;
    EXPECT_EQ(r.error().code, "InvalidParameterException");
    EXPECT_NE(r.error().message.find("Lifecycle policy validation failure"), std::string::npos);
  }
}

}  // namespace
}  // namespace nubecita::ecr
