#include "services/ecs/history.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "base/ids.hpp"
#include "services/ecs/rollout.hpp"

namespace nubecita::ecs {

namespace {

constexpr int64_t kKeptMs = 90 * 24 * 3'600'000LL;
constexpr size_t kKeptAtMost = 100;

/// The open entry, changed by `change`; nothing if there is none (a service older than the history).
void change_open(store::Transaction& tx, const store::Scope& scope, const Service& service,
                 const std::function<void(ServiceDeployment&)>& change) {
  if (service.open_deployment.empty()) return;
  auto entry = tx.get<ServiceDeployment>(scope, service.key() + "/" + service.open_deployment);
  if (!entry) return;
  change(*entry);
  tx.put(scope, *entry);
}

void close_open(store::Transaction& tx, const store::Scope& scope, Service& service, int64_t now,
                const std::function<void(ServiceDeployment&)>& change) {
  change_open(tx, scope, service, [&](ServiceDeployment& e) {
    change(e);
    e.finished = e.updated = now;
  });
  service.open_deployment.clear();
}

const Deployment* primary(const Service& service) {
  for (const auto& d : service.deployments)
    if (d.status == "PRIMARY") return &d;
  return nullptr;
}

}  // namespace

void history_begins(store::Transaction& tx, const store::Scope& scope, Service& service, int64_t now) {
  close_open(tx, scope, service, now, [&](ServiceDeployment& e) {
    e.status = "STOPPED";
    e.reason = "Service deployment stopped because a new deployment began.";
  });
  auto old = tx.list<ServiceDeployment>(scope, service.key() + "/");
  std::sort(old.begin(), old.end(), [](const auto& a, const auto& b) { return a.created > b.created; });
  for (size_t i = 0; i < old.size(); ++i)
    if (i + 1 >= kKeptAtMost || old[i].created < now - kKeptMs)
      tx.erase<ServiceDeployment>(scope, old[i].key());
  ServiceDeployment e;
  e.cluster = service.cluster;
  e.service = service.name;
  e.id = random_text(21, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
  e.revision = *primary(service);
  e.targets = service.targets;
  for (const auto& d : service.deployments)
    if (d.status != "PRIMARY") e.sources.push_back(d.id);
  e.status = "IN_PROGRESS";
  e.created = e.updated = now;
  if (service.breaker) e.threshold = rollout::breaker_threshold(service.desired);
  tx.put(scope, e);
  service.open_deployment = e.id;
}

void history_goes_back(store::Transaction& tx, const store::Scope& scope, Service& service,
                       std::string reason, int64_t now) {
  change_open(tx, scope, service, [&](ServiceDeployment& e) {
    e.status = "ROLLBACK_IN_PROGRESS";
    e.reason = reason;
    e.rollback_id = primary(service)->id;
    e.rollback_reason = std::move(reason);
    e.rollback_started = e.updated = now;
  });
}

void history_completes(store::Transaction& tx, const store::Scope& scope, Service& service, int64_t now) {
  close_open(tx, scope, service, now, [](ServiceDeployment& e) {
    e.status = e.rollback_id.empty() ? "SUCCESSFUL" : "ROLLBACK_SUCCESSFUL";
  });
}

void history_fails(store::Transaction& tx, const store::Scope& scope, Service& service, std::string reason,
                   int64_t now) {
  close_open(tx, scope, service, now, [&](ServiceDeployment& e) {
    e.status = e.rollback_id.empty() ? "STOPPED" : "ROLLBACK_FAILED";
    e.reason = std::move(reason);
  });
}

void history_counts(store::Transaction& tx, const store::Scope& scope, const Service& service, int failures) {
  change_open(tx, scope, service, [&](ServiceDeployment& e) { e.failures = failures; });
}

void history_erase(store::Transaction& tx, const store::Scope& scope, const Service& service) {
  for (const auto& e : tx.list<ServiceDeployment>(scope, service.key() + "/"))
    tx.erase<ServiceDeployment>(scope, e.key());
}

}  // namespace nubecita::ecs
