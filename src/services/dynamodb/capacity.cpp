#include "services/dynamodb/capacity.hpp"

#include <algorithm>
#include <charconv>

namespace nubecita::dynamodb {

Result<Show> read_show(const Input& in) {
  if (!in.has("ReturnConsumedCapacity")) return Show::none;
  TRY_LET(auto given, in.choice("ReturnConsumedCapacity", {"INDEXES", "TOTAL", "NONE"}));
  return given == "TOTAL" ? Show::total : given == "INDEXES" ? Show::indexes : Show::none;
}

void Cost::add(const Cost& other) {
  table_units += other.table_units;
  for (auto& [n, u] : other.global) global[n] += u;
  for (auto& [n, u] : other.local) local[n] += u;
  write |= other.write;
}

double Cost::total() const {
  double sum = table_units;
  for (auto& [n, u] : global) sum += u;
  for (auto& [n, u] : local) sum += u;
  return sum;
}

double read_units(size_t bytes, bool consistent, bool transaction) {
  const double units = static_cast<double>(std::max<size_t>(1, (bytes + 4095) / 4096));
  return transaction ? units * 2 : consistent ? units : units / 2;
}
double write_units(size_t bytes) { return static_cast<double>(std::max<size_t>(1, (bytes + 1023) / 1024)); }

namespace {

void number(std::string& json, double v) {
  char digits[32];
  json.append(digits, std::to_chars(digits, digits + sizeof digits, v).ptr);
  if (v == static_cast<double>(static_cast<int64_t>(v))) json += ".0";
}

void units(std::string& json, double v, bool both, bool write) {
  json += "{\"CapacityUnits\":";
  number(json, v);
  if (both) {
    json.append(write ? ",\"WriteCapacityUnits\":" : ",\"ReadCapacityUnits\":");
    number(json, v);
  }
  json += '}';
}

void index_units(std::string& json, std::string_view name, const std::map<std::string, double>& all,
                 bool both, bool write) {
  if (all.empty()) return;
  json.append(",\"").append(name).append("\":{");
  bool first = true;
  for (auto& [n, u] : all) {
    if (!first) json += ',';
    first = false;
    append_json(json, n);
    json += ':';
    units(json, u, both, write);
  }
  json += '}';
}

}  // namespace

void write_cost(std::string& json, std::string_view table, const Cost& cost, Show show, bool both) {
  json += "{\"TableName\":";
  append_json(json, table);
  json += ",\"CapacityUnits\":";
  number(json, cost.total());
  if (both) {
    json.append(cost.write ? ",\"WriteCapacityUnits\":" : ",\"ReadCapacityUnits\":");
    number(json, cost.total());
  }
  if (show == Show::indexes) {
    json += ",\"Table\":";
    units(json, cost.table_units, both, cost.write);
    index_units(json, "GlobalSecondaryIndexes", cost.global, both, cost.write);
    index_units(json, "LocalSecondaryIndexes", cost.local, both, cost.write);
  }
  json += '}';
}

}  // namespace nubecita::dynamodb
