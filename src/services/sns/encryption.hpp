// Encryption at rest of what waits in a topic for its delivery: requests to HTTP endpoints. What goes to a
// queue is encrypted as the queue says.
// https://docs.aws.amazon.com/sns/latest/dg/sns-server-side-encryption.html
// The caller's transaction.
#pragma once

#include <optional>
#include <string>

#include "services/kms/kms.hpp"
#include "services/sns/topics.hpp"

namespace nubecita::sns {

/// A data key of the topic's KMS key; nothing if it has none. A publisher needs kms:GenerateDataKey and
/// kms:Decrypt; `asker` says who it is, the rest is the topic's. Errors: KMSAccessDenied, KMSDisabled,
/// KMSNotFound, KMSInvalidState.
Result<std::optional<kms::DataKey>> data_key_for(const Located& topic, kms::Asker asker);

void seal(Delivery& delivery, const kms::DataKey& key);
/// The delivery's body as it is to be sent. Errors as above.
Result<std::string> opened_body(api::Cloud& cloud, store::Transaction& tx, const store::Scope& scope,
                                const Delivery& delivery, int64_t now);

}  // namespace nubecita::sns
