#include "services/ecs/task_controller.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "host/network/network.hpp"
#include "host/processes/processes.hpp"
#include "services/ec2/ec2.hpp"
#include "services/ecs/common.hpp"
#include "services/elbv2/elbv2.hpp"

namespace nubecita::ecs {

using std::chrono::milliseconds;

namespace {
constexpr int64_t kInterfacePatienceMs = 60'000;

std::string end_reason(const ContainerStatus& c) {
  return c.oom ? "OutOfMemoryError: Container killed due to memory usage"
               : "Essential container in task exited";
}
}  // namespace

TaskController::TaskController(api::Cloud& cloud, TaskMetadata* metadata)
    : cloud_(cloud),
      metadata_(metadata),
      logs_(*cloud.store),
      tag_(host::installation_tag(cloud.config.data_dir)),
      data_dir_(std::filesystem::absolute(cloud.config.data_dir).lexically_normal().string()) {}

control::Controller TaskController::controller() {
  control::Controller c;
  c.name = "ecs.task";
  c.tables = {std::string(Task::kTable), std::string(ec2::InterfaceStatus::kTable),
              std::string(ContainerHealth::kTable), std::string(elbv2::kTargetStatusTable)};
  c.workers = 8;
  c.keys_for = [this](const store::ParsedKey& parsed, std::string_view key) -> std::vector<std::string> {
    if (parsed.table == Task::kTable) return {std::string(key)};
    const store::Scope scope{std::string(parsed.account), std::string(parsed.region)};
    if (parsed.table == ContainerHealth::kTable)
      return {store::make_key(Task::kTable, scope, parsed.id.substr(0, parsed.id.rfind('/')))};
    std::lock_guard lock(mutex_);
    auto it = waiting_for_.find(std::string(parsed.id));
    return it == waiting_for_.end() ? std::vector<std::string>{} : std::vector<std::string>{it->second};
  };
  c.reconcile = [this](const std::string& key) { return reconcile(key); };
  return c;
}

bool TaskController::load(const std::string& key, View& v) {
  const auto parsed = store::parse_key(key);
  v.key = key;
  v.scope = {std::string(parsed.account), std::string(parsed.region)};
  auto tx = cloud_.store->begin();
  auto task = tx->get<Task>(v.scope, parsed.id);
  if (!task) return false;
  v.task = std::move(*task);
  v.status = tx->get<TaskStatus>(v.scope, parsed.id).value_or(TaskStatus{});
  if (auto d = need_definition(*tx, v.scope, v.task.definition_arn))
    v.definition = load_definition(v.arena, *d);
  for (auto& h : tx->list<ContainerHealth>(v.scope, v.task.key() + "/")) v.health[h.container] = h.status;
  return true;
}

Status TaskController::save(View& v, const std::function<Status(store::Transaction&)>& with) {
  ++v.status.version;
  return cloud_.store->transact([&](store::Transaction& tx) -> Status {
    tx.put(v.scope, v.status);
    return with ? with(tx) : Status{};
  });
}

Result<control::Again> TaskController::reconcile(const std::string& key) {
  View v;
  if (!load(key, v)) {
    const auto parsed = store::parse_key(key);
    forget(key, std::string(parsed.id.substr(parsed.id.rfind('/') + 1)));
    return control::done();
  }
  if (v.status.last_status == "STOPPED") return control::done();
  if (!v.definition) {
    // Cannot be: the sweep keeps definitions that tasks need.
    return fail("InternalError", "the task's definition is gone");
  }
  TRY(adopt(v));
  take_exits(v);
  if (judge_ends(v)) return stop_step(v);
  if (v.status.last_status == "PROVISIONING") return provision(v);
  if (v.status.last_status == "PENDING") return fetch(v);
  return start_ready(v);
}

/// Once per process and task: watches what runs, reopens what only lives in a process.
Status TaskController::adopt(View& v) {
  {
    std::lock_guard lock(mutex_);
    if (live_[v.key].adopted) return {};
  }
  if (v.status.last_status != "PROVISIONING" && v.status.last_status != "PENDING") {
    if (auto opened = open_metadata(v); !opened)
      log_warning("ecs", "metadata of task {}: {}", v.task.id, opened.error().message);
    for (const auto& c : v.definition->container_definitions) {
      ContainerStatus* s = v.status.find(c.name.sv());
      if (!s || s->exited) continue;
      if (!s->started) {
        // Started perhaps, just before we died: then it is as if we had written it down.
        TRY_LET(auto state, cloud_.containers->inspect(name_of(v, c.name)));
        if (!state || state->status == "created" || state->status == "configured") continue;
        s->started = true;
        s->status = "RUNNING";
        s->started_at = now_ms();
      }
      if (logs_to_cloudwatch(c)) logs_.add(log_target(v, c));
      TRY(watch(v, api::str(c.name)));
    }
  }
  std::lock_guard lock(mutex_);
  live_[v.key].adopted = true;
  return {};
}

Status TaskController::open_metadata(const View& v) {
  if (!metadata_) return {};
  auto tx = cloud_.store->begin();
  auto subnet = ec2::find_subnet(*tx, v.scope, v.task.subnet_id);
  tx.reset();
  if (!subnet) return fail("NotFound", "the task's subnet is gone");
  return metadata_->open(v.key, cloud_.network->router_netns_path(subnet->vpc_id), v.task.private_ip);
}

Status TaskController::watch(const View& v, const std::string& container) {
  const std::string key = v.key;
  return cloud_.containers->watch(name_of(v, container),
                                  [this, key, container](const host::ContainerExit& e) {
                                    {
                                      std::lock_guard lock(mutex_);
                                      live_[key].exits[container] = e;
                                    }
                                    cloud_.engine->enqueue("ecs.task", key);
                                  });
}

/// Moves the ends of containers that were noticed into the status.
void TaskController::take_exits(View& v) {
  std::map<std::string, host::ContainerExit> exits;
  {
    std::lock_guard lock(mutex_);
    exits = live_[v.key].exits;
  }
  for (auto& [name, e] : exits) {
    ContainerStatus* s = v.status.find(name);
    if (!s || s->exited) continue;
    s->exited = true;
    s->exit_code = e.exit_code;
    s->oom = e.oom_killed;
    s->status = "STOPPED";
    s->stopped_at = now_ms();
    if (e.oom_killed) s->reason = "OutOfMemoryError: Container killed due to memory usage";
  }
}

/// Whether the task is to end; writes why into the status (in memory) the first time.
bool TaskController::judge_ends(View& v) {
  if (!v.status.stop_code.empty()) return true;
  if (v.task.stop) {
    v.status.stop_code = v.task.stop_code;
    v.status.stopped_reason = v.task.stop_reason;
    return true;
  }
  for (const auto& c : v.definition->container_definitions) {
    const ContainerStatus* s = v.status.find(c.name.sv());
    if (!s || !s->exited || !c.essential.value_or(true)) continue;
    v.status.stop_code = "EssentialContainerExited";
    v.status.stopped_reason = end_reason(*s);
    return true;
  }
  return false;
}

bool TaskController::stop_asked(const View& v) {
  auto tx = cloud_.store->begin();
  auto task = tx->get<Task>(v.scope, v.task.key());
  return !task || task->stop;
}

void TaskController::fail_start(View& v, std::string reason) {
  v.status.stop_code = "TaskFailedToStart";
  v.status.stopped_reason = std::move(reason);
}

Result<control::Again> TaskController::provision(View& v) {
  {
    std::lock_guard lock(mutex_);
    waiting_for_[v.task.eni_id] = v.key;
  }
  auto tx = cloud_.store->begin();
  auto eni = ec2::interface_status(*tx, v.scope, v.task.eni_id);
  tx.reset();
  if (!eni || !eni->ready) {
    if (eni && !eni->error.empty() && now_ms() - v.task.created > kInterfacePatienceMs) {
      fail_start(v, "ResourceInitializationError: unable to set up the network interface: " + eni->error);
      return stop_step(v);
    }
    return control::again_in(milliseconds(1000));
  }
  {
    std::lock_guard lock(mutex_);
    waiting_for_.erase(v.task.eni_id);
  }
  v.status.last_status = "PENDING";
  v.status.pull_started = now_ms();
  TRY(save(v));
  return fetch(v);
}

/// Images, files, metadata, log streams: all that containers need before the first one starts.
Result<control::Again> TaskController::fetch(View& v) {
  for (const auto& c : v.definition->container_definitions) {
    ContainerStatus* s = v.status.find(c.name.sv());
    if (!s || !s->image_id.empty()) continue;
    auto fetched = fetch_image(v, c, *s);
    if (!fetched && fetched.error().code == "ContainersUnavailable") return std::unexpected(fetched.error());
    if (!fetched && fetched.error().code == "Cancelled") return control::again_in(milliseconds(0));
    if (!fetched) {
      s->reason = "CannotPullContainerError: " + fetched.error().message;
      fail_start(v, s->reason);
      return stop_step(v);
    }
  }
  v.status.pull_stopped = now_ms();
  TRY(prepare_files(v));
  if (auto checked = check_logs(v); !checked) {
    fail_start(v,
               "ResourceInitializationError: failed to validate logger args: create stream has been retried "
               "1 times: failed to create "
               "Cloudwatch log stream: " +
                   checked.error().code + ": " + checked.error().message);
    return stop_step(v);
  }
  TRY(open_metadata(v));
  v.status.last_status = "ACTIVATING";
  TRY(save(v));
  return start_ready(v);
}

bool TaskController::may_start(const View& v, const model::ContainerDefinition& c) const {
  for (const auto& on : c.depends_on) {
    const ContainerStatus* other = const_cast<TaskStatus&>(v.status).find(on.container_name.sv());
    if (!other || !other->started) return false;
    if (on.condition == "COMPLETE" && !other->exited) return false;
    if (on.condition == "SUCCESS" && (!other->exited || other->exit_code != 0)) return false;
    auto health = v.health.find(api::str(on.container_name));
    if (on.condition == "HEALTHY" && (health == v.health.end() || health->second != "HEALTHY")) return false;
  }
  return true;
}

/// Starts every container whose dependencies are met; the task runs when all have been started.
Result<control::Again> TaskController::start_ready(View& v) {
  bool all = true;
  control::Again again = control::done();
  const std::string before = store::encode_record(v.status);
  for (const auto& c : v.definition->container_definitions) {
    ContainerStatus* s = v.status.find(c.name.sv());
    if (!s || s->started) continue;
    if (!may_start(v, c)) {
      all = false;
      // A dependency that can no longer be met ends the task.
      for (const auto& on : c.depends_on) {
        const ContainerStatus* other = v.status.find(on.container_name.sv());
        const bool failed =
            other && other->exited &&
            (on.condition == "HEALTHY" || (on.condition == "SUCCESS" && other->exit_code != 0));
        auto health = v.health.find(api::str(on.container_name));
        const bool sick =
            on.condition == "HEALTHY" && health != v.health.end() && health->second == "UNHEALTHY";
        const int64_t patience = c.start_timeout.value_or(0) * int64_t{1000};
        const bool late = patience && v.status.pull_stopped && now_ms() - v.status.pull_stopped > patience;
        if (!failed && !sick && !late) {
          if (patience) again = control::again_in(milliseconds(1000));
          continue;
        }
        fail_start(v,
                   fmt::format("Task failed to start: the dependency of container {} on {} ({}) was not met",
                               c.name.sv(), on.container_name.sv(), on.condition.sv()));
        return stop_step(v);
      }
      continue;
    }
    auto started = start_container(v, c, *s);
    if (!started && started.error().code == "ContainersUnavailable") return std::unexpected(started.error());
    if (!started) {
      s->status = "STOPPED";
      s->reason = (started.error().code == "CreateFailed" ? "CannotCreateContainerError: "
                                                          : "CannotStartContainerError: ") +
                  started.error().message;
      fail_start(v, s->reason);
      return stop_step(v);
    }
  }
  if (all && v.status.last_status == "ACTIVATING") {
    v.status.last_status = "RUNNING";
    v.status.started = now_ms();
    v.status.registered = !v.task.targets.empty();
    TRY(save(v, [&](store::Transaction& tx) -> Status {
      for (const auto& t : v.task.targets) {
        auto registered = elbv2::register_target(tx, v.scope, t.group_arn, v.task.private_ip, t.port);
        if (!registered)
          log_warning("ecs", "task {}: {}: {}", v.task.id, registered.error().code,
                      registered.error().message);
      }
      return {};
    }));
    return again;
  }
  if (before != store::encode_record(v.status)) TRY(save(v));
  return again;
}

Status TaskController::start_container(View& v, const model::ContainerDefinition& c, ContainerStatus& out) {
  const TaskFiles files = files_of(v);
  auto tx = cloud_.store->begin();
  auto eni = ec2::interface_status(*tx, v.scope, v.task.eni_id);
  tx.reset();
  if (!eni || !eni->ready) return fail("CreateFailed", "the task's network interface is gone");
  host::ContainerSpec spec =
      plan_container({v.scope, tag_, v.task, *v.definition, files, metadata_ != nullptr}, c, out.image_id);
  spec.netns = eni->netns;
  if (auto made = cloud_.containers->create(spec); !made) return std::unexpected(made.error());
  if (logs_to_cloudwatch(c)) logs_.add(log_target(v, c));
  if (auto started = cloud_.containers->start(spec.name); !started) return std::unexpected(started.error());
  out.started = true;
  out.status = "RUNNING";
  out.started_at = now_ms();
  return watch(v, api::str(c.name));
}

// ---- The end

Result<control::Again> TaskController::stop_step(View& v) {
  const std::string& at = v.status.last_status;
  if (at == "DEACTIVATING") return deactivate(v);
  if (at == "STOPPING") return signal_all(v);
  if (at == "DEPROVISIONING") return deprovision(v);
  v.status.stopping = now_ms();
  v.status.last_status = "DEACTIVATING";
  TRY(save(v, [&](store::Transaction& tx) -> Status {
    if (!v.status.registered) return {};
    for (const auto& t : v.task.targets)
      TRY(elbv2::deregister_target(tx, v.scope, t.group_arn, v.task.private_ip, t.port));
    return {};
  }));
  return deactivate(v);
}

/// Waits until the load balancer sends nothing more, as long as there is somebody to answer.
Result<control::Again> TaskController::deactivate(View& v) {
  const bool alive = std::all_of(v.definition->container_definitions.begin(),
                                 v.definition->container_definitions.end(), [&](const auto& c) {
                                   const ContainerStatus* s = v.status.find(c.name.sv());
                                   return !c.essential.value_or(true) || (s && s->started && !s->exited);
                                 });
  for (const auto& t : v.task.targets) {
    if (!v.status.registered || !alive) break;
    const std::string waited = fmt::format("{}|{}:{}", t.group_arn, v.task.private_ip, t.port);
    {
      std::lock_guard lock(mutex_);
      waiting_for_[waited] = v.key;  // before it is read: no change falls between
    }
    auto health =
        elbv2::target_health(*cloud_.store->begin(), v.scope, t.group_arn, v.task.private_ip, t.port);
    if (health && health->state == "draining" && !health->idle)
      return control::again_in(milliseconds(5000));  // its record's change comes sooner
    std::lock_guard lock(mutex_);
    waiting_for_.erase(waited);
  }
  v.status.last_status = "STOPPING";
  TRY(save(v));
  return signal_all(v);
}

/// Tells containers to end, those that others depend on last; kills what does not end in its time.
Result<control::Again> TaskController::signal_all(View& v) {
  int64_t next = 0;
  bool all_ended = true;
  const int64_t now = now_ms();
  for (const auto& c : v.definition->container_definitions) {
    ContainerStatus* s = v.status.find(c.name.sv());
    if (!s || !s->started || s->exited) continue;
    all_ended = false;
    const bool needed =
        std::any_of(v.definition->container_definitions.begin(), v.definition->container_definitions.end(),
                    [&](const auto& other) {
                      const ContainerStatus* o = v.status.find(other.name.sv());
                      return o && o->started && !o->exited &&
                             std::any_of(other.depends_on.begin(), other.depends_on.end(),
                                         [&](const auto& on) { return on.container_name == c.name.sv(); });
                    });
    if (needed) continue;
    int64_t told = 0;
    bool killed = false;
    {
      std::lock_guard lock(mutex_);
      Live& live = live_[v.key];
      if (auto it = live.signalled.find(s->name); it != live.signalled.end()) told = it->second;
      killed = live.killed.contains(s->name);
    }
    const int64_t patience = std::chrono::duration_cast<milliseconds>(stop_timeout(c)).count();
    if (!told) {
      auto image = cloud_.containers->image(s->image_id);
      const int signal = image && *image ? signal_number((*image)->stop_signal) : 15;
      TRY(cloud_.containers->signal(name_of(v, c.name), signal));
      std::lock_guard lock(mutex_);
      told = live_[v.key].signalled[s->name] = now;
    }
    if (now - told >= patience && !killed) {
      TRY(cloud_.containers->signal(name_of(v, c.name), 9));
      std::lock_guard lock(mutex_);
      live_[v.key].killed.insert(s->name);
    }
    const int64_t wait = killed || now - told >= patience ? 1000 : patience - (now - told);
    if (!next || wait < next) next = wait;
  }
  if (!all_ended) return control::again_in(milliseconds(next ? next : 1000));
  v.status.execution_stopped = now_ms();
  v.status.last_status = "DEPROVISIONING";
  TRY(save(v));
  return deprovision(v);
}

Result<control::Again> TaskController::deprovision(View& v) {
  for (const auto& c : v.definition->container_definitions) {
    const ContainerStatus* s = v.status.find(c.name.sv());
    if (s && s->started && logs_to_cloudwatch(c)) logs_.finish(files_of(v).log(c.name));
    // One that was never made needs no podman to be gone.
    if (s && !s->image_id.empty()) TRY(cloud_.containers->remove(name_of(v, c.name)));
  }
  if (metadata_) metadata_->close(v.key);
  for (auto& c : v.status.containers)
    if (!c.exited) c.status = "STOPPED";
  v.status.last_status = "STOPPED";
  v.status.stopped = now_ms();
  v.status.eni_deleted = true;
  TRY(save(v, [&](store::Transaction& tx) -> Status {
    ec2::delete_interface(tx, v.scope, v.task.eni_id);
    for (const auto& c : v.status.containers) tx.erase<LogOffset>(v.scope, v.task.key() + "/" + c.name);
    return {};
  }));
  std::error_code ignored;
  std::filesystem::remove_all(files_of(v).dir, ignored);
  std::lock_guard lock(mutex_);
  live_.erase(v.key);
  waiting_for_.erase(v.task.eni_id);
  return control::done();
}

/// The record is gone (swept, an hour after the end): nothing of it may be left.
void TaskController::forget(const std::string& key, const std::string& task_id) {
  if (metadata_) metadata_->close(key);
  std::error_code ignored;
  std::filesystem::remove_all(TaskFiles(data_dir_, task_id).dir, ignored);
  std::lock_guard lock(mutex_);
  live_.erase(key);
}

}  // namespace nubecita::ecs
