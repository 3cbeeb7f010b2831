// A target group as two HAProxy backends: slots for its targets, and the probes of new ones. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/proxies/config.hpp"

namespace nubecita::host {

Result<std::string> group_text(const ProxyGroup& group, const std::vector<Slot>& slots,
                               const std::string& errors);

/// The backend that takes a group's requests while none of its targets is healthy: AWS "fails open" and sends
/// them to all registered targets.
inline std::string open_group(const std::string& group) { return "open_t_" + group; }

}  // namespace nubecita::host
