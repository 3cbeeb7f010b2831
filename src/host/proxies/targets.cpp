#include "host/proxies/targets.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <set>

#include "base/log.hpp"
#include "host/proxies/groups.hpp"

namespace nubecita::host {

namespace {

using Server = Runtime::Server;

constexpr size_t kFewestSlots = 8;

bool passed(const Server& s) {
  return s.up && (s.check == "L7OK" || s.check == "L6OK" || s.check == "L4OK" || s.check == "L7OKC");
}
bool empty_slot(const Server& s) { return s.maintenance && s.ip == "0.0.0.0"; }

std::string probe_name(const ProxyTarget& t) {
  std::string ip = t.ip;
  std::ranges::replace(ip, '.', '-');
  return fmt::format("{}_{}", ip, t.port);
}

size_t slot_number(const std::string& name) { return static_cast<size_t>(atoi(name.c_str() + 1)); }

std::string erase_probe(const std::string& backend, const std::string& name) {
  return fmt::format("disable health {0}/{1}; disable server {0}/{1}; del server {0}/{1}", backend, name);
}

struct Planner {
  const ProxyGroup& group;
  std::vector<const Server*> slots, probes, open;
  std::vector<std::string> out;
  std::set<std::string> taken, wanted_probes;

  const Server* slot_of(const ProxyTarget& t) const {
    for (auto* s : slots)
      if (s->ip == t.ip && s->port == t.port) return s;
    return nullptr;
  }
  const Server* probe_of(const ProxyTarget& t) const {
    for (auto* s : probes)
      if (s->name == probe_name(t)) return s;
    return nullptr;
  }

  void place(const ProxyTarget& t, bool healthy) {
    // Last an empty one: a slot whose target was cut off may still be finishing.
    const Server* free = nullptr;
    for (auto* s : slots)
      if (empty_slot(*s) && !taken.contains(s->name)) {
        free = s;
        break;
      }
    if (!free) return;  // the next configuration has more slots
    taken.insert(free->name);
    std::string at = fmt::format("t_{}/{}", group.id, free->name);
    out.push_back(
        fmt::format("set server {0} addr {1} port {2}; set server {0} weight 100; set server {0} state "
                    "ready; set server {0} health {3}",
                    at, t.ip, t.port, healthy ? "up" : "down"));
  }

  void target(const ProxyTarget& t) {
    auto* s = slot_of(t);
    if (s) taken.insert(s->name);
    if (s && s->maintenance == t.draining) return;
    if (t.draining) {
      // "maint", not "drain": requests in flight finish either way, but drain still serves clients with a
      // cookie.
      if (s) out.push_back(fmt::format("set server t_{}/{} state maint", group.id, s->name));
      return;
    }
    // New, or back again after draining (perhaps another program at the same address): it must pass a probe
    // first.
    auto* p = probe_of(t);
    if ((p && passed(*p)) || t.overdue) return s ? revive(*s, p && passed(*p)) : place(t, p && passed(*p));
    wanted_probes.insert(probe_name(t));
    if (!p)
      out.push_back(
          fmt::format("add server p_{0}/{1} {2}:{3} {4}; enable server p_{0}/{1}; enable health p_{0}/{1}",
                      group.id, probe_name(t), t.ip, t.port, probe_options(group)));
  }

  void revive(const Server& s, bool healthy) {
    out.push_back(fmt::format("set server t_{0}/{1} state ready; set server t_{0}/{1} health {2}", group.id,
                              s.name, healthy ? "up" : "down"));
  }

  // The slots of the open group follow those of the group.
  void follow() {
    for (auto* o : open) {
      auto it = std::ranges::find(slots, o->name, &Server::name);
      if (it == slots.end()) continue;
      const Server& s = **it;
      std::string at = fmt::format("{}/{}", open_group(group.id), o->name);
      std::string address = fmt::format("set server {} addr {} port {}", at, s.ip, s.port);
      if (empty_slot(s)) {
        if (!empty_slot(*o))
          out.push_back(
              fmt::format("set server {0} state maint; shutdown sessions server {0}; {1}", at, address));
        continue;
      }
      if (o->ip != s.ip || o->port != s.port) out.push_back(address);
      if (o->maintenance != s.maintenance)
        out.push_back(fmt::format("set server {} state {}", at, s.maintenance ? "maint" : "ready"));
    }
  }

