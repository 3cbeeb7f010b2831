// One change of one item, as a stream keeps it: an item itself (value.hpp) with the members
//   e  event: INSERT, MODIFY, REMOVE     t  milliseconds     k  keys     o, n  images     x  it expired
// Pure functions, any thread.
#pragma once

#include <optional>
#include <string>

#include "services/dynamodb/records.hpp"
#include "services/dynamodb/value.hpp"

namespace nubecita::dynamodb {

std::string make_stream_record(const Table& table, const std::optional<std::string>& old,
                               const std::string* now, int64_t now_ms, bool by_expiry);
/// A record as the store has it: sealed, its time before it in clear for those who trim. `key` empty: as it
/// is.
std::string seal_stream_record(std::string_view key, std::string record, int64_t now_ms);
std::string open_stream_record(std::string_view key, std::string_view stored);
/// As GetRecords answers it.
void write_stream_record(std::string& json, Item record, std::string_view sequence, std::string_view view,
                         std::string_view region);

}  // namespace nubecita::dynamodb
