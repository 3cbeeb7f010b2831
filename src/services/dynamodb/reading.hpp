// What the reading operations have in common.
#pragma once

#include <optional>
#include <vector>

#include "services/dynamodb/expression.hpp"
#include "services/dynamodb/legacy.hpp"

namespace nubecita::dynamodb {

/// ProjectionExpression or AttributesToGet of an operation without other expressions; nothing: everything is
/// wanted.
inline Result<std::optional<std::vector<Path>>> read_projection(const Input& in) {
  TRY(check_not_mixed(in, {"AttributesToGet"}, {"ProjectionExpression"}));
  if (!in.has("ProjectionExpression")) return read_attributes_to_get(in);
  Placeholders names;
  TRY(names.read(in));
  TRY_LET(auto text, in.text("ProjectionExpression"));
  TRY_LET(auto paths, parse_projection(text, names, in.arena()));
  TRY(names.check_all_used());
  return std::optional(std::move(paths));
}

}  // namespace nubecita::dynamodb
