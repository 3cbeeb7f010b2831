// What other services may ask of SQS: to send messages to queues, in their own transaction. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "api/cloud.hpp"
#include "api/run.hpp"
#include "api/service.hpp"
#include "base/result.hpp"
#include "services/sqs/message.hpp"
#include "store/store.hpp"

namespace nubecita::sqs {

const api::Service& service();

/// Deletes what is beyond retention and what was left behind; moves messages of move tasks.
void add_controllers(api::Cloud& cloud);

struct Draft {
  std::string body;
  std::vector<Attribute> attributes;
  std::string trace_header;
  std::string group, dedup;
  int64_t delay_ms = -1;  // negative: the queue's
};

/// Sends one message to the queue `arn` for one of our services ("sns.amazonaws.com"), if the queue's policy
/// lets it (`conditions`, e.g. aws:SourceArn). `then` must be called as api::afterwards says. Errors:
/// QueueDoesNotExist, AccessDenied, InvalidParameterValue, MissingParameter.
Status deliver(api::Cloud& cloud, store::Transaction& tx, std::string_view service_principal,
               std::string_view arn, const api::Conditions& conditions, Draft draft, int64_t now,
               std::vector<api::Afterwards>& then);

}  // namespace nubecita::sqs
