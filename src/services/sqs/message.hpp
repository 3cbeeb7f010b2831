// A message as it lies in the store, its digests as clients check them, and receipt handles. Values and pure
// functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/sqs/records.hpp"

namespace nubecita::sqs {

struct Attribute {
  std::string name,
      type;  // "String", "Number.int", "Binary.png": the part before the dot says what `value` is
  std::string value;
  bool binary() const { return type.starts_with("Binary"); }
};

struct Message {
  std::string id;  // a UUID
  std::string body, body_md5;
  std::string attributes_md5;  // empty: no attributes
  std::vector<Attribute> attributes;
  std::string trace_header;  // AWSTraceHeader
  std::string sender;        // unique id of who sent it
  int64_t sent = 0;          // ms
  int64_t available = 0;     // ms from which it could be received at first
  std::string group, dedup;
  std::string dead_letter_source;  // ARN of the queue that it came from

  /// The contents of a message that is encrypted (encryption.hpp): its body, attributes, digests, trace
  /// header and deduplication id are empty until it is opened.
  struct Sealed {
    std::string key;    // the data key, sealed
    std::string queue;  // ARN of the queue it was sealed for; empty: under the installation's key
    std::string bytes;  // empty: the message is not encrypted
  } sealed;
};

/// Bytes with a version in front; only decode_message reads them. An attacker never writes them, but a disk
/// may: nothing for what encode_message did not write.
std::string encode_message(const Message& message);
std::optional<Message> decode_message(std::string_view bytes);
/// What is sealed of an encrypted message.
std::string encode_contents(const Message& message);
bool decode_contents(std::string_view bytes, Message& message);
void clear_contents(Message& message);
/// The parts of a stored message that say when it can be received, without looking at the rest.
struct Head {
  int64_t sent = 0, available = 0;
  std::string_view group;
};
std::optional<Head> decode_head(std::string_view bytes);

/// 32 hexadecimal digits.
std::string md5_hex(std::string_view bytes);
/// MD5OfMessageAttributes: over the attributes sorted by name; empty for none.
/// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
std::string md5_of_attributes(std::vector<Attribute> attributes);
/// What counts towards the queue's limit: the body and names, types and values of the attributes.
size_t size_of(std::string_view body, const std::vector<Attribute>& attributes);

struct Receipt {
  std::string queue;  // its id
  int64_t generation = 0;
  Place place;
  uint32_t ticket = 0;
  std::string text() const;
  static std::optional<Receipt> parse(std::string_view text);
};

}  // namespace nubecita::sqs
