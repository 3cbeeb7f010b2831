#include "services/ecs/rollout.hpp"

#include <gtest/gtest.h>

#include <set>

namespace nubecita::ecs::rollout {
namespace {

SeenTask task(std::string id, std::string deployment, bool healthy, std::string zone = "a") {
  return {.id = std::move(id),
          .deployment = std::move(deployment),
          .zone = std::move(zone),
          .running = healthy,
          .healthy = healthy};
}
Seen two_wanted() {
  Seen s;
  s.desired = 2;
  s.primary = "new";
  s.zones = {"a", "b"};
  return s;
}
std::set<std::string> ids(const Plan& p) {
  std::set<std::string> out;
  for (const auto& s : p.stops) out.insert(s.id);
  return out;
}

TEST(Rollout, StartsWhatIsMissingSpreadOverZones) {
  auto plan = decide(two_wanted());
  EXPECT_EQ(plan.launch_zones, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(plan.complete);
}

TEST(Rollout, FillsTheEmptierZone) {
  auto s = two_wanted();
  s.tasks = {task("1", "new", true, "a")};
  EXPECT_EQ(decide(s).launch_zones, std::vector<std::string>{"b"});
}

TEST(Rollout, CompleteWhenAllAreHealthy) {
  auto s = two_wanted();
  s.tasks = {task("1", "new", true), task("2", "new", true, "b")};
  auto plan = decide(s);
  EXPECT_TRUE(plan.complete);
  EXPECT_TRUE(plan.stops.empty() && plan.launch_zones.empty());
}

TEST(Rollout, AnUpdateStartsNewOnesBesideTheOldUpToTheMaximum) {
  auto s = two_wanted();
  s.tasks = {task("1", "old", true), task("2", "old", true)};
  EXPECT_EQ(decide(s).launch_zones.size(), 2u);
  s.maximum_percent = 150;
  EXPECT_EQ(decide(s).launch_zones.size(), 1u);
  EXPECT_TRUE(decide(s).stops.empty()) << "the old ones serve until the new ones do";
}

TEST(Rollout, OldOnesGoAsNewOnesBecomeHealthy) {
  auto s = two_wanted();
  s.tasks = {task("1", "old", true), task("2", "old", true), task("3", "new", true), task("4", "new", false)};
  EXPECT_EQ(decide(s).stops.size(), 1u);
  s.tasks[3] = task("4", "new", true);
  EXPECT_EQ(ids(decide(s)), (std::set<std::string>{"1", "2"}));
  EXPECT_FALSE(decide(s).complete) << "not before they are gone";
}

TEST(Rollout, WithoutRoomAboveTheOldOnesAreStoppedFirst) {
  auto s = two_wanted();
  s.minimum_percent = 50;
  s.maximum_percent = 100;
  s.tasks = {task("1", "old", true), task("2", "old", true)};
  auto plan = decide(s);
  EXPECT_EQ(plan.stops.size(), 1u);
  EXPECT_EQ(plan.launch_zones.size(), 1u);
}

TEST(Rollout, UnhealthyOldOnesServeUntilOthersDo) {
  auto s = two_wanted();
  s.tasks = {task("1", "old", false), task("2", "old", false)};
  s.tasks[0].running = s.tasks[1].running = true;
  EXPECT_TRUE(decide(s).stops.empty()) << "the load balancer sends them requests: it has nobody else";
  EXPECT_EQ(decide(s).launch_zones.size(), 2u);
  s.tasks.push_back(task("3", "new", true));
  EXPECT_EQ(decide(s).stops.size(), 1u);
  s.tasks.push_back(task("4", "new", true));
  EXPECT_EQ(ids(decide(s)), (std::set<std::string>{"1", "2"}));
}

TEST(Rollout, UnhealthyOldOnesMakeRoomWhereThereIsNone) {
  auto s = two_wanted();
  s.maximum_percent = 100;
  s.tasks = {task("1", "old", true), task("2", "old", false)};
  s.tasks[1].running = true;
  auto plan = decide(s);
  EXPECT_EQ(ids(plan), std::set<std::string>{"2"}) << "not the healthy one: at least two shall be healthy";
  EXPECT_EQ(plan.launch_zones.size(), 1u);
}

TEST(Rollout, OldOnesThatNeverCameUpGoAtOnce) {
  auto s = two_wanted();
  s.tasks = {task("1", "broken", false), task("2", "broken", false), task("3", "new", true),
             task("4", "new", true)};
  EXPECT_EQ(ids(decide(s)), (std::set<std::string>{"1", "2"}));
}

TEST(Rollout, ScalingInKeepsTheHealthyAndTheZonesEven) {
  auto s = two_wanted();
  s.tasks = {task("1", "new", true, "a"), task("2", "new", true, "a"), task("3", "new", true, "b"),
             task("4", "new", false, "b")};
  auto gone = ids(decide(s));
  EXPECT_EQ(gone.size(), 2u);
  EXPECT_TRUE(gone.contains("4"));
  EXPECT_FALSE(gone.contains("3"));
}

TEST(Rollout, AnUnhealthyTaskIsStoppedAndReplaced) {
  auto s = two_wanted();
  s.tasks = {task("1", "new", true, "a"), task("2", "new", false, "b")};
  s.tasks[1].unhealthy = "Task failed container health checks";
  auto plan = decide(s);
  ASSERT_EQ(plan.stops.size(), 1u);
  EXPECT_EQ(plan.stops[0].reason, "Task failed container health checks");
  EXPECT_EQ(plan.launch_zones, std::vector<std::string>{"b"});
}

TEST(Rollout, AFailedDeploymentStartsNothingAndKeepsTheOldTasks) {
  auto s = two_wanted();
  s.primary_failed = true;
  s.tasks = {task("1", "old", true), task("2", "old", true)};
  auto plan = decide(s);
  EXPECT_TRUE(plan.launch_zones.empty());
  EXPECT_TRUE(plan.stops.empty());
  EXPECT_FALSE(plan.complete);
}

TEST(Rollout, ThrottledLaunchesWait) {
  auto s = two_wanted();
  s.may_launch = false;
  EXPECT_TRUE(decide(s).launch_zones.empty());
  EXPECT_EQ(launch_delay_ms(1), 0);
  EXPECT_EQ(launch_delay_ms(2), 1000);
  EXPECT_EQ(launch_delay_ms(5), 8000);
  EXPECT_EQ(launch_delay_ms(50), 300'000);
}

TEST(Rollout, ZeroWantedStopsAll) {
  auto s = two_wanted();
  s.desired = 0;
  s.tasks = {task("1", "new", true), task("2", "old", true)};
  EXPECT_EQ(decide(s).stops.size(), 2u);
}

TEST(Rollout, TheBreakersThreshold) {
  EXPECT_EQ(breaker_threshold(1), 3);
  EXPECT_EQ(breaker_threshold(25), 13);
  EXPECT_EQ(breaker_threshold(1000), 200);
}

}  // namespace
}  // namespace nubecita::ecs::rollout
