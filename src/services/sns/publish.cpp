// Publish, PublishBatch.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <set>

#include "api/run.hpp"
#include "base/arn.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "models/sns.hpp"
#include "services/iam/ask.hpp"
#include "services/sns/delivering.hpp"
#include "services/sns/sns.hpp"
#include "services/sqs/sqs.hpp"

namespace nubecita::sns {
namespace {

constexpr size_t kMostBytes = 262'144, kMostEntries = 10;
constexpr int64_t kDedupTime = 5 * 60'000;

Status check_attribute(const MessageAttribute& a) {
  auto bad = [](std::string message) { return fail("ParameterValueInvalid", std::move(message)); };
  const auto kind = std::string_view(a.type).substr(0, a.type.find('.'));
  if (a.type.empty())
    return bad("The message attribute '" + a.name + "' must contain non-empty message attribute type.");
  if (kind != "String" && kind != "Number" && kind != "Binary")
    return bad("The message attribute '" + a.name +
               "' has an invalid message attribute type, the set of supported type "
               "prefixes is Binary, Number, and String.");
  if (a.value.empty())
    return bad("The message attribute '" + a.name +
               "' must contain non-empty message attribute value for message attribute "
               "type '" +
               a.type + "'.");
  if (kind == "Number") {
    double v = 0;
    auto [end, error] = std::from_chars(a.value.data(), a.value.data() + a.value.size(), v);
    if (error != std::errc() || end != a.value.data() + a.value.size())
      return bad("Could not cast message attribute '" + a.name + "' value to number.");
  }
  return {};
}

/// What a message to a FIFO topic must say. Of a batch, one that does not refuses all.
template <class In>
Status check_fifo(const Topic& topic, const In& in) {
  if (in.message_group_id.empty()) return invalid("The MessageGroupId parameter is required for FIFO topics");
  auto content = topic.attributes.find("ContentBasedDeduplication");
  if (in.message_deduplication_id.empty() && (content == topic.attributes.end() || content->second != "true"))
    return invalid(
        "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
        "provided explicitly");
  return {};
}

template <class In>
Result<Published> published(const api::Call& call, const Located& at, const In& in) {
  Published m;
  m.now = call.now;
  m.id = uuid();
  m.message = api::str(in.message);
  m.subject = api::str(in.subject);
  m.group = api::str(in.message_group_id);
  m.dedup = api::str(in.message_deduplication_id);
  if (m.message.empty()) return invalid("Empty message");
  if (m.subject.size() > 100) return invalid("Subject");
  size_t bytes = m.message.size();
  for (auto& [name, v] : in.message_attributes) {
    MessageAttribute a{api::str(name), api::str(v.data_type), {}};
    a.value = api::str(a.type.starts_with("Binary") ? v.binary_value : v.string_value);
    TRY(check_attribute(a));
    bytes += a.name.size() + a.type.size() + a.value.size();
    m.attributes.push_back(std::move(a));
  }
  if (bytes > kMostBytes) return invalid("Message too long");
  if (in.message_structure.has() && in.message_structure != "json")
    return invalid("MessageStructure: " + api::str(in.message_structure) + " is not json");
  if (in.message_structure == "json") {
    auto doc = json::parse(m.message);
    if (!doc || !doc->is_object()) return invalid("Message Structure - JSON message body failed to parse");
    auto* usual = doc->as_object().if_contains("default");
    if (!usual || !usual->is_string())
      return invalid("Message Structure - No default entry in JSON message body");
    for (auto& [name, v] : doc->as_object())
      if (v.is_string()) m.by_protocol.emplace_back(std::string(name), json::text_or(doc->as_object(), name));
    m.message = json::text_or(doc->as_object(), "default");
  }
  if (!at.topic.fifo) {
    if (!m.dedup.empty())
      return invalid(
          "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not "
          "valid for this topic type");
    return m;
  }
  TRY(check_fifo(at.topic, in));
  if (m.dedup.empty()) m.dedup = to_hex(sha256(m.message));
  return m;
}

bool is_set(const Subscription& s, const char* name) {
  auto it = s.attributes.find(name);
  return it != s.attributes.end() && it->second == "true";
}

bool wanted(const Subscription& s, const Published& m) {
  auto policy = s.attributes.find("FilterPolicy");
  if (policy == s.attributes.end() || policy->second.empty()) return true;
  auto scope = s.attributes.find("FilterPolicyScope");
  const bool body = scope != s.attributes.end() && scope->second == "MessageBody";
  auto filter = FilterPolicy::parse(policy->second, body);
  return filter && (body ? filter->wants_body(m.text_for(s.protocol)) : filter->wants(m.attributes));
}

class Publishing {
 public:
  /// `then` must be called as api::afterwards says.
  Publishing(api::Cloud& cloud, store::Transaction& tx, const Located& topic, int64_t now,
             std::vector<api::Afterwards>& then)
      : cloud_(cloud),
        tx_(tx),
        topic_(topic),
        now_(now),
        then_(then),
        subscriptions_(tx.list<Subscription>(topic.scope, topic.topic.name + ":")) {}

