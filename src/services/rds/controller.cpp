// Brings database servers to what the instances say: one reconcile per instance at a time, each idempotent.
// What runs from before a restart of nubecita is adopted, because host::Databases finds its process again.
#include <memory>
#include <mutex>

#include "base/arn.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "control/engine.hpp"
#include "host/databases/databases.hpp"
#include "services/ec2/ec2.hpp"
#include "services/rds/catalog.hpp"
#include "services/rds/common.hpp"
#include "services/rds/instance_rules.hpp"
#include "services/rds/parameters.hpp"
#include "services/rds/rds.hpp"

namespace nubecita::rds {
namespace {

constexpr const char* kName = "rds.instance";
constexpr std::string_view kGroupWork = "group:";
using std::chrono::milliseconds;

class InstanceController {
 public:
  explicit InstanceController(api::Cloud& cloud) : cloud_(cloud) {}

  std::vector<std::string> keys_for(const store::ParsedKey& parsed, std::string_view key) {
    const store::Scope scope{std::string(parsed.account), std::string(parsed.region)};
    if (parsed.table == Instance::kTable) return {std::string(key)};
    if (parsed.table == Secret::kTable) return {store::make_key(Instance::kTable, scope, parsed.id)};
    if (parsed.table == ParameterGroup::kTable) return {std::string(kGroupWork) + std::string(key)};
    // The state of some network interface: ours are few among many.
    std::lock_guard lock(mutex_);
    auto owner = owners_.find(std::string(parsed.id));
    if (owner == owners_.end()) return {};
    return {owner->second};
  }

  Result<control::Again> reconcile(const std::string& key) {
    if (key.starts_with(kGroupWork)) return group_changed(key.substr(kGroupWork.size()));
    const auto parsed = store::parse_key(key);
    const store::Scope scope{std::string(parsed.account), std::string(parsed.region)};
    auto tx = cloud_.store->begin();
    auto instance = tx->get<Instance>(scope, parsed.id);
    if (!instance) return control::done();
    tx.reset();
    if (instance->wanted == "delete") return remove(key, scope, *instance);
    auto result = instance->wanted == "stop" ? stop(scope, *instance) : run(key, scope, *instance);
    if (!result) TRY(note_failure(scope, *instance, result.error()));
    return result;
  }

 private:
  Result<control::Again> group_changed(const std::string& key) {
    const auto parsed = store::parse_key(key);
    const store::Scope scope{std::string(parsed.account), std::string(parsed.region)};
    auto tx = cloud_.store->begin();
    for (auto& i : tx->list<Instance>(scope))
      if (i.parameter_group == parsed.id)
        cloud_.engine->enqueue(kName, store::make_key(Instance::kTable, scope, i.id));
    return control::done();
  }

  host::DatabaseSpec spec_of(const Instance& i, const std::string& netns) const {
    host::DatabaseSpec s;
    s.id = lower(i.resource_id);
    s.engine = i.host_engine;
    s.version = i.host_version;
    s.netns = netns;
    s.address = i.address;
    s.port = i.port;
    s.master_user = i.master_user;
    s.first_database = i.db_name;
    s.memory_bytes = granted_memory(i.instance_class);
    return s;
  }

  static InstanceStatus status_of(store::Transaction& tx, const store::Scope& scope, const Instance& i) {
    auto s = tx.get<InstanceStatus>(scope, i.id).value_or(InstanceStatus{});
    if (s.resource_id == i.resource_id) return s;
    InstanceStatus fresh;
    fresh.id = i.id;
    fresh.resource_id = i.resource_id;
    return fresh;
  }

  /// Changes the status record, unless the instance has been replaced by another of its name.
  Status note(const store::Scope& scope, const Instance& i,
              const std::function<void(store::Transaction&, InstanceStatus&)>& change) {
    return cloud_.store->transact([&](store::Transaction& tx) -> Status {
      auto current = tx.get<Instance>(scope, i.id);
      if (!current || current->resource_id != i.resource_id) return {};
      auto status = status_of(tx, scope, i);
      const std::string before = store::encode_record(status);
      change(tx, status);
      if (store::encode_record(status) != before) tx.put(scope, status);
      return {};
    });
  }

