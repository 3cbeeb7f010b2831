// Connections that the kernel tracks (ctnetlink), for ending those whose address translation no longer holds.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"

namespace nubecita::host {

/// A public address that an interface had and has no longer.
struct LostAddress {
  uint32_t public_address = 0, private_address = 0;  // host byte order
};

/// For on_own_thread(), in the namespace that translates: forgets what came for these public addresses and
/// what left under a translated source of these private ones. Such a connection goes on only if it may begin
/// anew. Waits milliseconds (the table is read once).
Status forget_flows(const std::vector<LostAddress>& lost);

}  // namespace nubecita::host
