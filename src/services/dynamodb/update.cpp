// Update expressions: every operand is taken from the item as it was, then the item is changed.
#include <algorithm>
#include <map>
#include <memory>

#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/expression.hpp"
#include "services/dynamodb/number.hpp"

namespace nubecita::dynamodb {
namespace {

std::unexpected<ApiError> wrong_type() {
  return invalid("An operand in the update expression has an incorrect data type");
}
std::unexpected<ApiError> mismatch() { return invalid("Type mismatch for attribute to update"); }
std::unexpected<ApiError> wrong_path() {
  return invalid("The document path provided in the update expression is invalid for update");
}

Result<Value> operand_value(const Operand& o, Item item, Arena& arena) {
  using Kind = Operand::Kind;
  switch (o.kind) {
    case Kind::value:
      return o.value;
    case Kind::path:
    case Kind::size: {
      const Value v = evaluate(o, item, arena);
      if (v.empty())
        return invalid("The provided expression refers to an attribute that does not exist in the item");
      return v;
    }
    case Kind::if_not_exists:
      if (const Value v = follow(item, o.path); !v.empty()) return v;
      return operand_value(*o.a, item, arena);
    case Kind::list_append: {
      TRY_LET(auto a, operand_value(*o.a, item, arena));
      TRY_LET(auto b, operand_value(*o.b, item, arena));
      if (type_of(a) != Type::list || type_of(b) != Type::list) return wrong_type();
      return Value(arena.copy(make_value(Type::list, std::string(payload(a)).append(payload(b)))));
    }
    case Kind::plus:
    case Kind::minus: {
      TRY_LET(auto a, operand_value(*o.a, item, arena));
      TRY_LET(auto b, operand_value(*o.b, item, arena));
      if (type_of(a) != Type::number || type_of(b) != Type::number) return wrong_type();
      TRY_LET(auto n, o.kind == Kind::plus ? add_numbers(payload(a), payload(b))
                                           : subtract_numbers(payload(a), payload(b)));
      return Value(arena.copy(make_value(Type::number, n)));
    }
  }
  return wrong_type();
}

std::vector<std::string_view> members(Value set) {
  std::vector<std::string_view> out;
  Members all(set);
  for (std::string_view e; all.next(e);) out.push_back(e);
  return out;
}

// ADD: a number is added to, a set is joined. An absent attribute becomes the operand.
Result<Value> added(Value old, Value operand, Arena& arena) {
  if (old.empty()) return operand;
  if (type_of(old) != type_of(operand)) return wrong_type();
  if (type_of(old) == Type::number) {
    TRY_LET(auto n, add_numbers(payload(old), payload(operand)));
    return Value(arena.copy(make_value(Type::number, n)));
  }
  if (type_of(old) == Type::list)  // of AttributeUpdates only
    return Value(arena.copy(make_value(Type::list, std::string(payload(old)).append(payload(operand)))));
  auto all = members(old);
  for (auto e : members(operand)) all.push_back(e);
  return Value(arena.copy(make_set(type_of(old), std::move(all), true)));
}

// DELETE: what is left of a set; empty: nothing.
Result<Value> without(Value old, Value operand, Arena& arena) {
  if (type_of(old) != type_of(operand)) return wrong_type();
  auto all = members(old);
  const auto gone = members(operand);
  std::erase_if(all, [&](auto e) { return std::ranges::binary_search(gone, e); });
  if (all.empty()) return Value();
  return Value(arena.copy(make_set(type_of(old), std::move(all))));
}

// A value that is opened as far as something in it changes.
struct Node {
  Value value;  // as it was, or is; empty: removed
  bool open = false;
  bool map = false;
  std::map<std::string_view, std::unique_ptr<Node>> entries;  // of an open map
  std::vector<std::unique_ptr<Node>> elements;                // of an open list
  std::map<int64_t, Value> beyond;                            // set beyond the list's end: appended