  Status note_failure(const store::Scope& scope, const Instance& i, const ApiError& error) {
    return note(scope, i, [&](store::Transaction& tx, InstanceStatus& s) {
      if (s.error != error.message) event(tx, scope, i, "failure", error.message);
      s.error = error.message;
      ++s.failures;
      auto state = cloud_.databases->observe(spec_of(i, {}));
      s.running = state.pid && s.made;
      s.pid = state.pid.value_or(0);
    });
  }

  void event(store::Transaction& tx, const store::Scope& scope, const Instance& i, const char* category,
             const std::string& message) {
    add_event(tx, scope, "db-instance", i.id, arn("rds", scope.region, scope.account, "db:" + i.id), category,
              message);
  }

  Result<control::Again> run(const std::string& key, const store::Scope& scope, const Instance& instance) {
    {
      std::lock_guard lock(mutex_);
      owners_[instance.eni_id] = key;  // before its state is read, so that no change of it is missed
    }
    Instance i = instance;
    auto tx = cloud_.store->begin();
    auto eni = ec2::interface_status(*tx, scope, i.eni_id);
    auto group = find_group(*tx, scope, cloud_, i.parameter_group);
    auto secret = tx->get<Secret>(scope, i.id);
    auto status = status_of(*tx, scope, i);
    tx.reset();
    if (!eni || !eni->ready) return control::done();  // its state is watched
    if (!group)
      return fail("DBParameterGroupNotFound", "The parameter group " + i.parameter_group + " is not there.",
                  404);

    const auto window = pending(i) ? until_window(i.maintenance_window, now_ms()) : -1;
    if (window == 0) return apply_pending(scope, i);

    host::DatabaseSpec spec = spec_of(i, eni->netns);
    if (secret) spec.master_password = secret->password;
    auto seen = cloud_.databases->observe(spec);
    if (seen.pid && status.made && status.boots != i.boots) {
      TRY(note(scope, i, [](auto&, InstanceStatus& s) { s.running = false; }));
      TRY(cloud_.databases->stop(spec));
      seen.pid.reset();
    }
    if (!seen.pid && status.running && status.boots == i.boots)
      TRY(note(scope, i, [&](store::Transaction& tx, InstanceStatus& s) {
        s.running = false;
        event(tx, scope, i, "availability", "DB instance shutdown: its process ended");
      }));
    const bool started = !seen.pid || !status.made;
    spec.parameters = started ? values_at_start(*group) : status.parameters;
    TRY(cloud_.databases->ensure(spec));
    if (!started) TRY(change_parameters(i, *group, spec));
    if (secret && seen.initialised) TRY(cloud_.databases->set_master_password(spec, secret->password));
    cloud_.databases->watch(spec.id, [this, key] { cloud_.engine->enqueue(kName, key); });
    TRY(note_success(scope, i, spec, secret, started));
    return window > 0 ? control::again_in(milliseconds(window)) : control::done();
  }

  Status change_parameters(const Instance& i, const ParameterGroup& group, host::DatabaseSpec& spec) {
    TRY_LET(auto all, settings(cloud_, i.host_engine));
    const auto changes = changes_now(group, *all, spec.parameters);
    if (changes.empty()) return {};
    for (auto& [name, value] : changes) {
      if (value)
        spec.parameters[name] = *value;
      else
        spec.parameters.erase(name);
    }
    return cloud_.databases->reconfigure(spec, changes);
  }

  Status note_success(const store::Scope& scope, const Instance& i, const host::DatabaseSpec& spec,
                      const std::optional<Secret>& secret, bool started) {
    const int pid = cloud_.databases->observe(spec).pid.value_or(0);
    return note(scope, i, [&](store::Transaction& tx, InstanceStatus& s) {
      if (!s.made) {
        ec2::put_private_name(tx, scope, i.vpc_id, i.hostname, {i.address});
        event(tx, scope, i, "creation", "DB instance created");
      } else if (started) {
        event(tx, scope, i, "availability", "DB instance restarted");
      }
      if (secret) {
        auto current = tx.get<Secret>(scope, i.id);
        if (current && current->serial == secret->serial) tx.erase<Secret>(scope, i.id);
      }
      s.made = s.running = true;
      s.pid = pid;
      s.revision = i.revision;
      s.boots = i.boots;
      s.parameters = spec.parameters;
      s.error.clear();
      s.failures = 0;
    });
  }

