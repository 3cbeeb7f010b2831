// What operands are worth in an item, and whether conditions hold.
#include <algorithm>

#include "services/dynamodb/expression.hpp"
#include "services/dynamodb/number.hpp"

namespace nubecita::dynamodb {

Value follow(Item item, const Path& path) {
  Value v = find(item, path.root);
  for (auto& step : path.rest) {
    if (v.empty()) return {};
    if (step.index < 0)
      v = type_of(v) == Type::map ? find(payload(v), step.name) : Value();
    else
      v = type_of(v) == Type::list ? at(v, static_cast<size_t>(step.index)) : Value();
  }
  return v;
}

namespace {

Value number_value(size_t n, Arena& arena) {
  return arena.copy(make_value(Type::number, *parse_number(std::to_string(n))));
}

Value size_of(Value v, Arena& arena) {
  if (v.empty()) return {};
  switch (type_of(v)) {
    case Type::string:
    case Type::binary:
      return number_value(payload(v).size(), arena);
    case Type::list:
    case Type::map:
    case Type::string_set:
    case Type::number_set:
    case Type::binary_set:
      return number_value(count(v), arena);
    default:
      return {};
  }
}

bool ordered(Value a, Value b) {
  if (a.empty() || b.empty() || type_of(a) != type_of(b)) return false;
  const auto t = type_of(a);
  return t == Type::string || t == Type::number || t == Type::binary;
}

Type element_type(Type set) {
  return set == Type::string_set ? Type::string : set == Type::number_set ? Type::number : Type::binary;
}

bool contains(Value container, Value v) {
  if (container.empty() || v.empty()) return false;
  const auto t = type_of(container);
  if (t == Type::string || t == Type::binary)
    return type_of(v) == t && payload(container).find(payload(v)) != std::string_view::npos;
  if (is_set(t)) {
    if (type_of(v) != element_type(t)) return false;
    Members all(container);
    for (std::string_view e; all.next(e);)
      if (e == payload(v)) return true;
  }
  if (t == Type::list) {
    Elements all(container);
    for (Value e; all.next(e);)
      if (e == v) return true;
  }
  return false;
}

bool begins(Value v, Value prefix) {
  if (v.empty() || prefix.empty() || type_of(v) != type_of(prefix)) return false;
  if (type_of(v) != Type::string && type_of(v) != Type::binary) return false;
  return payload(v).starts_with(payload(prefix));
}

}  // namespace

Value evaluate(const Operand& operand, Item item, Arena& arena) {
  switch (operand.kind) {
    case Operand::Kind::path:
      return follow(item, operand.path);
    case Operand::Kind::value:
      return operand.value;
    case Operand::Kind::size:
      return size_of(evaluate(*operand.a, item, arena), arena);
    default:
      return {};  // of updates only (update.cpp)
  }
}

bool holds(const Condition& c, Item item, Arena& arena) {
  using Kind = Condition::Kind;
  auto part = [&](const Condition* p) { return holds(*p, item, arena); };
  auto value = [&](size_t i) { return evaluate(*c.operands[i], item, arena); };
  auto compare = [&](auto fits) {
    const Value a = value(0), b = value(1);
    return ordered(a, b) && fits(payload(a).compare(payload(b)));
  };
  switch (c.kind) {
    case Kind::all:
      return std::ranges::all_of(c.parts, part);
    case Kind::any:
      return std::ranges::any_of(c.parts, part);
    case Kind::not_:
      return !part(c.parts[0]);
    case Kind::equal: {
      const Value a = value(0), b = value(1);
      return !a.empty() && !b.empty() && a == b;
    }
    case Kind::not_equal: {
      const Value a = value(0), b = value(1);
      return a.empty() || b.empty() || a != b;  // what is absent is equal to nothing
    }
    case Kind::less:
      return compare([](int r) { return r < 0; });
    case Kind::less_equal:
      return compare([](int r) { return r <= 0; });
    case Kind::greater:
      return compare([](int r) { return r > 0; });
    case Kind::greater_equal:
      return compare([](int r) { return r >= 0; });
    case Kind::between: {
      const Value v = value(0), low = value(1), high = value(2);
      return ordered(v, low) && ordered(v, high) && payload(v) >= payload(low) && payload(v) <= payload(high);
    }
    case Kind::in: {
      const Value v = value(0);
      if (v.empty()) return false;
      for (size_t i = 1; i < c.operands.size(); ++i)
        if (value(i) == v) return true;
      return false;
    }
    case Kind::exists:
      return !value(0).empty();
    case Kind::not_exists:
      return value(0).empty();
    case Kind::type_is: {
      const Value v = value(0);
      return !v.empty() && type_name(v) == payload(value(1));
    }
    case Kind::begins_with:
      return begins(value(0), value(1));
    case Kind::contains:
      return contains(value(0), value(1));
    case Kind::not_contains: {  // of the legacy parameters: the attribute must be there
      const Value v = value(0);
      return !v.empty() && !contains(v, value(1));
    }
  }
  return false;
}

}  // namespace nubecita::dynamodb
