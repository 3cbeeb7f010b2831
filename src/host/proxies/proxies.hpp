// Load balancers as the machine has them: one HAProxy (master and worker) each, driven towards a spec.
//
// The proxy lives in the network namespace of the load balancer's own interface, so its connections to
// targets leave through that interface and obey its security groups; the public address is bound in the
// host's namespace. The master is root and reads no traffic; the worker, which does, has no capability, an
// empty directory as its root and the user `haproxy`.
//
// Targets come and go through the runtime socket. Everything else is a new configuration, checked by `haproxy
// -c`, then a reload that hands the listening sockets over; the old one stays if the new one is refused. The
// running proxy knows the fingerprint of its configuration, so a new nubecita adopts it as it is. Nothing is
// remembered here: what runs is asked from the proxy.
//
// A new target is first tried by a quick probe (three times a second); it gets traffic once it has passed,
// and from then on is checked as its group says. Every function may be called on any thread; calls for one id
// run one after another.
//
// Lifecycle: 1. make_proxies(), 2. on_change(), 3. apply() and observe() at will, 4. destroy: proxies go on
// running.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/processes/processes.hpp"
#include "host/proxies/spec.hpp"

namespace nubecita::host {

class Proxies {
 public:
  virtual ~Proxies() = default;

  /// Starts, reloads or adjusts the proxy so that it is what `spec` says. Waits (milliseconds when only
  /// targets change, ~100 ms for a reload). Errors: "ProxyFailed" with HAProxy's own words, e.g. that an
  /// address is taken.
  virtual Status apply(const ProxySpec& spec) = 0;
  /// What the proxy knows of its targets. Error "ProxyFailed" if it does not run.
  virtual Result<std::vector<ProxyTargetState>> observe(const std::string& id) = 0;
  /// Ends the proxy and removes its files; an absent one is fine.
  virtual Status remove(const std::string& id) = 0;
  /// Ids of all proxies that run or have run here.
  virtual std::vector<std::string> list() = 0;

  virtual Status apply_front_door(const FrontDoorSpec& spec) = 0;
  virtual Status remove_front_door() = 0;

  /// Calls `changed(id)` on a thread of ours whenever a proxy says that the health of a target has changed.
  /// One function; an empty one ends it.
  virtual void on_change(std::function<void(const std::string& id)> changed) = 0;

  /// Ends all proxies and takes away what they left on the machine (a mount point in /run/netns).
  virtual Status remove_all() = 0;
};

struct ProxiesOptions {
  std::string data_dir;
  std::string haproxy = "haproxy";  // the program: a path, or a name in PATH
};
/// `processes` must outlive the result. Error "ProxyFailed" if the data directory's path is too long for
/// sockets.
Result<std::unique_ptr<Proxies>> make_proxies(Processes& processes, const ProxiesOptions& options);

}  // namespace nubecita::host
