// Where an item stands in the store: keys whose bytes sort as DynamoDB sorts the items.
//
// A string or binary is its bytes with 00 written as 00 FF and ended by 00 01; a number is its bytes
// (number.hpp), which end by themselves. In front stand 4 bytes of a hash of the partition key, which spread
// a scan over its segments. Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "services/dynamodb/records.hpp"
#include "services/dynamodb/value.hpp"

namespace nubecita::dynamodb {

inline constexpr size_t kMostHashBytes = 2048, kMostRangeBytes = 1024;  // of key attributes, as AWS counts

/// A key attribute's value in a store key. `open`: without its end, as the beginning of longer ones.
void append_key(std::string& out, Value v, bool open = false);
/// Partition: the hash and the partition key's parts, from the attributes of `item`. Nothing: one is absent
/// or has another type.
std::optional<std::string> partition_of(const Schema& schema, Item item);
std::optional<std::string> sort_of(const Schema& schema, Item item);
/// Both. Nothing: the item has no place in that table or index.
std::optional<std::string> place_of(const Schema& schema, Item item);

/// The first and the last + 1 hash of one segment, 4 bytes each; an empty end: to the end.
std::string segment_begin(int64_t segment, int64_t segments);

/// Whether a stored value may be that key part.
bool fits(const KeyPart& part, Value v);
/// Only the attributes of the schema.
std::string key_attributes(const Schema& schema, Item item);

/// Errors for a whole item that is about to be written: a key attribute is missing, empty, too long, of
/// another type; the same of the attributes that are keys of indexes, which may be missing.
Status check_keys(const Table& table, Item item);
/// `key` has the table's key attributes and nothing else ("The provided key element does not match the
/// schema").
Status check_key_only(const Table& table, Item key);

}  // namespace nubecita::dynamodb
