#include "services/dynamodb/table_schema.hpp"

#include <algorithm>
#include <set>

#include "services/dynamodb/errors.hpp"

namespace nubecita::dynamodb {
namespace {

constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";
constexpr size_t kMostLocal = 5, kMostGlobal = 20, kMostProjected = 100;

std::string names(const std::vector<std::string>& all) {
  std::string out = "[";
  for (auto& n : all) out.append(out.size() > 1 ? ", " : "").append(n);
  return out + "]";
}

template <class F>
void each_key(const Schema& schema, F visit) {
  for (auto* parts : {&schema.hash, &schema.range})
    for (auto& p : *parts) visit(p);
}

}  // namespace

Result<std::vector<KeyPart>> read_attributes(const wire::List<model::AttributeDefinition>& given) {
  std::vector<KeyPart> out;
  for (auto& a : given) {
    const auto name = api::str(a.attribute_name);
    if (std::ranges::find(out, name, &KeyPart::name) != out.end())
      return invalid(
          "Cannot have two attributes with the same name: Duplicate AttributeName in AttributeDefinitions: " +
          name);
    out.push_back({name, api::str(a.attribute_type)});
  }
  return out;
}

Result<Schema> read_schema(const std::vector<KeyPart>& attributes,
                           const wire::List<model::KeySchemaElement>& given, bool global_index) {
  Schema out;
  if (given.empty())
    return invalid(
        "1 validation error detected: Value '[]' at 'keySchema' failed to satisfy constraint: Member must "
        "have length greater than or equal to 1");
  if (given.size() > (global_index ? 8u : 2u))
    return invalid(global_index ? std::string(kInvalid) +
                                      "Too many elements in KeySchema: a global secondary index has at most "
                                      "4 HASH and 4 RANGE keys"
                                : "1 validation error detected: Value at 'keySchema' failed to satisfy "
                                  "constraint: Member must have length less than or equal to 2");
  std::vector<std::string> undefined;
  std::set<std::string_view> seen;
  for (size_t i = 0; i < given.size(); ++i) {
    auto& e = given[i];
    const bool hash = e.key_type == "HASH";
    if (i == 0 && !hash)
      return invalid(std::string(kInvalid) +
                     "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
    if (!global_index && i == 1 && hash)
      return invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
    if (hash && !out.range.empty())
      return invalid(std::string(kInvalid) + "Invalid KeySchema: HASH keys must precede RANGE keys");
    if (!seen.insert(e.attribute_name.sv()).second)
      return invalid(given.size() == 2
                         ? "Both the Hash Key and the Range Key element in the KeySchema have the same name"
                         : std::string(kInvalid) +
                               "Duplicate AttributeName in KeySchema: " + api::str(e.attribute_name));
    auto found = std::ranges::find(attributes, e.attribute_name.sv(), &KeyPart::name);
    KeyPart part{api::str(e.attribute_name), found == attributes.end() ? "S" : found->type};
    if (found == attributes.end()) undefined.push_back(part.name);
    (hash ? out.hash : out.range).push_back(std::move(part));
  }
  if (out.hash.size() > 4 || out.range.size() > 4)
    return invalid(std::string(kInvalid) + "Too many " + (out.hash.size() > 4 ? "HASH" : "RANGE") +
                   " keys in KeySchema: at most 4");
  if (!undefined.empty()) {
    std::vector<std::string> defined;
    for (auto& a : attributes) defined.push_back(a.name);
    return invalid(std::string(kInvalid) +
                   (global_index
                        ? "Some index key attributes are not defined in AttributeDefinitions. Keys: "
                        : "Some index key attributes are not defined in AttributeDefinitions. Keys: ") +
                   names(undefined) + ", AttributeDefinitions: " + names(defined));
  }
  return out;
}

Status read_projection(const model::Projection* given, Index& index) {
  if (!given || !given->projection_type.has())
    return invalid(std::string(kInvalid) + "Unknown ProjectionType: null");
  index.projection = api::str(given->projection_type);
  const bool include = index.projection == "INCLUDE";
  if (include && given->non_key_attributes.empty())
    return invalid(std::string(kInvalid) +
                   "ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
  if (!include && given->non_key_attributes.has())
    return invalid(std::string(kInvalid) + "ProjectionType is " + index.projection +
                   ", but NonKeyAttributes is specified");
  index.included = api::strings(given->non_key_attributes);
  std::set<std::string> distinct(index.included.begin(), index.included.end());
  if (distinct.size() != index.included.size())
    return invalid(std::string(kInvalid) +
                   "Duplicate attribute names in NonKeyAttributes of index: " + index.name);
  return {};
}

Result<Index> read_local_index(const Table& table, const model::LocalSecondaryIndex& given) {
  Index index;
  index.name = api::str(given.index_name);
  if (table.keys.range.empty())
    return invalid(
        std::string(kInvalid) +
        "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex");
  TRY_LET(index.keys, read_schema(table.attributes, given.key_schema));
  if (index.keys.range.empty())
    return invalid(std::string(kInvalid) +
                   "Index KeySchema does not have a range key for index: " + index.name);
  if (index.keys.hash[0].name != table.keys.hash[0].name)
    return invalid(std::string(kInvalid) +
                   "Index KeySchema does not have the same leading hash key as table KeySchema for index: " +
                   index.name + ". index hash key: " + index.keys.hash[0].name +
                   ", table hash key: " + table.keys.hash[0].name);
  TRY(read_projection(given.projection, index));
  return index;
}

Status check_table(const Table& table) {
  std::set<std::string_view> index_names, used, projected;
  size_t local = 0, global = 0, projections = 0;
  each_key(table.keys, [&](auto& k) { used.insert(k.name); });
  for (auto& index : table.indexes) {
    if (!index_names.insert(index.name).second)
      return invalid(std::string(kInvalid) + "Duplicate index name: " + index.name);
    ++(index.global ? global : local);
    projections += index.included.size();
    each_key(index.keys, [&](auto& k) { used.insert(k.name); });
    if (index.global && table.on_demand == (index.read_units > 0))
      return invalid(
          std::string(kInvalid) +
          (table.on_demand
               ? "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: " +
                     index.name + " when BillingMode is PAY_PER_REQUEST"
               : "ReadCapacityUnits and WriteCapacityUnits must both be specified for index: " + index.name));
  }
  if (local > kMostLocal)
    return invalid(std::string(kInvalid) + "Number of LocalSecondaryIndexes exceeds per-table limit of " +
                   std::to_string(kMostLocal));
  if (global > kMostGlobal)
    return invalid(std::string(kInvalid) + "Number of GlobalSecondaryIndexes exceeds per-table limit of " +
                   std::to_string(kMostGlobal));
  if (projections > kMostProjected)
    return invalid(std::string(kInvalid) +
                   "The number of NonKeyAttributes of all indexes exceeds the limit of " +
                   std::to_string(kMostProjected));
  if (used.size() != table.attributes.size()) {
    std::vector<std::string> defined, keys(used.begin(), used.end());
    for (auto& a : table.attributes) defined.push_back(a.name);
    return invalid(std::string(kInvalid) +
                   "Number of attributes in KeySchema does not exactly match number of attributes defined in "
                   "AttributeDefinitions: "
                   "Some AttributeDefinitions are not used. AttributeDefinitions: " +
                   names(defined) + ", keys used: " + names(keys));
  }
  return {};
}

}  // namespace nubecita::dynamodb
