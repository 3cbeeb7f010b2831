// A queue's attributes: what AWS takes, in which bounds, with which defaults. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace nubecita::sqs {

/// The attributes as the service works with them.
struct Settings {
  int64_t delay_ms = 0, visibility_ms = 30'000, retention_ms = 345'600'000, wait_ms = 0;
  size_t most_bytes = 1'048'576;
  std::string kms_key;  // as the client names it; empty: none
  int64_t key_reuse_ms = 300'000;
  bool managed_encryption = true;  // SqsManagedSseEnabled; never together with a KMS key
  bool fifo = false, content_dedup = false, dedup_by_group = false;
  std::string policy;
  std::string dead_letter_arn;  // of the redrive policy; empty: none
  int64_t most_receives = 0;
  std::string redrive_permission;            // allowAll (also if empty), denyAll, byQueue
  std::vector<std::string> redrive_sources;  // of byQueue
};

using Attributes = std::map<std::string, std::string>;

/// Checks one attribute that a client sets. `creating`: FifoQueue may come only then. Answers the value to
/// keep; empty: none (an empty policy removes it). Errors: InvalidAttributeName, InvalidAttributeValue.
Result<std::string> check_attribute(const std::string& name, const std::string& value, bool fifo,
                                    bool creating);
/// Checks what one attribute means for another.
Status check_together(const Attributes& all, bool fifo);
/// The one kind of encryption takes the other's place: what `changed` (those that a client sets now) means
/// for the rest. Error InvalidAttributeName: both are asked for.
Status settle_encryption(Attributes& all, const Attributes& changed);
/// What a queue has, whoever has set it.
Attributes effective_attributes(const Attributes& set, bool fifo);
Settings settings_of(const Attributes& attributes, bool fifo);
/// Those that a queue has without anybody's setting them.
const Attributes& default_attributes(bool fifo);

}  // namespace nubecita::sqs
