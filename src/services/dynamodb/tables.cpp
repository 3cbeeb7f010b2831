#include "services/dynamodb/tables.hpp"

#include <ctime>

#include "base/arn.hpp"
#include "base/clock.hpp"
#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/recovery.hpp"

namespace nubecita::dynamodb {
namespace {

TablePtr decode(const store::Scope& scope, std::string_view bytes) {
  auto info = std::make_shared<TableInfo>();
  static_cast<Table&>(*info) = store::decode_record<Table>(bytes);
  info->items = item_prefix(scope, info->uid);
  for (auto& index : info->indexes) info->index_items.push_back(item_prefix(scope, index.uid));
  if (!info->ttl_uid.empty()) info->expiry_items = item_prefix(scope, info->ttl_uid);
  if (!info->stream_uid.empty()) info->change_prefix = change_prefix(scope, info->stream_uid);
  if (!info->journal_uid.empty()) info->note_prefix = note_prefix(scope, info->journal_uid);
  info->arn = table_arn(scope, info->name);
  info->scope = scope;
  return info;
}

bool name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-';
}

Status check_name(std::string_view name) {
  if (name.size() < 3)
    return constraint(name, "tableName", "Member must have length greater than or equal to 3");
  if (name.size() > 255)
    return constraint(name, "tableName", "Member must have length less than or equal to 255");
  for (char c : name)
    if (!name_char(c))
      return constraint(name, "tableName", "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
  return {};
}

}  // namespace

const Index* TableInfo::index(std::string_view index_name) const {
  for (auto& i : indexes)
    if (i.name == index_name) return &i;
  return nullptr;
}

std::string item_prefix(const store::Scope& scope, std::string_view uid) {
  return store::make_key(kItemTable, scope, std::string(uid) + "/");
}
std::string change_prefix(const store::Scope& scope, std::string_view uid) {
  return store::make_key(kChangeTable, scope, std::string(uid) + "/");
}
std::string table_arn(const store::Scope& scope, std::string_view name) {
  return arn("dynamodb", scope.region, scope.account, "table/" + std::string(name));
}
std::string index_arn(const store::Scope& scope, std::string_view table, std::string_view index) {
  return table_arn(scope, table) + "/index/" + std::string(index);
}
std::string stream_arn(const store::Scope& scope, std::string_view table, int64_t created) {
  std::time_t seconds = created / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, ".%03d", static_cast<int>(created % 1000));
  return table_arn(scope, table) + "/stream/" + text + fraction;
}

TablePtr find_table(store::Transaction& tx, const store::Scope& scope, std::string_view name) {
  return tx.shared<TableInfo>(store::make_key(Table::kTable, scope, name),
                              [&scope](std::string_view bytes) { return decode(scope, bytes); });
}

Result<TablePlace> table_place(const api::Call& call, std::string_view given) {
  TablePlace at{call.scope(), given};
  if (given.starts_with("arn:")) {
    auto parsed = Arn::parse(given);
    if (!parsed || parsed->service != "dynamodb" || !parsed->resource.starts_with("table/"))
      return invalid("Invalid table ARN: " + std::string(given));
    if (parsed->region != call.region)
      return fail("AccessDeniedException", "A table is served in its own region only: " + std::string(given));
    at.scope.account = parsed->account;
    at.name = given.substr(given.find(":table/") + 7);
  }
  TRY(check_name(at.name));
  return at;
}

Result<std::string_view> table_name(const api::Call& call, std::string_view given) {
  TRY_LET(auto at, table_place(call, given));
  if (at.scope.account != call.account)
    return fail("AccessDeniedException",
                "Other accounts' tables are open to operations on items only: " + std::string(given));
  return at.name;
}

}  // namespace nubecita::dynamodb
