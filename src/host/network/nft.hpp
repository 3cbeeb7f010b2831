// Runs nftables commands through libnftables, in the calling thread's network namespace, as one transaction.
// The library is loaded at the first use: a cloud without networks does not pay for it. Any thread; one at a
// time inside.
#pragma once

#include <string>

#include "base/result.hpp"

namespace nubecita::host {

/// Error "NetworkUnavailable" with nft's own words.
Status run_nft(const std::string& commands);

}  // namespace nubecita::host
