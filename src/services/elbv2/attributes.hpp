// Attributes of load balancers, listeners and target groups: AWS's keys, their defaults, which values are
// served. Facts and pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "services/elbv2/records.hpp"

namespace nubecita::elbv2 {

struct AttributeKind {
  std::string_view key, otherwise;  // otherwise: AWS's default
  enum class Values { only_default, boolean, number, choice, cookie } values;
  int64_t from = 0, to = 0;       // number
  std::string_view choices = {};  // "a|b"
};

std::span<const AttributeKind> lb_attributes();
std::span<const AttributeKind> group_attributes();
std::span<const AttributeKind> listener_attributes();

/// Every key with its value, AWS's default where `set` has none.
Attributes with_defaults(std::span<const AttributeKind> kinds, const Attributes& set);
std::string value_of(std::span<const AttributeKind> kinds, const Attributes& set, std::string_view key);
/// Sets one. `subject`: "Load balancer", "Target group", "Listener". Errors: ValidationError "<subject>
/// attribute key 'x' is not recognized" (the Terraform provider looks for these words),
/// InvalidConfigurationRequest for a value that is not served.
Status set_attribute(std::span<const AttributeKind> kinds, std::string_view subject, Attributes& set,
                     std::string_view key, std::string_view value);

}  // namespace nubecita::elbv2
