// What condition, filter, update, projection and key condition expressions mean, as trees in the request's
// arena. The legacy parameters (legacy.hpp) become the same trees. Plain data, as long as the arena.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.hpp"
#include "base/result.hpp"
#include "services/dynamodb/input.hpp"
#include "services/dynamodb/value.hpp"

namespace nubecita::dynamodb {

/// a.b[3].c
struct Step {
  std::string_view name;  // of a map's member, or
  int64_t index = -1;     // of a list's element, from 0
};
struct Path {
  std::string_view root;
  std::span<const Step> rest;
};

struct Operand {
  enum class Kind { path, value, size, if_not_exists, list_append, plus, minus } kind = Kind::value;
  Path path;                   // of path, size, if_not_exists
  Value value;                 // of value
  const Operand* a = nullptr;  // of size, if_not_exists, list_append, plus, minus
  const Operand* b = nullptr;  // of list_append, plus, minus
};

struct Condition {
  enum class Kind {
    all,
    any,
    not_,
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    between,
    in,
    exists,
    not_exists,
    type_is,
    begins_with,
    contains,
    not_contains
  } kind = Kind::all;
  std::span<const Condition* const> parts;  // of all, any, not_
  std::span<const Operand* const> operands;
};

struct Update {
  struct Action {
    enum class Kind { set, remove, add, delete_ } kind = Kind::set;
    Path path;
    const Operand* operand = nullptr;  // not of remove
  };
  std::span<const Action> actions;
  bool legacy = false;  // from AttributeUpdates, whose errors have other words
};

/// #names and :values of a request, and which of them were used.
class Placeholders {
 public:
  /// Reads ExpressionAttributeNames and ExpressionAttributeValues.
  Status read(const Input& in);
  bool has_any() const { return has_names_ || has_values_; }
  bool has_names() const { return has_names_; }
  bool has_values() const { return has_values_; }
  const std::string_view* name(std::string_view placeholder);
  const Value* value(std::string_view placeholder);
  /// An error naming what no expression has used.
  Status check_all_used() const;

 private:
  template <class T>
  struct Named {
    std::string_view placeholder;
    T value;
    bool used = false;
  };
  std::vector<Named<std::string_view>> names_;
  std::vector<Named<Value>> values_;
  bool has_names_ = false, has_values_ = false;
};

/// `what` is the parameter's name in errors: "ConditionExpression", "FilterExpression", ... Trees live in
/// `arena`.
Result<const Condition*> parse_condition(std::string_view text, std::string_view what, Placeholders& names,
                                         Arena& arena);
Result<Update> parse_update(std::string_view text, Placeholders& names, Arena& arena);
Result<std::vector<Path>> parse_projection(std::string_view text, Placeholders& names, Arena& arena);

/// Paths that are one another's beginning, or treat one attribute as list and as map: an error for `what`.
Status check_overlaps(std::span<const Path> paths, std::string_view what);
std::string show(const Path& path);  // "[a, b, [3]]"

/// Calls `visit` with each path that the condition looks at.
template <class F>
void each_path(const Operand& o, F&& visit) {
  if (!o.path.root.empty()) visit(o.path);
  if (o.a) each_path(*o.a, visit);
  if (o.b) each_path(*o.b, visit);
}
template <class F>
void each_path(const Condition& c, F&& visit) {
  for (auto* p : c.parts) each_path(*p, visit);
  for (auto* o : c.operands) each_path(*o, visit);
}

template <class T>
std::span<const T> keep(Arena& arena, const std::vector<T>& v) {
  T* first = arena.make_array<T>(v.size() + 1);
  std::copy(v.begin(), v.end(), first);
  return {first, v.size()};
}

// Evaluation.

/// What the path leads to; empty: nothing.
Value follow(Item item, const Path& path);
/// The operand's value in `item`; empty: the path leads nowhere (or size() of what has none). Computed values
/// are kept in `arena`.
Value evaluate(const Operand& operand, Item item, Arena& arena);
bool holds(const Condition& condition, Item item, Arena& arena);
/// Only what the paths lead to, with what is around it.
std::string project(Item item, std::span<const Path> paths);
/// The new item. ValidationException for what cannot be done (a path that leads nowhere, wrong types).
Result<std::string> apply(const Update& update, Item item, Arena& arena);

}  // namespace nubecita::dynamodb
