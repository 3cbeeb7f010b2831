// What DescribeTable and its kin answer.
#pragma once

#include "api/call.hpp"
#include "models/dynamodb.hpp"
#include "services/dynamodb/tables.hpp"

namespace nubecita::dynamodb {

/// `status`: ACTIVE, or what AWS would show at this moment of the table's life.
model::TableDescription* describe(api::Call& call, const Table& table, std::string_view status = {});
wire::List<model::KeySchemaElement> describe(api::Call& call, const Schema& schema);
model::Projection* describe_projection(api::Call& call, const Index& index);

/// Items below a prefix and their bytes: counted if there are few, else estimated from the first thousand,
/// which are a fair sample because places begin with a hash. AWS's figures are some hours old.
struct Size {
  int64_t items = 0, bytes = 0;
};
Size estimate_size(store::Transaction& tx, const std::string& prefix);

/// The time in a stream's ARN.
std::string stream_label(int64_t created);

}  // namespace nubecita::dynamodb