  explicit Node(Value v) : value(v) {}
  bool is(Type t) const { return open ? map == (t == Type::map) : !value.empty() && type_of(value) == t; }
  void open_entries(Item item) {
    if (open) return;
    open = map = true;
    Entries all(item);
    for (Entry e; all.next(e);) entries.emplace(e.name, std::make_unique<Node>(e.value));
  }
  void open_elements() {
    if (open) return;
    open = true;
    Elements all(value);
    for (Value v; all.next(v);) elements.push_back(std::make_unique<Node>(v));
  }
  bool gone() const { return !open && value.empty(); }
  std::string inside() const {
    std::string out;
    for (auto& [name, n] : entries)
      if (!n->gone()) append_entry(out, name, n->encoded());
    for (auto& n : elements)
      if (!n->gone()) out += n->encoded();
    for (auto& [i, v] : beyond) out += v;
    return out;
  }
  std::string encoded() const {
    if (!open) return std::string(value);
    return make_value(map ? Type::map : Type::list, inside());
  }
  void become(Value v) {
    value = v;
    open = false;
    entries.clear();
    elements.clear();
    beyond.clear();
  }
};

// The node that holds the path's last step.
Result<Node*> parent_of(Node& root, const Path& path) {
  Node* at = &root;
  Step step{path.root, -1};
  for (auto& next : path.rest) {
    if (step.index < 0) {
      auto found = at->entries.find(step.name);
      if (found == at->entries.end()) return wrong_path();
      at = found->second.get();
    } else {
      if (static_cast<size_t>(step.index) >= at->elements.size()) return wrong_path();
      at = at->elements[static_cast<size_t>(step.index)].get();
    }
    if (next.index < 0) {
      if (!at->is(Type::map)) return wrong_path();
      at->open_entries(payload(at->value));
    } else {
      if (!at->is(Type::list)) return wrong_path();
      at->open_elements();
    }
    step = next;
  }
  return at;
}

/// Empty value: removes.
Status set_at(Node& root, const Path& path, Value value) {
  TRY_LET(auto* parent, parent_of(root, path));
  const Step last = path.rest.empty() ? Step{path.root, -1} : path.rest.back();
  if (last.index < 0) {
    auto found = parent->entries.find(last.name);
    if (found != parent->entries.end())
      found->second->become(value);
    else if (!value.empty())
      parent->entries.emplace(last.name, std::make_unique<Node>(value));
    return {};
  }
  if (static_cast<size_t>(last.index) < parent->elements.size())
    parent->elements[static_cast<size_t>(last.index)]->become(value);
  else if (!value.empty())
    parent->beyond[last.index] = value;
  return {};
}

}  // namespace

Result<std::string> apply(const Update& update, Item item, Arena& arena) {
  using Kind = Update::Action::Kind;
  std::vector<Value> values;
  for (auto& a : update.actions) {
    Value v;
    if (a.operand) {
      TRY_LET(v, operand_value(*a.operand, item, arena));
    }
    const Value old = a.kind == Kind::add || a.kind == Kind::delete_ ? follow(item, a.path) : Value();
    if (a.kind == Kind::add) {
      if (update.legacy && !old.empty() && type_of(old) != type_of(v)) return mismatch();
      TRY_LET(v, added(old, v, arena));
    }
    if (a.kind == Kind::delete_ && !old.empty()) {
      if (update.legacy && type_of(old) != type_of(v)) return mismatch();
      TRY_LET(v, without(old, v, arena));
    }
    values.push_back(v);
  }
  Node root{Value()};
  root.open_entries(item);
  for (size_t i = 0; i < update.actions.size(); ++i) {
    auto& a = update.actions[i];
    // Nothing to delete from: no change, but the way there must exist.
    if (a.kind == Kind::delete_ && follow(item, a.path).empty()) {
      TRY(parent_of(root, a.path));
      continue;
    }
    TRY(set_at(root, a.path, values[i]));
  }
  return root.inside();
}

}  // namespace nubecita::dynamodb
