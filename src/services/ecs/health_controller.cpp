#include "services/ecs/health_controller.hpp"

#include <algorithm>

#include "base/arena.hpp"
#include "base/clock.hpp"
#include "host/containers/containers.hpp"
#include "host/processes/processes.hpp"
#include "services/ecs/common.hpp"
#include "services/ecs/container_plan.hpp"

namespace nubecita::ecs {

using std::chrono::milliseconds;

HealthController::HealthController(api::Cloud& cloud)
    : cloud_(cloud), tag_(host::installation_tag(cloud.config.data_dir)) {}

control::Controller HealthController::controller() {
  control::Controller c;
  c.name = "ecs.health";
  c.tables = {std::string(TaskStatus::kTable)};
  c.workers = 4;
  c.reconcile = [this](const std::string& key) { return reconcile(key); };
  return c;
}

Result<control::Again> HealthController::reconcile(const std::string& key) {
  const auto parsed = store::parse_key(key);
  const store::Scope scope{std::string(parsed.account), std::string(parsed.region)};
  auto tx = cloud_.store->begin();
  auto status = tx->get<TaskStatus>(scope, parsed.id);
  auto task = tx->get<Task>(scope, parsed.id);
  if (!status || !task || (status->last_status != "RUNNING" && status->last_status != "ACTIVATING")) {
    std::lock_guard lock(mutex_);
    counts_.erase(key);
    return control::done();
  }
  auto record = need_definition(*tx, scope, task->definition_arn);
  tx.reset();
  if (!record) return control::done();
  Arena arena;
  const model::TaskDefinition* definition = load_definition(arena, *record);
  std::map<std::string, Count> counts;
  {
    std::lock_guard lock(mutex_);
    counts = counts_[key];
  }
  int64_t next = 0;
  for (const auto& c : definition->container_definitions) {
    const auto command = health_command(c);
    const ContainerStatus* s = status->find(c.name.sv());
    if (command.empty() || !s || !s->started || s->exited) continue;
    const model::HealthCheck& check = *c.health_check;
    const int64_t interval = check.interval.value_or(30) * int64_t{1000};
    Count& count = counts[s->name];
    // The first look comes early: a container that is healthy at once need not be waited for.
    if (!count.due) count.due = s->started_at + std::min<int64_t>(interval, 1000);
    if (now_ms() >= count.due) {
      auto ran = cloud_.containers->exec(container_name(tag_, *task, c.name), command,
                                         milliseconds(check.timeout.value_or(5) * 1000));
      if (!ran && ran.error().code == "ContainersUnavailable") return std::unexpected(ran.error());
      const bool good = ran && !ran->timed_out && ran->exit_code == 0;
      const bool starting = now_ms() - s->started_at < check.start_period.value_or(0) * int64_t{1000};
      if (good) {
        count.failures = 0;
        count.was_healthy = true;
        TRY(tell(scope, task->cluster, task->id, s->name, "HEALTHY", ran->output));
      } else if (ran && (count.was_healthy || !starting) && ++count.failures >= check.retries.value_or(3)) {
        TRY(tell(scope, task->cluster, task->id, s->name, "UNHEALTHY", ran->output));
      }
      // Until it has been healthy once it is asked more often: deployments wait for that.
      count.due =
          now_ms() + (count.was_healthy || count.failures ? interval : std::min<int64_t>(interval, 2000));
    }
    const int64_t wait = std::max<int64_t>(count.due - now_ms(), 10);
    if (!next || wait < next) next = wait;
  }
  std::lock_guard lock(mutex_);
  counts_[key] = std::move(counts);
  return next ? control::again_in(milliseconds(next)) : control::done();
}

Status HealthController::tell(const store::Scope& scope, const std::string& cluster, const std::string& task,
                              const std::string& container, const std::string& status,
                              const std::string& output) {
  return cloud_.store->transact([&](store::Transaction& tx) -> Status {
    ContainerHealth h{cluster, task, container, status, output.substr(0, 1000)};
    auto old = tx.get<ContainerHealth>(scope, h.key());
    if (old && old->status == status) return {};
    if (!tx.get<Task>(scope, cluster + "/" + task)) return {};
    tx.put(scope, h);
    return {};
  });
}

}  // namespace nubecita::ecs
