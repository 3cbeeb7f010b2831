// How a message looks to its receivers, and the requests to HTTP endpoints. Inside the SNS service only.
#pragma once

#include <string>
#include <vector>

#include "api/run.hpp"
#include "services/sns/encryption.hpp"
#include "services/sns/filter.hpp"
#include "services/sns/signing.hpp"
#include "services/sns/topics.hpp"

namespace nubecita::sns {

struct Published {
  std::string id, subject;
  std::string message;  // as published, or the "default" of a message structure
  std::vector<std::pair<std::string, std::string>> by_protocol;  // of a message structure
  std::vector<MessageAttribute> attributes;
  std::string group, dedup, sequence;  // FIFO
  int64_t now = 0;
  const std::string& text_for(std::string_view protocol) const;
};

/// Where clients reach this installation, for links in messages: "http://127.0.0.1:4566".
std::string base_url(const api::Cloud& cloud);
/// The JSON that a receiver without raw delivery gets.
Result<std::string> envelope(api::Cloud& cloud, const Located& topic, const LocatedSubscription& subscription,
                             const Published& message);
/// Asks an HTTP endpoint to confirm its subscription.
Status ask_to_confirm(api::Cloud& cloud, store::Transaction& tx, const Located& topic,
                      const LocatedSubscription& subscription, int64_t now);
/// What could not be delivered goes to the subscription's dead-letter queue if it has one.
void bury(api::Cloud& cloud, store::Transaction& tx, const LocatedSubscription& subscription,
          std::string body, const std::vector<MessageAttribute>& attributes, int64_t now,
          std::vector<api::Afterwards>& then);
/// `key`: of an encrypted topic; null: none.
void put_delivery(store::Transaction& tx, const LocatedSubscription& subscription, std::string type,
                  std::string message_id, std::string body, bool raw, int64_t now,
                  const kms::DataKey* key = nullptr);

}  // namespace nubecita::sns
