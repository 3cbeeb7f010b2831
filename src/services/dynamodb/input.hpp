// The members of a request that we read ourselves: found once, as their JSON text, and read when asked for.
// One thread, as long as the request.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/arena.hpp"
#include "base/result.hpp"
#include "services/dynamodb/json_reader.hpp"
#include "services/dynamodb/value.hpp"

namespace nubecita::dynamodb {

class Input {
 public:
  explicit Input(Arena& arena) : arena_(&arena) {}
  /// Members that are null are absent.
  Status parse(std::string_view object);
  /// The whole body: at most 16 MiB.
  Status parse_request(std::string_view body);

  bool has(std::string_view name) const { return !raw(name).empty(); }
  /// JSON text; empty: absent.
  std::string_view raw(std::string_view name) const;
  JsonReader reader(std::string_view name) const { return JsonReader(raw(name), *arena_); }
  Arena& arena() const { return *arena_; }

  /// Absent: empty.
  Result<std::string_view> text(std::string_view name) const;
  Result<std::string_view> required_text(std::string_view name) const;
  Result<std::optional<int64_t>> integer(std::string_view name) const;
  Result<bool> boolean(std::string_view name, bool otherwise = false) const;
  /// An object of attribute values; absent: an error unless `optional`.
  Result<std::string> item(std::string_view name) const;
  /// One of `allowed` (the first if absent), or AWS's error.
  Result<std::string_view> choice(std::string_view name,
                                  std::initializer_list<std::string_view> allowed) const;
  Result<std::vector<std::string_view>> texts(std::string_view name) const;
  /// Elements of a list of objects.
  Result<std::vector<Input>> objects(std::string_view name) const;
  /// Entries of a map of objects.
  Result<std::vector<std::pair<std::string_view, Input>>> object_map(std::string_view name) const;

 private:
  Arena* arena_;
  std::vector<std::pair<std::string_view, std::string_view>> members_;
};

/// "TableName" -> "tableName", as AWS's messages have it.
std::string member_path(std::string_view name);

}  // namespace nubecita::dynamodb
