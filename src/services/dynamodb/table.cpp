// CreateTable, DescribeTable, ListTables, DeleteTable, and what there is to know about limits and endpoints.
#include "base/ids.hpp"
#include "models/dynamodb.hpp"
#include "services/dynamodb/access.hpp"
#include "services/dynamodb/changes.hpp"
#include "services/dynamodb/encryption.hpp"
#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/table_describe.hpp"
#include "services/dynamodb/table_schema.hpp"
#include "services/dynamodb/tags.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::dynamodb {
namespace {

Status read_billing(const model::CreateTableInput& in, Table& table) {
  table.on_demand = in.billing_mode == "PAY_PER_REQUEST";
  if (table.on_demand) table.on_demand_since = table.created;
  if (table.on_demand && in.provisioned_throughput)
    return invalid(
        "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be "
        "specified when "
        "BillingMode is PAY_PER_REQUEST");
  if (!table.on_demand && !in.provisioned_throughput)
    return invalid(
        "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be "
        "specified when "
        "BillingMode is PROVISIONED (ProvisionedThroughput is missing)");
  if (in.provisioned_throughput) {
    table.read_units = *in.provisioned_throughput->read_capacity_units;
    table.write_units = *in.provisioned_throughput->write_capacity_units;
  }
  return {};
}

Status read_stream(const model::StreamSpecification* given, Table& table, int64_t now) {
  if (!given) return {};
  if (!given->stream_enabled.value_or(false)) {
    if (given->stream_view_type.has())
      return invalid(
          "One or more parameter values were invalid: UpdateStreamEnabled is false: StreamViewType must be "
          "empty when StreamEnabled is false");
    return {};
  }
  if (!given->stream_view_type.has())
    return invalid(
        "One or more parameter values were invalid: StreamViewType is required when StreamEnabled is true");
  open_stream(table, given->stream_view_type, now);
  return {};
}

}  // namespace

Status create_table(api::Call& call, const model::CreateTableInput& in, model::CreateTableOutput& out) {
  TRY_LET(auto name, table_name(call, in.table_name));
  if (in.table_name.sv() != name) return invalid("TableName must be a name, not an ARN");
  api::Conditions asked;
  for (auto& t : in.tags) asked.push_back({"aws:RequestTag/" + api::str(t.key), {api::str(t.value)}});
  TRY(call.authorize(table_arn(call.scope(), name), asked));
  Table table;
  table.name = name;
  table.uid = random_hex(16);
  table.id = uuid();
  table.created = call.now;
  if (!in.attribute_definitions.has())
    return constraint("null", "attributeDefinitions", "Member must not be null");
  TRY_LET(table.attributes, read_attributes(in.attribute_definitions));
  if (!in.key_schema.has()) return constraint("null", "keySchema", "Member must not be null");
  TRY_LET(table.keys, read_schema(table.attributes, in.key_schema));
  TRY(read_billing(in, table));
  if (in.local_secondary_indexes.has() && in.local_secondary_indexes.empty())
    return invalid("One or more parameter values were invalid: List of LocalSecondaryIndexes is empty");
  if (in.global_secondary_indexes.has() && in.global_secondary_indexes.empty())
    return invalid("One or more parameter values were invalid: List of GlobalSecondaryIndexes is empty");
  for (auto& i : in.local_secondary_indexes) {
    TRY_LET(table.indexes.emplace_back(), read_local_index(table, i));
  }
  for (auto& i : in.global_secondary_indexes) {
    TRY_LET(table.indexes.emplace_back(), read_global_index(table, i));
  }
  for (auto& i : table.indexes) i.uid = random_hex(16);
  TRY(check_table(table));
  TRY(read_stream(in.stream_specification, table, call.now));
  if (in.sse_specification) TRY(change_encryption(call, *in.sse_specification, table, {}));
  table.sealing = false;  // there is nothing yet
  table.protected_ = in.deletion_protection_enabled.value_or(false);
  table.table_class = api::str(in.table_class);
  if (in.table_class.has() && in.table_class != "STANDARD" && in.table_class != "STANDARD_INFREQUENT_ACCESS")
    return constraint(in.table_class, "tableClass",
                      "Member must satisfy enum value set: [STANDARD, STANDARD_INFREQUENT_ACCESS]");
  TRY(add_tags(table, in.tags));
  if (in.resource_policy.has()) {
    TRY(iam::check_resource_policy(in.resource_policy));
    table.policy = api::str(in.resource_policy);
    table.policy_revision = std::to_string(call.now);
  }
  if (find_table(call.tx, call.scope(), name))
    return fail("ResourceInUseException", "Table already exists: " + table.name);
  put_table(call.tx, call.scope(), table);
  out.table_description = describe(call, table, "CREATING");
  return {};
}

