// Query and Scan.
#include "models/dynamodb.hpp"
#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/key_condition.hpp"
#include "services/dynamodb/keys.hpp"
#include "services/dynamodb/legacy.hpp"
#include "services/dynamodb/page.hpp"

namespace nubecita::dynamodb {
namespace {

Result<const Condition*> read_key_condition(const Input& in, Placeholders& names) {
  if (in.has("KeyConditionExpression")) {
    if (in.has("KeyConditions"))
      return invalid(
          "Can not use both expression and non-expression parameters in the same request: Non-expression "
          "parameters: {KeyConditions} Expression parameters: {KeyConditionExpression}");
    TRY_LET(auto text, in.text("KeyConditionExpression"));
    return parse_condition(text, "KeyConditionExpression", names, in.arena());
  }
  TRY_LET(auto legacy, read_key_conditions(in));
  if (!legacy)
    return invalid(
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
  return legacy;
}

Status check_filter(const PageRequest& page, bool legacy) {
  if (!page.filter) return {};
  std::string key;
  each_path(*page.filter, [&](const Path& p) {
    for (auto* parts : {&page.schema().hash, &page.schema().range})
      for (auto& k : *parts)
        if (k.name == p.root) key = k.name;
  });
  if (key.empty()) return {};
  return invalid(
      legacy
          ? "QueryFilter can only contain non-primary key attributes: Primary key attribute: " + key
          : "Filter Expression can only contain non-primary key attributes: Primary key attribute: " + key);
}

void ask(Asked& asked, const PageRequest& page) {
  if (page.projection) asked.attributes(*page.projection, page.table->keys);
  asked.select(page.select);
}

Result<std::pair<int64_t, int64_t>> read_segment(const Input& in) {
  TRY_LET(auto segment, in.integer("Segment"));
  TRY_LET(auto total, in.integer("TotalSegments"));
  if (!segment && !total) return std::pair<int64_t, int64_t>(0, 1);
  if (!total)
    return invalid(
        "The TotalSegments parameter is required but was not present in the request when Segment parameter "
        "is present");
  if (!segment)
    return invalid(
        "The Segment parameter is required but was not present in the request when parameter TotalSegments "
        "is present");
  if (*total < 1)
    return constraint(std::to_string(*total), "totalSegments",
                      "Member must have value greater than or equal to 1");
  if (*total > 1'000'000)
    return constraint(std::to_string(*total), "totalSegments",
                      "Member must have value less than or equal to 1000000");
  if (*segment < 0)
    return constraint(std::to_string(*segment), "segment",
                      "Member must have value greater than or equal to 0");
  if (*segment >= *total)
    return invalid(
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: " +
        std::to_string(*segment) + " is not less than TotalSegments: " + std::to_string(*total));
  return std::pair(*segment, *total);
}

}  // namespace

Status query(api::Call& call, const model::JsonBody& body, model::JsonBody& out) {
  Input in(call.arena);
  TRY(in.parse_request(body));
  TRY(check_not_mixed(in, {"AttributesToGet", "QueryFilter", "ConditionalOperator"},
                      {"ProjectionExpression", "FilterExpression", "KeyConditionExpression"}));
  Placeholders names;
  TRY(names.read(in));
  TRY_LET(auto page, read_page_request(call, in, names, "QueryFilter"));
  TRY_LET(auto forward, in.boolean("ScanIndexForward", true));
  page.backward = !forward;
  TRY_LET(auto condition, read_key_condition(in, names));
  TRY(names.check_all_used());
  TRY_LET(auto range,
          key_range(page.schema(), *condition,
                    in.has("KeyConditionExpression") ? "KeyConditionExpression" : "KeyConditions"));
  Asked asked;
  asked.leading_key(page.schema(), range.hash_item);
  ask(asked, page);
  TRY(authorize(call, *page.table, asked, {}, page.index));
  TRY(check_filter(page, in.has("QueryFilter")));
  page.from = range.from;
  page.to = range.to;
  TRY(start_after(in, page, range.partition));
  TRY_LET(auto json, run_page(call, page));
  out = call.text(json);
  return {};
}

Status scan(api::Call& call, const model::JsonBody& body, model::JsonBody& out) {
  Input in(call.arena);
  TRY(in.parse_request(body));
  TRY(check_not_mixed(in, {"AttributesToGet", "ScanFilter", "ConditionalOperator"},
                      {"ProjectionExpression", "FilterExpression"}));
  Placeholders names;
  TRY(names.read(in));
  TRY_LET(auto page, read_page_request(call, in, names, "ScanFilter"));
  TRY(names.check_all_used());
  Asked asked;
  ask(asked, page);
  TRY(authorize(call, *page.table, asked, {}, page.index));
  TRY_LET(auto segment, read_segment(in));
  page.from = segment_begin(segment.first, segment.second);
  page.to = segment_begin(segment.first + 1, segment.second);
  if (auto started = start_after(in, page, {}); !started) {
    if (started.error().message.find("range key predicate") == std::string::npos) return started;
    return invalid(
        "The provided Exclusive start key does not map to the provided Segment and TotalSegments values.");
  }
  TRY_LET(auto json, run_page(call, page));
  out = call.text(json);
  return {};
}

}  // namespace nubecita::dynamodb
