// Key conditions: which partition of a table or index, and which part of it. Pure functions.
#pragma once

#include <string>

#include "services/dynamodb/expression.hpp"
#include "services/dynamodb/records.hpp"

namespace nubecita::dynamodb {

/// Places p with from <= p and, unless it is empty, p < to; all begin with `partition`.
struct PlaceRange {
  std::string partition, from, to;
  std::string hash_item;  // the attributes of the partition key
};

/// `what` is the parameter in errors. ValidationException if the condition is no key condition of the schema.
Result<PlaceRange> key_range(const Schema& schema, const Condition& condition, std::string_view what);

}  // namespace nubecita::dynamodb
