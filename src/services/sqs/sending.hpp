// Putting messages into a queue: what SendMessage, SendMessageBatch, dead letters and deliveries of other
// services share. Inside the SQS service only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "services/sqs/encryption.hpp"
#include "services/sqs/locate.hpp"
#include "services/sqs/sqs.hpp"

namespace nubecita::sqs {

struct Sent {
  std::string id, body_md5, attributes_md5, trace_md5;
  std::string sequence;  // of FIFO queues
};

/// What a message to a FIFO queue must say. Errors: MissingParameter, InvalidParameterValue.
Status check_fifo(const Settings& queue, const Draft& draft);

/// The messages that one operation puts into one queue. outcome() must be told how the transaction ended,
/// whatever happens after the first add().
class Sending {
 public:
  Sending(Queues& queues, store::Transaction& tx, ViewPtr queue, int64_t now, std::string sender);
  /// Before add(): finds the key that the messages are sealed with, if they are. Errors: those of
  /// SealingKeys::key_for().
  Status seal_for(api::Cloud& cloud, const AskerOf& sender);
  /// Checks the draft and writes the message. Errors: InvalidParameterValue, MissingParameter,
  /// InvalidMessageContents.
  Result<Sent> add(Draft draft);
  /// A message that was in another queue; no checks, no deduplication, and it stays encrypted or not as it
  /// is.
  void move_in(Message message);
  api::Afterwards outcome();

 private:
  struct Told;
  void put(Message message, uint64_t number);
  Result<std::string> check(Draft& draft) const;
  store::Transaction& tx_;
  ViewPtr queue_;
  int64_t now_;
  std::string sender_;
  std::shared_ptr<Told> told_;
};

/// 20 digits.
std::string sequence_text(uint64_t number);
/// What AWS lets a message's text consist of.
bool is_message_text(std::string_view text);

}  // namespace nubecita::sqs
