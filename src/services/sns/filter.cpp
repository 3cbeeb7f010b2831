#include "services/sns/filter.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>

#include "base/json.hpp"
#include "services/iam/policy_condition.hpp"

namespace nubecita::sns {
namespace {

constexpr size_t kMostKeys = 5, kMostCombinations = 150, kMostText = 256 * 1024;

bool is_number(const json::value& v) { return v.is_number(); }
/// Five digits behind the point count, as AWS documents it: the number in hundred-thousandths.
double number_of(const json::value& v) { return std::round(v.to_number<double>() * 1e5); }
bool same_number(const json::value& a, const json::value& b) { return number_of(a) == number_of(b); }
std::string_view text_of(const json::value& v) { return {v.get_string().data(), v.get_string().size()}; }

bool exactly(const json::value& a, const json::value& b) {
  if (is_number(a) && is_number(b)) return same_number(a, b);
  return a.kind() == b.kind() && a == b;
}

char folded(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }
bool same_folded(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return folded(x) == folded(y); });
}

/// '*' stands for anything.
bool wild(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

struct Test {
  enum class Kind {
    exact,
    prefix,
    suffix,
    fold,
    wildcard,
    cidr,
    numeric,
    exists,
    none_of
  } kind = Kind::exact;
  json::value value;
  std::string text;
  std::vector<Test> inner;  // of none_of
  std::optional<iam::IpRange> range;
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool low_open = false, high_open = false, there = true;

  bool holds(const json::value& v) const {
    const bool is_text = v.is_string();
    switch (kind) {
      case Kind::exact:
        return exactly(value, v);
      case Kind::prefix:
        return is_text && text_of(v).starts_with(text);
      case Kind::suffix:
        return is_text && text_of(v).ends_with(text);
      case Kind::fold:
        return is_text && same_folded(text_of(v), text);
      case Kind::wildcard:
        return is_text && wild(text, text_of(v));
      case Kind::cidr: {
        if (!is_text) return false;
        auto address = iam::IpRange::parse(text_of(v));
        return address && range->contains(*address);
      }
      case Kind::numeric: {
        if (!is_number(v)) return false;
        const double n = number_of(v);
        return (low_open ? n > low : n >= low) && (high_open ? n < high : n <= high);
      }
      case Kind::exists:
        return there;
      case Kind::none_of:
        return std::ranges::none_of(inner, [&](const Test& t) { return t.holds(v); });
    }
    return false;
  }
};

using Values = std::vector<json::value>;

}  // namespace

struct FilterPolicy::Rules {
  struct Rule {
    std::string key;
    std::vector<Test> tests;                     // any of them
    std::unique_ptr<Rules> nested;               // or a policy of the object there
    std::vector<std::unique_ptr<Rules>> either;  // or "$or"
  };
  std::vector<Rule> rules;  // all of them

  /// `values_at` gives the values under a key: none if it is not there.
  bool hold(const std::function<std::optional<Values>(const std::string&)>& values_at) const;
  bool hold(const json::value* object) const;
  static bool tests_hold(const std::vector<Test>& tests, const std::optional<Values>& values) {
    return std::ranges::any_of(tests, [&](const Test& t) {
      if (t.kind == Test::Kind::exists) return t.there == values.has_value();
      return values && std::ranges::any_of(*values, [&](const json::value& v) { return t.holds(v); });
    });
  }
};

