// One work key is an account and region: its VPCs are planned from one view of the store, those that changed
// are applied. Changes that come while it works are seen together by the next run.
#include <fmt/core.h>

#include <memory>
#include <mutex>
#include <set>

#include "api/cloud.hpp"
#include "base/log.hpp"
#include "control/engine.hpp"
#include "services/ec2/controller_spec.hpp"
#include "services/ec2/controllers.hpp"
#include "services/ec2/public_names.hpp"

namespace nubecita::ec2 {
namespace {

constexpr std::string_view kName = "ec2.network";
constexpr std::string_view kSweep = "sweep";  // the work key of what exists on the machine and nowhere else

class NetworkController {
 public:
  explicit NetworkController(api::Cloud& cloud) : cloud_(cloud) {
    if (cloud_.names) cloud_.names->on_down([this](const std::string& vpc) { restart_names(vpc); });
    if (auto seen = cloud_.network->observe()) on_machine_ = std::move(seen->vpcs);
  }

  /// A public name is answered in all VPCs. Scopes that are not known yet have work of their own to come.
  std::vector<std::string> keys_for(const store::ParsedKey& k) {
    const auto& everywhere = public_names_scope();
    if (k.account != everywhere.account || k.region != everywhere.region)
      return {fmt::format("{}/{}", k.account, k.region)};
    std::vector<std::string> keys;
    std::lock_guard lock(mutex_);
    for (const auto& [key, state] : scopes_) keys.push_back(key);
    return keys;
  }

  Result<control::Again> reconcile(const std::string& key) {
    if (key == kSweep) return sweep();
    const auto slash = key.find('/');
    const store::Scope scope{key.substr(0, slash), key.substr(slash + 1)};
    auto& state = state_of(key);  // before the store is read: from here on public names reach this key
    const auto plans = plan_vpcs(*cloud_.store->begin(), scope);
    std::lock_guard lock(state.mutex);

    Status first_failure;
    auto keep = [&](Status s) {
      if (first_failure && !s) first_failure = std::move(s);
    };
    for (auto it = state.vpcs.begin(); it != state.vpcs.end();) {
      const auto id = it->first;
      if (plans.contains(id)) {
        ++it;
        continue;
      }
      if (auto gone = remove(id); gone)
        it = state.vpcs.erase(it);
      else
        keep(gone), ++it;
    }
    for (const auto& [id, plan] : plans) keep(apply(scope, key, state, id, plan));
    keep(write_statuses(scope, state));
    if (!first_failure) return std::unexpected(first_failure.error());
    return control::done();
  }

 private:
  struct VpcState {
    std::optional<host::VpcSpec> network;  // as applied without an error
    std::optional<host::NamesSpec> names;
    std::map<std::string, std::string> errors;  // by ENI; "" is fine
  };
  struct ScopeState {
    std::mutex mutex;
    std::map<std::string, VpcState> vpcs;
    std::map<std::string, InterfaceStatus> written;
    bool adopted = false;  // `written` is what the store has
  };

  ScopeState& state_of(const std::string& key) {
    std::lock_guard lock(mutex_);
    return scopes_[key];
  }

  Status apply(const store::Scope& scope, const std::string& key, ScopeState& state, const std::string& id,
               const VpcPlan& plan) {
    // A VPC without interfaces costs nothing: its router is made with the first one, and stays as long as the
    // VPC.
    if (!state.vpcs.contains(id) && plan.network.enis.empty() && !on_machine(id)) return {};
    auto& vpc = state.vpcs[id];
    if (vpc.network != plan.network) {
      vpc.network.reset();
      auto applied = cloud_.network->apply(plan.network);
      vpc.errors.clear();
      for (const auto& eni : plan.network.enis) vpc.errors[eni.id] = applied ? "" : applied.error().message;
      if (!applied) return std::unexpected(applied.error());
      for (const auto& [eni, error] : applied->errors) vpc.errors[eni] = error;
      TRY(write_statuses(scope, state));  // before the names: somebody waits for the interface
      if (!applied->errors.empty()) return fail("NetworkUnavailable", applied->errors.begin()->second, 500);
      vpc.network = plan.network;
    }
    return apply_names(key, vpc, id, plan.names);
  }