  /// Before publish(). Errors: those of data_key_for().
  Status seal_for(const kms::Asker& publisher) {
    TRY_LET(key_, data_key_for(topic_, publisher));
    return {};
  }

  Status publish(Published& m) {
    if (topic_.topic.fifo && is_duplicate(m)) return {};
    for (auto& s : subscriptions_)
      if (!s.pending && wanted(s, m)) TRY(give(s, m));
    return {};
  }

 private:
  /// Read in the transaction: of two at once, one sees the other.
  bool is_duplicate(Published& m) {
    auto scope = topic_.topic.attributes.find("FifoThroughputScope");
    const bool by_group = scope != topic_.topic.attributes.end() && scope->second == "MessageGroup";
    const auto key =
        store::make_key(kDedup, topic_.scope,
                        topic_.topic.name + ":" + to_hex(sha256((by_group ? m.group : "") + '\0' + m.dedup)));
    if (auto before = tx_.get(key)) {
      int64_t until = 0;
      std::from_chars(before->data(), before->data() + before->size(), until);
      const auto first = before->find(' '), second = before->rfind(' ');
      if (until > now_ && first != second) {
        m.id = before->substr(first + 1, second - first - 1);
        m.sequence = before->substr(second + 1);
        return true;
      }
    }
    // 20 digits that grow: AWS gives a topic's messages numbers of their own, apart from the queues'.
    static std::atomic<int64_t> last{0};
    int64_t before = last.load(), number = 0;
    do {
      number = std::max(before + 1, now_ * 1'000'000);
    } while (!last.compare_exchange_weak(before, number));
    m.sequence = std::to_string(number);
    m.sequence.insert(0, 20 - m.sequence.size(), '0');
    tx_.put(key, std::to_string(now_ + kDedupTime) + " " + m.id + " " + m.sequence);
    return false;
  }

  Status give(const Subscription& s, const Published& m) {
    const LocatedSubscription to{topic_.scope, s};
    const bool raw = is_set(s, "RawMessageDelivery");
    std::string body = m.text_for(s.protocol);
    if (!raw) {
      TRY_LET(body, envelope(cloud_, topic_, to, m));
    }
    if (s.protocol != "sqs") {
      put_delivery(tx_, to, "Notification", m.id, std::move(body), raw, now_, key_ ? &*key_ : nullptr);
      return {};
    }
    sqs::Draft draft;
    draft.body = body;
    draft.group = m.group;
    if (s.endpoint.ends_with(".fifo")) draft.dedup = m.dedup;
    if (raw)
      for (auto& a : m.attributes) draft.attributes.push_back({a.name, a.type, a.value});
    auto sent =
        sqs::deliver(cloud_, tx_, "sns.amazonaws.com", s.endpoint,
                     {{"aws:SourceArn", {topic_.arn()}}, {"aws:SourceAccount", {topic_.scope.account}}},
                     std::move(draft), now_, then_);
    if (!sent) {
      log_info("sns", "{} to {}: {}", topic_.arn(), s.endpoint, sent.error().message);
      bury(cloud_, tx_, to, std::move(body), raw ? m.attributes : std::vector<MessageAttribute>(), now_,
           then_);
    }
    return {};
  }

  api::Cloud& cloud_;
  store::Transaction& tx_;
  const Located& topic_;
  const int64_t now_;
  std::vector<api::Afterwards>& then_;
  std::vector<Subscription> subscriptions_;
  std::optional<kms::DataKey> key_;
};

/// Within an operation.
class Publication {
 public:
  Publication(api::Call& call, const Located& topic)
      : call_(call), publishing_(call.cloud, call.tx, topic, call.now, then_) {}
  Status seal() {
    return publishing_.seal_for({.cloud = call_.cloud,
                                 .tx = call_.tx,
                                 .principal = call_.principal,
                                 .scope = {},
                                 .via = {},
                                 .conditions = call_.request_conditions.get(),
                                 .now = call_.now});
  }
  Status publish(Published& m) {
    auto done = publishing_.publish(m);
    for (auto& f : std::exchange(then_, {})) api::afterwards(call_, std::move(f));
    return done;
  }