namespace {

using Rules = FilterPolicy::Rules;

std::unexpected<ApiError> bad(std::string why) { return fail("InvalidParameter", std::move(why)); }

Result<std::string> text_in(const json::value& v, const char* name) {
  if (!v.is_string() || v.get_string().empty())
    return bad(std::string(name) + " match pattern must be a string");
  return std::string(text_of(v));
}

Status parse_numeric(const json::value& v, Test& t) {
  auto* list = v.if_array();
  if (!list || list->empty()) return bad("Value of numeric must be an array with operators and numbers");
  if (list->size() != 2 && list->size() != 4) return bad("Too many elements in numeric expression");
  t.kind = Test::Kind::numeric;
  for (size_t i = 0; i < list->size(); i += 2) {
    auto &op = (*list)[i], &number = (*list)[i + 1];
    if (!op.is_string()) return bad("Invalid member in numeric match: an operator must be a string");
    const auto name = text_of(op);
    if (!is_number(number)) return bad("Value of " + std::string(name) + " must be numeric");
    const double n = number_of(number);
    if (std::abs(number.to_number<double>()) > 1e9)
      return bad("Value of " + std::string(name) + " is out of range: -1e9 to 1e9");
    const bool only = list->size() == 2;
    if (name == "=" && only) {
      t.low = t.high = n;
    } else if (name == "<" || name == "<=") {
      if (!only && i == 0) return bad("Bad numeric range operator: " + std::string(name));
      t.high = n;
      t.high_open = name == "<";
    } else if (name == ">" || name == ">=") {
      if (i != 0) return bad("Bad numeric range operator: " + std::string(name));
      t.low = n;
      t.low_open = name == ">";
    } else {
      return bad("Unrecognized numeric range operator: " + std::string(name));
    }
  }
  if (t.low > t.high || (t.low == t.high && (t.low_open || t.high_open)))
    return bad("Bottom must be less than top");
  return {};
}

Result<Test> parse_test(const json::value& v, bool inside);

Status parse_none_of(const json::value& v, Test& t) {
  t.kind = Test::Kind::none_of;
  auto add = [&](const json::value& e) -> Status {
    if (!e.is_string() && !is_number(e))
      return bad("Inside anything-but list, either all values are number or string");
    Test one;
    one.value = e;
    t.inner.push_back(std::move(one));
    return {};
  };
  if (auto* o = v.if_object()) {
    if (o->size() != 1) return bad("Only one key allowed in match expression");
    const auto name = std::string(o->begin()->key());
    auto& operand = o->begin()->value();
    if (name != "prefix" && name != "suffix" && name != "equals-ignore-case" && name != "wildcard" &&
        name != "cidr")
      return bad("Unsupported anything-but pattern: " + name);
    json::array list;
    if (auto* l = operand.if_array())
      list = *l;
    else
      list.push_back(operand);
    if (list.empty()) return bad("Value of anything-but must not be empty");
    for (auto& e : list) {
      TRY_LET(auto one, parse_test(json::object{{name, e}}, true));
      t.inner.push_back(std::move(one));
    }
    return {};
  }
  if (auto* list = v.if_array()) {
    if (list->empty()) return bad("Value of anything-but must not be empty");
    for (auto& e : *list) TRY(add(e));
    return {};
  }
  return add(v);
}

Result<Test> parse_test(const json::value& v, bool inside) {
  Test t;
  auto* o = v.if_object();
  if (!o) {
    if (v.is_array()) return bad("Match value must be String, number, true, false, or null");
    if (is_number(v) && std::abs(v.to_number<double>()) > 1e9)
      return bad("A number is out of range: -1e9 to 1e9");
    t.value = v;
    return t;
  }
  if (o->size() != 1) return bad("Only one key allowed in match expression");
  const std::string name(o->begin()->key());
  auto& operand = o->begin()->value();
  auto text = [&](Test::Kind kind) -> Status {
    t.kind = kind;
    TRY_LET(t.text, text_in(operand, name.c_str()));
    return {};
  };
  if (name == "prefix") {
    TRY(text(Test::Kind::prefix));
  } else if (name == "suffix") {
    TRY(text(Test::Kind::suffix));
  } else if (name == "equals-ignore-case") {
    TRY(text(Test::Kind::fold));
  } else if (name == "wildcard") {
    TRY(text(Test::Kind::wildcard));
    if (t.text.find("**") != std::string::npos || std::ranges::count(t.text, '*') > 3)
      return bad("wildcard match pattern may have at most three '*', no two together");
  } else if (name == "cidr") {
    TRY(text(Test::Kind::cidr));
    t.range = iam::IpRange::parse(t.text);
    if (!t.range) return bad("Malformed CIDR, one '/' required");
  } else if (name == "numeric" && !inside) {
    TRY(parse_numeric(operand, t));
  } else if (name == "exists" && !inside) {
    if (!operand.is_bool()) return bad("exists match pattern must be either true or false.");
    t.kind = Test::Kind::exists;
    t.there = operand.get_bool();
  } else if (name == "anything-but" && !inside) {
    TRY(parse_none_of(operand, t));
  } else {
    return bad("Unrecognized match type " + name);
  }
  return t;
}

class Parser {
 public:
  explicit Parser(bool nested) : nested_(nested) {}

