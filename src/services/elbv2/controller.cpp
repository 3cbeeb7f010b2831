// The load balancers' controllers: one keeps each proxy as the store says and writes what it observes of
// targets, one keeps the front door. Work keys of the first: a load balancer's store key, or "tg:...",
// "eni:...", "sg:..." for changes whose load balancers must be looked up, or "sweep" for proxies that no load
// balancer owns any more.
#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>

#include "api/cloud.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "control/engine.hpp"
#include "host/processes/processes.hpp"
#include "host/proxies/proxies.hpp"
#include "services/ec2/ec2.hpp"
#include "services/elbv2/common.hpp"
#include "services/elbv2/proxy_spec.hpp"

namespace nubecita::elbv2 {

namespace {

using control::Again;
using std::chrono::milliseconds;

constexpr std::string_view kController = "elbv2.lb", kFrontDoor = "elbv2.front_door";
// A proxy tells us of changes of health; these are for what it does not tell, and for a message that got
// lost.
constexpr milliseconds kWhileStarting{300}, kWhileDraining{500}, kOtherwise{15'000};

struct Where {
  Scope scope;
  std::string id;
};
Where parse(std::string_view key) {
  auto p = store::parse_key(key);
  return {{std::string(p.account), std::string(p.region)}, std::string(p.id)};
}
std::string first_two(std::string_view id) {
  auto slash = id.find('/');
  return std::string(id.substr(0, id.find('/', slash + 1)));
}

// A change of the store → work keys. On the commit thread: no look-ups.
std::vector<std::string> work_keys(const store::ParsedKey& p, std::string_view key) {
  Scope scope{std::string(p.account), std::string(p.region)};
  auto named = [&](std::string_view prefix, std::string_view id) {
    return std::vector<std::string>{std::string(prefix) + store::make_key("x", scope, id)};
  };
  if (p.table == LoadBalancer::kTable) return {std::string(key)};
  if (p.table == Listener::kTable || p.table == Rule::kTable)
    return {store::make_key(LoadBalancer::kTable, scope, first_two(p.id))};
  if (p.table == TargetGroup::kTable) return named("tg:", p.id);
  if (p.table == Target::kTable || p.table == Attachment::kTable)
    return named("tg:", p.id.substr(0, p.id.find('|')));
  if (p.table == ec2::InterfaceStatus::kTable) return named("eni:", p.id);
  if (p.table == ec2::SecurityGroup::kTable) return named("sg:", p.id);
  return {};
}

class Controller {
 public:
  explicit Controller(api::Cloud& cloud) : cloud_(cloud) {}

  Result<Again> reconcile(const std::string& key) {
    if (key == "sweep") return sweep();
    if (key.starts_with("tg:")) return group_changed(parse(key.substr(3)));
    if (key.starts_with("eni:")) return interface_changed(parse(key.substr(4)));
    if (key.starts_with("sg:")) return rules_changed(parse(key.substr(3)));
    return balance(key, parse(key));
  }

  void health_changed(const std::string& proxy) {
    std::string key;
    {
      std::lock_guard lock(mutex_);
      auto it = keys_.find(proxy);
      if (it == keys_.end()) return;
      key = it->second;
    }
    cloud_.engine->enqueue(kController, key, milliseconds(10));
  }

 private:
  Result<Again> sweep() {
    std::set<std::string> known;
    auto tx = cloud_.store->begin();
    tx->each<LoadBalancer>([&](const Scope&, LoadBalancer& lb) { return known.insert(lb.id), true; });
    for (auto& id : cloud_.proxies->list())
      if (!known.contains(id)) TRY(cloud_.proxies->remove(id));
    return control::done();
  }

  Result<Again> group_changed(const Where& w) {
    std::set<std::string> lbs;
    TRY(cloud_.store->transact([&](store::Transaction& tx) -> Status {
      lbs.clear();
      for (auto& a : tx.list<Attachment>(w.scope, w.id + "|")) lbs.insert(a.lb_key);
      if (!lbs.empty()) return {};
      // Nobody uses the group any more: nothing is observed of it, and what drained is gone.
      auto prefix = make_arn(w.scope, "targetgroup/" + w.id + "/");
      for (auto& s : tx.list<TargetStatus>(w.scope, prefix)) tx.erase<TargetStatus>(w.scope, s.key());
      for (auto& t : tx.list<Target>(w.scope, w.id + "|"))
        if (t.deregistered) tx.erase<Target>(w.scope, t.key());
      return {};
    }));
    for (auto& lb : lbs)
      cloud_.engine->enqueue(kController, store::make_key(LoadBalancer::kTable, w.scope, lb));
    return control::done();
  }

  Result<Again> interface_changed(const Where& w) {
    auto tx = cloud_.store->begin();
    auto eni = ec2::find_interface(*tx, w.scope, w.id);
    if (eni && eni->owner_key.starts_with(std::string(LoadBalancer::kTable) + "/"))
      cloud_.engine->enqueue(kController, eni->owner_key);
    return control::done();
  }

  Result<Again> rules_changed(const Where& w) {
    auto tx = cloud_.store->begin();
    for (auto& lb : tx->list<LoadBalancer>(w.scope))
      if (std::ranges::find(lb.security_groups, w.id) != lb.security_groups.end())
        cloud_.engine->enqueue(kController, store::make_key(LoadBalancer::kTable, w.scope, lb.key()));
    return control::done();
  }

  Result<Again> balance(const std::string& key, const Where& w) {
    const int64_t now = now_ms();
    auto proxy = w.id.substr(w.id.find('/') + 1);
    Plan plan;
    {
      auto tx = cloud_.store->begin();
      auto lb = tx->get<LoadBalancer>(w.scope, w.id);
      if (!lb) return forget(proxy);
      plan = make_plan(*tx, w.scope, *lb, now);
    }
    if (!plan.ready) return control::again_in(milliseconds(1000));  // its interface's status wakes us earlier
    if (!in_place(plan.spec)) return control::again_in(milliseconds(100));
    remember(proxy, key);
    auto before = cloud_.proxies->observe(proxy).value_or(std::vector<host::ProxyTargetState>{});
    auto applied = cloud_.proxies->apply(plan.spec);
    const bool alive = cloud_.processes->alive("proxy-" + proxy);
    if (applied)
      set_state(w, "active", "");
    else
      set_state(w, alive ? "active_impaired" : "failed", applied.error().message);
    if (alive)
      cloud_.processes->watch("proxy-" + proxy, [this, key](const host::ProcessExit&) {
        cloud_.engine->enqueue(kController, key, milliseconds(50));
      });
    if (alive) TRY(write_health(w, proxy, plan, before, now));
    if (!applied) return std::unexpected(applied.error());
    return control::again_in(next_look(w, plan, now));
  }

  /// What is written down of the interfaces may be from before the machine was restarted.
  static bool in_place(const host::ProxySpec& s) {
    const auto folder = s.netns.substr(0, s.netns.rfind('/') + 1);
    return std::filesystem::exists(s.netns) && std::ranges::all_of(s.private_addresses, [&](auto& a) {
             return a.netns.empty() || std::filesystem::exists(folder + a.netns);
           });
  }

  Result<Again> forget(const std::string& proxy) {
    {
      std::lock_guard lock(mutex_);
      keys_.erase(proxy);
    }
    cloud_.processes->watch("proxy-" + proxy, {});
    TRY(cloud_.proxies->remove(proxy));
    return control::done();
  }

  void remember(const std::string& proxy, const std::string& key) {
    std::lock_guard lock(mutex_);
    keys_[proxy] = key;
  }

  void set_state(const Where& w, const std::string& state, const std::string& reason) {
    (void)cloud_.store->transact([&](store::Transaction& tx) -> Status {
      auto lb = tx.get<LoadBalancer>(w.scope, w.id);
      if (!lb) return {};
      auto old = tx.get<LoadBalancerStatus>(w.scope, w.id);
      if (!old || old->state != state || old->reason != reason)
        tx.put(w.scope, LoadBalancerStatus{lb->name, lb->id, state, reason});
      return {};
    });
  }

  Status write_health(const Where& w, const std::string& proxy, const Plan& plan,
                      const std::vector<host::ProxyTargetState>& before, int64_t now) {
    TRY_LET(auto seen, cloud_.proxies->observe(proxy));
    auto find = [](const std::vector<host::ProxyTargetState>& all, const std::string& group,
                   const Target& t) -> const host::ProxyTargetState* {
      for (auto& s : all)
        if (s.group == group && s.ip == t.ip && s.port == t.port) return &s;
      return nullptr;
    };
    return cloud_.store->transact([&](store::Transaction& tx) -> Status {
      for (auto& [id, group] : plan.groups) {
        std::set<std::string> current;
        for (auto& planned : group.targets) {
          auto t = tx.get<Target>(w.scope, planned.key());
          if (!t) continue;
          if (t->deregistered && t->deregistered + group.drain_ms <= now) {
            tx.erase<Target>(w.scope, t->key());
            continue;
          }
          host::ProxyTargetState state;
          auto* now_seen = find(seen, id, *t);
          if (now_seen && now_seen->phase == host::ProxyTargetState::Phase::serving &&
              now_seen->check.empty()) {
            // Its probe has just been replaced by regular checks, of which there was none yet: the probe's
            // words hold.
            state = *now_seen;
            if (auto* probe = find(before, id, *t)) {
              state.check = probe->check;
              state.code = probe->code;
            }
            now_seen = &state;
          }
          TargetStatus key{group.record.arn, t->ip, t->port, "", "", "", false};
          auto old = tx.get<TargetStatus>(w.scope, key.key());
          auto fresh = status_of(group, *t, now_seen, old ? &*old : nullptr);
          // The proxy was told what the plan knew: a target that was deregistered since then still gets
          // requests.
          if (!planned.deregistered) fresh.idle = false;
          current.insert(fresh.key());
          if (!old || !(*old == fresh)) tx.put(w.scope, fresh);
        }
        for (auto& s : tx.list<TargetStatus>(w.scope, group.record.arn + "|"))
          if (!current.contains(s.key()) &&
              !tx.get<Target>(w.scope, Target{group.record.name, s.ip, "", s.port, 0, 0}.key()))
            tx.erase<TargetStatus>(w.scope, s.key());
      }
      return {};
    });
  }

  milliseconds next_look(const Where& w, const Plan& plan, int64_t now) {
    auto soon = kOtherwise;
    auto tx = cloud_.store->begin();
    for (auto& [id, group] : plan.groups)
      for (auto& t : group.targets) {
        auto s = tx->get<TargetStatus>(w.scope,
                                       TargetStatus{group.record.arn, t.ip, t.port, "", "", "", false}.key());
        if (t.deregistered) {
          milliseconds left(std::max<int64_t>(t.deregistered + group.drain_ms - now, 10));
          soon = std::min(soon, s && s->idle ? left : std::min(left, kWhileDraining));
        } else if (!s || s->state == "initial") {
          soon = std::min(soon, kWhileStarting);
        }
      }
    return soon;
  }

  api::Cloud& cloud_;
  std::mutex mutex_;
  std::map<std::string, std::string> keys_;  // proxy id → the load balancer's key
};

// Public names lead to 127.0.0.1 on this machine; the front door leads on to the load balancer of the name.
Result<Again> open_front_door(api::Cloud& cloud) {
  host::FrontDoorSpec door;
  door.http_port = cloud.config.http_port;
  door.https_port = cloud.config.https_port;
  auto tx = cloud.store->begin();
  tx->each<LoadBalancer>([&](const Scope& scope, LoadBalancer& lb) {
    if (lb.internal) return true;
    host::FrontDoorSpec::Route r{lb.dns_name, lb.id, false, false};
    for (auto& l : listeners_of(*tx, scope, lb)) {
      r.http |= l.port == 80 && l.protocol == "HTTP";
      r.https |= l.port == 443 && l.protocol == "HTTPS";
    }
    if (r.http || r.https) door.routes.push_back(std::move(r));
    return true;
  });
  if (door.routes.empty()) {
    TRY(cloud.proxies->remove_front_door());
    return control::done();
  }
  TRY(cloud.proxies->apply_front_door(door));
  cloud.processes->watch("proxy-front-door", [&cloud](const host::ProcessExit&) {
    cloud.engine->enqueue(kFrontDoor, "front-door", milliseconds(50));
  });
  return control::done();
}

}  // namespace

void add_controllers(api::Cloud& cloud) {
  if (!cloud.proxies || !cloud.processes) return;  // a test without a machine
  auto controller = std::make_shared<Controller>(cloud);
  cloud.engine->add({
      .name = std::string(kController),
      .tables = {std::string(LoadBalancer::kTable), std::string(Listener::kTable), std::string(Rule::kTable),
                 std::string(TargetGroup::kTable), std::string(Target::kTable),
                 std::string(Attachment::kTable), std::string(ec2::InterfaceStatus::kTable),
                 std::string(ec2::SecurityGroup::kTable)},
      .workers = 2,
      .keys_for = work_keys,
      .reconcile = [controller](const std::string& key) { return controller->reconcile(key); },
  });
  cloud.engine->add({
      .name = std::string(kFrontDoor),
      .tables = {std::string(LoadBalancer::kTable), std::string(Listener::kTable)},
      .workers = 1,
      .keys_for = [](const store::ParsedKey&,
                     std::string_view) { return std::vector<std::string>{"front-door"}; },
      .reconcile = [&cloud](const std::string&) { return open_front_door(cloud); },
  });
  cloud.proxies->on_change([controller](const std::string& proxy) { controller->health_changed(proxy); });
  cloud.engine->enqueue(kController, "sweep");
}

}  // namespace nubecita::elbv2
