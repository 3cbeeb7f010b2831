#include "report.hpp"

#include "base/json.hpp"
#include "control/engine.hpp"
#include "host/processes/processes.hpp"
#include "services/iam/iam.hpp"
#include "store/store.hpp"

namespace nubecita::commands {
namespace {

json::array accounts(store::Transaction& tx) {
  json::array list;
  for (auto& account : iam::list_accounts(tx)) list.push_back(json::object{{"account", account.id}, {"name", account.name}});
  return list;
}

json::array processes(api::Cloud& cloud) {
  json::array list;
  for (auto& p : cloud.processes->list())
    list.push_back(json::object{{"process", p.name}, {"pid", p.alive ? p.pid : 0}, {"state", p.alive ? "running" : "ended"}});
  return list;
}

json::array troubles(api::Cloud& cloud) {
  json::array list;
  for (auto& t : cloud.engine->troubles())
    list.push_back(json::object{{"controller", t.controller}, {"key", t.key}, {"failures", t.failures}, {"message", t.message}});
  return list;
}

Result<std::string> status(api::Cloud& cloud) {
  auto tx = cloud.store->begin();
  json::object all;
  all["endpoint"] = cloud.config.listen;
  all["accounts"] = accounts(*tx);
  all["processes"] = processes(cloud);
  all["troubles"] = troubles(cloud);
  return json::serialize(all);
}

Result<std::string> make_account(api::Cloud& cloud, std::string_view body) {
  TRY_LET(auto doc, json::parse(body));
  if (!doc.is_object()) return fail("ValidationError", "a JSON object {\"name\": ...} is expected");
  TRY_LET(auto made, iam::create_account(*cloud.store, json::text_or(doc.as_object(), "name")));
  return json::serialize(json::object{{"account", made.account}, {"access_key_id", made.access_key_id}, {"secret", made.secret}});
}
}  // namespace

Result<std::string> console(api::Cloud& cloud, std::string_view name, std::string_view body) {
  if (name == "status" && body.empty()) return status(cloud);
  if (name == "accounts" && !body.empty()) return make_account(cloud, body);
  return fail("NotFound", "there is no /_nubecita/" + std::string(name), 404);
}

}  // namespace nubecita::commands
