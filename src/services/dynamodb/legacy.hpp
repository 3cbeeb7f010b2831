// The parameters from before expressions (Expected, AttributeUpdates, QueryFilter, ...), read as the trees
// that expressions become. Pure functions.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
#pragma once

#include <optional>

#include "services/dynamodb/expression.hpp"

namespace nubecita::dynamodb {

/// Expected with ConditionalOperator; null: absent or without conditions.
Result<const Condition*> read_expected(const Input& in);
/// QueryFilter or ScanFilter with ConditionalOperator; null as above.
Result<const Condition*> read_filter(const Input& in, std::string_view member);
/// KeyConditions: conditions on attributes, joined by AND.
Result<const Condition*> read_key_conditions(const Input& in);
/// AttributeUpdates.
Result<Update> read_attribute_updates(const Input& in);
/// AttributesToGet as paths; nothing: absent.
Result<std::optional<std::vector<Path>>> read_attributes_to_get(const Input& in);

/// An error if the request has members of both kinds, or has placeholders without an expression.
Status check_not_mixed(const Input& in, std::initializer_list<std::string_view> legacy,
                       std::initializer_list<std::string_view> expressions);

}  // namespace nubecita::dynamodb
