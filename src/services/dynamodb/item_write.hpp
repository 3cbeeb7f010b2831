// PutItem, UpdateItem, DeleteItem and ConditionCheck as one thing, for the operations on one item, for
// batches and for transactions: read from a request, then done in the call's transaction. One thread, as long
// as the request.
#pragma once

#include <optional>
#include <string>

#include "services/dynamodb/access.hpp"
#include "services/dynamodb/expression.hpp"
#include "services/dynamodb/tables.hpp"
#include "services/dynamodb/write.hpp"

namespace nubecita::dynamodb {

struct ItemWrite {
  enum class Kind { put, update, erase, check } kind = Kind::put;
  TablePtr table;
  std::string item;   // of put: all of it; of the others: the key
  std::string place;  // keys.hpp
  Update update;
  const Condition* condition = nullptr;
  bool old_on_failure = false;  // ReturnValuesOnConditionCheckFailure
};

/// `action`: IAM's, empty for the call's own. Checks everything that can be checked without the item.
Result<ItemWrite> read_item_write(api::Call& call, const Input& in, ItemWrite::Kind kind,
                                  std::string_view action = {});

struct Outcome {
  std::optional<std::string> old, now;
};
/// ConditionalCheckFailedException if the condition does not hold. `want_old`: the answer shows it.
Result<Outcome> execute(api::Call& call, const ItemWrite& write, bool want_old, WriteCost* cost = nullptr);

/// The table that the request names, after IAM was asked when it is missing.
Result<TablePtr> named_table(api::Call& call, const Input& in, std::string_view action = {});

}  // namespace nubecita::dynamodb
