// Encryption at rest. A message is sealed once, under a data key that comes with it in sealed form: under the
// queue's KMS key, or under the installation's (SqsManagedSseEnabled). So it stays readable whatever becomes
// of the queue's attributes, and moves between queues as it is.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
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

/// Who sends or receives: made only if KMS is to be asked.
using AskerOf = std::function<kms::Asker()>;

using SealingKeyPtr = std::shared_ptr<const SealingKey>;

/// Hides body, attributes, digests and deduplication id.
void seal(Message& message, const SealingKey& key);

/// The data keys that are in use for sending: a queue's for its KmsDataKeyReusePeriodSeconds, our own for an
/// hour. One per process (api::part<SealingKeys>). Any thread.
class SealingKeys {
 public:
  explicit SealingKeys(api::Cloud& cloud) : cloud_(cloud) {}
  /// The key that the queue's messages are sealed with now; null if they are not. Whoever asks needs
  /// kms:GenerateDataKey and kms:Decrypt, at every time. Errors: KmsAccessDenied, KmsDisabled, KmsNotFound,
  /// KmsInvalidState.
  Result<SealingKeyPtr> key_for(const View& queue, const AskerOf& sender, int64_t now);
  /// To be told once the transaction in which key_for() was asked is on the disk: an AWS managed key that it
  /// has made may come to nothing before.
  void keep(const View& queue, const SealingKeyPtr& key, int64_t now);
  /// A data key of our own, as it came with a message.
  Result<std::string> open_own(const std::string& sealed);

 private:
  struct Kept {
    SealingKeyPtr key;
    int64_t until = 0;
  };
  Result<SealingKeyPtr> own(int64_t now);
  api::Cloud& cloud_;
  std::mutex mutex_;
  std::unordered_map<std::string, Kept> kept_;  // by queue id
  Kept own_;
};

/// Reads what one receiver gets: each data key is opened once, with kms:Decrypt. The caller's transaction.
class Unsealing {
 public:
  Unsealing(api::Cloud& cloud, AskerOf receiver) : cloud_(cloud), receiver_(std::move(receiver)) {}
  /// Errors: KmsAccessDenied, KmsDisabled, KmsNotFound (also of a key that was deleted), KmsInvalidState.
  Status open(Message& message);

 private:
  api::Cloud& cloud_;
  AskerOf receiver_;
  std::map<std::string, std::string> opened_;
};

/// "sqs.us-east-1.amazonaws.com" asks for the caller, in the queue's account. Both outlive what is answered.
AskerOf asker_for(api::Call& call, const View& queue);

}  // namespace nubecita::sqs
