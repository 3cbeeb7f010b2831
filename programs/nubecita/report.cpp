#include "report.hpp"

#include "base/json.hpp"
#include "control/engine.hpp"
#include "host/containers/containers.hpp"
#include "host/processes/processes.hpp"
#include "services/ecs/records.hpp"
#include "services/elbv2/records.hpp"
#include "services/iam/iam.hpp"
#include "services/rds/records.hpp"
#include "store/store.hpp"

namespace nubecita::commands {
namespace {

json::array accounts(store::Transaction& tx) {
  json::array list;
  for (auto& account : iam::list_accounts(tx))
    list.push_back(json::object{{"account", account.id}, {"name", account.name}});
  return list;
}

json::array services(store::Transaction& tx) {
  json::array list;
  tx.each<ecs::Service>([&](const store::Scope& scope, ecs::Service& s) {
    if (s.status == "INACTIVE") return true;
    int running = 0;
    for (auto& t : tx.list<ecs::Task>(scope, s.cluster + "/"))
      if (t.service == s.name)
        if (auto seen = tx.get<ecs::TaskStatus>(scope, t.key()); seen && seen->last_status == "RUNNING")
          ++running;
    list.push_back(json::object{{"service", s.name},
                                {"cluster", s.cluster},
                                {"account", scope.account},
                                {"region", scope.region},
                                {"desired", s.desired},
                                {"running", running},
                                {"state", s.status}});
    return true;
  });
  return list;
}

/// Tasks that are not over, with the processes of their containers as podman knows them.
json::array tasks(api::Cloud& cloud, store::Transaction& tx) {
  std::vector<host::ContainerState> containers;
  if (auto known = cloud.containers->list()) containers = std::move(*known);
  json::array list;
  tx.each<ecs::Task>([&](const store::Scope& scope, ecs::Task& t) {
    auto seen = tx.get<ecs::TaskStatus>(scope, t.key());
    const std::string state = seen ? seen->last_status : "PROVISIONING";
    if (state == "STOPPED") return true;
    json::array pids;
    for (auto& c : containers)
      if (c.running && c.name.find(t.id) != std::string::npos) pids.push_back(c.pid);
    list.push_back(json::object{{"task", t.id},
                                {"cluster", t.cluster},
                                {"service", t.service},
                                {"account", scope.account},
                                {"region", scope.region},
                                {"address", t.private_ip},
                                {"state", state},
                                {"pids", pids}});
    return true;
  });
  return list;
}

json::array databases(store::Transaction& tx) {
  json::array list;
  tx.each<rds::Instance>([&](const store::Scope& scope, rds::Instance& d) {
    auto seen = tx.get<rds::InstanceStatus>(scope, d.key());
    std::string engine = d.engine;
    if (d.host_engine != d.engine) engine += " (served by " + d.host_engine + ")";
    list.push_back(json::object{{"database", d.id},
                                {"engine", engine},
                                {"account", scope.account},
                                {"region", scope.region},
                                {"endpoint", d.hostname + ":" + std::to_string(d.port)},
                                {"address", d.address},
                                {"pid", seen ? seen->pid : 0},
                                {"state", seen && seen->running ? "running" : "not running"},
                                {"problem", seen ? seen->error : std::string()}});
    return true;
  });
  return list;
}

json::array load_balancers(const Config& config, store::Transaction& tx) {
  json::array list;
  tx.each<elbv2::LoadBalancer>([&](const store::Scope& scope, elbv2::LoadBalancer& b) {
    auto seen = tx.get<elbv2::LoadBalancerStatus>(scope, b.key());
    const std::string port = config.http_port == 80 ? "" : ":" + std::to_string(config.http_port);
    list.push_back(json::object{{"name", b.name},
                                {"account", scope.account},
                                {"region", scope.region},
                                {"address", b.public_address},
                                {"url", b.internal ? "" : "http://" + b.dns_name + port + "/"},
                                {"state", seen ? seen->state : "provisioning"},
                                {"problem", seen ? seen->reason : std::string()}});
    return true;
  });
  return list;
}

json::array processes(api::Cloud& cloud) {
  json::array list;
  for (auto& p : cloud.processes->list())
    list.push_back(json::object{
        {"process", p.name}, {"pid", p.alive ? p.pid : 0}, {"state", p.alive ? "running" : "ended"}});
  return list;
}

json::array troubles(api::Cloud& cloud) {
  json::array list;
  for (auto& t : cloud.engine->troubles())
    list.push_back(json::object{
        {"controller", t.controller}, {"key", t.key}, {"failures", t.failures}, {"message", t.message}});
  return list;
}

Result<std::string> status(api::Cloud& cloud) {
  auto tx = cloud.store->begin();
  json::object all;
  all["endpoint"] = cloud.config.listen;
  all["accounts"] = accounts(*tx);
  all["mariadb_for_mysql"] = cloud.config.mariadb_for_mysql;
  all["services"] = services(*tx);
  all["tasks"] = tasks(cloud, *tx);
  all["databases"] = databases(*tx);
  all["load_balancers"] = load_balancers(cloud.config, *tx);
  all["processes"] = processes(cloud);
  all["troubles"] = troubles(cloud);
  return json::serialize(all);
}

Result<std::string> make_account(api::Cloud& cloud, std::string_view body) {
  TRY_LET(auto doc, json::parse(body));
  if (!doc.is_object()) return fail("ValidationError", "a JSON object {\"name\": ...} is expected");
  TRY_LET(auto made, iam::create_account(*cloud.store, json::text_or(doc.as_object(), "name")));
  return json::serialize(json::object{
      {"account", made.account}, {"access_key_id", made.access_key_id}, {"secret", made.secret}});
}
}  // namespace

Result<std::string> console(api::Cloud& cloud, std::string_view name, std::string_view body) {
  if (name == "status" && body.empty()) return status(cloud);
  if (name == "accounts" && !body.empty()) return make_account(cloud, body);
  return fail("NotFound", "there is no /_nubecita/" + std::string(name), 404);
}

}  // namespace nubecita::commands
