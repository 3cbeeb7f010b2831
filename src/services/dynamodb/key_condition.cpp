#include "services/dynamodb/key_condition.hpp"

#include <algorithm>

#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/keys.hpp"
#include "store/store.hpp"

namespace nubecita::dynamodb {
namespace {

using Kind = Condition::Kind;

struct Part {
  std::string_view attribute;
  Kind kind;
  std::vector<Value> values;
};

std::string_view operator_name(Kind kind) {
  switch (kind) {
    case Kind::any:
      return "OR";
    case Kind::not_:
      return "NOT";
    case Kind::not_equal:
      return "<>";
    case Kind::in:
      return "IN";
    case Kind::exists:
      return "attribute_exists";
    case Kind::not_exists:
      return "attribute_not_exists";
    case Kind::type_is:
      return "attribute_type";
    case Kind::contains:
    case Kind::not_contains:
      return "contains";
    default:
      return "";
  }
}

Kind mirrored(Kind k) {
  switch (k) {
    case Kind::less:
      return Kind::greater;
    case Kind::less_equal:
      return Kind::greater_equal;
    case Kind::greater:
      return Kind::less;
    case Kind::greater_equal:
      return Kind::less_equal;
    default:
      return k;
  }
}

Status collect(const Condition& c, std::string_view what, std::vector<Part>& out) {
  const std::string head = "Invalid " + std::string(what) + ": ";
  if (c.kind == Kind::all) {
    for (auto* p : c.parts) TRY(collect(*p, what, out));
    return {};
  }
  if (const auto bad = operator_name(c.kind); !bad.empty()) {
    if (what == "KeyConditions")
      return invalid("Attempted conditional constraint is not an indexable operation");
    return invalid(head + "Invalid operator used in " + std::string(what) + ": " + std::string(bad));
  }
  Part part{{}, c.kind, {}};
  auto operands = c.operands;
  size_t path_at = operands[0]->kind == Operand::Kind::path ? 0 : 1;
  if (path_at == 1 && (c.kind == Kind::between || c.kind == Kind::begins_with || operands.size() < 2 ||
                       operands[1]->kind != Operand::Kind::path))
    return invalid(head +
                   "No key attribute found as the first operand of a condition; the condition does not "
                   "contain a key attribute");
  if (path_at == 1) part.kind = mirrored(c.kind);
  if (!operands[path_at]->path.rest.empty())
    return invalid(head + std::string(what) + "s cannot have conditions on nested attributes");
  part.attribute = operands[path_at]->path.root;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (i == path_at) continue;
    if (operands[i]->kind == Operand::Kind::path)
      return invalid(head + "Invalid condition in " + std::string(what) +
                     ": Multiple attribute names used in one condition");
    if (operands[i]->kind != Operand::Kind::value)
      return invalid(head + std::string(what) + "s cannot contain nested operations");
    part.values.push_back(operands[i]->value);
  }
  out.push_back(std::move(part));
  return {};
}

Status check_values(const KeyPart& key, const Part& part) {
  for (auto v : part.values) {
    if (!fits(key, v))
      return invalid(
          "One or more parameter values were invalid: Condition parameter type does not match schema type");
    if (payload(v).empty() && part.kind != Kind::begins_with)
      return invalid(
          "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
          "an empty " +
          std::string(type_of(v) == Type::string ? "string" : "binary") + " value. Key: " + key.name);
  }
  return {};
}

// The smallest text above all that begin with `bytes`.
std::string after(const std::string& bytes) {
  std::string out = bytes;
  while (!out.empty() && static_cast<unsigned char>(out.back()) == 0xff) out.pop_back();
  if (!out.empty()) out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) + 1);
  return out;
}

std::string with(std::string base, Value v, bool open = false) {
  append_key(base, v, open);
  return base;
}

/// Narrows `r`, which holds all places that begin with `base`, by a condition on the next part.
Status narrow(PlaceRange& r, const std::string& base, const KeyPart& key, const Part& part) {
  switch (part.kind) {
    case Kind::less:
      r.to = with(base, part.values[0]);
      return {};
    case Kind::less_equal:
      r.to = after(with(base, part.values[0]));
      return {};
    case Kind::greater:
      r.from = after(with(base, part.values[0]));
      return {};
    case Kind::greater_equal:
      r.from = with(base, part.values[0]);
      return {};
    case Kind::between:
      r.from = with(base, part.values[0]);
      r.to = after(with(base, part.values[1]));
      return {};
    case Kind::begins_with:
      if (key.type == "N")
        return invalid(
            "Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or "
            "function: begins_with, operand type: N");
      r.from = with(base, part.values[0], true);
      r.to = after(r.from);
      return {};
    default:
      return invalid("Query key condition not supported");
  }
}

}  // namespace

Result<PlaceRange> key_range(const Schema& schema, const Condition& condition, std::string_view what) {
  std::vector<Part> parts;
  TRY(collect(condition, what, parts));
  auto take = [&](std::string_view attribute) {
    std::optional<Part> out;
    auto found = std::ranges::find(parts, attribute, &Part::attribute);
    if (found != parts.end()) {
      out = std::move(*found);
      parts.erase(found);
    }
    return out;
  };
  for (size_t i = 0; i < parts.size(); ++i)
    for (size_t k = 0; k < i; ++k)
      if (parts[i].attribute == parts[k].attribute)
        return invalid("Invalid " + std::string(what) +
                       ": KeyConditionExpressions must only contain one condition per key");
  if (parts.size() > schema.hash.size() + schema.range.size())
    return invalid(
        what == "KeyConditions"
            ? "Conditions can be of length 1 or 2 only"
            : "Invalid KeyConditionExpression: Query key condition not supported; too many conditions");

  std::vector<Entry> hash;
  for (auto& key : schema.hash) {
    auto part = take(key.name);
    if (!part) return invalid("Query condition missed key schema element: " + key.name);
    if (part->kind != Kind::equal)
      return invalid(schema.hash.size() > 1 ? "Query key condition not supported: HASH key " + key.name +
                                                  " needs an equality condition"
                                            : "Query key condition not supported");
    TRY(check_values(key, *part));
    hash.push_back({key.name, part->values[0]});
  }
  PlaceRange out;
  out.hash_item = make_item(std::move(hash));
  out.partition = *partition_of(schema, out.hash_item);
  std::string base = out.partition;
  out.from = base;
  out.to = after(base);
  bool closed = false;  // no further condition may follow
  for (auto& key : schema.range) {
    auto part = take(key.name);
    if (!part) {
      closed = true;
      continue;
    }
    if (closed)
      return invalid("Query key condition not supported: the RANGE keys before " + key.name +
                     " need equality conditions");
    TRY(check_values(key, *part));
    if (part->kind == Kind::equal) {
      append_key(base, part->values[0]);
      out.from = base;
      out.to = after(base);
    } else {
      TRY(narrow(out, base, key, *part));
      closed = true;
    }
  }
  if (!parts.empty()) {
    if (schema.range.empty()) return invalid("Query key condition not supported");
    return invalid("Query condition missed key schema element: " + schema.range.back().name);
  }
  return out;
}

}  // namespace nubecita::dynamodb
