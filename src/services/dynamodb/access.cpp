#include "services/dynamodb/access.hpp"

#include "base/ids.hpp"
#include "services/dynamodb/encryption.hpp"
#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/number.hpp"

namespace nubecita::dynamodb {

Asked& Asked::add(std::string_view key, std::string_view value) {
  for (auto& [k, values] : conditions_)
    if (k == key) {
      values.emplace_back(value);
      return *this;
    }
  conditions_.push_back({std::string(key), {std::string(value)}});
  return *this;
}

Asked& Asked::leading_key(const Schema& schema, Item item) {
  for (auto& part : schema.hash) {
    const Value v = find(item, part.name);
    if (v.empty()) continue;
    switch (type_of(v)) {
      case Type::number:
        add("dynamodb:LeadingKeys", format_number(payload(v)));
        break;
      case Type::binary:
        add("dynamodb:LeadingKeys", base64(payload(v)));
        break;
      default:
        add("dynamodb:LeadingKeys", payload(v));
    }
  }
  return *this;
}

Asked& Asked::attributes(Item item) {
  Entries all(item);
  for (Entry e; all.next(e);) add("dynamodb:Attributes", e.name);
  return *this;
}

Asked& Asked::attributes(std::span<const Path> paths, const Schema& schema) {
  for (auto& p : paths) add("dynamodb:Attributes", p.root);
  for (auto* parts : {&schema.hash, &schema.range})
    for (auto& p : *parts) add("dynamodb:Attributes", p.name);
  return *this;
}

Status authorize(api::Call& call, const TableInfo& table, const Asked& asked, std::string_view action,
                 const Index* index) {
  TRY(call.authorize(index ? table.arn + "/index/" + index->name : table.arn, asked.conditions(), action,
                     table.policy, table.scope.account));
  return open_table(call, table);
}

Result<TablePtr> table_for_items(api::Call& call, std::string_view given, std::string_view action) {
  TRY_LET(auto at, table_place(call, given));
  auto table = find_table(call.tx, at.scope, at.name);
  if (table && !table->restoring) return table;
  // Before it is said that there is none.
  TRY(call.authorize(table_arn(at.scope, at.name), {}, action, {}, at.scope.account));
  return no_such_table();
}

}  // namespace nubecita::dynamodb
