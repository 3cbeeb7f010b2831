// Targets of a running proxy: which slot holds which, and the commands that bring them to a spec. Internal.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/proxies/config.hpp"
#include "host/proxies/runtime.hpp"
#include "host/proxies/spec.hpp"

namespace nubecita::host {

/// What a configuration for `spec` must hold so that a reload keeps every slot of the running proxy, with
/// room for more.
Slots slots_for(const ProxySpec& spec, const std::vector<Runtime::Server>& running);

/// Probes new targets, gives those that passed a slot, drains and frees others. Again and again until it is
/// done; what waits for a probe is left for the next call.
Status settle_targets(const Runtime& runtime, const ProxySpec& spec);

std::vector<ProxyTargetState> states_of(const std::vector<Runtime::Server>& servers);

/// One group's commands for what is seen; empty when all is as it should be. Exposed for tests.
std::vector<std::string> commands_for(const ProxyGroup& group, const std::vector<Runtime::Server>& running);

}  // namespace nubecita::host