  Result<std::unique_ptr<Rules>> policy(const json::object& o, size_t depth) {
    auto out = std::make_unique<Rules>();
    for (auto& [key, v] : o) {
      Rules::Rule r;
      r.key = std::string(key);
      auto* list = v.if_array();
      if (r.key == "$or" && list && list->size() >= 2 &&
          std::ranges::all_of(*list, [](auto& e) { return e.is_object(); })) {
        for (auto& e : *list) {
          TRY_LET(auto one, policy(e.as_object(), depth));
          r.either.push_back(std::move(one));
        }
      } else if (auto* inner = v.if_object()) {
        if (!nested_)
          return bad("\"" + r.key +
                     "\" must be an object or an array: Filter policy scope MessageAttributes "
                     "does not support nested filter policy");
        if (inner->empty()) return bad("Empty objects are not allowed");
        TRY_LET(r.nested, policy(*inner, depth + 1));
      } else if (list) {
        if (list->empty()) return bad("Empty arrays are not allowed");
        if (++keys_ > kMostKeys) return bad("Filter policy can not have more than 5 keys");
        combinations_ *= list->size() * depth;
        for (auto& e : *list) {
          TRY_LET(auto t, parse_test(e, false));
          r.tests.push_back(std::move(t));
        }
      } else {
        return bad("\"" + r.key + "\" must be an object or an array");
      }
      out->rules.push_back(std::move(r));
    }
    if (combinations_ > kMostCombinations) return bad("Filter policy is too complex");
    return out;
  }

 private:
  bool nested_;
  size_t keys_ = 0, combinations_ = 1;
};

void flatten(const json::value& v, Values& out) {
  if (auto* list = v.if_array())
    for (auto& e : *list) flatten(e, out);
  else
    out.push_back(v);
}

}  // namespace

bool FilterPolicy::Rules::hold(
    const std::function<std::optional<Values>(const std::string&)>& values_at) const {
  return std::ranges::all_of(rules, [&](const Rule& r) {
    if (!r.either.empty())
      return std::ranges::any_of(r.either, [&](auto& policy) { return policy->hold(values_at); });
    return tests_hold(r.tests, values_at(r.key));
  });
}

bool FilterPolicy::Rules::hold(const json::value* at) const {
  if (at && at->is_array())
    return std::ranges::any_of(at->as_array(), [&](const json::value& e) { return hold(&e); });
  const auto* o = at ? at->if_object() : nullptr;
  return std::ranges::all_of(rules, [&](const Rule& r) {
    if (!r.either.empty())
      return std::ranges::any_of(r.either, [&](auto& policy) { return policy->hold(at); });
    const auto* v = o ? o->if_contains(r.key) : nullptr;
    if (r.nested) return r.nested->hold(v);
    std::optional<Values> values;
    if (v) flatten(*v, values.emplace());
    return tests_hold(r.tests, values);
  });
}

FilterPolicy::FilterPolicy(std::unique_ptr<Rules> rules) : rules_(std::move(rules)) {}
FilterPolicy::~FilterPolicy() = default;
FilterPolicy::FilterPolicy(FilterPolicy&&) noexcept = default;
FilterPolicy& FilterPolicy::operator=(FilterPolicy&&) noexcept = default;

Result<FilterPolicy> FilterPolicy::parse(std::string_view text, bool nested) {
  if (text.size() > kMostText) return bad("Filter policy is too large");
  auto doc = json::parse(text, 16);
  if (!doc || !doc->is_object()) return bad("failed to parse JSON.");
  TRY_LET(auto rules, Parser(nested).policy(doc->as_object(), 1));
  return FilterPolicy(std::move(rules));
}

bool FilterPolicy::wants(const std::vector<MessageAttribute>& attributes) const {
  return rules_->hold([&](const std::string& key) -> std::optional<Values> {
    for (auto& a : attributes) {
      if (a.name != key) continue;
      Values out;
      if (a.type == "String.Array") {
        if (auto doc = json::parse(a.value); doc && !doc->is_object()) flatten(*doc, out);
      } else if (a.type.starts_with("Number")) {
        if (auto doc = json::parse(a.value); doc && doc->is_number()) out.push_back(*doc);
      } else if (a.type.starts_with("String")) {
        out.push_back(json::value(a.value));
      }
      return out;
    }
    return std::nullopt;
  });
}

bool FilterPolicy::wants_body(std::string_view body) const {
  auto doc = json::parse(body);
  if (!doc || !doc->is_object()) return rules_->rules.empty();
  return rules_->hold(&*doc);
}

}  // namespace nubecita::sns
