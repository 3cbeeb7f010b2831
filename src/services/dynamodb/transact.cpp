// TransactWriteItems and TransactGetItems: one transaction of the store, which is serializable. Another
// commit that meets it makes it run again from the start, so TransactionConflict is never answered.
#include <openssl/sha.h>

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

constexpr size_t kMostActions = 100, kMostBytes = 4u << 20;
constexpr int64_t kTokenLife = 10 * 60 * 1000;

// One reason for each action: "None", or why the transaction was cancelled.
struct Reasons {
  std::vector<ApiError> all;
  bool any = false;

  explicit Reasons(size_t n) : all(n) {}
  void set(size_t i, ApiError e) {
    all[i] = std::move(e);
    any = true;
  }
  static std::string_view code(const ApiError& e) {
    if (e.code.empty()) return "None";
    if (e.code == "ConditionalCheckFailedException") return "ConditionalCheckFailed";
    if (e.code == "ValidationException") return "ValidationError";
    return e.code;
  }
  std::unexpected<ApiError> error() const {
    std::string text, json = "[";
    for (auto& e : all) {
      text.append(text.empty() ? "" : ", ").append(code(e));
      json.append(json.size() > 1 ? ",{\"Code\":" : "{\"Code\":");
      append_json(json, code(e));
      if (!e.code.empty()) {
        json += ",\"Message\":";
        append_json(json, e.message);
      }
      for (auto& [name, value] : e.json_fields) json.append(",\"").append(name).append("\":").append(value);
      json += '}';
    }
    ApiError out{
        "TransactionCanceledException",
        400,
        "Transaction cancelled, please refer cancellation reasons for specific reasons [" + text + "]",
        {}};
    out.json_fields.emplace_back("CancellationReasons", json + "]");
    return fail(std::move(out));
  }
};

Status check_length(const Input& in, size_t n) {
  if (!in.has("TransactItems")) return constraint("null", "transactItems", "Member must not be null");
  if (n == 0) return constraint("[]", "transactItems", "Member must have length greater than or equal to 1");
  if (n > kMostActions)
    return invalid(
        "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must "
        "have length less than or equal to 100");
  return {};
}

/// The one action of an element, e.g. {"Put": {...}}.
Result<std::pair<std::string_view, Input>> one_action(const Input& element,
                                                      std::initializer_list<std::string_view> kinds) {
  std::string_view found;
  for (auto k : kinds) {
    if (!element.has(k)) continue;
    if (!found.empty()) return invalid("TransactItems can only contain one of Check, Put, Update or Delete");
    found = k;
  }
  if (found.empty())
    return invalid("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request");
  std::pair<std::string_view, Input> out{found, Input(element.arena())};
  TRY(out.second.parse(element.raw(found)));
  return out;
}

void write_costs(std::string& json, const std::map<std::string, Cost>& costs, Show show) {
  if (show == Show::none) return;
  json.append(json.size() > 1 ? ",\"ConsumedCapacity\":[" : "\"ConsumedCapacity\":[");
  bool first = true;
  for (auto& [table, cost] : costs) {
    if (!first) json += ',';
    first = false;
    write_cost(json, table, cost, show, true);
  }
  json += ']';
}

std::string digest(std::string_view text) {
  unsigned char sum[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), sum);
  static constexpr char hex[] = "0123456789abcdef";
  std::string out;
  for (auto b : sum) {
    out += hex[b >> 4];
    out += hex[b & 15];
  }
  return out;
}

/// True: the same was done under this token already.
Result<bool> done_before(api::Call& call, const Input& in) {
  TRY_LET(auto token, in.text("ClientRequestToken"));
  if (!in.has("ClientRequestToken")) return false;
  if (token.empty() || token.size() > 36)
    return constraint(token, "clientRequestToken",
                      token.empty() ? "Member must have length greater than or equal to 1"
                                    : "Member must have length less than or equal to 36");
  const auto id = digest(call.principal.arn + "\n" + std::string(token));
  const auto what = digest(in.raw("TransactItems"));
  auto known = call.tx.get<Token>(call.scope(), id);
  if (known && known->at > call.now - kTokenLife) {
    if (known->digest != what)
      return fail("IdempotentParameterMismatchException",
                  "The request uses the same client token as a previous, but non-identical request");
    return true;
  }
  call.tx.put(call.scope(), Token{id, what, call.now});
  return false;
}

constexpr std::pair<std::string_view, ItemWrite::Kind> kActions[] = {
    {"ConditionCheck", ItemWrite::Kind::check},
    {"Put", ItemWrite::Kind::put},
    {"Delete", ItemWrite::Kind::erase},
    {"Update", ItemWrite::Kind::update}};

}  // namespace

