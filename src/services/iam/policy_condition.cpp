#include "services/iam/policy_condition.hpp"

#include <arpa/inet.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/clock.hpp"

namespace nubecita::iam {

std::optional<IpRange> IpRange::parse(std::string_view text) {
  IpRange r;
  std::string address(text.substr(0, text.find('/')));
  if (inet_pton(AF_INET, address.c_str(), r.address.data()) == 1)
    r.family = 4;
  else if (inet_pton(AF_INET6, address.c_str(), r.address.data()) == 1)
    r.family = 6;
  else
    return {};
  const int most = r.family == 4 ? 32 : 128;
  r.bits = most;
  if (auto slash = text.find('/'); slash != std::string_view::npos) {
    auto digits = text.substr(slash + 1);
    if (digits.empty() || digits.size() > 3) return {};
    r.bits = 0;
    for (char c : digits) {
      if (c < '0' || c > '9') return {};
      r.bits = r.bits * 10 + (c - '0');
    }
    if (r.bits > most) return {};
  }
  return r;
}

bool IpRange::contains(const IpRange& other) const {
  if (family != other.family) return false;
  const auto whole = static_cast<size_t>(bits / 8);
  if (std::memcmp(address.data(), other.address.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const int mask = (0xff << (8 - bits % 8)) & 0xff;
  return (address[whole] & mask) == (other.address[whole] & mask);
}

namespace {

bool strip_prefix(std::string_view& s, std::string_view prefix) {
  if (s.size() < prefix.size() || !same_text(s.substr(0, prefix.size()), prefix)) return false;
  s.remove_prefix(prefix.size());
  return true;
}
bool strip_suffix(std::string_view& s, std::string_view suffix) {
  if (s.size() < suffix.size() || !same_text(s.substr(s.size() - suffix.size()), suffix)) return false;
  s.remove_suffix(suffix.size());
  return true;
}

std::optional<double> number(const std::string& text) {
  if (text.empty() || !std::strchr("+-.0123456789", text[0])) return {};
  char* end = nullptr;
  double v = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size() || !std::isfinite(v)) return {};
  return v;
}

/// ISO 8601, or seconds since the epoch.
std::optional<int64_t> date(const std::string& text) {
  if (auto t = parse_time(text)) return t;
  if (text.size() == 10 && text[4] == '-') return parse_time(text + "T00:00:00Z");
  auto seconds = number(text);
  if (!seconds || std::abs(*seconds) > 1e14) return {};
  return static_cast<int64_t>(*seconds * 1000);
}

/// The six parts of an ARN; what follows the fifth colon is one part.
std::vector<std::string_view> arn_parts(std::string_view text) {
  std::vector<std::string_view> parts;
  size_t at = 0;
  while (parts.size() < 5) {
    auto colon = text.find(':', at);
    if (colon == std::string_view::npos) return {};
    // A variable such as ${aws:username} has a colon that is not ours.
    if (auto open = text.find("${", at); open != std::string_view::npos && open < colon) {
      auto close = text.find('}', open);
      if (close == std::string_view::npos) return {};
      colon = text.find(':', close);
      if (colon == std::string_view::npos) return {};
    }
    parts.push_back(text.substr(at, colon - at));
    at = colon + 1;
  }
  parts.push_back(text.substr(at));
  return parts;
}

}  // namespace

bool Condition::set_operator(std::string_view name) {
  if (strip_prefix(name, "ForAllValues:"))
    quantifier_ = Quantifier::all;
  else if (strip_prefix(name, "ForAnyValue:"))
    quantifier_ = Quantifier::any;
  if (same_text(name, "Null")) {
    family_ = Family::null;
    return true;
  }
  if_exists_ = strip_suffix(name, "IfExists");
  struct Row {
    std::string_view name;
    Family family;
    Order order;
    bool negated;
  };
  using enum Family;
  using enum Order;
  static constexpr Row rows[] = {
      {"StringEquals", text, equal, false},
      {"StringNotEquals", text, equal, true},
      {"StringEqualsIgnoreCase", text_ignore_case, equal, false},
      {"StringNotEqualsIgnoreCase", text_ignore_case, equal, true},
      {"StringLike", like, equal, false},
      {"StringNotLike", like, equal, true},
      {"NumericEquals", Family::number, equal, false},
      {"NumericNotEquals", Family::number, equal, true},
      {"NumericLessThan", Family::number, less, false},
      {"NumericLessThanEquals", Family::number, less_equal, false},
      {"NumericGreaterThan", Family::number, greater, false},
      {"NumericGreaterThanEquals", Family::number, greater_equal, false},
      {"DateEquals", Family::date, equal, false},
      {"DateNotEquals", Family::date, equal, true},
      {"DateLessThan", Family::date, less, false},
      {"DateLessThanEquals", Family::date, less_equal, false},
      {"DateGreaterThan", Family::date, greater, false},
      {"DateGreaterThanEquals", Family::date, greater_equal, false},
      {"Bool", boolean, equal, false},
      {"BinaryEquals", binary, equal, false},
      {"IpAddress", ip, equal, false},
      {"NotIpAddress", ip, equal, true},
      {"ArnEquals", arn, equal, false},
      {"ArnLike", arn, equal, false},
      {"ArnNotEquals", arn, equal, true},
      {"ArnNotLike", arn, equal, true},
  };
  for (auto& row : rows)
    if (same_text(name, row.name)) {
      family_ = row.family;
      order_ = row.order;
      negated_ = row.negated;
      return true;
    }
  return false;
}

bool Condition::set_value(const std::string& text, bool variables, Value& value) const {
  switch (family_) {
    case Family::text:
    case Family::text_ignore_case:
    case Family::like: {
      auto p =
          Pattern::compile(text, {family_ == Family::like, variables, family_ == Family::text_ignore_case});
      if (p) value.pattern = std::move(*p);
      return p.has_value();
    }
    case Family::boolean:
    case Family::null: {
      auto p = Pattern::compile(text, {false, variables, true});
      if (!p || (!p->has_variables() && !same_text(text, "true") && !same_text(text, "false"))) return false;
      value.pattern = std::move(*p);
      return true;
    }
    case Family::binary: {
      auto p = Pattern::compile(text, {false, false, false});
      value.pattern = std::move(*p);
      return true;
    }
    case Family::number: {
      auto n = number(text);
      value.number = n.value_or(0);
      return n.has_value();
    }
    case Family::date: {
      auto d = date(text);
      value.date = d.value_or(0);
      return d.has_value();
    }
    case Family::ip: {
      auto r = IpRange::parse(text);
      if (r) value.ip = *r;
      return r.has_value();
    }
    case Family::arn: {
      auto parts = text == "*" ? std::vector<std::string_view>(6, "*") : arn_parts(text);
      for (auto part : parts) {
        auto p = Pattern::compile(part, {true, variables, false});
        if (!p) return false;
        value.arn.push_back(std::move(*p));
      }
      return true;  // a text that is no ARN is accepted, as AWS does, and matches nothing
    }
  }
  return false;
}

std::optional<Condition> Condition::parse(std::string_view operator_name, std::string_view key,
                                          const std::vector<std::string>& values, bool variables,
                                          std::string& why) {
  Condition c;
  if (!c.set_operator(operator_name)) {
    why = "Invalid Condition type : " + std::string(operator_name) + ".";
    return {};
  }
  c.key_ = lowered(key);
  for (auto& text : values) {
    Value value;
    if (!c.set_value(text, variables, value)) {
      why = "Invalid value in Condition " + std::string(operator_name) + " for " + std::string(key) + ": " +
            text + ".";
      return {};
    }
    c.values_.push_back(std::move(value));
  }
  return c;
}

namespace {
template <class T>
bool ordered(int order, T request, T policy) {
  switch (order) {
    case 0:
      return request == policy;
    case 1:
      return request < policy;
    case 2:
      return request <= policy;
    case 3:
      return request > policy;
    default:
      return request >= policy;
  }
}
}  // namespace

bool Condition::one(const Value& value, const std::string& request, const Context& context) const {
  switch (family_) {
    case Family::text:
    case Family::text_ignore_case:
    case Family::like:
    case Family::boolean:
    case Family::binary:
      return value.pattern.matches(request, context);
    case Family::number: {
      auto n = number(request);
      return n && ordered(static_cast<int>(order_), *n, value.number);
    }
    case Family::date: {
      auto d = date(request);
      return d && ordered(static_cast<int>(order_), *d, value.date);
    }
    case Family::ip: {
      auto r = IpRange::parse(request);
      return r && value.ip.contains(*r);
    }
    case Family::arn: {
      auto parts = arn_parts(request);
      if (parts.size() != 6 || value.arn.size() != 6) return false;
      for (size_t i = 0; i < 6; ++i)
        if (!value.arn[i].matches(parts[i], context)) return false;
      return true;
    }
    case Family::null:
      return false;
  }
  return false;
}

bool Condition::any_value(const std::string& request, const Context& context) const {
  for (auto& v : values_)
    if (one(v, request, context)) return true;
  return false;
}

bool Condition::holds(const Context& context) const {
  auto* request = context.find(key_);
  const bool absent = !request || request->empty();
  if (family_ == Family::null) {
    const std::string is_null = absent ? "true" : "false";
    for (auto& v : values_)
      if (v.pattern.matches(is_null, context)) return true;
    return false;
  }
  // Set operators come first: ForAllValues holds for nothing at all, ForAnyValue does not.
  if (quantifier_ == Quantifier::all) {
    if (absent) return true;
    for (auto& r : *request)
      if (any_value(r, context) == negated_) return false;
    return true;
  }
  if (absent) return if_exists_ || (negated_ && quantifier_ == Quantifier::none);
  if (quantifier_ == Quantifier::any) {
    for (auto& r : *request)
      if (any_value(r, context) != negated_) return true;
    return false;
  }
  for (auto& r : *request)
    if (any_value(r, context)) return !negated_;
  return negated_;
}

}  // namespace nubecita::iam
