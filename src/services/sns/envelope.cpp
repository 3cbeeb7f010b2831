// The JSON of messages and its signature.
#include "api/parts.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "http/client.hpp"
#include "services/sns/delivering.hpp"

namespace nubecita::sns {
namespace {

std::string version_of(const Located& topic) {
  auto it = topic.topic.attributes.find("SignatureVersion");
  return it == topic.topic.attributes.end() ? "1" : it->second;
}

/// Adds what proves where the message comes from.
Status sign(api::Cloud& cloud, const Located& topic,
            const std::vector<std::pair<std::string, std::string>>& sorted, json::object& out) {
  auto& signer = api::part<Signer>(cloud);
  const auto version = version_of(topic);
  TRY_LET(auto signature, signer.sign(text_to_sign(sorted), version));
  TRY_LET(auto path, signer.path());
  out["SignatureVersion"] = version;
  out["Signature"] = signature;
  out["SigningCertURL"] = base_url(cloud) + path;
  return {};
}

}  // namespace

const std::string& Published::text_for(std::string_view protocol) const {
  for (auto& [name, text] : by_protocol)
    if (name == protocol) return text;
  return message;
}

std::string base_url(const api::Cloud& cloud) { return "http://" + cloud.config.listen; }

Result<std::string> envelope(api::Cloud& cloud, const Located& topic, const LocatedSubscription& to,
                             const Published& m) {
  const auto& text = m.text_for(to.subscription.protocol);
  const auto time = iso8601(m.now, true);
  json::object out{{"Type", "Notification"}, {"MessageId", m.id}};
  if (!m.sequence.empty()) out["SequenceNumber"] = m.sequence;
  out["TopicArn"] = topic.arn();
  if (!m.subject.empty()) out["Subject"] = m.subject;
  out["Message"] = text;
  out["Timestamp"] = time;
  TRY(sign(cloud, topic,
           {{"Message", text},
            {"MessageId", m.id},
            {"Subject", m.subject},
            {"Timestamp", time},
            {"TopicArn", topic.arn()},
            {"Type", "Notification"}},
           out));
  out["UnsubscribeURL"] =
      base_url(cloud) + "/?Action=Unsubscribe&SubscriptionArn=" + http::percent_encode(to.arn());
  if (!m.attributes.empty()) {
    json::object attributes;
    for (auto& a : m.attributes)
      attributes[a.name] =
          json::object{{"Type", a.type}, {"Value", a.type.starts_with("Binary") ? base64(a.value) : a.value}};
    out["MessageAttributes"] = std::move(attributes);
  }
  return json::serialize(out);
}

Status ask_to_confirm(api::Cloud& cloud, store::Transaction& tx, const Located& topic,
                      const LocatedSubscription& to, int64_t now) {
  const auto id = uuid(), time = iso8601(now, true);
  const std::string text = "You have chosen to subscribe to the topic " + topic.arn() +
                           ".\nTo confirm the subscription, visit the SubscribeURL included in this message.";
  const auto& token = to.subscription.token;
  const auto url = base_url(cloud) +
                   "/?Action=ConfirmSubscription&TopicArn=" + http::percent_encode(topic.arn()) +
                   "&Token=" + token;
  json::object out{{"Type", "SubscriptionConfirmation"},
                   {"MessageId", id},
                   {"Token", token},
                   {"TopicArn", topic.arn()},
                   {"Message", text},
                   {"SubscribeURL", url},
                   {"Timestamp", time}};
  TRY(sign(cloud, topic,
           {{"Message", text},
            {"MessageId", id},
            {"SubscribeURL", url},
            {"Timestamp", time},
            {"Token", token},
            {"TopicArn", topic.arn()},
            {"Type", "SubscriptionConfirmation"}},
           out));
  put_delivery(tx, to, "SubscriptionConfirmation", id, json::serialize(out), false, now);
  return {};
}

}  // namespace nubecita::sns
