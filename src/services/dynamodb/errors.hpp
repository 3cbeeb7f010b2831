// DynamoDB's errors, in its words.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nubecita::dynamodb {

inline std::unexpected<ApiError> invalid(std::string message) {
  return fail("ValidationException", std::move(message));
}
inline std::unexpected<ApiError> malformed(std::string message) {
  return fail("SerializationException", std::move(message));
}
/// What item operations say of a table that is not there.
inline std::unexpected<ApiError> no_such_table() {
  return fail("ResourceNotFoundException", "Requested resource not found");
}
/// What table operations say.
inline std::unexpected<ApiError> no_such_table(std::string_view name) {
  return fail("ResourceNotFoundException",
              "Requested resource not found: Table: " + std::string(name) + " not found");
}
inline std::unexpected<ApiError> condition_failed() {
  return fail("ConditionalCheckFailedException", "The conditional request failed");
}
/// "1 validation error detected: Value '<value>' at '<member>' failed to satisfy constraint: <rule>"
inline std::unexpected<ApiError> constraint(std::string_view value, std::string_view member,
                                            std::string_view rule) {
  std::string shown = value == "null" ? "null" : "'" + std::string(value) + "'";
  return invalid("1 validation error detected: Value " + shown + " at '" + std::string(member) +
                 "' failed to satisfy constraint: " + std::string(rule));
}

}  // namespace nubecita::dynamodb