  static bool pending(const Instance& i) { return !i.pending_class.empty() || i.pending_storage_gib; }

  /// What ModifyDBInstance left for the maintenance window, which is open.
  Result<control::Again> apply_pending(const store::Scope& scope, const Instance& seen) {
    TRY(cloud_.store->transact([&](store::Transaction& tx) -> Status {
      auto i = tx.get<Instance>(scope, seen.id);
      if (!i || i->resource_id != seen.resource_id || !pending(*i)) return {};
      if (!i->pending_class.empty()) {
        i->instance_class = std::exchange(i->pending_class, {});
        ++i->boots;
      }
      if (i->pending_storage_gib) i->storage_gib = std::exchange(i->pending_storage_gib, 0);
      ++i->revision;
      event(tx, scope, *i, "configuration change", "Applying the pending modifications of the DB instance");
      tx.put(scope, *i);
      return {};
    }));
    return control::done();  // the write brings us back
  }

  Result<control::Again> stop(const store::Scope& scope, const Instance& i) {
    auto spec = spec_of(i, {});
    cloud_.databases->watch(spec.id, {});
    TRY(cloud_.databases->stop(spec));
    TRY(note(scope, i, [&](store::Transaction& tx, InstanceStatus& s) {
      if (s.running) event(tx, scope, i, "notification", "DB instance stopped");
      s.running = false;
      s.pid = 0;
      s.boots = i.boots;
      s.error.clear();
      s.failures = 0;
    }));
    return control::done();
  }

  Result<control::Again> remove(const std::string& key, const store::Scope& scope, const Instance& i) {
    const std::string id = lower(i.resource_id);
    cloud_.databases->watch(id, {});
    TRY(cloud_.databases->remove(id));
    TRY(cloud_.store->transact([&](store::Transaction& tx) -> Status {
      auto current = tx.get<Instance>(scope, i.id);
      if (!current || current->resource_id != i.resource_id) return {};
      ec2::erase_private_name(tx, scope, i.vpc_id, i.hostname);
      ec2::delete_interface(tx, scope, i.eni_id);
      tx.erase<Instance>(scope, i.id);
      tx.erase<InstanceStatus>(scope, i.id);
      tx.erase<Secret>(scope, i.id);
      event(tx, scope, i, "deletion", "DB instance deleted");
      return {};
    }));
    std::lock_guard lock(mutex_);
    if (auto at = owners_.find(i.eni_id); at != owners_.end() && at->second == key) owners_.erase(at);
    return control::done();
  }

  api::Cloud& cloud_;
  std::mutex mutex_;
  std::map<std::string, std::string> owners_;  // network interface -> key of its instance
};

/// A subnet group announces databases: what they will be copied from is made ahead of the first one.
control::Controller preparing(api::Cloud& cloud) {
  control::Controller c;
  c.name = "rds.prepare";
  c.tables = {std::string(SubnetGroup::kTable)};
  c.workers = 1;  // one after the other: somebody may be waiting for the first
  c.keys_for = [](const store::ParsedKey&, std::string_view) {
    return std::vector<std::string>{"postgres", "mariadb", "mysql"};
  };
  c.reconcile = [&cloud](const std::string& engine) -> Result<control::Again> {
    auto done = cloud.databases->prepare(engine);
    if (!done && done.error().code != "EngineNotInstalled") return fail(done.error());
    return control::done();
  };
  return c;
}

}  // namespace

void add_controllers(api::Cloud& cloud) {
  auto ours = std::make_shared<InstanceController>(cloud);
  control::Controller c;
  c.name = kName;
  c.tables = {std::string(Instance::kTable), std::string(Secret::kTable), std::string(ParameterGroup::kTable),
              std::string(ec2::InterfaceStatus::kTable)};
  c.workers = 4;
  c.keys_for = [ours](const store::ParsedKey& parsed, std::string_view key) {
    return ours->keys_for(parsed, key);
  };
  c.reconcile = [ours](const std::string& key) { return ours->reconcile(key); };
  cloud.engine->add(std::move(c));
  cloud.engine->add(preparing(cloud));
}

}  // namespace nubecita::rds
