// Key schemas, indexes and throughput as clients give them: checked, and made into records. Pure functions.
#pragma once

#include "api/call.hpp"
#include "models/dynamodb.hpp"
#include "services/dynamodb/records.hpp"

namespace nubecita::dynamodb {

Result<std::vector<KeyPart>> read_attributes(const wire::List<model::AttributeDefinition>& given);
Result<Schema> read_schema(const std::vector<KeyPart>& attributes,
                           const wire::List<model::KeySchemaElement>& given, bool global_index = false);
/// One index's projection and name; keys are read already.
Status read_projection(const model::Projection* given, Index& index);
Result<Index> read_local_index(const Table& table, const model::LocalSecondaryIndex& given);
/// GlobalSecondaryIndex or CreateGlobalSecondaryIndexAction.
template <class G>
Result<Index> read_global_index(const Table& table, const G& given) {
  Index index;
  index.name = api::str(given.index_name);
  index.global = true;
  TRY_LET(index.keys, read_schema(table.attributes, given.key_schema, true));
  TRY(read_projection(given.projection, index));
  if (given.provisioned_throughput) {
    index.read_units = *given.provisioned_throughput->read_capacity_units;
    index.write_units = *given.provisioned_throughput->write_capacity_units;
  }
  return index;
}
/// Names differ, numbers within limits, every attribute defined and every definition used.
Status check_table(const Table& table);

}  // namespace nubecita::dynamodb
