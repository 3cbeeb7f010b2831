// PutItem, GetItem, UpdateItem, DeleteItem.
#include <algorithm>

#include "models/dynamodb.hpp"
#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/item_write.hpp"
#include "services/dynamodb/keys.hpp"
#include "services/dynamodb/reading.hpp"

namespace nubecita::dynamodb {
namespace {

// Only what the update's paths lead to.
std::string touched(const Update& update, const std::optional<std::string>& item) {
  if (!item) return {};
  std::vector<Path> paths;
  for (auto& a : update.actions) paths.push_back(a.path);
  return project(*item, paths);
}

void show_item(std::string& json, std::string_view member, Item item) {
  json.append(json.size() > 1 ? ",\"" : "\"").append(member).append("\":");
  write_item(json, item);
}

Status write_one(api::Call& call, wire::Text body, wire::Text& answer, ItemWrite::Kind kind,
                 std::initializer_list<std::string_view> returns) {
  Input in(call.arena);
  TRY(in.parse_request(body));
  TRY_LET(auto returned, in.text("ReturnValues"));
  if (returned.empty()) returned = "NONE";
  if (std::ranges::find(returns, returned) == returns.end()) {
    TRY(in.choice("ReturnValues", {"ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"}));
    return invalid("ReturnValues can only be ALL_OLD or NONE");
  }
  TRY(in.choice("ReturnItemCollectionMetrics", {"NONE", "SIZE"}));
  TRY_LET(auto show, read_show(in));
  TRY_LET(auto write, read_item_write(call, in, kind));
  Cost cost;
  WriteCost writing(cost);
  TRY_LET(auto outcome, execute(call, write, returned == "ALL_OLD", show == Show::none ? nullptr : &writing));

  std::string json = "{";
  if (returned == "ALL_OLD" && outcome.old) show_item(json, "Attributes", *outcome.old);
  if (returned == "ALL_NEW" && outcome.now) show_item(json, "Attributes", *outcome.now);
  if (returned == "UPDATED_OLD" || returned == "UPDATED_NEW") {
    const auto part = touched(write.update, returned == "UPDATED_OLD" ? outcome.old : outcome.now);
    if (!part.empty()) show_item(json, "Attributes", part);
  }
  if (show != Show::none) {
    json.append(json.size() > 1 ? "," : "").append("\"ConsumedCapacity\":");
    write_cost(json, write.table->name, cost, show);
  }
  answer = call.text(json += '}');
  return {};
}

}  // namespace

Status put_item(api::Call& call, const model::JsonBody& in, model::JsonBody& out) {
  return write_one(call, in, out, ItemWrite::Kind::put, {"NONE", "ALL_OLD"});
}

Status delete_item(api::Call& call, const model::JsonBody& in, model::JsonBody& out) {
  return write_one(call, in, out, ItemWrite::Kind::erase, {"NONE", "ALL_OLD"});
}

Status update_item(api::Call& call, const model::JsonBody& in, model::JsonBody& out) {
  return write_one(call, in, out, ItemWrite::Kind::update,
                   {"NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"});
}

Status get_item(api::Call& call, const model::JsonBody& body, model::JsonBody& out) {
  Input in(call.arena);
  TRY(in.parse_request(body));
  TRY_LET(auto key, in.item("Key"));
  TRY_LET(auto consistent, in.boolean("ConsistentRead"));
  TRY_LET(auto show, read_show(in));
  TRY_LET(auto wanted, read_projection(in));
  TRY_LET(auto table, named_table(call, in));
  Asked asked;
  asked.leading_key(table->keys, key);
  if (wanted) asked.attributes(*wanted, table->keys);
  asked.select(wanted ? "SPECIFIC_ATTRIBUTES" : "ALL_ATTRIBUTES");
  TRY(authorize(call, *table, asked));
  TRY(check_key_only(*table, key));

  auto item = read_item_at(call.tx, *table, *place_of(table->keys, key));
  std::string json = "{";
  if (item) show_item(json, "Item", wanted ? project(*item, *wanted) : *item);
  if (show != Show::none) {
    Cost cost;
    cost.table_units = read_units(item ? item_size(*item) : 0, consistent);
    json.append(json.size() > 1 ? "," : "").append("\"ConsumedCapacity\":");
    write_cost(json, table->name, cost, show);
  }
  out = call.text(json += '}');
  return {};
}

}  // namespace nubecita::dynamodb