Status transact_write_items(api::Call& call, const model::JsonBody& body, model::JsonBody& out) {
  Input in(call.arena);
  TRY(in.parse_request(body));
  TRY_LET(auto show, read_show(in));
  TRY_LET(auto elements, in.objects("TransactItems"));
  TRY(check_length(in, elements.size()));
  std::vector<ItemWrite> writes;
  Reasons reasons(elements.size());
  std::set<std::string> distinct;
  size_t bytes = 0;
  for (auto& element : elements) {
    TRY_LET(auto action, one_action(element, {"ConditionCheck", "Put", "Delete", "Update"}));
    const auto& [name, kind] =
        *std::ranges::find(kActions, action.first, &std::pair<std::string_view, ItemWrite::Kind>::first);
    if (kind == ItemWrite::Kind::update && !action.second.has("UpdateExpression"))
      return constraint(
          "null", "transactItems." + std::to_string(writes.size() + 1) + ".member.update.updateExpression",
          "Member must not be null");
    for (auto legacy : {"Expected", "AttributeUpdates", "ConditionalOperator"})
      if (action.second.has(legacy))
        return invalid(std::string(legacy) + " is not a member of a transaction's action");
    const std::string iam =
        "dynamodb:" + (kind == ItemWrite::Kind::check ? "ConditionCheck" : std::string(name)) + "Item";
    TRY_LET(auto write, read_item_write(call, action.second, kind, iam));
    if (!distinct.insert(write.table->items + write.place).second)
      return invalid("Transaction request cannot include multiple operations on one item");
    bytes += item_size(write.item);
    writes.push_back(std::move(write));
  }
  if (bytes > kMostBytes)
    return invalid(
        "Transaction request size has exceeded the maximum: the items' collective size is limited to 4 MB");
  TRY_LET(auto repeated, done_before(call, in));
  std::map<std::string, Cost> costs;
  if (!repeated) {
    for (size_t i = 0; i < writes.size(); ++i) {
      WriteCost writing(costs[writes[i].table->name], 2);
      auto done = execute(call, writes[i], false, show == Show::none ? nullptr : &writing);
      if (!done) reasons.set(i, std::move(done).error());
    }
    if (reasons.any) return reasons.error();
  }
  std::string json = "{";
  write_costs(json, costs, show);
  out = call.text(json += '}');
  return {};
}

Status transact_get_items(api::Call& call, const model::JsonBody& body, model::JsonBody& out) {
  Input in(call.arena);
  TRY(in.parse_request(body));
  TRY_LET(auto show, read_show(in));
  TRY_LET(auto elements, in.objects("TransactItems"));
  TRY(check_length(in, elements.size()));
  struct Get {
    TablePtr table;
    std::string key;
    std::optional<std::vector<Path>> wanted;
  };
  std::vector<Get> gets;
  Reasons reasons(elements.size());
  std::set<std::string> distinct;
  for (auto& element : elements) {
    if (!element.has("Get"))
      return constraint("null", "transactItems." + std::to_string(gets.size() + 1) + ".member.get",
                        "Member must not be null");
    TRY_LET(auto action, one_action(element, {"Get"}));
    const Input& get = action.second;
    Get g;
    TRY_LET(g.key, get.item("Key"));
    TRY_LET(g.wanted, read_projection(get));
    if (get.has("AttributesToGet")) return invalid("AttributesToGet is not a member of a transaction's Get");
    TRY_LET(g.table, named_table(call, get, "dynamodb:GetItem"));
    Asked asked;
    asked.leading_key(g.table->keys, g.key);
    if (g.wanted) asked.attributes(*g.wanted, g.table->keys);
    asked.select(g.wanted ? "SPECIFIC_ATTRIBUTES" : "ALL_ATTRIBUTES");
    TRY(authorize(call, *g.table, asked, "dynamodb:GetItem"));
    if (auto good = check_key_only(*g.table, g.key); !good)
      reasons.set(gets.size(), good.error());
    else if (!distinct.insert(g.table->items + *place_of(g.table->keys, g.key)).second)
      return invalid("Transaction request cannot include multiple operations on one item");
    gets.push_back(std::move(g));
  }
  if (reasons.any) return reasons.error();
  std::string json = "{\"Responses\":[";
  std::map<std::string, Cost> costs;
  size_t bytes = 0;
  for (size_t i = 0; i < gets.size(); ++i) {
    const auto& g = gets[i];
    const auto item = read_item_at(call.tx, *g.table, *place_of(g.table->keys, g.key));
    costs[g.table->name].table_units += read_units(item ? item_size(*item) : 0, true, true);
    bytes += item ? item_size(*item) : 0;
    json += i ? ",{" : "{";
    if (item) {
      json += "\"Item\":";
      write_item(json, g.wanted ? project(*item, *g.wanted) : *item);
    }
    json += '}';
  }
  if (bytes > kMostBytes)
    return invalid(
        "Transaction request size has exceeded the maximum: the items' collective size is limited to 4 MB");
  json += ']';
  write_costs(json, costs, show);
  out = call.text(json += '}');
  return {};
}

}  // namespace nubecita::dynamodb
