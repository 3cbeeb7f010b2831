#include "services/dynamodb/legacy.hpp"

#include <algorithm>

#include "services/dynamodb/errors.hpp"

namespace nubecita::dynamodb {
namespace {

using Kind = Condition::Kind;
constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";

struct Comparison {
  std::string_view name;
  Kind kind;
  int operands;  // -1: one or more
};
constexpr Comparison kComparisons[] = {{"EQ", Kind::equal, 1},
                                       {"NE", Kind::not_equal, 1},
                                       {"IN", Kind::in, -1},
                                       {"LE", Kind::less_equal, 1},
                                       {"LT", Kind::less, 1},
                                       {"GE", Kind::greater_equal, 1},
                                       {"GT", Kind::greater, 1},
                                       {"BETWEEN", Kind::between, 2},
                                       {"NOT_NULL", Kind::exists, 0},
                                       {"NULL", Kind::not_exists, 0},
                                       {"CONTAINS", Kind::contains, 1},
                                       {"NOT_CONTAINS", Kind::not_contains, 1},
                                       {"BEGINS_WITH", Kind::begins_with, 1}};

const Operand* path_operand(std::string_view name, Arena& arena) {
  auto* o = arena.make<Operand>();
  o->kind = Operand::Kind::path;
  o->path.root = name;
  return o;
}
const Operand* value_operand(Value v, Arena& arena) {
  auto* o = arena.make<Operand>();
  o->kind = Operand::Kind::value;
  o->value = v;
  return o;
}

const Condition* make(Kind kind, std::vector<const Operand*> operands, Arena& arena) {
  auto* c = arena.make<Condition>();
  c->kind = kind;
  c->operands = keep(arena, operands);
  return c;
}

const Condition* combine(Kind kind, const std::vector<const Condition*>& parts, Arena& arena) {
  auto* c = arena.make<Condition>();
  c->kind = kind;
  c->parts = keep(arena, parts);
  return c;
}

Status check_operand(const Comparison& comparison, Value v) {
  const auto t = type_of(v);
  const bool scalar = t == Type::string || t == Type::number || t == Type::binary;
  bool good = true;
  switch (comparison.kind) {
    case Kind::less:
    case Kind::less_equal:
    case Kind::greater:
    case Kind::greater_equal:
    case Kind::between:
    case Kind::in:
      good = scalar;
      break;
    case Kind::begins_with:
      good = t == Type::string || t == Type::binary;
      break;
    case Kind::contains:
    case Kind::not_contains:
      good = !is_set(t) && t != Type::list && t != Type::map;
      break;
    default:
      break;
  }
  if (good) return {};
  return invalid(std::string(kInvalid) + "ComparisonOperator " + std::string(comparison.name) +
                 " is not valid for " + std::string(type_name(v)) + " AttributeValue type");
}

Result<const Condition*> comparison(std::string_view attribute, std::string_view name,
                                    const std::vector<Value>& values, Arena& arena) {
  const auto* found = std::ranges::find(kComparisons, name, &Comparison::name);
  if (found == std::end(kComparisons))
    return constraint(
        name, "comparisonOperator",
        "Member must satisfy enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, "
        "BEGINS_WITH, GE, CONTAINS]");
  if (found->operands >= 0 ? values.size() != static_cast<size_t>(found->operands) : values.empty())
    return invalid(std::string(kInvalid) + "Invalid number of argument(s) for the " + std::string(name) +
                   " ComparisonOperator");
  std::vector<const Operand*> operands{path_operand(attribute, arena)};
  for (auto v : values) {
    TRY(check_operand(*found, v));
    if (type_of(v) != type_of(values[0]))
      return invalid(std::string(kInvalid) +
                     "AttributeValues inside AttributeValueList must all be of the same type");
    operands.push_back(value_operand(v, arena));
  }
  if (found->kind == Kind::between && payload(values[0]) > payload(values[1]))
    return invalid(
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound");
  return make(found->kind, std::move(operands), arena);
}

Result<std::vector<Value>> read_values(const Input& in, std::string_view member) {
  std::vector<Value> out;
  if (!in.has(member)) return out;
  auto json = in.reader(member);
  json.begin_array();
  while (json.next_element()) {
    TRY_LET(auto v, read_value(json));
    out.push_back(in.arena().copy(v));
  }
  TRY(json.failure());
  return out;
}

Result<Value> read_one(const Input& in, std::string_view member) {
  auto json = in.reader(member);
  TRY_LET(auto v, read_value(json));
  return Value(in.arena().copy(v));
}

Result<const Condition*> expected_one(std::string_view name, const Input& in) {
  TRY_LET(auto values, read_values(in, "AttributeValueList"));
  TRY_LET(auto exists, in.boolean("Exists", true));
  if (in.has("ComparisonOperator")) {
    if (in.has("Exists"))
      return invalid(
          std::string(kInvalid) +
          "Exists and ComparisonOperator cannot be used together for Attribute: " + std::string(name));
    if (in.has("Value") && in.has("AttributeValueList"))
      return invalid(
          std::string(kInvalid) +
          "Value and AttributeValueList cannot be used together for Attribute: " + std::string(name));
    if (in.has("Value")) {
      TRY_LET(values.emplace_back(), read_one(in, "Value"));
    }
    TRY_LET(auto op, in.text("ComparisonOperator"));
    return comparison(name, op, values, in.arena());
  }
  if (in.has("AttributeValueList"))
    return invalid(
        std::string(kInvalid) +
        "AttributeValueList can only be used with a ComparisonOperator for Attribute: " + std::string(name));
  if (!exists) {
    if (in.has("Value"))
      return invalid(std::string(kInvalid) +
                     "Value cannot be used when Exists is set to false for Attribute: " + std::string(name));
    return make(Kind::not_exists, {path_operand(name, in.arena())}, in.arena());
  }
  if (!in.has("Value"))
    return invalid(std::string(kInvalid) + "Value must be provided when Exists is " +
                   (in.has("Exists") ? "true" : "null") + " for Attribute: " + std::string(name));
  TRY_LET(auto v, read_one(in, "Value"));
  return make(Kind::equal, {path_operand(name, in.arena()), value_operand(v, in.arena())}, in.arena());
}

Result<const Condition*> filter_one(std::string_view name, const Input& in) {
  TRY_LET(auto values, read_values(in, "AttributeValueList"));
  TRY_LET(auto op, in.required_text("ComparisonOperator"));
  return comparison(name, op, values, in.arena());
}

Result<const Condition*> read_all(const Input& in, std::string_view member, bool with_operator,
                                  Result<const Condition*> (*one)(std::string_view, const Input&)) {
  TRY_LET(auto conditions, in.object_map(member));
  std::string_view op;
  if (with_operator) {
    TRY_LET(op, in.choice("ConditionalOperator", {"AND", "OR"}));
    if (in.has("ConditionalOperator") && conditions.size() < 2)
      return invalid(conditions.empty()
                         ? "ConditionalOperator cannot be used without Filter or Expected"
                         : std::string(kInvalid) +
                               "ConditionalOperator can only be used for more than one element in " +
                               std::string(member));
  }
  if (conditions.empty()) return nullptr;
  std::vector<const Condition*> parts;
  for (auto& [name, c] : conditions) {
    TRY_LET(parts.emplace_back(), one(name, c));
  }
  return combine(op == "OR" ? Kind::any : Kind::all, parts, in.arena());
}

}  // namespace

Result<const Condition*> read_expected(const Input& in) {
  return read_all(in, "Expected", true, expected_one);
}
Result<const Condition*> read_filter(const Input& in, std::string_view member) {
  return read_all(in, member, true, filter_one);
}
Result<const Condition*> read_key_conditions(const Input& in) {
  return read_all(in, "KeyConditions", false, filter_one);
}

Result<Update> read_attribute_updates(const Input& in) {
  using Act = Update::Action::Kind;
  TRY_LET(auto updates, in.object_map("AttributeUpdates"));
  std::vector<Update::Action> actions;
  for (auto& [name, u] : updates) {
    TRY_LET(auto action, u.choice("Action", {"PUT", "ADD", "DELETE"}));
    Update::Action a;
    if (name.empty()) return invalid(std::string(kInvalid) + "Empty attribute name in AttributeUpdates");
    if (name.size() > 65535)
      return invalid(std::string(kInvalid) +
                     "Attribute name exceeds the limit of 65535 bytes in AttributeUpdates");
    a.path.root = name;
    Value v;
    if (u.has("Value")) {
      TRY_LET(v, read_one(u, "Value"));
      a.operand = value_operand(v, in.arena());
    }
    if (action == "DELETE" && v.empty()) {
      a.kind = Act::remove;
    } else if (v.empty()) {
      return invalid(std::string(kInvalid) +
                     "Only DELETE action is allowed when no attribute value is specified");
    } else if (action == "DELETE") {
      if (!is_set(v))
        return invalid(std::string(kInvalid) + "DELETE action with value is not supported for the type " +
                       std::string(type_name(v)));
      a.kind = Act::delete_;
    } else if (action == "ADD") {
      if (!is_set(v) && type_of(v) != Type::number && type_of(v) != Type::list)
        return invalid(std::string(kInvalid) + "ADD action is not supported for the type " +
                       std::string(type_name(v)));
      a.kind = Act::add;
    }
    actions.push_back(a);
  }
  return Update{keep(in.arena(), actions), true};
}

Result<std::optional<std::vector<Path>>> read_attributes_to_get(const Input& in) {
  if (!in.has("AttributesToGet")) return std::nullopt;
  TRY_LET(auto names, in.texts("AttributesToGet"));
  if (names.empty())
    return constraint("[]", "attributesToGet", "Member must have length greater than or equal to 1");
  std::vector<Path> out;
  for (auto n : names) {
    if (n.empty()) return invalid(std::string(kInvalid) + "Empty attribute name in AttributesToGet");
    if (n.size() > 65535)
      return invalid(std::string(kInvalid) +
                     "Attribute name exceeds the limit of 65535 bytes in AttributesToGet");
    if (std::ranges::find(out, n, &Path::root) != out.end())
      return invalid(std::string(kInvalid) + "Duplicate value in attribute name: " + std::string(n));
    out.push_back({n, {}});
  }
  return out;
}

Status check_not_mixed(const Input& in, std::initializer_list<std::string_view> legacy,
                       std::initializer_list<std::string_view> expressions) {
  auto given = [&](auto names) {
    std::string out;
    for (auto n : names)
      if (in.has(n)) out.append(out.empty() ? "" : ", ").append(n);
    return out;
  };
  const auto old = given(legacy), now = given(expressions);
  if (!old.empty() && !now.empty())
    return invalid(
        "Can not use both expression and non-expression parameters in the same request: Non-expression "
        "parameters: {" +
        old + "} Expression parameters: {" + now + "}");
  if (!now.empty()) return {};
  std::string nulls;
  for (auto n : expressions) nulls.append(nulls.empty() ? "" : " and ").append(n);
  if (in.has("ExpressionAttributeNames"))
    return invalid("ExpressionAttributeNames can only be specified when using expressions");
  if (in.has("ExpressionAttributeValues"))
    return invalid("ExpressionAttributeValues can only be specified when using expressions: " + nulls +
                   (expressions.size() > 1 ? " are null" : " is null"));
  return {};
}

}  // namespace nubecita::dynamodb
