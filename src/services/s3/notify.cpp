#include "services/s3/notify.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "base/arn.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "services/s3/document.hpp"
#include "services/s3/listing.hpp"
#include "services/sns/sns.hpp"
#include "services/sqs/sqs.hpp"
#include "wire/json.hpp"

namespace nubecita::s3 {
namespace {

constexpr std::string_view kSelf = "s3.amazonaws.com";
constexpr std::string_view kServed[] = {
    "s3:ObjectCreated:Put",          "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",         "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:Delete",       "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectTagging:Put",          "s3:ObjectTagging:Delete",
    "s3:LifecycleExpiration:Delete", "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:LifecycleTransition",        "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed"};

/// "s3:ObjectCreated:*" and "s3:ObjectCreated:Put" cover "s3:ObjectCreated:Put".
bool covers(std::string_view pattern, std::string_view event) {
  if (!pattern.ends_with('*')) return pattern == event;
  pattern.remove_suffix(1);
  return event.starts_with(pattern);
}

/// What is no event of AWS's has not passed the model's list.
Status check_event(std::string_view event) {
  if (std::ranges::any_of(kServed, [&](auto served) { return covers(event, served); })) return {};
  return not_implemented("the event " + std::string(event));
}

struct Rule {  // of a filter
  std::string_view prefix, suffix;
  bool fits(std::string_view key) const { return key.starts_with(prefix) && key.ends_with(suffix); }
};

Result<Rule> rule_of(const model::NotificationConfigurationFilter* filter) {
  Rule out;
  if (!filter || !filter->key) return out;
  bool prefix = false, suffix = false;
  for (auto& r : filter->key->filter_rules) {
    const auto name = r.name.sv();
    const bool is_prefix = name == "prefix" || name == "Prefix";
    if (!is_prefix && name != "suffix" && name != "Suffix")
      return invalid_argument("filter rule name must be either prefix or suffix", "FilterRule.Name",
                              std::string(name));
    bool& seen = is_prefix ? prefix : suffix;
    if (std::exchange(seen, true))
      return invalid_argument("Cannot specify more than one prefix or suffix rule in a filter.",
                              "FilterRule.Name", std::string(name));
    if (r.value.size() > 1024)
      return invalid_argument("Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation",
                              "FilterRule.Value");
    (is_prefix ? out.prefix : out.suffix) = r.value.sv();
  }
  return out;
}

bool overlap(const Rule& a, const Rule& b) {
  const bool prefixes = a.prefix.starts_with(b.prefix) || b.prefix.starts_with(a.prefix);
  return prefixes && (a.suffix.ends_with(b.suffix) || b.suffix.ends_with(a.suffix));
}

/// One queue or topic of a configuration.
struct Destination {
  std::string_view id, arn;
  const wire::List<wire::Text>* events;
  Rule rule;
  bool wants(std::string_view event, std::string_view key) const {
    return rule.fits(key) && std::ranges::any_of(*events, [&](auto e) { return covers(e, event); });
  }
};

Result<std::vector<Destination>> destinations(const model::NotificationConfiguration& c) {
  std::vector<Destination> out;
  for (auto& q : c.queue_configurations) {
    TRY_LET(auto rule, rule_of(q.filter));
    out.push_back({q.id, q.queue_arn, &q.events, rule});
  }
  for (auto& t : c.topic_configurations) {
    TRY_LET(auto rule, rule_of(t.filter));
    out.push_back({t.id, t.topic_arn, &t.events, rule});
  }
  return out;
}

Status send(Exchange& x, std::string_view to, std::string message) {
  const api::Conditions conditions = {{"aws:SourceArn", {bucket_arn(x.bucket->name)}},
                                      {"aws:SourceAccount", {x.bucket->account}}};
  if (Arn::parse(to)->service == "sns")
    return sns::publish_for(x.cloud, x.tx, kSelf, to, conditions, "Amazon S3 Notification",
                            std::move(message), x.now, x.then);
  sqs::Draft draft;
  draft.body = std::move(message);
  return sqs::deliver(x.cloud, x.tx, kSelf, to, conditions, std::move(draft), x.now, x.then);
}

std::string test_event(const Exchange& x) {
  return fmt::format(
      R"({{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"{}","Bucket":"{}","RequestId":"{}","HostId":"{}"}})",
      iso8601(x.now, true), x.bucket->name, x.request_id, base64(x.request_id));
}

std::string json(std::string_view text) {
  std::string out;
  wire::append_json_text(out, text);
  return out;
}

std::string record(const Exchange& x, std::string_view event, std::string_view configuration,
                   std::string_view key, const Object& o) {
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count();
  // S3 itself acts when a lifecycle rule does.
  const bool lifecycle = event.starts_with("Lifecycle");
  const auto who = lifecycle             ? std::string(kSelf)
                   : x.claim.anonymous() ? std::string("Anonymous")
                                         : "AWS:" + x.principal.id;
  std::string object = fmt::format(R"("key":{})", json(url_encoded(key)));
  if (!o.etag.empty()) object += fmt::format(R"(,"size":{},"eTag":{})", o.size, json(o.etag));
  if (!o.version.empty() && o.version != "null") object += fmt::format(R"(,"versionId":{})", json(o.version));
  const auto restored =
      event == "ObjectRestore:Completed"
          ? fmt::format(
                R"(,"glacierEventData":{{"restoreEventData":{{"lifecycleRestorationExpiryTime":"{}","lifecycleRestoreStorageClass":"{}"}}}})",
                iso8601(o.restored_until, true), o.storage_class)
          : std::string();
  return fmt::format(
      R"({{"Records":[{{"eventVersion":"{}","eventSource":"aws:s3","awsRegion":"{}","eventTime":"{}","eventName":"{}",)"
      R"("userIdentity":{{"principalId":{}}},"requestParameters":{{"sourceIPAddress":"{}"}},)"
      R"("responseElements":{{"x-amz-request-id":"{}","x-amz-id-2":"{}"}},)"
      R"("s3":{{"s3SchemaVersion":"1.0","configurationId":{},"bucket":{{"name":"{}","ownerIdentity":{{"principalId":"{}"}},"arn":"{}"}},)"
      R"("object":{{{},"sequencer":"{:016X}"}}}}{}}}]}})",
      lifecycle ? "2.3" : "2.1", x.bucket->region, iso8601(x.now, true), event, json(who),
      lifecycle ? kSelf : x.source_ip, x.request_id, base64(x.request_id), json(configuration),
      x.bucket->name, x.bucket->account, bucket_arn(x.bucket->name), object, ns, restored);
}

}  // namespace

Status check_notification(Exchange& x, model::NotificationConfiguration& c, bool untested) {
  if (!c.lambda_function_configurations.empty()) return not_implemented("a notification to Lambda");
  if (c.event_bridge_configuration) return not_implemented("a notification to EventBridge");
  for (auto& q : c.queue_configurations)
    if (q.id.empty()) q.id = x.text(uuid());
  for (auto& t : c.topic_configurations)
    if (t.id.empty()) t.id = x.text(uuid());
  TRY_LET(auto all, destinations(c));
  const size_t queues = c.queue_configurations.size();
  for (size_t i = 0; i < all.size(); ++i) {
    auto& d = all[i];
    const auto arn = Arn::parse(d.arn);
    if (!arn || arn->service != (i < queues ? "sqs" : "sns"))
      return invalid_argument("The ARN could not be parsed", i < queues ? "Queue" : "Topic",
                              std::string(d.arn));
    if (arn->region != x.bucket->region)
      return invalid_argument(
          "The notification destination service region is not valid for the bucket "
          "location constraint",
          i < queues ? "Queue" : "Topic", std::string(d.arn));
    if (arn->resource.ends_with(".fifo"))
      return invalid_argument("FIFO queues and topics are not supported as destinations",
                              i < queues ? "Queue" : "Topic", std::string(d.arn));
    if (d.events->empty()) return malformed_xml();
    for (auto event : *d.events) TRY(check_event(event));
    for (size_t k = 0; k < i; ++k)
      for (auto served : kServed)
        if (overlap(d.rule, all[k].rule) &&
            std::ranges::any_of(*d.events, [&](auto e) { return covers(e, served); }) &&
            std::ranges::any_of(*all[k].events, [&](auto e) { return covers(e, served); }))
          return invalid_argument(
              "Configurations overlap. Configurations on the same bucket cannot share a common event type.");
  }
  if (untested) return {};
  for (auto& d : all)
    if (auto sent = send(x, d.arn, test_event(x)); !sent)
      return invalid_argument("Unable to validate the following destination configurations",
                              std::string(d.arn), sent.error().message);
  return {};
}

void notify(Exchange& x, std::string_view event, std::string_view key, const Object& object) {
  if (!x.bucket->notifies) return;
  if (!x.notifications)
    x.notifications = read_config<model::NotificationConfiguration>(x.tx, x.arena, x.bucket->name,
                                                                    "PutBucketNotificationConfiguration");
  if (!*x.notifications) return;
  const auto all = destinations(**x.notifications);
  if (!all) return;  // it was checked when it was put
  for (auto& d : *all) {
    if (!d.wants("s3:" + std::string(event), key)) continue;
    if (auto sent = send(x, d.arn, record(x, event, d.id, key, object)); !sent)
      log_info("s3", "{} of {} to {}: {}", event, x.bucket->name, d.arn, sent.error().message);
  }
}

}  // namespace nubecita::s3
