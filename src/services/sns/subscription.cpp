// Subscribe, ConfirmSubscription, Unsubscribe, ListSubscriptions(ByTopic), Get- and
// SetSubscriptionAttributes.
#include <algorithm>

#include "base/arn.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "models/sns.hpp"
#include "services/sns/delivering.hpp"
#include "services/sns/subscriptions.hpp"

namespace nubecita::sns {
namespace {

constexpr size_t kPage = 100;

Status check_endpoint(std::string_view protocol, std::string_view endpoint, bool fifo_topic) {
  if (protocol == "sqs") {
    auto arn = Arn::parse(endpoint);
    if (!arn || arn->service != "sqs") return invalid("SQS endpoint ARN");
    if (!fifo_topic && arn->resource.ends_with(".fifo"))
      return invalid(
          "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics");
    return {};
  }
  if (protocol == "http" || protocol == "https") {
    if (fifo_topic) return invalid("Protocol: FIFO topics deliver to SQS queues only");
    const std::string start = std::string(protocol) + "://";
    if (!endpoint.starts_with(start) || endpoint.size() == start.size())
      return invalid("Endpoint must match the specified protocol");
    return {};
  }
  static constexpr std::string_view others[] = {"email",       "email-json", "sms",
                                                "application", "lambda",     "firehose"};
  if (std::ranges::find(others, protocol) != std::end(others))
    return invalid("Protocol: " + std::string(protocol) +
                   " is not served by nubecita; sqs, http and https are");
  return invalid("Amazon SNS does not support this protocol string: " + std::string(protocol));
}

Result<std::string> check_attribute(const std::string& name, const std::string& value,
                                    const std::map<std::string, std::string>& others) {
  if (name == "RawMessageDelivery" || name == "PendingConfirmation") {
    if (value != "true" && value != "false")
      return invalid("Attributes Reason: " + name + ": Invalid value [" + value +
                     "]. Must be true or false.");
    return value;
  }
  if (name == "FilterPolicyScope") {
    if (value != "MessageAttributes" && value != "MessageBody")
      return invalid("FilterPolicyScope: Invalid value [" + value +
                     "]. Please use either MessageBody or MessageAttributes");
    return value;
  }
  if (name == "FilterPolicy") {
    if (value.empty() || value == "{}") return std::string();
    auto scope = others.find("FilterPolicyScope");
    if (auto good = FilterPolicy::parse(value, scope != others.end() && scope->second == "MessageBody");
        !good)
      return invalid("FilterPolicy: " + good.error().message);
    return value;
  }
  if (name == "RedrivePolicy") {
    if (value.empty()) return value;
    auto doc = json::parse(value);
    const auto arn = doc && doc->is_object()
                         ? Arn::parse(json::text_or(doc->as_object(), "deadLetterTargetArn"))
                         : std::nullopt;
    if (!arn || arn->service != "sqs") return invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn");
    return value;
  }
  if (name == "DeliveryPolicy") {
    auto doc = json::parse(value);
    if (!value.empty() && (!doc || !doc->is_object()))
      return invalid("DeliveryPolicy: failed to parse JSON.");
    return value;
  }
  if (value.empty()) return value;
  return invalid("AttributeName");
}

void render(api::Call& call, const store::Scope& scope, const std::vector<Subscription>& all,
            wire::List<model::Subscription>& out) {
  out = call.list<model::Subscription>(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    const LocatedSubscription at{scope, all[i]};
    out[i].subscription_arn = call.text(all[i].pending ? "PendingConfirmation" : at.arn());
    out[i].owner = call.text(all[i].owner);
    out[i].protocol = call.text(all[i].protocol);
    out[i].endpoint = call.text(all[i].endpoint);
    out[i].topic_arn = call.text(arn("sns", scope.region, scope.account, all[i].topic));
  }
}

/// The subscription, with the caller authorized: its owner, or whom the topic's policy lets.
Result<LocatedSubscription> locate_subscription(api::Call& call, wire::Text text) {
  auto found = find_subscription(call.tx, text);
  auto parsed = Arn::parse(text);
  const auto account = parsed ? parsed->account : call.account;
  std::string policy;
  if (found)
    if (auto topic = call.tx.get<Topic>(found->scope, found->subscription.topic))
      policy = Located{found->scope, *topic}.policy();
  TRY(allow(
      call.authorize(text, {}, {}, policy, found ? std::string_view(found->subscription.owner) : account)));
  return found;
}

}  // namespace

Result<LocatedSubscription> find_subscription(store::Transaction& tx, std::string_view text) {
  auto arn = Arn::parse(text);
  const auto colon = arn ? arn->resource.find(':') : std::string::npos;
  if (!arn || arn->service != "sns" || colon == std::string::npos)
    return invalid("SubscriptionArn Reason: An ARN must have at least 7 elements");
  LocatedSubscription at{{arn->account, arn->region}, {}};
  auto s = tx.get<Subscription>(at.scope, arn->resource);
  if (!s) return fail("NotFound", "Subscription does not exist", 404);
  at.subscription = std::move(*s);
  return at;
}

Result<LocatedSubscription> confirm(store::Transaction& tx, const Located& topic, std::string_view token,
                                    bool authenticated) {
  for (auto& s : tx.list<Subscription>(topic.scope, topic.topic.name + ":")) {
    if (s.token.empty() || s.token != token) continue;
    LocatedSubscription at{topic.scope, s};
    at.subscription.pending = false;
    at.subscription.authenticated |= authenticated;
    at.subscription.guarded |= authenticated;
    tx.put(at.scope, at.subscription);
    return at;
  }
  return invalid("Token");
}

void remove(store::Transaction& tx, const LocatedSubscription& at) {
  tx.erase<Subscription>(at.scope, at.subscription.key());
  if (auto topic = tx.get<Topic>(at.scope, at.subscription.topic)) {
    ++topic->deleted_subscriptions;
    tx.put(at.scope, *topic);
  }
}

Status subscribe(api::Call& call, const model::SubscribeInput& in, model::SubscribeResponse& out) {
  TRY_LET(auto at, locate(call, in.topic_arn, "sns:Subscribe"));
  Subscription s;
  s.topic = at.topic.name;
  s.protocol = api::str(in.protocol);
  s.endpoint = api::str(in.endpoint);
  TRY(check_endpoint(s.protocol, s.endpoint, at.topic.fifo));
  // The scope first: it says how the policy is to be read.
  for (bool scope : {true, false})
    for (auto& [name, value] : in.attributes) {
      if ((name == "FilterPolicyScope") != scope) continue;
      TRY_LET(auto kept, check_attribute(api::str(name), api::str(value), s.attributes));
      if (!kept.empty()) s.attributes[api::str(name)] = std::move(kept);
    }
  for (auto& old : call.tx.list<Subscription>(at.scope, at.topic.name + ":")) {
    if (old.protocol != s.protocol || old.endpoint != s.endpoint) continue;
    for (auto& [name, value] : s.attributes)
      if (auto has = old.attributes.find(name); has == old.attributes.end() || has->second != value)
        return invalid("Attributes Reason: Subscription already exists with different attributes");
    const LocatedSubscription there{at.scope, old};
    if (old.pending) TRY(ask_to_confirm(call.cloud, call.tx, at, there, call.now));
    out.subscription_arn = call.text(
        old.pending && !in.return_subscription_arn.value_or(false) ? "pending confirmation" : there.arn());
    return {};
  }
  s.id = uuid();
  s.owner = call.account;
  s.principal = call.principal.arn;
  s.created = call.now;
  if (s.protocol == "sqs") {
    s.authenticated = true;
  } else {
    s.pending = true;
    s.token = random_hex(160);
  }
  const LocatedSubscription made{at.scope, s};
  call.tx.put(at.scope, s);
  if (s.pending) TRY(ask_to_confirm(call.cloud, call.tx, at, made, call.now));
  out.subscription_arn = call.text(
      s.pending && !in.return_subscription_arn.value_or(false) ? "pending confirmation" : made.arn());
  return {};
}

Status confirm_subscription(api::Call& call, const model::ConfirmSubscriptionInput& in,
                            model::ConfirmSubscriptionResponse& out) {
  TRY_LET(auto at, locate(call, in.topic_arn, "sns:ConfirmSubscription"));
  TRY_LET(auto s, confirm(call.tx, at, in.token, in.authenticate_on_unsubscribe == "true"));
  out.subscription_arn = call.text(s.arn());
  return {};
}

Status unsubscribe(api::Call& call, const model::UnsubscribeInput& in, model::UnsubscribeResponse&) {
  auto at = locate_subscription(call, in.subscription_arn);
  if (!at && at.error().code == "NotFound") return {};
  TRY(at);
  remove(call.tx, *at);
  return {};
}

Status list_subscriptions(api::Call& call, const model::ListSubscriptionsInput& in,
                          model::ListSubscriptionsResponse& out) {
  TRY(allow(call.authorize("*")));
  std::string next;
  TRY_LET(auto page, api::page(
                         call.tx.list<Subscription>(call.scope()), in.next_token.sv(), kPage,
                         [](const Subscription& s) { return s.key(); }, next, "InvalidParameter"));
  render(call, call.scope(), page, out.subscriptions);
  if (!next.empty()) out.next_token = call.text(next);
  return {};
}

Status list_subscriptions_by_topic(api::Call& call, const model::ListSubscriptionsByTopicInput& in,
                                   model::ListSubscriptionsByTopicResponse& out) {
  TRY_LET(auto at, locate(call, in.topic_arn, "sns:ListSubscriptionsByTopic"));
  std::string next;
  TRY_LET(auto page, api::page(
                         call.tx.list<Subscription>(at.scope, at.topic.name + ":"), in.next_token.sv(), kPage,
                         [](const Subscription& s) { return s.key(); }, next, "InvalidParameter"));
  render(call, at.scope, page, out.subscriptions);
  if (!next.empty()) out.next_token = call.text(next);
  return {};
}

Status get_subscription_attributes(api::Call& call, const model::GetSubscriptionAttributesInput& in,
                                   model::GetSubscriptionAttributesResponse& out) {
  TRY_LET(auto at, locate_subscription(call, in.subscription_arn));
  auto& s = at.subscription;
  std::map<std::string, std::string> a{{"SubscriptionArn", at.arn()},
                                       {"TopicArn", arn("sns", at.scope.region, at.scope.account, s.topic)},
                                       {"Protocol", s.protocol},
                                       {"Endpoint", s.endpoint},
                                       {"Owner", s.owner},
                                       {"SubscriptionPrincipal", s.principal},
                                       {"RawMessageDelivery", "false"},
                                       {"PendingConfirmation", s.pending ? "true" : "false"},
                                       {"ConfirmationWasAuthenticated", s.authenticated ? "true" : "false"}};
  for (auto& [k, v] : s.attributes) a[k] = v;
  if (a.contains("FilterPolicy") && !a.contains("FilterPolicyScope"))
    a["FilterPolicyScope"] = "MessageAttributes";
  out.attributes = call.map(a);
  return {};
}

Status set_subscription_attributes(api::Call& call, const model::SetSubscriptionAttributesInput& in,
                                   model::SetSubscriptionAttributesResponse&) {
  TRY_LET(auto at, locate_subscription(call, in.subscription_arn));
  const auto name = api::str(in.attribute_name);
  static constexpr std::string_view settable[] = {"RawMessageDelivery", "DeliveryPolicy",
                                                  "FilterPolicy",       "FilterPolicyScope",
                                                  "RedrivePolicy",      "SubscriptionRoleArn"};
  if (std::ranges::find(settable, name) == std::end(settable)) return invalid("AttributeName");
  TRY_LET(auto kept, check_attribute(name, api::str(in.attribute_value), at.subscription.attributes));
  if (kept.empty())
    at.subscription.attributes.erase(name);
  else
    at.subscription.attributes[name] = std::move(kept);
  call.tx.put(at.scope, at.subscription);
  return {};
}

}  // namespace nubecita::sns
