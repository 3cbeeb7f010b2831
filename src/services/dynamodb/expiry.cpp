// UpdateTimeToLive, DescribeTimeToLive. What expires is deleted by the controller (controller.cpp).
#include "base/ids.hpp"
#include "models/dynamodb.hpp"
#include "services/dynamodb/changes.hpp"
#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/tables.hpp"

namespace nubecita::dynamodb {

Status update_time_to_live(api::Call& call, const model::UpdateTimeToLiveInput& in,
                           model::UpdateTimeToLiveOutput& out) {
  TRY_LET(auto name, table_name(call, in.table_name));
  TRY(call.authorize(table_arn(call.scope(), name)));
  auto found = find_table(call.tx, call.scope(), name);
  if (!found) return no_such_table(name);
  Table table = *found;
  const auto& asked = *in.time_to_live_specification;
  if (*asked.enabled) {
    if (!table.ttl_attribute.empty()) {
      if (table.ttl_attribute == asked.attribute_name.sv()) return invalid("TimeToLive is already enabled");
      return invalid("TimeToLive is active on a different AttributeName: current AttributeName is " +
                     table.ttl_attribute);
    }
    table.ttl_attribute = api::str(asked.attribute_name);
    table.ttl_uid = random_hex(16);
    table.ttl_building = true;
  } else {
    if (table.ttl_attribute.empty()) return invalid("TimeToLive is already disabled");
    if (table.ttl_attribute != asked.attribute_name.sv())
      return invalid("TimeToLive is active on a different AttributeName: current AttributeName is " +
                     table.ttl_attribute);
    drop_items(call.tx, call.scope(), table.ttl_uid);
    table.ttl_attribute.clear();
    table.ttl_uid.clear();
    table.ttl_building = false;
  }
  table.ttl_changed = call.now;
  put_table(call.tx, call.scope(), table);
  out.time_to_live_specification = call.make<model::TimeToLiveSpecification>();
  *out.time_to_live_specification = asked;
  return {};
}

Status describe_time_to_live(api::Call& call, const model::DescribeTimeToLiveInput& in,
                             model::DescribeTimeToLiveOutput& out) {
  TRY_LET(auto name, table_name(call, in.table_name));
  TRY(call.authorize(table_arn(call.scope(), name)));
  auto table = find_table(call.tx, call.scope(), name);
  if (!table) return no_such_table(name);
  auto* d = out.time_to_live_description = call.make<model::TimeToLiveDescription>();
  d->time_to_live_status = table->ttl_attribute.empty() ? wire::Text("DISABLED") : wire::Text("ENABLED");
  if (!table->ttl_attribute.empty()) d->attribute_name = call.text(table->ttl_attribute);
  return {};
}

}  // namespace nubecita::dynamodb
