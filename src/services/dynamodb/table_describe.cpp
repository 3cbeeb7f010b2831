#include "services/dynamodb/table_describe.hpp"

#include "services/dynamodb/encryption.hpp"
#include "services/dynamodb/keys.hpp"
#include "services/dynamodb/value.hpp"

namespace nubecita::dynamodb {
namespace {

constexpr int64_t kSample = 1000;

model::ProvisionedThroughputDescription* throughput(api::Call& call, const Table& table, int64_t read,
                                                    int64_t write) {
  auto* t = call.make<model::ProvisionedThroughputDescription>();
  t->number_of_decreases_today = int64_t{0};
  t->read_capacity_units = read;
  t->write_capacity_units = write;
  if (table.increased) t->last_increase_date_time = wire::Timestamp{table.increased};
  if (table.decreased) t->last_decrease_date_time = wire::Timestamp{table.decreased};
  return t;
}

void describe_indexes(api::Call& call, const Table& table, bool creating, model::TableDescription& out) {
  size_t locals = 0, globals = 0;
  for (auto& i : table.indexes) ++(i.global ? globals : locals);
  if (locals) out.local_secondary_indexes = call.list<model::LocalSecondaryIndexDescription>(locals);
  if (globals) out.global_secondary_indexes = call.list<model::GlobalSecondaryIndexDescription>(globals);
  size_t local = 0, global = 0;
  auto common = [&](const Index& i, auto& d) {
    d.index_name = call.text(i.name);
    d.key_schema = describe(call, i.keys);
    d.projection = describe_projection(call, i);
    const auto size = estimate_size(call.tx, item_prefix(call.scope(), i.uid));
    d.index_size_bytes = size.bytes;
    d.item_count = size.items;
    d.index_arn = call.text(index_arn(call.scope(), table.name, i.name));
  };
  for (auto& i : table.indexes) {
    if (!i.global) {
      common(i, out.local_secondary_indexes[local++]);
      continue;
    }
    auto& d = out.global_secondary_indexes[global++];
    common(i, d);
    d.index_status = creating || i.building ? wire::Text("CREATING") : wire::Text("ACTIVE");
    if (i.building) d.backfilling = true;
    d.provisioned_throughput = throughput(call, Table{}, i.read_units, i.write_units);
  }
}

}  // namespace

std::string stream_label(int64_t created) {
  const auto arn = stream_arn({}, "", created);
  return arn.substr(arn.rfind('/') + 1);
}

wire::List<model::KeySchemaElement> describe(api::Call& call, const Schema& schema) {
  auto out = call.list<model::KeySchemaElement>(schema.hash.size() + schema.range.size());
  size_t n = 0;
  for (auto& k : schema.hash) out[n++] = {call.text(k.name), "HASH"};
  for (auto& k : schema.range) out[n++] = {call.text(k.name), "RANGE"};
  return out;
}

model::Projection* describe_projection(api::Call& call, const Index& index) {
  auto* p = call.make<model::Projection>();
  p->projection_type = call.text(index.projection);
  if (!index.included.empty()) p->non_key_attributes = call.texts(index.included);
  return p;
}

Size estimate_size(store::Transaction& tx, const std::string& prefix) {
  Size out;
  double share = 1;  // of the hashes that were looked at
  tx.scan(prefix, {}, [&](std::string_view key, std::string_view item) {
    ++out.items;
    out.bytes += static_cast<int64_t>(stored_size(item));
    if (out.items < kSample) return true;
    uint32_t hash = 0;
    for (size_t i = 0; i < 4 && prefix.size() + i < key.size(); ++i)
      hash = hash << 8 | static_cast<uint8_t>(key[prefix.size() + i]);
    share = (hash + 1.0) / 4294967296.0;
    return false;
  });
  out.items = static_cast<int64_t>(static_cast<double>(out.items) / share);
  out.bytes = static_cast<int64_t>(static_cast<double>(out.bytes) / share);
  return out;
}

model::TableDescription* describe(api::Call& call, const Table& table, std::string_view status) {
  auto* d = call.make<model::TableDescription>();
  d->attribute_definitions = call.list<model::AttributeDefinition>(table.attributes.size());
  for (size_t i = 0; i < table.attributes.size(); ++i)
    d->attribute_definitions[i] = {call.text(table.attributes[i].name), call.text(table.attributes[i].type)};
  d->table_name = call.text(table.name);
  d->key_schema = describe(call, table.keys);
  bool building = false;
  for (auto& i : table.indexes) building |= i.building;
  bool accessible = true;
  d->sse_description = describe_encryption(call, table, accessible);
  d->table_status = call.text(!status.empty()             ? status
                              : !accessible               ? "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
                              : table.restoring           ? "CREATING"
                              : building || table.sealing ? "UPDATING"
                                                          : "ACTIVE");
  d->creation_date_time = wire::Timestamp{table.created};
  d->provisioned_throughput = throughput(call, table, table.read_units, table.write_units);
  const auto size = estimate_size(call.tx, item_prefix(call.scope(), table.uid));
  d->table_size_bytes = size.bytes;
  d->item_count = size.items;
  d->table_arn = call.text(table_arn(call.scope(), table.name));
  d->table_id = call.text(table.id);
  if (table.on_demand || table.on_demand_since) {
    d->billing_mode_summary = call.make<model::BillingModeSummary>();
    d->billing_mode_summary->billing_mode =
        table.on_demand ? wire::Text("PAY_PER_REQUEST") : wire::Text("PROVISIONED");
    if (table.on_demand_since)
      d->billing_mode_summary->last_update_to_pay_per_request_date_time =
          wire::Timestamp{table.on_demand_since};
  }
  describe_indexes(call, table, status == "CREATING", *d);
  if (!table.stream_uid.empty()) {
    d->stream_specification = call.make<model::StreamSpecification>();
    d->stream_specification->stream_enabled = true;
    d->stream_specification->stream_view_type = call.text(table.stream_view);
  }
  if (!table.last_stream_uid.empty()) {
    d->latest_stream_label = call.text(stream_label(table.last_stream_created));
    d->latest_stream_arn = call.text(stream_arn(call.scope(), table.name, table.last_stream_created));
  }
  if (!table.table_class.empty()) {
    d->table_class_summary = call.make<model::TableClassSummary>();
    d->table_class_summary->table_class = call.text(table.table_class);
  }
  if (table.restored) {
    auto* r = d->restore_summary = call.make<model::RestoreSummary>();
    if (!table.restored_backup.empty()) r->source_backup_arn = call.text(table.restored_backup);
    r->source_table_arn = call.text(table.restored_table);
    r->restore_date_time = wire::Timestamp{table.restored};
    r->restore_in_progress = table.restoring;
  }
  d->deletion_protection_enabled = table.protected_;
  return d;
}

}  // namespace nubecita::dynamodb
