// Encryption at rest. A message is sealed once, under a data key that comes with it in sealed form: under the
// queue's KMS key, or under the installation's (SqsManagedSseEnabled). So it stays readable whatever becomes
// of the queue's attributes, and moves between queues as it is.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "api/cloud.hpp"
#include "services/kms/kms.hpp"
#include "services/sqs/message.hpp"
#include "services/sqs/queues.hpp"

namespace nubecita::sqs {

/// A data key as messages are sealed with it.
struct SealingKey {
  std::string plain, sealed;
  std::string queue;    // ARN in the encryption context; empty: the key is sealed under the installation's
  std::string kms_key;  // ARN
};

/// Hides body, attributes, digests and deduplication id.
void seal(Message& message, const SealingKey& key);

/// The data keys that are in use for sending: a queue's for its KmsDataKeyReusePeriodSeconds, our own for an
/// hour. One per process (api::part<SealingKeys>). Any thread.
class SealingKeys {
 public:
  explicit SealingKeys(api::Cloud& cloud) : cloud_(cloud) {}
  /// The key that the queue's messages are sealed with now; nothing if they are not. Whoever asks needs
  /// kms:GenerateDataKey and kms:Decrypt, at every time. Errors: KmsAccessDenied, KmsDisabled, KmsNotFound,
  /// KmsInvalidState.
  Result<std::optional<SealingKey>> key_for(const View& queue, const kms::Asker& asker);
  /// To be told once the transaction in which key_for() was asked is on the disk: an AWS managed key that it
  /// has made may come to nothing before.
  void keep(const View& queue, const SealingKey& key, int64_t now);

 private:
  struct Kept {
    SealingKey key;
    int64_t until = 0;
  };
  Result<SealingKey> own(int64_t now);
  api::Cloud& cloud_;
  std::mutex mutex_;
  std::unordered_map<std::string, Kept> kept_;  // by queue id
  Kept own_;
};

/// Reads what one receiver gets: each data key is opened once, with kms:Decrypt. The caller's transaction.
class Unsealing {
 public:
  explicit Unsealing(kms::Asker asker) : asker_(std::move(asker)) {}
  /// Errors: KmsAccessDenied, KmsDisabled, KmsNotFound (also of a key that was deleted), KmsInvalidState.
  Status open(Message& message);

 private:
  kms::Asker asker_;
  std::map<std::string, std::string> opened_;
};

/// "sqs.us-east-1.amazonaws.com" asks for `principal`, in the queue's account.
kms::Asker asker_for(api::Call& call, const View& queue);

}  // namespace nubecita::sqs
