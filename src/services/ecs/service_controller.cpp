#include "services/ecs/service_controller.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/arena.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "services/ec2/ec2.hpp"
#include "services/ecs/deployments.hpp"
#include "services/ecs/history.hpp"
#include "services/ecs/launch.hpp"
#include "services/ecs/rollout.hpp"
#include "services/ecs/task_render.hpp"
#include "services/elbv2/elbv2.hpp"

namespace nubecita::ecs {

using std::chrono::milliseconds;

namespace {

/// Where nothing checks a task's health, running this long is health: one that ends as soon as it has started
/// must not take the place of one that serves.
constexpr int64_t kSettleMs = 1500;

std::string scoped(const store::Scope& s, std::string_view id) {
  return fmt::format("{}/{}/{}", s.account, s.region, id);
}

std::string task_list(const std::vector<std::string>& ids) {
  std::string out;
  for (const auto& id : ids) out += fmt::format(" (task {})", id);
  return out;
}

/// One turn for one service: everything that is read, decided and written in one transaction.
class Turn {
 public:
  Turn(store::Transaction& tx, const store::Scope& scope, Service& service, const std::string& public_pool,
       int64_t now)
      : tx_(tx), scope_(scope), service_(service), public_pool_(public_pool), now_(now) {
    status_ = tx.get<ServiceStatus>(scope, service.key()).value_or(ServiceStatus{});
    status_.cluster = service.cluster;
    status_.name = service.name;
    before_status_ = store::encode_record(status_);
    before_service_ = store::encode_record(service);
  }

  Status run();
  std::vector<Task> tasks;
  control::Again again;

 private:
  struct Seen {
    Task task;
    TaskStatus status;
    bool wanted = false;
  };
  void look();
  rollout::SeenTask judge(const Seen& s);
  std::string failing_target(const Task& t, bool& healthy);
  void count_failures();
  void break_circuit();
  Status launch(const std::vector<std::string>& zones);
  void stop(const std::vector<rollout::Stop>& stops);
  void finish(const rollout::Plan& plan);
  void event(std::string message);
  Deployment* primary() {
    for (auto& d : service_.deployments)
      if (d.status == "PRIMARY") return &d;
    return nullptr;
  }
  void look_again(int64_t ms) {
    milliseconds d(std::max<int64_t>(ms, 10));
    if (!again.after || d < *again.after) again.after = d;
  }

