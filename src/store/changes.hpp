// How somebody who keeps what was read from the store knows whether it still holds. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "store/store.hpp"

namespace nubecita::store {

/// Counts the commits that changed keys with this prefix. It rises before such a commit is answered: what was
/// read after loading a value of it holds, acknowledged writes included, as long as it has that value. The
/// same counter for the same prefix, as long as the store.
const std::atomic<uint64_t>& changes(Store& store, std::string_view prefix);

}  // namespace nubecita::store
