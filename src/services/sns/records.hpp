// What SNS keeps. A message for a queue goes into the queue in the transaction of its Publish; one for an
// HTTP endpoint becomes a Delivery in it, which the controller works off (delivery.cpp). Plain data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace nubecita::sns {

struct Topic {
  static constexpr std::string_view kTable = "sns.topic";
  std::string name;
  bool fifo = false;
  int64_t created = 0, deleted_subscriptions = 0;
  std::map<std::string, std::string> attributes;  // those that were set, by AWS's names
  std::map<std::string, std::string> tags;
  std::string key() const { return name; }
  template <class A>
  void fields(A& a) {
    a("name", name)("fifo", fifo)("created", created)("deleted", deleted_subscriptions)(
        "attributes", attributes)("tags", tags);
  }
};

struct Subscription {
  static constexpr std::string_view kTable = "sns.subscription";
  std::string topic, id;  // the ARN is the topic's, a colon and the id
  std::string protocol, endpoint, owner, principal;
  bool pending = false, authenticated = false, guarded = false;  // guarded: Unsubscribe needs a signature
  std::string token;                                             // that confirms it
  int64_t created = 0;
  std::map<std::string, std::string> attributes;
  std::string key() const { return topic + ":" + id; }
  template <class A>
  void fields(A& a) {
    a("topic", topic)("id", id)("protocol", protocol)("endpoint", endpoint)("owner", owner)(
        "principal", principal)("pending", pending)("authenticated", authenticated)("guarded", guarded)(
        "token", token)("created", created)("attributes", attributes);
  }
};

/// A request that an HTTP endpoint has not accepted yet.
struct Delivery {
  static constexpr std::string_view kTable = "sns.delivery";
  std::string id;            // begins with a number: their order
  std::string subscription;  // key of it
  std::string type;          // Notification, SubscriptionConfirmation, UnsubscribeConfirmation
  std::string message_id, body;
  std::string data_key;  // sealed by KMS for the topic; empty: `body` is not encrypted
  bool raw = false;
  int64_t created = 0, attempts = 0, due = 0;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("subscription", subscription)("type", type)("message", message_id)("body", body)(
        "key", data_key)("raw", raw)("created", created)("attempts", attempts)("due", due);
  }
};

/// What was published to FIFO topics in the last five minutes:
/// sns.dedup/<account>/<region>/<topic>:<hash> = "<until> <message id> <sequence number>"
inline constexpr std::string_view kDedup = "sns.dedup";

}  // namespace nubecita::sns