  store::Transaction& tx_;
  const store::Scope& scope_;
  Service& service_;
  const std::string& public_pool_;
  ServiceStatus status_;
  std::string before_status_, before_service_;
  int64_t now_;
  std::vector<Seen> seen_;
  Arena arena_;
  std::map<std::string, std::vector<std::string>> checked_;  // definition ARN → containers with health checks
};

void Turn::event(std::string message) {
  status_.events.insert(status_.events.begin(),
                        {uuid(), fmt::format("(service {}) {}", service_.name, message), now_});
  if (status_.events.size() > 100) status_.events.resize(100);
}

void Turn::look() {
  for (auto& t : tx_.list<Task>(scope_, service_.cluster + "/")) {
    if (t.service != service_.name) continue;
    Seen s;
    s.status = tx_.get<TaskStatus>(scope_, t.key()).value_or(TaskStatus{});
    s.wanted = !t.stop && s.status.stop_code.empty() && s.status.last_status != "STOPPED";
    tasks.push_back(t);
    s.task = std::move(t);
    seen_.push_back(std::move(s));
  }
}

/// Why the task's targets make it unfit, or nothing; `healthy` says whether all of them are healthy.
std::string Turn::failing_target(const Task& t, bool& healthy) {
  healthy = true;
  for (const auto& target : t.targets) {
    auto health = elbv2::target_health(tx_, scope_, target.group_arn, t.private_ip, target.port);
    if (!health) continue;  // the group is gone: nothing more to wait for
    if (health->unhealthy()) {
      healthy = false;
      return target.group_arn;
    }
    // A group without a load balancer checks nobody.
    if (!health->healthy() && health->reason != "Target.NotInUse") healthy = false;
  }
  return {};
}

rollout::SeenTask Turn::judge(const Seen& s) {
  rollout::SeenTask out{
      .id = s.task.id, .deployment = s.task.deployment, .zone = s.task.zone, .created = s.task.created};
  out.running = s.status.last_status == "RUNNING";
  if (!out.running) return out;
  auto [it, fresh] = checked_.try_emplace(s.task.definition_arn);
  if (fresh)
    if (auto record = need_definition(tx_, scope_, s.task.definition_arn))
      for (const auto& c : load_definition(arena_, *record)->container_definitions)
        if (c.health_check && c.essential.value_or(true)) it->second.push_back(api::str(c.name));
  const std::string health = health_of(tx_, scope_, s.task, it->second);
  bool targets_healthy = true;
  const std::string failing = failing_target(s.task, targets_healthy);
  const int64_t grace_until = s.status.started + int64_t{1000} * service_.grace_seconds;
  out.healthy = health != "UNHEALTHY" && (it->second.empty() || health == "HEALTHY") && targets_healthy;
  if (out.healthy && it->second.empty() && s.task.targets.empty() && now_ - s.status.started < kSettleMs) {
    out.healthy = false;
    look_again(s.status.started + kSettleMs - now_);
  }
  const bool in_grace = !s.task.targets.empty() && now_ < grace_until;
  if (in_grace && !out.healthy) look_again(grace_until - now_ + 50);
  if (in_grace) return out;
  if (health == "UNHEALTHY")
    out.unhealthy = "Task failed container health checks";
  else if (!failing.empty())
    out.unhealthy = fmt::format("Task failed ELB health checks in (target-group {})", failing);
  return out;
}

/// A task of the deployment in progress that ended without our wanting it has failed; each is counted once.
void Turn::count_failures() {
  Deployment* p = primary();
  std::map<std::string, std::string> still;
  for (const auto& s : seen_) {
    const std::string& id = s.task.id;
    if (status_.counted.contains(id)) {
      still[id] = "1";
      continue;
    }
    const bool ours = s.task.stop && s.task.stop_code == "ServiceSchedulerInitiated" &&
                      !s.task.stop_reason.starts_with("Task failed");
    if (s.wanted || ours || s.task.stop_code == "UserInitiated" ||
        (s.status.stop_code.empty() && !s.task.stop))
      continue;
    still[id] = "1";
    if (p && s.task.deployment == p->id && p->rollout == "IN_PROGRESS")
      history_counts(tx_, scope_, service_, ++status_.failed[p->id]);
    ++status_.launch_failures;
    status_.next_launch = now_ + rollout::launch_delay_ms(status_.launch_failures);
    if (status_.launch_failures == 10)
      event(
          "is unable to consistently start tasks successfully. For more information, see the Troubleshooting "
          "section of the Amazon ECS Developer Guide.");
    if (s.task.stop_reason.starts_with("Task failed container"))
      event(fmt::format("(task {}) failed container health checks.", id));
    status_.steady = false;
  }
  status_.counted = std::move(still);
}

void Turn::break_circuit() {
  Deployment* p = primary();
  if (!p || !service_.breaker || p->rollout != "IN_PROGRESS" ||
      status_.failed[p->id] < rollout::breaker_threshold(service_.desired))
    return;
  const std::string failed = p->id;
  p->rollout = "FAILED";
  p->rollout_reason = "ECS deployment circuit breaker: tasks failed to start.";
  p->updated = now_;
  event(fmt::format("(deployment {}) deployment failed: tasks failed to start.", failed));
  if (!service_.breaker_rollback || service_.good.empty() || service_.good.front().id == failed) {
    history_fails(tx_, scope_, service_,
                  "Service deployment failed: ECS deployment circuit breaker triggered.", now_);
    return;
  }
  Deployment back = service_.good.front();
  back.rollout_reason =
      fmt::format("ECS deployment circuit breaker: rolling back to deploymentId {}.", back.id);
  event(fmt::format("rolling back to deployment {}.", back.id));
  status_.launch_failures = 0;
  status_.next_launch = 0;
  begin_deployment(service_, std::move(back), now_);
  history_goes_back(tx_, scope_, service_,
                    "Service deployment rolled back because the circuit breaker threshold was exceeded.",
                    now_);
}

Status Turn::launch(const std::vector<std::string>& zones) {
  Deployment* p = primary();
  if (zones.empty() || !p) return {};
  auto definition = need_definition(tx_, scope_, p->definition_arn);
  if (!definition) {
    event(fmt::format("was unable to place a task. Reason: {}.", definition.error().message));
    return {};
  }
  Launch l;
  l.cluster = service_.cluster;
  l.definition = *definition;
  l.network = p->network;
  l.public_pool = public_pool_;
  l.targets = service_.targets;
  l.image_digests = p->image_digests;
  l.group = "service:" + service_.name;
  l.started_by = p->id;
  l.service = service_.name;
  l.deployment = p->id;
  l.launch_type = "FARGATE";
  l.containers = container_names(*load_definition(arena_, *definition));
  l.managed_tags = service_.managed_tags;
  if (service_.propagate_tags == "SERVICE") l.tags = service_.tags;
  if (service_.propagate_tags == "TASK_DEFINITION") l.tags = definition->tags;
  int n = static_cast<int>(std::count_if(seen_.begin(), seen_.end(), [](const Seen& s) { return s.wanted; }));
  std::vector<std::string> started;
  for (const auto& zone : zones) {
    for (const auto& id : p->network.subnets)
      if (auto subnet = ec2::find_subnet(tx_, scope_, id); subnet && subnet->zone == zone) l.subnet_id = id;
    l.capacity_provider = choose_provider(p->strategy, n++);
    auto t = launch_task(tx_, scope_, l, now_);
    if (!t) {
      event(fmt::format("was unable to place a task. Reason: {}.", t.error().message));
      ++status_.launch_failures;
      status_.next_launch = now_ + std::max<int64_t>(1000, rollout::launch_delay_ms(status_.launch_failures));
      look_again(status_.next_launch - now_);
      break;
    }
    started.push_back(t->id);
    tasks.push_back(*t);
  }
  if (started.empty()) return {};
  status_.steady = false;
  event(fmt::format("has started {} tasks:{}.", started.size(), task_list(started)));
  return {};
}

void Turn::stop(const std::vector<rollout::Stop>& stops) {
  std::vector<std::string> stopped;
  int draining = 0;
  for (const auto& order : stops)
    for (auto& s : seen_) {
      if (s.task.id != order.id || !s.wanted) continue;
      s.task.stop = true;
      s.task.stop_code = "ServiceSchedulerInitiated";
      s.task.stop_reason = order.reason.empty() ? fmt::format("Scaling activity initiated by (deployment {})",
                                                              s.task.deployment)
                                                : order.reason;
      tx_.put(scope_, s.task);
      stopped.push_back(s.task.id);
      if (s.status.registered && !s.task.targets.empty()) ++draining;
    }
  if (stopped.empty()) return;
  status_.steady = false;
  if (draining) event(fmt::format("has begun draining connections on {} tasks.", draining));
  event(fmt::format("has stopped {} running tasks:{}.", stopped.size(), task_list(stopped)));
}

void Turn::finish(const rollout::Plan& plan) {
  Deployment* p = primary();
  if (plan.complete && p) {
    status_.launch_failures = 0;
    if (p->rollout == "IN_PROGRESS") {
      p->rollout = "COMPLETED";
      p->rollout_reason = fmt::format("ECS deployment {} completed.", p->id);
      p->updated = now_;
      service_.good = {*p};
      status_.failed.erase(p->id);
      event(fmt::format("(deployment {}) deployment completed.", p->id));
      history_completes(tx_, scope_, service_, now_);
    }
    if (!status_.steady) {
      status_.steady = true;
      event("has reached a steady state.");
    }
  }
  // A deployment without tasks that are wanted is over.
  std::erase_if(service_.deployments, [&](const Deployment& d) {
    return d.status != "PRIMARY" && std::none_of(seen_.begin(), seen_.end(), [&](const Seen& s) {
             return s.task.deployment == d.id && s.wanted && !s.task.stop;
           });
  });
  if (service_.status == "DRAINING" && std::all_of(seen_.begin(), seen_.end(), [](const Seen& s) {
        return s.status.last_status == "STOPPED";
      })) {
    service_.status = "INACTIVE";
    service_.deleted = now_;
  }
}

Status Turn::run() {
  look();
  if (service_.status == "INACTIVE") return {};
  count_failures();
  break_circuit();
  Deployment* p = primary();
  if (!p) return {};
  rollout::Seen seen;
  seen.desired = service_.status == "ACTIVE" ? service_.desired : 0;
  seen.minimum_percent = service_.minimum_percent();
  seen.maximum_percent = service_.most_percent();
  seen.primary = p->id;
  seen.primary_failed = p->rollout == "FAILED" && service_.status == "ACTIVE" && seen.desired > 0;
  seen.may_launch = now_ >= status_.next_launch;
  if (!seen.may_launch) look_again(status_.next_launch - now_);
  for (const auto& id : p->network.subnets)
    if (auto subnet = ec2::find_subnet(tx_, scope_, id)) seen.zones.push_back(subnet->zone);
  for (const auto& s : seen_)
    if (s.wanted) seen.tasks.push_back(judge(s));
  rollout::Plan plan = rollout::decide(seen);
  TRY(launch(plan.launch_zones));
  stop(plan.stops);
  finish(plan);
  if (auto now = store::encode_record(status_); now != before_status_) tx_.put(scope_, status_);
  if (auto now = store::encode_record(service_); now != before_service_) tx_.put(scope_, service_);
  return {};
}

}  // namespace

control::Controller ServiceController::controller() {
  control::Controller c;
  c.name = "ecs.service";
  c.tables = {std::string(Service::kTable), std::string(TaskStatus::kTable),
              std::string(ContainerHealth::kTable), std::string(elbv2::kTargetStatusTable)};
  c.workers = 2;
  c.keys_for = [this](const store::ParsedKey& parsed, std::string_view key) { return keys_for(parsed, key); };
  c.reconcile = [this](const std::string& key) { return reconcile(key); };
  return c;
}

std::vector<std::string> ServiceController::keys_for(const store::ParsedKey& parsed, std::string_view key) {
  if (parsed.table == Service::kTable) return {std::string(key)};
  std::lock_guard lock(mutex_);
  if (parsed.table == elbv2::kTargetStatusTable) {
    auto target = elbv2::target_of_status_key(parsed.id);
    auto it = target ? by_group_.find(target->target_group_arn) : by_group_.end();
    return it == by_group_.end() ? std::vector<std::string>{} : std::vector<std::string>{it->second};
  }
  std::string_view id = parsed.id;  // "<cluster>/<task>", of health with "/<container>" behind
  if (parsed.table == ContainerHealth::kTable) id = id.substr(0, id.rfind('/'));
  auto it = by_task_.find(scoped({std::string(parsed.account), std::string(parsed.region)}, id));
  return it == by_task_.end() ? std::vector<std::string>{} : std::vector<std::string>{it->second};
}

void ServiceController::remember(const std::string& service_key, const store::Scope& scope,
                                 const std::vector<Task>& tasks, const Service& service) {
  std::lock_guard lock(mutex_);
  std::erase_if(by_task_, [&](const auto& e) { return e.second == service_key; });
  std::erase_if(by_group_, [&](const auto& e) { return e.second == service_key; });
  for (const auto& t : tasks) by_task_[scoped(scope, t.key())] = service_key;
  for (const auto& t : service.targets) by_group_[t.group_arn] = service_key;
}

Result<control::Again> ServiceController::reconcile(const std::string& key) {
  const auto parsed = store::parse_key(key);
  const store::Scope scope{std::string(parsed.account), std::string(parsed.region)};
  control::Again again;
  TRY(cloud_.store->transact([&](store::Transaction& tx) -> Status {
    again = {};
    auto service = tx.get<Service>(scope, parsed.id);
    if (!service) return {};
    Turn turn(tx, scope, *service, cloud_.config.public_pool, now_ms());
    TRY(turn.run());
    // Before the commit: the tasks' first changes must find their service.
    remember(key, scope, turn.tasks, *service);
    again = turn.again;
    return {};
  }));
  return again;
}

}  // namespace nubecita::ecs
