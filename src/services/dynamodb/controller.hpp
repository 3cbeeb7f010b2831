// Work behind the answers that stands in other files than controller.cpp.
#pragma once

#include <string>

#include "services/dynamodb/records.hpp"
#include "store/store.hpp"

namespace nubecita::dynamodb {

/// Copies the items of a backup that is building (backup.cpp).
Status copy_backup(store::Store& store, const store::Scope& scope, const std::string& id);
/// Copies the items of a table that is being restored, from its backup or its source (backup.cpp).
Status finish_restore(store::Store& store, const store::Scope& scope, const Table& table);
/// When a stream's record was made, milliseconds (stream_record.cpp).
int64_t change_time(std::string_view record);

}  // namespace nubecita::dynamodb