Status describe_table(api::Call& call, const model::DescribeTableInput& in, model::DescribeTableOutput& out) {
  TRY_LET(auto name, table_name(call, in.table_name));
  TRY(call.authorize(table_arn(call.scope(), name)));
  auto table = find_table(call.tx, call.scope(), name);
  if (!table) return no_such_table(name);
  out.table = describe(call, *table);
  return {};
}

Status delete_table(api::Call& call, const model::DeleteTableInput& in, model::DeleteTableOutput& out) {
  TRY_LET(auto name, table_name(call, in.table_name));
  TRY(call.authorize(table_arn(call.scope(), name)));
  auto table = find_table(call.tx, call.scope(), name);
  if (!table) return no_such_table(name);
  if (table->protected_)
    return invalid(
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion "
        "protection first.");
  for (auto& other : call.tx.list<Table>(call.scope()))
    if (other.restoring && other.restored_uid == table->uid)
      return fail("ResourceInUseException", "Table " + other.name + " is being restored from " + table->name);
  out.table_description = describe(call, *table, "DELETING");
  // As little as AWS tells of it then.
  out.table_description->creation_date_time = {};
  out.table_description->key_schema = {};
  out.table_description->attribute_definitions = {};
  out.table_description->local_secondary_indexes = {};
  out.table_description->global_secondary_indexes = {};
  drop_table(call.tx, call.scope(), *table, call.now);
  return {};
}

Status list_tables(api::Call& call, const model::ListTablesInput& in, model::ListTablesOutput& out) {
  TRY(call.authorize("*"));
  const auto limit = static_cast<size_t>(in.limit.value_or(100));
  const auto prefix = store::make_key(Table::kTable, call.scope(), {});
  std::vector<std::string> names;
  bool more = false;
  std::string from =
      in.exclusive_start_table_name.has() ? prefix + api::str(in.exclusive_start_table_name) + '\0' : "";
  call.tx.scan(prefix, from, [&](std::string_view key, std::string_view) {
    if (names.size() == limit) {
      more = true;
      return false;
    }
    names.emplace_back(key.substr(prefix.size()));
    return true;
  });
  out.table_names = call.texts(names);
  if (more) out.last_evaluated_table_name = call.text(names.back());
  return {};
}

Status describe_limits(api::Call& call, const model::DescribeLimitsInput&, model::DescribeLimitsOutput& out) {
  TRY(call.authorize("*"));
  out.account_max_read_capacity_units = out.account_max_write_capacity_units = int64_t{80000};
  out.table_max_read_capacity_units = out.table_max_write_capacity_units = int64_t{40000};
  return {};
}

Status describe_endpoints(api::Call& call, const model::DescribeEndpointsRequest&,
                          model::DescribeEndpointsResponse& out) {
  TRY(call.authorize("*"));
  out.endpoints = call.list<model::Endpoint>(1);
  out.endpoints[0].address = call.text(call.cloud.config.listen);
  out.endpoints[0].cache_period_in_minutes = int64_t{1440};
  return {};
}

}  // namespace nubecita::dynamodb
