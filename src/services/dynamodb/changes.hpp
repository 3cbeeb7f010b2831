// Changes of tables that several operations make.
#pragma once

#include <string_view>

#include "services/dynamodb/records.hpp"
#include "store/store.hpp"

namespace nubecita::dynamodb {

/// Stores the table, and its stream's record if it is on.
void put_table(store::Transaction& tx, const store::Scope& scope, const Table& table);
/// Removes the table; what it leaves behind goes to the controller, its stream can be read for a day more.
void drop_table(store::Transaction& tx, const store::Scope& scope, const Table& table, int64_t now);
void drop_items(store::Transaction& tx, const store::Scope& scope, std::string_view uid);

/// Point-in-time recovery on and off, in the record: put_table() follows. What was noted goes when it is off.
void open_journal(store::Transaction& tx, const store::Scope& scope, Table& table, int64_t days, int64_t now);
void close_journal(store::Transaction& tx, const store::Scope& scope, Table& table);

/// In the record only: put_table() follows.
void open_stream(Table& table, std::string_view view, int64_t now);
void close_stream(store::Transaction& tx, const store::Scope& scope, Table& table, int64_t now);

}  // namespace nubecita::dynamodb
