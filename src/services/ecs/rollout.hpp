// What a service should do next: start which tasks, stop which, whether its deployment is done or has failed.
// A pure function of what is seen, so that every case can be a test; the service controller gathers and
// carries out. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nubecita::ecs::rollout {

struct SeenTask {
  std::string id, deployment, zone;
  bool running = false;   // RUNNING
  bool healthy = false;   // RUNNING, its health checks pass, its targets are healthy
  std::string unhealthy;  // why it must be replaced; empty: it need not
  int64_t created = 0;
};

struct Seen {
  int desired = 0, minimum_percent = 100, maximum_percent = 200;
  std::string primary;             // id of the PRIMARY deployment
  bool primary_failed = false;     // the circuit breaker has stopped it
  std::vector<SeenTask> tasks;     // those that are wanted (desired status RUNNING)
  std::vector<std::string> zones;  // of the primary's subnets
  bool may_launch = true;          // not throttled
};

struct Stop {
  std::string id, reason;  // reason empty: scaling
};
struct Plan {
  std::vector<std::string> launch_zones;  // one entry per task to start
  std::vector<Stop> stops;
  bool complete = false;  // the primary has all its tasks, healthy, and no other deployment has any
};

Plan decide(const Seen& seen);

/// Failures after which the circuit breaker opens: half of the desired count, at least 3 and at most 200.
int breaker_threshold(int desired);
/// Milliseconds to wait after the `n`th launch in a row that failed: the first ones are free, then it doubles
/// to 5 min.
int64_t launch_delay_ms(int n);

}  // namespace nubecita::ecs::rollout
