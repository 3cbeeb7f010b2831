// CreateTopic, DeleteTopic, ListTopics, GetTopicAttributes, SetTopicAttributes, tags.
#include <algorithm>

#include "base/arn.hpp"
#include "base/json.hpp"
#include "models/sns.hpp"
#include "services/iam/iam.hpp"
#include "services/sns/sns.hpp"
#include "services/sns/topics.hpp"

namespace nubecita::sns {
namespace {

constexpr size_t kMostTags = 50, kPage = 100, kMostKeyName = 2048;
constexpr std::string_view kDeliveryPolicy =
    R"({"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}})";

Status check_name(std::string_view name, bool fifo) {
  auto base = name;
  const bool suffix = base.ends_with(".fifo");
  if (suffix) base.remove_suffix(5);
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (fifo && (!suffix || base.empty() || name.size() > 256 || !std::ranges::all_of(base, good)))
    return invalid(
        "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII "
        "letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.");
  if (!fifo && (suffix || base.empty() || name.size() > 256 || !std::ranges::all_of(base, good)))
    return invalid(
        "Topic names must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, "
        "and hyphens, and must be between 1 and 256 characters long.");
  return {};
}

bool is_json_object(const std::string& text) {
  auto doc = json::parse(text);
  return doc && doc->is_object();
}

template <class Tags>
Status add_tags(std::map<std::string, std::string>& all, const Tags& tags) {
  for (auto& t : tags) all[api::str(t.key)] = api::str(t.value);
  if (all.size() > kMostTags)
    return fail("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded");
  return {};
}

}  // namespace

std::unexpected<ApiError> invalid(std::string message) {
  return fail("InvalidParameter", "Invalid parameter: " + std::move(message));
}

std::string Located::arn() const { return nubecita::arn("sns", scope.region, scope.account, topic.name); }
std::string Located::policy() const {
  auto it = topic.attributes.find("Policy");
  return it != topic.attributes.end() ? it->second : default_policy(arn(), scope.account);
}
std::string LocatedSubscription::arn() const {
  return nubecita::arn("sns", scope.region, scope.account, subscription.key());
}

std::string default_policy(const std::string& arn, const std::string& account) {
  return R"({"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":")" +
         arn + R"(","Condition":{"StringEquals":{"AWS:SourceOwner":")" + account + R"("}}}]})";
}

Status allow(Status decision) {
  if (!decision && decision.error().code == "AccessDenied")
    return fail("AuthorizationError", decision.error().message, 403);
  return decision;
}

Result<Located> locate(api::Call& call, wire::Text text, std::string_view action) {
  auto arn = Arn::parse(text);
  if (!arn || arn->service != "sns" || arn->resource.find(':') != std::string::npos)
    return invalid("TopicArn Reason: An ARN must have at least 6 elements, not " +
                   std::to_string(1 + std::ranges::count(text.sv(), ':')));
  if (arn->region != call.region) return invalid("TopicArn");
  Located at{{arn->account, arn->region}, {}};
  auto topic = call.tx.get<Topic>(at.scope, arn->resource);
  if (topic) at.topic = std::move(*topic);
  TRY(allow(call.authorize(text, {}, action, topic ? at.policy() : std::string(), arn->account)));
  if (!topic) return fail("NotFound", "Topic does not exist", 404);
  return at;
}

Result<std::string> check_topic_attribute(const std::string& name, const std::string& value, bool fifo,
                                          bool creating) {
  auto bad = [&](const std::string& why) { return invalid("Attributes Reason: " + why); };
  if (name == "DisplayName") return value;
  if (name == "Policy") {
    if (!value.empty() && !iam::check_resource_policy(value)) return invalid("Policy document is malformed");
    return value;
  }
  if (name == "DeliveryPolicy") {
    if (!value.empty() && !is_json_object(value)) return invalid("DeliveryPolicy: failed to parse JSON.");
    return value;
  }
  if (name == "FifoTopic" && creating) return value == "true" ? value : std::string();
  if (name == "ContentBasedDeduplication" || name == "FifoThroughputScope") {
    if (!fifo) return invalid(name + " is an attribute of FIFO topics only");
    const bool good = name == "ContentBasedDeduplication" ? value == "true" || value == "false"
                                                          : value == "Topic" || value == "MessageGroup";
    if (!good) return bad("Invalid value for " + name);
    return value;
  }
  if (name == "SignatureVersion") {
    if (value != "1" && value != "2") return bad("SignatureVersion must be 1 or 2");
    return value;
  }
  if (name == "TracingConfig") {
    if (value != "PassThrough" && !value.empty())
      return bad("TracingConfig " + value + " is not served by nubecita");
    return value;
  }
  if (name == "KmsMasterKeyId") {  // whether there is such a key is seen when something is published
    if (value.size() > kMostKeyName) return bad("KmsMasterKeyId is too long");
    return value;
  }
  if (value.empty() || value == "0")
    return std::string();  // feedback roles and rates, archives: asks for nothing
  return invalid("AttributeName " + name + " is not served by nubecita");
}

