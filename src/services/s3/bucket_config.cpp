// Configurations that are kept as documents: CORS, lifecycle, website, tags, notifications, logging.
#include "services/s3/bucket_config.hpp"

#include <algorithm>
#include <set>

#include "base/ids.hpp"
#include "services/s3/access_log.hpp"
#include "services/s3/document.hpp"
#include "services/s3/notify.hpp"
#include "services/s3/storage_class.hpp"

namespace nubecita::s3 {
namespace {

Failure absent(std::string_view code, std::string message, const Exchange& x) {
  return fail(ApiError{std::string(code), 404, std::move(message), {{"BucketName", x.bucket->name}}});
}

Status show(Exchange& x, std::string_view kind, std::string_view code, std::string message) {
  auto text = x.tx.get(config_key(x.bucket->name, kind));
  if (!text) return absent(code, std::move(message), x);
  x.document = std::move(*text);
  return {};
}

Status keep(Exchange& x, std::string_view kind, std::string document, bool Bucket::* flag) {
  x.tx.put(config_key(x.bucket->name, kind), std::move(document));
  if (flag && !((*x.bucket).*flag)) {
    (*x.bucket).*flag = true;
    x.tx.put(kEverywhere, *x.bucket);
  }
  return {};
}

Status drop(Exchange& x, std::string_view kind, bool Bucket::* flag) {
  x.tx.erase(config_key(x.bucket->name, kind));
  if (flag && (*x.bucket).*flag) {
    (*x.bucket).*flag = false;
    x.tx.put(kEverywhere, *x.bucket);
  }
  x.status = 204;
  return {};
}

}  // namespace

// --- tags ---

void put_bucket_tags(Exchange& x, std::string_view bucket, const Texts& tags) {
  model::PutBucketTaggingRequest in;
  in.tagging = x.make<model::Tagging>();
  in.tagging->tag_set = tag_list(x, tags);
  x.tx.put(config_key(bucket, "PutBucketTagging"), document_of("PutBucketTagging", &in));
}
Status get_bucket_tagging(api::Call& call, const model::GetBucketTaggingRequest&,
                          model::GetBucketTaggingOutput&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetBucketTagging"));
  return show(x, "PutBucketTagging", "NoSuchTagSet", "The TagSet does not exist");
}
Status put_bucket_tagging(api::Call& call, const model::PutBucketTaggingRequest& in,
                          model::PutBucketTaggingResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketTagging"));
  if (!in.tagging) return malformed_xml();
  TRY_LET(auto tags, tags_of(in.tagging->tag_set, 50));
  put_bucket_tags(x, x.bucket->name, tags);
  x.status = 204;
  return {};
}
Status delete_bucket_tagging(api::Call& call, const model::DeleteBucketTaggingRequest&,
                             model::DeleteBucketTaggingResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketTagging"));
  return drop(x, "PutBucketTagging", nullptr);
}

// --- CORS ---

Status check_cors(const model::CORSConfiguration& c) {
  static constexpr std::string_view methods[] = {"GET", "PUT", "HEAD", "POST", "DELETE"};
  if (c.cors_rules.empty() || c.cors_rules.size() > 100) return malformed_xml();
  auto stars = [](wire::Text t) { return std::ranges::count(t.sv(), '*'); };
  for (auto& r : c.cors_rules) {
    if (r.allowed_methods.empty() || r.allowed_origins.empty()) return malformed_xml();
    for (auto& m : r.allowed_methods)
      if (std::ranges::find(methods, m.sv()) == std::end(methods))
        return invalid_request("Found unsupported HTTP method in CORS config. Unsupported method is " +
                               api::str(m));
    for (auto& o : r.allowed_origins)
      if (stars(o) > 1)
        return invalid_request("AllowedOrigin \"" + api::str(o) + "\" can not have more than one wildcard.");
    for (auto& h : r.allowed_headers)
      if (stars(h) > 1)
        return invalid_request("AllowedHeader \"" + api::str(h) + "\" can not have more than one wildcard.");
  }
  return {};
}
Status get_bucket_cors(api::Call& call, const model::GetBucketCorsRequest&, model::GetBucketCorsOutput&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetBucketCORS"));
  return show(x, "PutBucketCors", "NoSuchCORSConfiguration", "The CORS configuration does not exist");
}
Status put_bucket_cors(api::Call& call, const model::PutBucketCorsRequest& in,
                       model::PutBucketCorsResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketCORS"));
  if (!in.cors_configuration) return malformed_xml();
  TRY(check_cors(*in.cors_configuration));
  return keep(x, "PutBucketCors", document_of("PutBucketCors", &in), &Bucket::cors);
}
Status delete_bucket_cors(api::Call& call, const model::DeleteBucketCorsRequest&,
                          model::DeleteBucketCorsResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketCORS"));
  return drop(x, "PutBucketCors", &Bucket::cors);
}

// --- website ---

Status check_website(const model::WebsiteConfiguration& c) {
  if (c.redirect_all_requests_to) {
    if (c.redirect_all_requests_to->host_name.empty()) return malformed_xml();
    if (c.index_document || c.error_document || !c.routing_rules.empty())
      return invalid_argument(
          "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.");
    return {};
  }
  if (!c.index_document || c.index_document->suffix.empty())
    return invalid_argument(
        "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
        "IndexDocument", "null");
  if (c.index_document->suffix.sv().find('/') != std::string_view::npos)
    return invalid_argument("The IndexDocument Suffix is not well formed", "IndexDocument",
                            api::str(c.index_document->suffix));
  if (c.routing_rules.size() > 50) return invalid_request("The maximum number of routing rules is 50.");
  for (auto& r : c.routing_rules) {
    if (!r.redirect) return malformed_xml();
    if (r.redirect->replace_key_prefix_with.has() && r.redirect->replace_key_with.has())
      return invalid_request("You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
  }
  return {};
}
Status get_bucket_website(api::Call& call, const model::GetBucketWebsiteRequest&,
                          model::GetBucketWebsiteOutput&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetBucketWebsite"));
  return show(x, "PutBucketWebsite", "NoSuchWebsiteConfiguration",
              "The specified bucket does not have a website configuration");
}
Status put_bucket_website(api::Call& call, const model::PutBucketWebsiteRequest& in,
                          model::PutBucketWebsiteResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketWebsite"));
  if (!in.website_configuration) return malformed_xml();
  TRY(check_website(*in.website_configuration));
  return keep(x, "PutBucketWebsite", document_of("PutBucketWebsite", &in), &Bucket::website);
}
Status delete_bucket_website(api::Call& call, const model::DeleteBucketWebsiteRequest&,
                             model::DeleteBucketWebsiteResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:DeleteBucketWebsite"));
  return drop(x, "PutBucketWebsite", &Bucket::website);
}

// --- lifecycle ---

namespace {
constexpr std::string_view kMinimumHeader = "x-amz-transition-default-minimum-object-size";
constexpr std::string_view kVaries = "varies_by_storage_class", kAll = "all_storage_classes_128K";

bool infrequent(std::string_view storage_class) {
  return storage_class == "STANDARD_IA" || storage_class == "ONEZONE_IA";
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
template <class List>
Status check_classes(const List& transitions, std::string_view action) {
  std::set<std::string_view> seen;
  for (auto& t : transitions) {
    if (t.storage_class.empty()) return malformed_xml();
    if (!seen.insert(t.storage_class.sv()).second)
      return invalid_argument("StorageClass must be different for '" + std::string(action) +
                              "' actions in same 'Rule'");
  }
  return {};
}

Status check_transitions(const model::LifecycleRule& r) {
  const auto& all = r.transitions;
  TRY(check_classes(all, "Transition"));
  for (auto& t : all) {
    const auto name = api::str(t.storage_class);
    if (t.days.has() == t.date.has()) return malformed_xml();
    if (t.date.has() != all[0].date.has() ||
        (r.expiration && (t.date.has() ? r.expiration->days.has() : r.expiration->date.has())))
      return invalid_argument(
          "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule");
    if (t.date.has() && (*t.date).ms % 86'400'000 != 0)
      return invalid_argument("'Date' must be at midnight GMT");
    if (!t.days.has()) continue;
    if (*t.days < 0) return invalid_argument("'Days' in Transition action must be nonnegative");
    if (infrequent(name) && *t.days < 30)
      return invalid_argument(
          "'Days' in Transition action must be greater than or equal to 30 for storageClass '" + name + "'");
    for (auto& other : all)
      if (other.days.has() && infrequent(other.storage_class) && may_move(other.storage_class, name) &&
          *t.days < *other.days + 30)
        return invalid_argument("'Days' in the 'Transition' action for StorageClass '" + name +
                                "' must be 30 days or more than 'Days' in the 'Transition' action for "
                                "StorageClass '" +
                                api::str(other.storage_class) + "'");
    if (r.expiration && r.expiration->days.has() && *r.expiration->days <= *t.days)
      return invalid_argument(
          "'Days' in the Expiration action must be greater than 'Days' in the Transition action");
  }
  return {};
}

Status check_noncurrent_transitions(const model::LifecycleRule& r) {
  TRY(check_classes(r.noncurrent_version_transitions, "NoncurrentVersionTransition"));
  for (auto& t : r.noncurrent_version_transitions) {
    const auto name = api::str(t.storage_class);
    const auto days = t.noncurrent_days.value_or(-1);
    if (days < 0)
      return invalid_argument("'NoncurrentDays' in NoncurrentVersionTransition action must be nonnegative");
    if (infrequent(name) && days < 30)
      return invalid_argument(
          "'NoncurrentDays' in NoncurrentVersionTransition action must be greater than or equal to 30 for "
          "storageClass '" +
          name + "'");
    const auto* e = r.noncurrent_version_expiration;
    if (e && e->noncurrent_days.value_or(0) <= days)
      return invalid_argument(
          "'NoncurrentDays' in the NoncurrentVersionExpiration action must be greater than "
          "'NoncurrentDays' in the NoncurrentVersionTransition action");
  }
  return {};
}

Status check_rule(api::Call& call, model::LifecycleRule& r) {
  if (r.status != "Enabled" && r.status != "Disabled") return malformed_xml();
  if (r.id.empty()) r.id = call.text(base64(random_bytes(36)));
  if (r.id.size() > 255) return invalid_argument("ID length should not exceed allowed limit of 255");
  if (!r.filter && !r.prefix.has()) return malformed_xml();
  if (!r.expiration && !r.noncurrent_version_expiration && !r.abort_incomplete_multipart_upload &&
      r.transitions.empty() && r.noncurrent_version_transitions.empty())
    return invalid_request("At least one action needs to be specified in a rule");
  if (auto* e = r.expiration) {
    if (e->days.has() + e->date.has() + e->expired_object_delete_marker.has() != 1) return malformed_xml();
    if (e->days.has() && *e->days <= 0)
      return invalid_argument("'Days' for Expiration action must be a positive integer");
    if (e->date.has() && (*e->date).ms % 86'400'000 != 0)
      return invalid_argument("'Date' must be at midnight GMT");
  }
  if (auto* n = r.noncurrent_version_expiration; n && n->noncurrent_days.value_or(0) <= 0)
    return invalid_argument(
        "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer");
  if (auto* a = r.abort_incomplete_multipart_upload; a && a->days_after_initiation.value_or(0) <= 0)
    return invalid_argument(
        "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer");
  TRY(check_transitions(r));
  return check_noncurrent_transitions(r);
}
}  // namespace

Status check_lifecycle(api::Call& call, model::BucketLifecycleConfiguration& c) {
  if (c.rules.empty() || c.rules.size() > 1000) return malformed_xml();
  for (auto& r : c.rules) TRY(check_rule(call, r));
  for (size_t i = 0; i < c.rules.size(); ++i)
    for (size_t k = 0; k < i; ++k)
      if (c.rules[i].id == c.rules[k].id.sv())
        return invalid_argument("RuleId must be unique. Found same ID for one or more rules", "ID",
                                api::str(c.rules[i].id));
  return {};
}
Status get_bucket_lifecycle_configuration(api::Call& call,
                                          const model::GetBucketLifecycleConfigurationRequest&,
                                          model::GetBucketLifecycleConfigurationOutput&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetLifecycleConfiguration"));
  if (x.bucket->lifecycle)
    x.headers.emplace_back(kMinimumHeader, x.bucket->any_size_to_archives ? kVaries : kAll);
  return show(x, "PutBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration",
              "The lifecycle configuration does not exist");
}
Status put_bucket_lifecycle_configuration(api::Call& call,
                                          const model::PutBucketLifecycleConfigurationRequest& in,
                                          model::PutBucketLifecycleConfigurationOutput& out) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutLifecycleConfiguration"));
  if (!in.lifecycle_configuration) return malformed_xml();
  TRY(check_lifecycle(call, *in.lifecycle_configuration));
  const auto minimum = in.transition_default_minimum_object_size;
  if (minimum.has() && minimum.sv() != kVaries && minimum.sv() != kAll)
    return invalid_argument("The value of the default minimum object size of transitions is not valid",
                            std::string(kMinimumHeader), api::str(minimum));
  if (const bool any = minimum.sv() == kVaries; any != x.bucket->any_size_to_archives) {
    x.bucket->any_size_to_archives = any;
    x.tx.put(kEverywhere, *x.bucket);
  }
  out.transition_default_minimum_object_size =
      call.text(std::string(minimum.sv() == kVaries ? kVaries : kAll));
  return keep(x, "PutBucketLifecycleConfiguration", document_of("PutBucketLifecycleConfiguration", &in),
              &Bucket::lifecycle);
}
Status delete_bucket_lifecycle(api::Call& call, const model::DeleteBucketLifecycleRequest&,
                               model::DeleteBucketLifecycleResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutLifecycleConfiguration"));
  return drop(x, "PutBucketLifecycleConfiguration", &Bucket::lifecycle);
}

// --- notifications ---

Status get_bucket_notification_configuration(api::Call& call,
                                             const model::GetBucketNotificationConfigurationRequest&,
                                             model::NotificationConfiguration&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetBucketNotification"));
  if (auto text = x.tx.get(config_key(x.bucket->name, "PutBucketNotificationConfiguration")))
    x.document = std::move(*text);
  return {};
}
Status put_bucket_notification_configuration(api::Call& call,
                                             const model::PutBucketNotificationConfigurationRequest& in,
                                             model::PutBucketNotificationConfigurationResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketNotification"));
  auto* c = in.notification_configuration;
  if (!c) return malformed_xml();
  TRY(check_notification(x, *c, in.skip_destination_validation.value_or(false)));
  constexpr std::string_view kind = "PutBucketNotificationConfiguration";
  if (!c->topic_configurations.empty() || !c->queue_configurations.empty())
    return keep(x, kind, document_of(kind, &in), &Bucket::notifies);
  TRY(drop(x, kind, &Bucket::notifies));
  x.status = 200;
  return {};
}

// --- logging ---

Status get_bucket_logging(api::Call& call, const model::GetBucketLoggingRequest&,
                          model::GetBucketLoggingOutput&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetBucketLogging"));
  if (auto text = x.tx.get(config_key(x.bucket->name, "PutBucketLogging"))) x.document = std::move(*text);
  return {};
}
Status put_bucket_logging(api::Call& call, const model::PutBucketLoggingRequest& in,
                          model::PutBucketLoggingResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketLogging"));
  constexpr std::string_view kind = "PutBucketLogging";
  if (!in.bucket_logging_status) return malformed_xml();
  if (auto* asked = in.bucket_logging_status->logging_enabled) {
    TRY(check_logging(x, *asked));
    return keep(x, kind, document_of(kind, &in), &Bucket::logged);
  }
  TRY(drop(x, kind, &Bucket::logged));
  x.status = 200;
  return {};
}

}  // namespace nubecita::s3
