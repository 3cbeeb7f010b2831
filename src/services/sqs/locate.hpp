// Finding the queue that a request means, and asking whether the caller may. Inside the SQS service only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/call.hpp"
#include "api/parts.hpp"
#include "api/run.hpp"
#include "services/sqs/queues.hpp"

namespace nubecita::sqs {

struct Located {
  ViewPtr view;
  const Settings& settings() const { return view->settings; }
  const Queue& queue() const { return view->queue; }
};

inline Queues& queues(api::Call& call) { return api::part<Queues>(call.cloud); }

/// The queue of a queue URL, with the caller authorized for `action` ("sqs:SendMessage") on it, its policy
/// considered. Errors: QueueDoesNotExist, InvalidAddress, AccessDenied.
Result<Located> locate(api::Call& call, std::string_view url, std::string_view action);
/// The same for a queue that only its own account may work on, whatever the policy says.
Result<Located> locate_own(api::Call& call, std::string_view url, std::string_view action);
/// Nobody signed the request: a queue's policy let it in.
bool anonymous(const api::Call& call);
ApiError no_queue();
std::string url_of(const api::Call& call, std::string_view account, std::string_view name);
std::unexpected<ApiError> invalid_parameter(std::string message);

}  // namespace nubecita::sqs
