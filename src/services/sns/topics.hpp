// Finding topics and subscriptions by ARN, asking who may. Inside the SNS service only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/call.hpp"
#include "services/sns/records.hpp"

namespace nubecita::sns {

struct Located {
  store::Scope scope;
  Topic topic;
  std::string arn() const;
  std::string policy() const;
};
struct LocatedSubscription {
  store::Scope scope;
  Subscription subscription;
  std::string arn() const;
};

std::unexpected<ApiError> invalid(std::string message);
/// The topic, with the caller authorized for `action` ("sns:Publish") by its policy and the principal's own.
/// Errors: InvalidParameter, NotFound, AuthorizationError.
Result<Located> locate(api::Call& call, wire::Text arn, std::string_view action);
Result<LocatedSubscription> find_subscription(store::Transaction& tx, std::string_view arn);
/// An AuthorizationError, as SNS calls it.
Status allow(Status decision);
std::string default_policy(const std::string& arn, const std::string& account);

/// One attribute that a client sets; the value to keep. Errors: InvalidParameter.
Result<std::string> check_topic_attribute(const std::string& name, const std::string& value, bool fifo,
                                          bool creating);

}  // namespace nubecita::sns
