// How a change of one item reaches the store: the item, its entries in the indexes, its expiry, its stream.
// All of it in the call's transaction. One thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/dynamodb/capacity.hpp"
#include "services/dynamodb/tables.hpp"
#include "services/dynamodb/value.hpp"

namespace nubecita::dynamodb {

/// The item at a place (keys.hpp); nothing: there is none.
std::optional<std::string> read_item_at(store::Transaction& tx, const TableInfo& table,
                                        std::string_view place);

/// Whether a write must know what was there.
bool needs_old(const TableInfo& table);

struct Change {
  const TableInfo& table;
  std::string place;
  const std::optional<std::string>& old;  // what was there, if needs_old() or somebody asked
  const std::string* now = nullptr;       // null: deleted
  bool by_expiry = false;
};
/// Puts the change into `tx`; adds what it costs to `cost`, if given.
void write(store::Transaction& tx, const Change& change, int64_t now_ms, WriteCost* cost = nullptr);

/// What an index keeps of an item: all of it, its keys, or its keys and some more.
std::string projected(const Table& table, const Index& index, Item item);
/// The key of an item's entry in an index, below the index's prefix; nothing: it has none.
std::optional<std::string> index_place(const Index& index, Item item, std::string_view place);
/// The key of an item's entry by expiry time; nothing: it does not expire.
std::optional<std::string> expiry_place(const Table& table, Item item, std::string_view place);

}  // namespace nubecita::dynamodb
