#include "services/dynamodb/item_write.hpp"

#include <algorithm>

#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/keys.hpp"
#include "services/dynamodb/legacy.hpp"

namespace nubecita::dynamodb {
namespace {

Status read_expressions(const Input& in, ItemWrite& write) {
  using Kind = ItemWrite::Kind;
  if (write.kind == Kind::update)
    TRY(check_not_mixed(in, {"AttributeUpdates", "Expected", "ConditionalOperator"},
                        {"UpdateExpression", "ConditionExpression"}));
  else
    TRY(check_not_mixed(in, {"Expected", "ConditionalOperator"}, {"ConditionExpression"}));
  Placeholders names;
  TRY(names.read(in));
  if (in.has("UpdateExpression")) {
    TRY_LET(auto text, in.text("UpdateExpression"));
    TRY_LET(write.update, parse_update(text, names, in.arena()));
  } else if (in.has("AttributeUpdates")) {
    TRY_LET(write.update, read_attribute_updates(in));
  }
  if (in.has("ConditionExpression")) {
    TRY_LET(auto text, in.text("ConditionExpression"));
    TRY_LET(write.condition, parse_condition(text, "ConditionExpression", names, in.arena()));
  } else if (write.kind == Kind::check) {
    return constraint("null", "conditionExpression", "Member must not be null");
  } else {
    TRY_LET(write.condition, read_expected(in));
  }
  return names.check_all_used();
}

Status check_update_targets(const Table& table, const Update& update) {
  for (auto& a : update.actions)
    for (auto* parts : {&table.keys.hash, &table.keys.range})
      for (auto& p : *parts)
        if (a.path.root == p.name)
          return invalid("One or more parameter values were invalid: Cannot update attribute " + p.name +
                         ". This attribute is part of the key");
  return {};
}

Status check_values(const Update& update) {
  for (auto& a : update.actions)
    if (a.path.root.empty())
      return invalid("One or more parameter values were invalid: Empty attribute name");
  return {};
}

bool only_takes_away(const Update& update) {
  using Act = Update::Action::Kind;
  auto takes = [](auto& a) { return a.kind == Act::remove || a.kind == Act::delete_; };
  return !update.actions.empty() && std::ranges::all_of(update.actions, takes);
}

Status check_names(Item item) {
  Entries all(item);
  for (Entry e; all.next(e);) {
    if (e.name.empty()) return invalid("One or more parameter values were invalid: Empty attribute name");
    if (e.name.size() > 65535)
      return invalid(
          "One or more parameter values were invalid: Attribute name is too large, must be less than 65536 "
          "bytes");
  }
  return {};
}

}  // namespace

Result<TablePtr> named_table(api::Call& call, const Input& in, std::string_view action) {
  TRY_LET(auto given, in.required_text("TableName"));
  return table_for_items(call, given, action);
}

Result<ItemWrite> read_item_write(api::Call& call, const Input& in, ItemWrite::Kind kind,
                                  std::string_view action) {
  using Kind = ItemWrite::Kind;
  ItemWrite write;
  write.kind = kind;
  TRY_LET(write.item, in.item(kind == Kind::put ? "Item" : "Key"));
  TRY_LET(auto on_failure, in.choice("ReturnValuesOnConditionCheckFailure", {"NONE", "ALL_OLD"}));
  write.old_on_failure = on_failure == "ALL_OLD";
  TRY(read_expressions(in, write));
  TRY_LET(write.table, named_table(call, in, action));
  const auto& table = *write.table;

  Asked asked;
  asked.leading_key(table.keys, write.item).attributes(write.item);
  for (auto& a : write.update.actions) asked.attributes(std::span(&a.path, 1), Schema{});
  TRY_LET(auto returned, in.text("ReturnValues"));
  if (!returned.empty()) asked.return_values(returned);
  TRY(authorize(call, table, asked, action));

  if (kind == Kind::put) {
    TRY(check_names(write.item));
    TRY(check_keys(table, write.item));
    if (item_size(write.item) > kMostItemBytes)
      return invalid("Item size has exceeded the maximum allowed size");
  } else {
    TRY(check_key_only(table, write.item));
    TRY(check_values(write.update));
    TRY(check_update_targets(table, write.update));
  }
  write.place = *place_of(table.keys, write.item);
  return write;
}

Result<Outcome> execute(api::Call& call, const ItemWrite& w, bool want_old, WriteCost* cost) {
  using Kind = ItemWrite::Kind;
  Outcome out;
  if (w.kind == Kind::update || w.kind == Kind::check || w.condition || want_old || cost ||
      needs_old(*w.table))
    out.old = read_item_at(call.tx, *w.table, w.place);
  const Item before = out.old ? Item(*out.old) : Item();
  if (w.condition && !holds(*w.condition, before, call.arena)) {
    auto error = condition_failed();
    ApiError e = error.error();
    if (w.old_on_failure && out.old) write_item(e.json_fields.emplace_back("Item", "").second, *out.old);
    return fail(std::move(e));
  }
  if (w.kind == Kind::put) {
    out.now = w.item;
  } else if (w.kind == Kind::update && !out.old && only_takes_away(w.update)) {
    return out;  // nothing is made only to have something taken away
  } else if (w.kind == Kind::update) {
    TRY_LET(out.now, apply(w.update, out.old ? before : Item(w.item), call.arena));
    TRY(check_keys(*w.table, *out.now));
    if (item_size(*out.now) > kMostItemBytes)
      return invalid("Item size to update has exceeded the maximum allowed size");
  } else if (w.kind == Kind::check) {
    if (cost) cost->table(item_size(before));
    return out;
  }
  write(call.tx, {*w.table, w.place, out.old, out.now ? &*out.now : nullptr}, call.now, cost);
  return out;
}

}  // namespace nubecita::dynamodb
