// Which service, operation and protocol a request means. Pure, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/service.hpp"
#include "base/arena.hpp"
#include "base/result.hpp"
#include "wire/protocol.hpp"

namespace nubecita::gateway {

struct Route {
  const api::Service* service = nullptr;      // null: nothing of ours
  const api::Operation* operation = nullptr;  // null: an unknown name
  wire::Protocol protocol = wire::Protocol::query;
  std::string_view name;  // of the operation, as asked for
};

class Router {
 public:
  explicit Router(std::vector<const api::Service*> services) : services_(std::move(services)) {}

  /// `signing_name` is the service of the signature's scope, empty when the request has none. Text of the
  /// answer may live in `arena`.
  Route find(const wire::RawRequest& request, std::string_view signing_name, Arena& arena) const;

 private:
  const api::Service* by_target(std::string_view prefix) const;
  const api::Service* by_name(std::string_view signing_name, std::string_view version,
                              std::string_view host) const;
  std::vector<const api::Service*> services_;
};

/// Parameters of a query-protocol request: the body, or for GET the query string without the signature's
/// parameters.
std::string_view form_of(const wire::RawRequest& request, Arena& arena);

/// `form` and what the request's path says, if the service has a parameter for it and it is not given:
/// queries of SQS are sent to the queue's URL.
/// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html
std::string_view with_path(std::string_view form, const api::Service& service,
                           const wire::RawRequest& request, Arena& arena);

/// The error for an operation that is not served, in the protocol's words.
ApiError not_served(const Route& route);

}  // namespace nubecita::gateway
