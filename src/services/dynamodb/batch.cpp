// BatchGetItem and BatchWriteItem. A batch of writes is one transaction of the store: all of it happens or,
// if the store cannot write, none; nothing comes back unprocessed. Reads that exceed 16 MiB come back as
// UnprocessedKeys.
#include <algorithm>
#include <map>
#include <set>

#include "models/dynamodb.hpp"
#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/item_write.hpp"
#include "services/dynamodb/keys.hpp"
#include "services/dynamodb/reading.hpp"

namespace nubecita::dynamodb {
namespace {

constexpr size_t kMostGets = 100, kMostWrites = 25, kMostAnswerBytes = 16u << 20;

void write_costs(std::string& json, const std::vector<std::pair<std::string, Cost>>& costs, Show show) {
  if (show == Show::none) return;
  json += ",\"ConsumedCapacity\":[";
  for (size_t i = 0; i < costs.size(); ++i) {
    if (i) json += ',';
    write_cost(json, costs[i].first, costs[i].second, show);
  }
  json += ']';
}

std::unexpected<ApiError> too_many(std::string_view member, std::string_view limit) {
  return invalid("1 validation error detected: Value at '" + std::string(member) +
                 "' failed to satisfy constraint: Map value must satisfy constraint: "
                 "[Member must have length less than or equal to " +
                 std::string(limit) + ", Member must have length greater than or equal to 1]");
}

struct Gets {
  TablePtr table;
  std::string given;  // the name that the client used
  Input request;
  std::vector<std::string> keys, places;
  bool consistent = false;
  std::optional<std::vector<Path>> wanted;
};

Result<Gets> read_gets(api::Call& call, std::string_view name, const Input& request) {
  Gets g{nullptr, std::string(name), request, {}, {}, false, {}};
  TRY_LET(g.table, table_for_items(call, name));
  TRY_LET(g.consistent, request.boolean("ConsistentRead"));
  TRY_LET(g.wanted, read_projection(request));
  if (!request.has("Keys"))
    return constraint("null", "requestItems." + std::string(name) + ".member.keys",
                      "Member must not be null");
  auto json = request.reader("Keys");
  json.begin_array();
  Asked asked;
  while (json.next_element()) {
    TRY_LET(g.keys.emplace_back(), read_item(json));
    asked.leading_key(g.table->keys, g.keys.back());
  }
  TRY(json.failure());
  if (g.wanted) asked.attributes(*g.wanted, g.table->keys);
  asked.select(g.wanted ? "SPECIFIC_ATTRIBUTES" : "ALL_ATTRIBUTES");
  TRY(authorize(call, *g.table, asked));
  if (g.keys.empty())
    return constraint("[]", "requestItems." + std::string(name) + ".member.keys",
                      "Member must have length greater than or equal to 1");
  std::set<std::string> distinct;
  for (auto& key : g.keys) {
    TRY(check_key_only(*g.table, key));
    g.places.push_back(*place_of(g.table->keys, key));
    if (!distinct.insert(g.places.back()).second)
      return invalid("Provided list of item keys contains duplicates");
  }
  return g;
}

void write_unprocessed(std::string& json, const Gets& g, size_t from) {
  append_json(json, g.given);
  json += ":{\"Keys\":[";
  for (size_t i = from; i < g.keys.size(); ++i) {
    if (i > from) json += ',';
    write_item(json, g.keys[i]);
  }
  json += ']';
  for (auto member :
       {"AttributesToGet", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"})
    if (g.request.has(member)) json.append(",\"").append(member).append("\":").append(g.request.raw(member));
  json += '}';
}

}  // namespace

Status batch_get_item(api::Call& call, const model::JsonBody& body, model::JsonBody& out) {
  Input in(call.arena);
  TRY(in.parse_request(body));
  TRY_LET(auto show, read_show(in));
  TRY_LET(auto requests, in.object_map("RequestItems"));
  if (!in.has("RequestItems")) return constraint("null", "requestItems", "Member must not be null");
  if (requests.empty())
    return invalid(
        "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must "
        "have length greater than or equal to 1");
  std::vector<Gets> all;
  size_t total = 0;
  for (auto& [name, request] : requests) {
    TRY_LET(auto gets, read_gets(call, name, request));
    all.push_back(std::move(gets));
    for (size_t i = 0; i + 1 < all.size(); ++i)
      if (all[i].table->uid == all.back().table->uid)
        return invalid("One table is named twice in RequestItems: duplicates " + std::string(name));
    if (all.back().keys.size() > kMostGets)
      return too_many("requestItems." + std::string(name) + ".member.keys", "100");
    total += all.back().keys.size();
  }
  if (total > kMostGets) return invalid("Too many items requested for the BatchGetItem call");

  std::string json = "{\"Responses\":{", unprocessed;
  std::vector<std::pair<std::string, Cost>> costs;
  size_t bytes = 0;
  for (size_t t = 0; t < all.size(); ++t) {
    const auto& g = all[t];
    if (t) json += ',';
    append_json(json, g.given);
    json += ":[";
    Cost cost;
    bool first = true;
    for (size_t i = 0; i < g.places.size(); ++i) {
      if (bytes > kMostAnswerBytes) {
        if (!unprocessed.empty()) unprocessed += ',';
        write_unprocessed(unprocessed, g, i);
        break;
      }
      const auto item = read_item_at(call.tx, *g.table, g.places[i]);
      const size_t size = item ? item_size(*item) : 0;
      cost.table_units += read_units(size, g.consistent);
      bytes += size;
      if (!item) continue;
      if (!first) json += ',';
      first = false;
      write_item(json, g.wanted ? project(*item, *g.wanted) : *item);
    }
    json += ']';
    costs.emplace_back(g.table->name, std::move(cost));
  }
  json.append("},\"UnprocessedKeys\":{").append(unprocessed).append("}");
  write_costs(json, costs, show);
  out = call.text(json += '}');
  return {};
}

namespace {

struct Writes {
  TablePtr table;
  std::vector<ItemWrite> writes;
};

Result<Writes> read_writes(api::Call& call, std::string_view name, const std::vector<Input>& requests) {
  Writes w;
  TRY_LET(w.table, table_for_items(call, name));
  Asked asked;
  for (auto& r : requests) {
    ItemWrite write;
    write.table = w.table;
    const bool put = r.has("PutRequest");
    if (put == r.has("DeleteRequest"))
      return invalid(
          "Supplied AttributeValue has more than one datatypes set: exactly one of PutRequest and "
          "DeleteRequest must be set in a WriteRequest");
    write.kind = put ? ItemWrite::Kind::put : ItemWrite::Kind::erase;
    Input inner(call.arena);
    TRY(inner.parse(r.raw(put ? "PutRequest" : "DeleteRequest")));
    TRY_LET(write.item, inner.item(put ? "Item" : "Key"));
    asked.leading_key(w.table->keys, write.item).attributes(write.item);
    w.writes.push_back(std::move(write));
  }
  TRY(authorize(call, *w.table, asked));
  std::set<std::string> distinct;
  for (auto& write : w.writes) {
    if (write.kind == ItemWrite::Kind::put) {
      TRY(check_keys(*w.table, write.item));
      if (item_size(write.item) > kMostItemBytes)
        return invalid("Item size has exceeded the maximum allowed size");
    } else {
      TRY(check_key_only(*w.table, write.item));
    }
    write.place = *place_of(w.table->keys, write.item);
    if (!distinct.insert(write.place).second)
      return invalid("Provided list of item keys contains duplicates");
  }
  return w;
}

}  // namespace

Status batch_write_item(api::Call& call, const model::JsonBody& body, model::JsonBody& out) {
  Input in(call.arena);
  TRY(in.parse_request(body));
  TRY_LET(auto show, read_show(in));
  if (!in.has("RequestItems")) return constraint("null", "requestItems", "Member must not be null");
  std::vector<std::pair<std::string_view, std::vector<Input>>> requests;
  size_t total = 0;
  auto json_in = in.reader("RequestItems");
  json_in.begin_object();
  for (std::string_view name; json_in.next_member(name);) {
    std::vector<Input> list;
    json_in.begin_array();
    while (json_in.next_element()) {
      TRY(list.emplace_back(call.arena).parse(json_in.skip()));
    }
    TRY(json_in.failure());
    if (list.empty() || list.size() > kMostWrites) return too_many("requestItems", "25");
    total += list.size();
    requests.emplace_back(name, std::move(list));
  }
  TRY(json_in.failure());
  if (requests.empty())
    return invalid(
        "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must "
        "have length greater than or equal to 1");
  if (total > kMostWrites)
    return invalid("Too many items requested for the BatchWriteItem call: length less than or equal to 25");

  std::vector<Writes> all;
  for (auto& [name, list] : requests) {
    TRY_LET(all.emplace_back(), read_writes(call, name, list));
    for (size_t i = 0; i + 1 < all.size(); ++i)
      if (all[i].table->uid == all.back().table->uid)
        return invalid("One table is named twice in RequestItems: duplicates " + std::string(name));
  }
  std::vector<std::pair<std::string, Cost>> costs;
  for (auto& w : all) {
    auto& cost = costs.emplace_back(w.table->name, Cost{}).second;
    WriteCost writing(cost);
    for (auto& write : w.writes) TRY(execute(call, write, false, show == Show::none ? nullptr : &writing));
  }
  std::string json = "{\"UnprocessedItems\":{}";
  write_costs(json, costs, show);
  out = call.text(json += '}');
  return {};
}

}  // namespace nubecita::dynamodb
