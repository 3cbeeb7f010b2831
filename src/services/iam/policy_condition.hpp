// One condition of a policy statement: operator, key, values. Pure, constant after it is parsed.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/iam/policy_pattern.hpp"

namespace nubecita::iam {

/// "10.0.0.0/8", "2001:db8::/32" or a single address.
struct IpRange {
  std::array<unsigned char, 16> address{};
  int family = 0;  // 4 or 6
  int bits = 0;
  static std::optional<IpRange> parse(std::string_view text);
  bool contains(const IpRange& address_of_request) const;
};

class Condition {
 public:
  /// `operator_name` as in the document, e.g. "ForAnyValue:StringLikeIfExists"; nothing if there is no such
  /// operator or a value cannot be what the operator compares; `why` says so.
  static std::optional<Condition> parse(std::string_view operator_name, std::string_view key,
                                        const std::vector<std::string>& values, bool variables,
                                        std::string& why);
  bool holds(const Context& context) const;
  const std::string& key() const { return key_; }

 private:
  enum class Family { text, text_ignore_case, like, number, date, boolean, binary, ip, arn, null };
  enum class Order { equal, less, less_equal, greater, greater_equal };
  enum class Quantifier { none, all, any };
  struct Value {
    Pattern pattern;           // text, boolean
    std::vector<Pattern> arn;  // six parts
    double number = 0;
    int64_t date = 0;
    IpRange ip;
  };
  bool set_operator(std::string_view name);
  bool set_value(const std::string& text, bool variables, Value& value) const;
  bool one(const Value& value, const std::string& request, const Context& context) const;
  bool any_value(const std::string& request, const Context& context) const;

  std::string key_;
  std::vector<Value> values_;
  Family family_ = Family::text;
  Order order_ = Order::equal;
  Quantifier quantifier_ = Quantifier::none;
  bool negated_ = false, if_exists_ = false;
};

}  // namespace nubecita::iam
