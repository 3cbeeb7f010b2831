// The questions to IAM, with DynamoDB's own condition keys.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "services/dynamodb/expression.hpp"
#include "services/dynamodb/tables.hpp"

namespace nubecita::dynamodb {

/// dynamodb:LeadingKeys, :Attributes, :Select, :ReturnValues of one request; only what it names.
class Asked {
 public:
  Asked& leading_key(const Schema& schema, Item item);
  Asked& attributes(Item item);
  Asked& attributes(std::span<const Path> paths, const Schema& schema);
  Asked& select(std::string_view v) { return add("dynamodb:Select", v); }
  Asked& return_values(std::string_view v) { return add("dynamodb:ReturnValues", v); }
  const api::Conditions& conditions() const { return conditions_; }

 private:
  Asked& add(std::string_view key, std::string_view value);
  api::Conditions conditions_;
};

/// May the caller do `action` (empty: the call's own) to the table's items? Its resource policy has a say,
/// and its KMS key if it has one (open_table() in encryption.hpp).
Status authorize(api::Call& call, const TableInfo& table, const Asked& asked, std::string_view action = {},
                 const Index* index = nullptr);
/// The table that an operation on items names, of any account; authorize() decides whether it may be used.
/// Errors: ResourceNotFoundException, those of table_place().
Result<TablePtr> table_for_items(api::Call& call, std::string_view given, std::string_view action = {});

}  // namespace nubecita::dynamodb
