// Wires ECS's controllers, and the sweep: what has been over for an hour is forgotten, containers that no
// task owns are removed.
#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <set>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "control/engine.hpp"
#include "host/containers/containers.hpp"
#include "services/ecs/common.hpp"
#include "services/ecs/ecs.hpp"
#include "services/ecs/health_controller.hpp"
#include "services/ecs/history.hpp"
#include "services/ecs/service_controller.hpp"
#include "services/ecs/task_controller.hpp"
#include "services/ecs/task_metadata.hpp"

namespace nubecita::ecs {

namespace {

constexpr int64_t kKeptMs = 3'600'000;  // AWS describes stopped tasks for an hour at least
constexpr int64_t kPruneEveryMs = 24 * 3'600'000LL;
constexpr std::chrono::milliseconds kSweepEvery{60'000};

template <class R>
void erase_all(store::Transaction& tx, const store::Scope& scope, const std::string& prefix) {
  for (const auto& r : tx.list<R>(scope, prefix)) tx.erase<R>(scope, r.key());
}

Status sweep_records(store::Store& store, int64_t now) {
  return store.transact([&](store::Transaction& tx) -> Status {
    std::vector<std::pair<store::Scope, TaskStatus>> old_tasks;
    tx.each<TaskStatus>([&](const store::Scope& scope, TaskStatus& s) {
      if (s.last_status == "STOPPED" && now - s.stopped > kKeptMs) old_tasks.emplace_back(scope, s);
      return true;
    });
    for (auto& [scope, s] : old_tasks) {
      tx.erase<Task>(scope, s.key());
      tx.erase<TaskStatus>(scope, s.key());
      erase_all<ContainerHealth>(tx, scope, s.key() + "/");
      erase_all<LogOffset>(tx, scope, s.key() + "/");
    }
    std::vector<std::pair<store::Scope, Service>> old_services;
    std::set<std::string> needed;  // ARNs of definitions
    tx.each<Service>([&](const store::Scope& scope, Service& s) {
      if (s.status == "INACTIVE" && now - s.deleted > kKeptMs)
        old_services.emplace_back(scope, s);
      else
        for (const auto& d : s.deployments) needed.insert(d.definition_arn);
      return true;
    });
    for (auto& [scope, s] : old_services) {
      tx.erase<Service>(scope, s.key());
      tx.erase<ServiceStatus>(scope, s.key());
      history_erase(tx, scope, s);
    }
    std::vector<std::pair<store::Scope, Definition>> going;
    tx.each<Definition>([&](const store::Scope& scope, Definition& d) {
      if (d.status == "DELETE_IN_PROGRESS") going.emplace_back(scope, d);
      return true;
    });
    if (going.empty()) return {};
    tx.each<Task>([&](const store::Scope&, Task& t) {
      needed.insert(t.definition_arn);
      return true;
    });
    for (auto& [scope, d] : going)
      if (!needed.contains(definition_arn(scope, d.family, d.revision))) tx.erase<Definition>(scope, d.key());
    return {};
  });
}

/// Containers of this installation whose task is not there or over: left by a crash between making and
/// recording.
Status remove_orphans(api::Cloud& cloud) {
  if (!std::filesystem::exists(cloud.config.data_dir + "/podman/storage"))
    return {};  // never used: podman need not start
  TRY_LET(auto all, cloud.containers->list());
  auto tx = cloud.store->begin();
  for (const auto& c : all) {
    auto label = c.labels.find("nubecita.task");
    if (label == c.labels.end()) continue;
    const auto parsed = store::parse_key(label->second);
    auto status = tx->get<TaskStatus>({std::string(parsed.account), std::string(parsed.region)}, parsed.id);
    if (status && status->last_status != "STOPPED") continue;
    log_info("ecs", "removing container {}: its task is over", c.name);
    TRY(cloud.containers->remove(c.name));
  }
  return {};
}

/// Images that no container uses go once a day, but not while a task is between its pull and its containers.
Status prune_images(api::Cloud& cloud) {
  if (!std::filesystem::exists(cloud.config.data_dir + "/podman/storage")) return {};
  bool starting = false;
  cloud.store->begin()->each<TaskStatus>([&](const store::Scope&, TaskStatus& s) {
    starting |=
        s.last_status == "PROVISIONING" || s.last_status == "PENDING" || s.last_status == "ACTIVATING";
    return !starting;
  });
  return starting ? Status{} : cloud.containers->remove_unused_images();
}

struct Parts {
  Parts(api::Cloud& cloud, http::Server& server)
      : metadata(cloud, server), tasks(cloud, &metadata), services(cloud), health(cloud) {}
  TaskMetadata metadata;
  TaskController tasks;
  ServiceController services;
  HealthController health;
  bool orphans_removed = false;
  int64_t pruned = now_ms();
};

}  // namespace

void add_controllers(api::Cloud& cloud, http::Server& server) {
  // Owned by the controllers' functions: it goes with the engine, after its workers have ended.
  auto parts = std::make_shared<Parts>(cloud, server);
  auto owned = [parts](control::Controller c) {
    auto reconcile = std::move(c.reconcile);
    c.reconcile = [parts, reconcile](const std::string& key) { return reconcile(key); };
    return c;
  };
  cloud.engine->add(owned(parts->tasks.controller()));
  cloud.engine->add(owned(parts->services.controller()));
  cloud.engine->add(owned(parts->health.controller()));

  control::Controller sweep;
  sweep.name = "ecs.sweep";
  sweep.workers = 1;
  sweep.reconcile = [parts, &cloud](const std::string&) -> Result<control::Again> {
    if (!parts->orphans_removed) TRY(remove_orphans(cloud));
    parts->orphans_removed = true;
    TRY(sweep_records(*cloud.store, now_ms()));
    if (now_ms() - parts->pruned > kPruneEveryMs) {
      TRY(prune_images(cloud));
      parts->pruned = now_ms();
    }
    return control::again_in(kSweepEvery);
  };
  cloud.engine->add(std::move(sweep));
  cloud.engine->enqueue("ecs.sweep", "all");
}

}  // namespace nubecita::ecs
