// A target group as two HAProxy backends: slots for its targets, and the probes of new ones. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/proxies/config.hpp"

namespace nubecita::host {

Result<std::string> group_text(const ProxyGroup& group, const std::vector<Slot>& slots,
                               const std::string& errors);

}  // namespace nubecita::host