Status create_topic(api::Call& call, const model::CreateTopicInput& in, model::CreateTopicResponse& out) {
  const auto name = api::str(in.name);
  Located at{call.scope(), {}};
  at.topic.name = name;
  TRY(allow(call.authorize(at.arn())));
  if (!in.tags.empty()) TRY(allow(call.authorize(at.arn(), {}, "sns:TagResource")));
  for (auto& [key, value] : in.attributes) at.topic.fifo |= key == "FifoTopic" && value == "true";
  TRY(check_name(name, at.topic.fifo));
  for (auto& [key, value] : in.attributes) {
    TRY_LET(auto kept, check_topic_attribute(api::str(key), api::str(value), at.topic.fifo, true));
    if (!kept.empty()) at.topic.attributes[api::str(key)] = std::move(kept);
  }
  TRY(add_tags(at.topic.tags, in.tags));
  out.topic_arn = call.text(at.arn());
  if (auto there = call.tx.get<Topic>(at.scope, name)) {
    for (auto& [key, value] : at.topic.attributes)
      if (auto has = there->attributes.find(key); has == there->attributes.end() || has->second != value)
        return invalid("Attributes Reason: Topic already exists with different attributes");
    if (in.tags.has() && at.topic.tags != there->tags)
      return invalid("Tags Reason: Topic already exists with different tags");
    return {};
  }
  at.topic.created = call.now;
  call.tx.put(at.scope, at.topic);
  return {};
}

Status delete_topic(api::Call& call, const model::DeleteTopicInput& in, model::DeleteTopicResponse&) {
  auto at = locate(call, in.topic_arn, "sns:DeleteTopic");
  if (!at && at.error().code == "NotFound") return {};  // deleting is idempotent
  TRY(at);
  for (auto& s : call.tx.list<Subscription>(at->scope, at->topic.name + ":"))
    call.tx.erase<Subscription>(at->scope, s.key());
  call.tx.erase<Topic>(at->scope, at->topic.name);
  return {};
}

Status list_topics(api::Call& call, const model::ListTopicsInput& in, model::ListTopicsResponse& out) {
  TRY(allow(call.authorize("*")));
  std::string next;
  TRY_LET(auto topics, api::page(
                           call.tx.list<Topic>(call.scope()), in.next_token.sv(), kPage,
                           [](const Topic& t) { return t.name; }, next, "InvalidParameter"));
  out.topics = call.list<model::Topic>(topics.size());
  for (size_t i = 0; i < topics.size(); ++i)
    out.topics[i].topic_arn = call.text(call.arn("sns", topics[i].name));
  if (!next.empty()) out.next_token = call.text(next);
  return {};
}

Status get_topic_attributes(api::Call& call, const model::GetTopicAttributesInput& in,
                            model::GetTopicAttributesResponse& out) {
  TRY_LET(auto at, locate(call, in.topic_arn, "sns:GetTopicAttributes"));
  int confirmed = 0, pending = 0;
  for (auto& s : call.tx.list<Subscription>(at.scope, at.topic.name + ":"))
    ++(s.pending ? pending : confirmed);
  std::map<std::string, std::string> a{
      {"TopicArn", at.arn()},
      {"Owner", at.scope.account},
      {"Policy", at.policy()},
      {"DisplayName", ""},
      {"SubscriptionsConfirmed", std::to_string(confirmed)},
      {"SubscriptionsPending", std::to_string(pending)},
      {"SubscriptionsDeleted", std::to_string(at.topic.deleted_subscriptions)},
      {"EffectiveDeliveryPolicy", std::string(kDeliveryPolicy)}};
  if (at.topic.fifo) {
    a["FifoTopic"] = "true";
    a["ContentBasedDeduplication"] = "false";
    a["FifoThroughputScope"] = "Topic";
  }
  for (auto& [k, v] : at.topic.attributes) a[k] = v;
  if (auto own = at.topic.attributes.find("DeliveryPolicy"); own != at.topic.attributes.end())
    a["EffectiveDeliveryPolicy"] = own->second;
  out.attributes = call.map(a);
  return {};
}

Status set_topic_attributes(api::Call& call, const model::SetTopicAttributesInput& in,
                            model::SetTopicAttributesResponse&) {
  TRY_LET(auto at, locate(call, in.topic_arn, "sns:SetTopicAttributes"));
  const auto name = api::str(in.attribute_name);
  TRY_LET(auto kept, check_topic_attribute(name, api::str(in.attribute_value), at.topic.fifo, false));
  if (kept.empty())
    at.topic.attributes.erase(name);
  else
    at.topic.attributes[name] = std::move(kept);
  call.tx.put(at.scope, at.topic);
  return {};
}

namespace {
/// Tags are of topics; SNS has its own error for what is not there.
Result<Located> tagged(api::Call& call, wire::Text arn, std::string_view action) {
  auto at = locate(call, arn, action);
  if (!at && at.error().code == "NotFound") return fail("ResourceNotFound", "Resource does not exist", 404);
  return at;
}
}  // namespace

Status tag_resource(api::Call& call, const model::TagResourceRequest& in, model::TagResourceResponse&) {
  TRY_LET(auto at, tagged(call, in.resource_arn, "sns:TagResource"));
  TRY(add_tags(at.topic.tags, in.tags));
  call.tx.put(at.scope, at.topic);
  return {};
}

Status untag_resource(api::Call& call, const model::UntagResourceRequest& in, model::UntagResourceResponse&) {
  TRY_LET(auto at, tagged(call, in.resource_arn, "sns:UntagResource"));
  for (auto& k : in.tag_keys) at.topic.tags.erase(api::str(k));
  call.tx.put(at.scope, at.topic);
  return {};
}

Status list_tags_for_resource(api::Call& call, const model::ListTagsForResourceRequest& in,
                              model::ListTagsForResourceResponse& out) {
  TRY_LET(auto at, tagged(call, in.resource_arn, "sns:ListTagsForResource"));
  out.tags = call.list<model::Tag>(at.topic.tags.size());
  size_t i = 0;
  for (auto& [k, v] : at.topic.tags) out.tags[i++] = {call.text(k), call.text(v)};
  return {};
}

}  // namespace nubecita::sns