 private:
  api::Call& call_;
  std::vector<api::Afterwards> then_;
  Publishing publishing_;
};

}  // namespace

Status publish(api::Call& call, const model::PublishInput& in, model::PublishResponse& out) {
  if (!in.topic_arn.has() && !in.target_arn.has()) {
    call.authorize_nothing();
    return invalid("TopicArn or TargetArn Reason: no value for required parameter");
  }
  TRY_LET(auto at, locate(call, in.topic_arn.has() ? in.topic_arn : in.target_arn, "sns:Publish"));
  TRY_LET(auto m, published(call, at, in));
  Publication publication(call, at);
  TRY(publication.seal());
  TRY(publication.publish(m));
  out.message_id = call.text(m.id);
  if (!m.sequence.empty()) out.sequence_number = call.text(m.sequence);
  return {};
}

Status publish_batch(api::Call& call, const model::PublishBatchInput& in, model::PublishBatchResponse& out) {
  TRY_LET(auto at, locate(call, in.topic_arn, "sns:Publish"));
  const auto& entries = in.publish_batch_request_entries;
  if (entries.empty()) return fail("EmptyBatchRequest", "The batch request doesn't contain any entries.");
  if (entries.size() > kMostEntries)
    return fail("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.");
  std::set<std::string_view> ids;
  size_t bytes = 0;
  for (auto& e : entries) {
    if (!ids.insert(e.id.sv()).second)
      return fail("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.");
    bytes += e.message.size();
  }
  if (at.topic.fifo)
    for (auto& e : entries) TRY(check_fifo(at.topic, e));
  if (bytes > kMostBytes)
    return fail("BatchRequestTooLong", "The length of all the messages put together is more than the limit.");
  out.successful = call.list<model::PublishBatchResultEntry>(entries.size());
  out.failed = call.list<model::BatchResultErrorEntry>(entries.size());
  out.successful.size_ = out.failed.size_ = 0;
  Publication publication(call, at);
  TRY(publication.seal());
  for (auto& e : entries) {
    auto m = published(call, at, e);
    Status done;
    if (!m)
      done = fail(m.error());
    else
      done = publication.publish(*m);
    if (done) {
      auto& o = out.successful.data_[out.successful.size_++];
      o.id = e.id;
      o.message_id = call.text(m->id);
      if (!m->sequence.empty()) o.sequence_number = call.text(m->sequence);
    } else {
      auto& o = out.failed.data_[out.failed.size_++];
      o.id = e.id;
      o.code = call.text(done.error().code);
      o.message = call.text(done.error().message);
      o.sender_fault = done.error().status < 500;
    }
  }
  return {};
}

Status publish_for(api::Cloud& cloud, store::Transaction& tx, std::string_view service_principal,
                   std::string_view topic_arn, const api::Conditions& conditions, std::string subject,
                   std::string message, int64_t now, std::vector<api::Afterwards>& then) {
  auto arn = Arn::parse(topic_arn);
  if (!arn || arn->service != "sns") return invalid("TopicArn");
  Located at{{arn->account, arn->region}, {}};
  auto topic = tx.get<Topic>(at.scope, arn->resource);
  if (!topic) return fail("NotFound", "Topic does not exist", 404);
  at.topic = std::move(*topic);
  TRY(iam::check_service(tx, service_principal, "sns:Publish", topic_arn, conditions, at.policy(),
                         at.scope.account));
  if (at.topic.fifo) return invalid("TopicArn Reason: a FIFO topic");
  Published m;
  m.now = now;
  m.id = uuid();
  m.subject = std::move(subject);
  m.message = std::move(message);
  Publishing publishing(cloud, tx, at, now, then);
  TRY(publishing.seal_for({.cloud = cloud,
                           .tx = tx,
                           .principal = kms::ourselves(),
                           .scope = {},
                           .via = {},
                           .conditions = conditions,
                           .now = now,
                           .service = std::string(service_principal)}));
  return publishing.publish(m);
}

}  // namespace nubecita::sns