  Status apply_names(const std::string& key, VpcState& vpc, const std::string& id, host::NamesSpec wanted) {
    if (!cloud_.names) return {};
    if (wanted.listen.empty()) {
      if (vpc.names) TRY(cloud_.names->remove(id));
      vpc.names.reset();
      return {};
    }
    wanted.netns = cloud_.network->router_netns_path(id);
    {
      std::lock_guard lock(mutex_);
      scope_of_[id] = key;
      if (down_.erase(id)) vpc.names.reset();
    }
    if (vpc.names == wanted) return {};
    vpc.names.reset();
    TRY(cloud_.names->apply(wanted));
    vpc.names = std::move(wanted);
    return {};
  }

  Status remove(const std::string& id) {
    if (cloud_.names) TRY(cloud_.names->remove(id));
    TRY(cloud_.network->remove_vpc(id));
    log_info("ec2", "{} is off the machine", id);
    return {};
  }

  /// Writes what changed, erases those of interfaces that are gone.
  Status write_statuses(const store::Scope& scope, ScopeState& state) {
    if (!state.adopted) {
      for (auto& s : cloud_.store->begin()->list<InterfaceStatus>(scope)) state.written[s.id] = s;
      state.adopted = true;
    }
    std::vector<InterfaceStatus> put;
    std::vector<std::string> gone;
    std::set<std::string> present;
    for (const auto& [id, vpc] : state.vpcs)
      for (const auto& [eni, error] : vpc.errors) {
        present.insert(eni);
        InterfaceStatus s{eni, error.empty(), cloud_.network->netns_path(eni), error};
        auto old = state.written.find(eni);
        if (old == state.written.end() || old->second != s) put.push_back(std::move(s));
      }
    for (const auto& [eni, s] : state.written)
      if (!present.contains(eni)) gone.push_back(eni);
    if (put.empty() && gone.empty()) return {};
    TRY(cloud_.store->transact([&](store::Transaction& tx) -> Status {
      for (const auto& s : put) tx.put(scope, s);
      for (const auto& eni : gone) tx.erase<InterfaceStatus>(scope, eni);
      return {};
    }));
    for (auto& s : put) state.written[s.id] = std::move(s);
    for (const auto& eni : gone) state.written.erase(eni);
    return {};
  }

  /// Once after a start: what a crash left of VPCs and interfaces that were deleted.
  Result<control::Again> sweep() {
    TRY_LET(auto seen,
            cloud_.network->observe());  // before the records: what is made meanwhile has its record already
    if (cloud_.names)
      for (auto& vpc : cloud_.names->list()) seen.vpcs.insert(std::move(vpc));
    auto tx = cloud_.store->begin();
    tx->each<Vpc>([&](const store::Scope&, Vpc& v) { return seen.vpcs.erase(v.id), true; });
    tx->each<NetworkInterface>(
        [&](const store::Scope&, NetworkInterface& i) { return seen.enis.erase(i.id), true; });
    for (const auto& vpc : seen.vpcs) TRY(remove(vpc));
    for (const auto& eni : seen.enis) TRY(cloud_.network->remove_orphan(eni));
    return control::done();
  }

  bool on_machine(const std::string& vpc) { return on_machine_.contains(vpc); }

  void restart_names(const std::string& vpc) {
    std::string key;
    {
      std::lock_guard lock(mutex_);
      down_.insert(vpc);
      if (auto it = scope_of_.find(vpc); it != scope_of_.end()) key = it->second;
    }
    if (!key.empty()) cloud_.engine->enqueue(kName, key, std::chrono::milliseconds(200));
  }

  api::Cloud& cloud_;
  std::set<std::string> on_machine_;  // VPCs that an earlier run left; constant
  std::mutex mutex_;
  std::map<std::string, ScopeState> scopes_;
  std::map<std::string, std::string> scope_of_;  // by VPC with a name server
  std::set<std::string> down_;                   // VPCs whose name server has ended
};

}  // namespace

void add_controllers(api::Cloud& cloud) {
  if (!cloud.network) return;
  auto controller = std::make_shared<NetworkController>(cloud);
  cloud.engine->add({
      .name = std::string(kName),
      .tables = {"ec2.vpc", "ec2.subnet", "ec2.igw", "ec2.nat", "ec2.rtb", "ec2.sg", "ec2.acl", "ec2.eni",
                 "ec2.name"},
      .workers = 2,
      .keys_for = [controller](const store::ParsedKey& k,
                               std::string_view) { return controller->keys_for(k); },
      .reconcile = [controller](const std::string& key) { return controller->reconcile(key); },
  });
  cloud.engine->enqueue(kName, std::string(kSweep));
}

}  // namespace nubecita::ec2
