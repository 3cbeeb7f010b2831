// What other services may ask of CloudWatch Logs: to keep the lines that their containers write.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/cloud.hpp"
#include "base/result.hpp"
#include "store/store.hpp"

namespace nubecita::logs {

struct NewEvent {
  int64_t timestamp_ms = 0;
  std::string message;  // at most 1 MiB minus 26 bytes is kept of it
};

/// Appends `events` to a stream in the caller's transaction; makes the stream if it is missing, and the group
/// too if `create_group`. Error ResourceNotFoundException: there is no such group. Cheap: one write per event
/// and one per stream. Meant for batches: one transaction for all lines of a container that came within some
/// 100 ms.
Status append(store::Transaction& tx, const store::Scope& scope, const std::string& group,
              const std::string& stream, const std::vector<NewEvent>& events, bool create_group = false);

/// Deletes events when their group's retention is over.
void add_controllers(api::Cloud& cloud);

}  // namespace nubecita::logs
