// Filter policies: which messages a subscription wants.
// https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
// A policy is constant once parsed. Any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace nubecita::sns {

struct MessageAttribute {
  std::string name, type, value;  // a binary value as its bytes
};

class FilterPolicy {
 public:
  /// `nested`: of the message's body, where a key may hold another policy. The error's message says what is
  /// wrong with it, for "Invalid parameter: FilterPolicy: ...".
  static Result<FilterPolicy> parse(std::string_view text, bool nested);
  ~FilterPolicy();
  FilterPolicy(FilterPolicy&&) noexcept;
  FilterPolicy& operator=(FilterPolicy&&) noexcept;

  bool wants(const std::vector<MessageAttribute>& attributes) const;
  /// A body that is no JSON object is wanted by nobody who asks for something of it.
  bool wants_body(std::string_view body) const;

  struct Rules;

 private:
  explicit FilterPolicy(std::unique_ptr<Rules> rules);
  std::unique_ptr<Rules> rules_;
};

}  // namespace nubecita::sns