  void finish() {
    for (auto* s : slots)
      if (!taken.contains(s->name) && !empty_slot(*s))
        out.push_back(
            fmt::format("set server t_{0}/{1} state maint; shutdown sessions server t_{0}/{1}; set server "
                        "t_{0}/{1} addr 0.0.0.0 port 80",
                        group.id, s->name));
    for (auto* p : probes)
      if (!wanted_probes.contains(p->name)) out.push_back(erase_probe("p_" + group.id, p->name));
  }
};

}  // namespace

Slots slots_for(const ProxySpec& spec, const std::vector<Server>& running) {
  Slots out;
  for (auto& g : spec.groups) {
    auto& slots = out[g.id];
    slots.resize(kFewestSlots);
    for (auto& s : running) {
      if (s.backend != "t_" + g.id) continue;
      size_t n = slot_number(s.name);
      if (n == 0) continue;
      slots.resize(std::max(slots.size(), n));
      if (s.ip == "0.0.0.0") continue;
      slots[n - 1] = {s.ip, s.port};
    }
    // Those that shall leave may still hold a slot when those that shall come need one.
    size_t need = g.targets.size();
    for (auto& slot : slots)
      if (!slot.ip.empty() &&
          std::ranges::none_of(g.targets, [&](auto& t) { return t.ip == slot.ip && t.port == slot.port; }))
        ++need;
    if (need > slots.size()) slots.resize(std::bit_ceil(need));
  }
  return out;
}

std::vector<std::string> commands_for(const ProxyGroup& group, const std::vector<Server>& running) {
  Planner p{group, {}, {}, {}, {}, {}, {}};
  for (auto& s : running) {
    if (s.backend == "t_" + group.id) p.slots.push_back(&s);
    if (s.backend == "p_" + group.id) p.probes.push_back(&s);
    if (s.backend == open_group(group.id)) p.open.push_back(&s);
  }
  for (auto& t : group.targets) p.target(t);
  p.finish();
  p.follow();
  return p.out;
}

Status settle_targets(const Runtime& runtime, const ProxySpec& spec) {
  // What a round has changed, the next one sees: a probe makes place for a slot, the open group follows it.
  for (int round = 0; round < 3; ++round) {
    TRY_LET(auto running, runtime.servers());
    std::vector<std::string> all;
    for (auto& g : spec.groups)
      for (auto& c : commands_for(g, running)) all.push_back(std::move(c));
    if (all.empty()) return {};
    for (auto& c : all) {
      TRY_LET(auto answer, runtime.ask(c));
      for (auto* bad :
           {"No such", "Invalid", "nvalid", "not found", "Unknown", "expects", "cannot", "Require"})
        if (answer.find(bad) != std::string::npos) {
          log_warning("proxies", "{}: '{}' answered: {}", spec.id, c, answer);
          break;
        }
    }
  }
  return {};
}

std::vector<ProxyTargetState> states_of(const std::vector<Server>& servers) {
  std::vector<ProxyTargetState> out;
  for (auto& s : servers) {
    bool slot = s.backend.starts_with("t_");
    if ((!slot && !s.backend.starts_with("p_")) || s.ip == "0.0.0.0" || s.ip.empty()) continue;
    ProxyTargetState t;
    t.group = s.backend.substr(2);
    t.ip = s.ip;
    t.port = s.port;
    t.phase = !slot           ? ProxyTargetState::Phase::initial
              : s.maintenance ? ProxyTargetState::Phase::draining
                              : ProxyTargetState::Phase::serving;
    t.up = slot ? s.up : passed(s);
    t.check = s.check == "INI" ? "" : s.check;
    t.code = s.code;
    t.sessions = s.sessions;
    if (slot)
      for (auto& o : servers)
        if (o.backend == open_group(t.group) && o.name == s.name) t.sessions += o.sessions;
    out.push_back(std::move(t));
  }
  return out;
}

}  // namespace nubecita::host
