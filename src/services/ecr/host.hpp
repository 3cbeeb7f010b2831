// Whose registry a request or reference means: by host name, or by the first two parts of the path.
#pragma once

#include <optional>
#include <string_view>

#include "base/config.hpp"
#include "store/store.hpp"

namespace nubecita::ecr {

/// "<account>.dkr.ecr.<region>.<domain>[:port]"; nothing for other hosts.
std::optional<store::Scope> scope_of_host(const Config& config, std::string_view host);
/// Takes "<account>/<region>/" off the front of `path`; nothing (and `path` untouched) if it does not begin
/// so.
std::optional<store::Scope> take_scope_prefix(std::string_view& path);

}  // namespace nubecita::ecr
