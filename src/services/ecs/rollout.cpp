#include "services/ecs/rollout.hpp"

#include <algorithm>
#include <map>

namespace nubecita::ecs::rollout {

namespace {

using Group = std::vector<const SeenTask*>;

int healthy_in(const Group& g) {
  return static_cast<int>(std::count_if(g.begin(), g.end(), [](const SeenTask* t) { return t->healthy; }));
}

/// Those that serve least first: not running, not healthy, then of the fullest zone, then the youngest.
void order_for_stopping(Group& g) {
  std::map<std::string, int> per_zone;
  for (const auto* t : g) ++per_zone[t->zone];
  std::sort(g.begin(), g.end(), [&](const SeenTask* a, const SeenTask* b) {
    if (a->healthy != b->healthy) return !a->healthy;
    if (a->running != b->running) return !a->running;
    if (per_zone[a->zone] != per_zone[b->zone]) return per_zone[a->zone] > per_zone[b->zone];
    return a->created != b->created ? a->created > b->created : a->id < b->id;
  });
}

/// The zones for `n` more tasks, so that all zones come to hold about the same number.
std::vector<std::string> spread(const Seen& seen, const Group& kept, int n) {
  std::map<std::string, int> per_zone;
  for (const auto& z : seen.zones) per_zone[z] = 0;
  for (const auto* t : kept)
    if (per_zone.contains(t->zone)) ++per_zone[t->zone];
  std::vector<std::string> out;
  for (int i = 0; i < n && !per_zone.empty(); ++i) {
    auto least = std::min_element(per_zone.begin(), per_zone.end(),
                                  [](const auto& a, const auto& b) { return a.second < b.second; });
    ++least->second;
    out.push_back(least->first);
  }
  return out;
}

}  // namespace

int breaker_threshold(int desired) { return std::clamp((desired + 1) / 2, 3, 200); }

int64_t launch_delay_ms(int n) {
  constexpr int64_t longest = 300'000;
  if (n < 2) return 0;
  return std::min<int64_t>(longest, int64_t{1000} << std::min(n - 2, 9));
}

Plan decide(const Seen& seen) {
  Plan plan;
  Group primary, others;
  for (const auto& t : seen.tasks) {
    if (!t.unhealthy.empty()) {
      plan.stops.push_back({t.id, t.unhealthy});  // its replacement is started in the same turn, below
      continue;
    }
    (t.deployment == seen.primary ? primary : others).push_back(&t);
  }
  const int most = std::max(seen.desired, seen.desired * seen.maximum_percent / 100);
  const int least = (seen.desired * seen.minimum_percent + 99) / 100;

  // Too many of the primary: scaling in.
  if (static_cast<int>(primary.size()) > seen.desired) {
    order_for_stopping(primary);
    const size_t surplus = primary.size() - static_cast<size_t>(seen.desired);
    for (size_t i = 0; i < surplus; ++i) plan.stops.push_back({primary[i]->id, ""});
    primary.erase(primary.begin(), primary.begin() + static_cast<std::ptrdiff_t>(surplus));
  }

  // Old tasks give way as new ones become healthy. One that does not run goes at once, unless the primary has
  // failed and nothing will replace it. One that runs and is not healthy may be all there is that serves
  // (load balancers fail open), so it stays until others serve in its place, or until its place is needed.
  int wanted_others = static_cast<int>(others.size());
  if (!seen.primary_failed) {
    order_for_stopping(others);
    const int fresh = healthy_in(primary);
    int healthy = fresh + healthy_in(others);
    int serving = fresh + static_cast<int>(std::ranges::count_if(others, &SeenTask::running));
    for (const auto* t : others) {
      const bool replaced = fresh >= seen.desired;
      const bool in_the_way = static_cast<int>(primary.size()) < seen.desired &&
                              static_cast<int>(primary.size()) + wanted_others >= most;
      const bool goes = t->healthy   ? replaced || healthy - 1 >= least
                        : t->running ? replaced || serving - 1 >= least || in_the_way
                                     : true;
      if (!goes) continue;
      if (t->healthy) --healthy;
      if (t->running) --serving;
      plan.stops.push_back({t->id, ""});
      --wanted_others;
    }
  }

  if (seen.may_launch && !seen.primary_failed) {
    const int missing = seen.desired - static_cast<int>(primary.size());
    const int room = most - static_cast<int>(primary.size()) - wanted_others;
    plan.launch_zones = spread(seen, primary, std::max(0, std::min(missing, room)));
  }
  plan.complete = !seen.primary_failed && static_cast<int>(primary.size()) == seen.desired &&
                  healthy_in(primary) == seen.desired && wanted_others == 0 && plan.stops.empty();
  return plan;
}

}  // namespace nubecita::ecs::rollout
