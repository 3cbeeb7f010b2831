// UpdateTable: throughput, billing, stream, protection, and global indexes that come and go. A new index is
// filled by the controller (controller.cpp) while writes keep it up to date already.
#include <algorithm>

#include "base/ids.hpp"
#include "models/dynamodb.hpp"
#include "services/dynamodb/changes.hpp"
#include "services/dynamodb/encryption.hpp"
#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/table_describe.hpp"
#include "services/dynamodb/table_schema.hpp"

namespace nubecita::dynamodb {
namespace {

Status update_billing(const model::UpdateTableInput& in, Table& table, int64_t now) {
  const auto* units = in.provisioned_throughput;
  if (in.billing_mode.has()) {
    const bool on_demand = in.billing_mode == "PAY_PER_REQUEST";
    if (on_demand && units)
      return invalid(
          "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can "
          "be specified when "
          "BillingMode is PAY_PER_REQUEST");
    if (!on_demand && table.on_demand && !units)
      return invalid(
          "One or more parameter values were invalid: ProvisionedThroughput must be specified when "
          "BillingMode is PROVISIONED");
    if (on_demand && !table.on_demand) {
      table.read_units = table.write_units = 0;
      for (auto& i : table.indexes) i.read_units = i.write_units = 0;
      table.on_demand_since = now;
    }
    table.on_demand = on_demand;
  }
  if (!units) return {};
  if (table.on_demand)
    return invalid(
        "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be "
        "specified when "
        "BillingMode is PAY_PER_REQUEST");
  const int64_t read = *units->read_capacity_units, write = *units->write_capacity_units;
  if (read == table.read_units && write == table.write_units && !in.billing_mode.has())
    return invalid(
        "The provisioned throughput for the table will not change. The requested value equals the current "
        "value. Current ReadCapacityUnits "
        "provisioned for the table: " +
        std::to_string(read) + ". Requested ReadCapacityUnits: " + std::to_string(read) +
        ". Current WriteCapacityUnits provisioned for the table: " + std::to_string(write) +
        ". Requested WriteCapacityUnits: " + std::to_string(write) + ".");
  if (read > table.read_units || write > table.write_units) table.increased = now;
  if (read < table.read_units || write < table.write_units) table.decreased = now;
  table.read_units = read;
  table.write_units = write;
  return {};
}

Status update_stream(api::Call& call, const model::StreamSpecification& given, Table& table) {
  if (given.stream_enabled.value_or(false)) {
    if (!given.stream_view_type.has())
      return invalid(
          "One or more parameter values were invalid: StreamViewType is required when StreamEnabled is true");
    if (!table.stream_uid.empty())
      return invalid("Table already has an enabled stream: TableName: " + table.name);
    open_stream(table, given.stream_view_type, call.now);
    return {};
  }
  if (given.stream_view_type.has())
    return invalid(
        "One or more parameter values were invalid: StreamViewType must be empty when StreamEnabled is "
        "false");
  if (table.stream_uid.empty()) return invalid("Table has no stream to disable: TableName: " + table.name);
  close_stream(call.tx, call.scope(), table, call.now);
  return {};
}

Status update_indexes(api::Call& call, const wire::List<model::GlobalSecondaryIndexUpdate>& updates,
                      const std::vector<KeyPart>& given, Table& table) {
  if (updates.has() && updates.empty())
    return invalid("One or more parameter values were invalid: GlobalSecondaryIndexUpdates is empty");
  size_t heavy = 0;
  for (auto& u : updates) {
    const int n = (u.create ? 1 : 0) + (u.delete_ ? 1 : 0) + (u.update ? 1 : 0);
    if (n != 1)
      return invalid(
          "One or more parameter values were invalid: Only one of GlobalSecondaryIndexUpdate's Create, "
          "Update and Delete must be specified");
    heavy += u.create || u.delete_;
  }
  for (auto& i : table.indexes) heavy += i.building && heavy;
  if (heavy > 1)
    return fail("LimitExceededException",
                "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per "
                "table; AWS allows one at a time");
  auto find = [&](wire::Text name) { return std::ranges::find(table.indexes, name.sv(), &Index::name); };
  for (auto& u : updates) {
    if (u.create) {
      if (find(u.create->index_name) != table.indexes.end())
        return invalid(
            "One or more parameter values were invalid: Attempting to create an index which already "
            "exists: " +
            api::str(u.create->index_name));
      for (auto& k : u.create->key_schema)
        if (std::ranges::find(given, k.attribute_name.sv(), &KeyPart::name) == given.end())
          return invalid(
              "One or more parameter values were invalid: Some index key attributes are not defined in "
              "AttributeDefinitions. Keys: [" +
              api::str(k.attribute_name) + "]");
      TRY_LET(auto index, read_global_index(table, *u.create));
      index.uid = random_hex(16);
      index.building = true;
      table.indexes.push_back(std::move(index));
      continue;
    }
    auto found = find(u.delete_ ? u.delete_->index_name : u.update->index_name);
    if (found == table.indexes.end() || !found->global)
      return fail("ResourceNotFoundException", "Requested resource not found: Table: " + table.name +
                                                   " has no global secondary index of that name");
    if (u.delete_) {
      drop_items(call.tx, call.scope(), found->uid);
      table.indexes.erase(found);
    } else if (u.update->provisioned_throughput) {
      found->read_units = *u.update->provisioned_throughput->read_capacity_units;
      found->write_units = *u.update->provisioned_throughput->write_capacity_units;
    }
  }
  return {};
}

// Attribute definitions that nothing uses any more go with their index, as on AWS.
void drop_unused_attributes(Table& table) {
  std::erase_if(table.attributes, [&](const KeyPart& a) {
    auto uses = [&](const Schema& s) {
      return std::ranges::find(s.hash, a.name, &KeyPart::name) != s.hash.end() ||
             std::ranges::find(s.range, a.name, &KeyPart::name) != s.range.end();
    };
    return !uses(table.keys) && std::ranges::none_of(table.indexes, [&](auto& i) { return uses(i.keys); });
  });
}

}  // namespace

Status update_table(api::Call& call, const model::UpdateTableInput& in, model::UpdateTableOutput& out) {
  TRY_LET(auto name, table_name(call, in.table_name));
  TRY(call.authorize(table_arn(call.scope(), name)));
  if (!in.billing_mode.has() && !in.provisioned_throughput && !in.global_secondary_index_updates.has() &&
      !in.stream_specification && !in.table_class.has() && !in.deletion_protection_enabled.has() &&
      !in.sse_specification)
    return invalid(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
        "GlobalSecondaryIndexUpdates or SSESpecification or "
        "ReplicaUpdates is required");
  auto found = find_table(call.tx, call.scope(), name);
  if (!found) return no_such_table(name);
  Table table = *found;
  const auto defined_before = table.attributes;
  std::vector<KeyPart> given;
  if (in.attribute_definitions.has()) {
    TRY_LET(given, read_attributes(in.attribute_definitions));
    for (auto& a : given) {
      auto known = std::ranges::find(table.attributes, a.name, &KeyPart::name);
      if (known == table.attributes.end())
        table.attributes.push_back(a);
      else if (known->type != a.type)
        return invalid("One or more parameter values were invalid: AttributeDefinitions: attribute " +
                       a.name + " is redefined with another type: " + known->type + " to " + a.type);
    }
    if (!in.global_secondary_index_updates.has()) table.attributes = defined_before;
  }
  TRY(update_billing(in, table, call.now));
  if (in.stream_specification) TRY(update_stream(call, *in.stream_specification, table));
  TRY(update_indexes(call, in.global_secondary_index_updates, given, table));
  if (in.sse_specification) {
    TRY_LET(auto data_key, data_key_of(call, *found));
    TRY(change_encryption(call, *in.sse_specification, table, data_key));
    if (!table.kms_key.empty() && table.kms_key == found->kms_key)
      return invalid(
          "One or more parameter values were invalid: Table is already encrypted by given KMSMasterKeyId");
  }
  if (in.deletion_protection_enabled.has()) table.protected_ = *in.deletion_protection_enabled;
  if (in.table_class.has()) table.table_class = api::str(in.table_class);
  bool deletes = false;
  for (auto& u : in.global_secondary_index_updates) deletes |= u.delete_ != nullptr;
  if (deletes) drop_unused_attributes(table);
  TRY(check_table(table));
  put_table(call.tx, call.scope(), table);
  out.table_description = describe(call, table, "UPDATING");
  return {};
}

}  // namespace nubecita::dynamodb
