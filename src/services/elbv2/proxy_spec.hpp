// From what the store says about a load balancer to what its proxy shall be, and from what was seen of the
// proxy to AWS's words about targets. Inside a transaction, no machine. One thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/proxies/spec.hpp"
#include "services/elbv2/records.hpp"

namespace nubecita::elbv2 {

struct Plan {
  host::ProxySpec spec;
  struct Group {
    TargetGroup record;
    std::vector<Target> targets;
    int64_t drain_ms = 0;  // deregistration delay
  };
  std::map<std::string, Group> groups;  // by the id that `spec` uses
  bool ready = false;                   // the interfaces are in place; else there is no spec yet
  std::string home_eni;
};

/// `now`: targets whose drain is over are left out; targets that did not pass a first check in time are
/// overdue.
Plan make_plan(store::Transaction& tx, const store::Scope& scope, const LoadBalancer& lb, int64_t now);

/// CIDRs from which the rules of the groups let TCP come to `port`; rules that name a group do not reach a
/// public address.
std::vector<std::string> sources_for(store::Transaction& tx, const store::Scope& scope,
                                     const std::vector<std::string>& groups, int port);

/// One target's status. `seen`: what its proxy knows (null: nothing). `before`: what was said last (null:
/// nothing).
TargetStatus status_of(const Plan::Group& group, const Target& target, const host::ProxyTargetState* seen,
                       const TargetStatus* before);

}  // namespace nubecita::elbv2
