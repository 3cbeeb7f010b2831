#include "services/s3/access_log.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "services/iam/ask.hpp"
#include "services/s3/document.hpp"
#include "services/s3/listing.hpp"
#include "services/s3/notify.hpp"
#include "services/s3/objects.hpp"
#include "services/s3/own_work.hpp"
#include "services/s3/route.hpp"

namespace nubecita::s3 {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kSelf = "logging.s3.amazonaws.com";
constexpr std::string_view kGroup = "http://acs.amazonaws.com/groups/s3/LogDelivery";
constexpr int64_t kDay = 86'400'000;
constexpr auto kGathering = 60s;
constexpr size_t kMany = 4u << 20, kMost = 64u << 20;  // bytes of lines

bool group_may_write(const Bucket& target) {
  return std::ranges::any_of(target.grants, [](const Grant& g) {
    return g.grantee == kGroup && (g.permission == "WRITE" || g.permission == "FULL_CONTROL");
  });
}

/// The target lets the log delivery in, by its policy or its access control list.
Status may_deliver(store::Transaction& tx, const Bucket& source, const Bucket& target, std::string_view key) {
  if (!target.enforced() && group_may_write(target)) return {};
  return iam::check_service(
      tx, kSelf, "s3:PutObject", object_arn(target.name, key),
      {{"aws:SourceArn", {bucket_arn(source.name)}}, {"aws:SourceAccount", {source.account}}}, target.policy,
      target.account);
}

Status invalid_target(std::string_view name, std::string message) {
  return fail(ApiError{
      "InvalidTargetBucketForLogging", 400, std::move(message), {{"TargetBucket", std::string(name)}}});
}

Status check_target(const Bucket& source, const Bucket& target) {
  if (target.account != source.account)
    return invalid_target(target.name,
                          "The owner for the bucket to be logged and the target bucket must be the same.");
  if (target.region != source.region)
    return fail(ApiError{"CrossLocationLoggingProhibitted",
                         403,
                         "Cross S3 location logging not allowed.",
                         {{"TargetBucketLocation", target.region}}});
  if (!target.lock_mode.empty())
    return invalid_target(target.name,
                          "The target bucket must not have a default retention period of object lock.");
  if (!target.encryption.empty() && target.encryption != "AES256")
    return invalid_target(target.name, "The target bucket must not be encrypted by " + target.encryption);
  return {};
}

/// What AWS calls the part of the bucket or object that a request is about.
std::string resource_of(const http::Head& head, const Target& target) {
  const bool key = !target.key.empty();
  const auto query = head.query;
  auto has = [&](std::string_view name) { return has_parameter(query, name); };
  struct Name {
    std::string_view parameter, of_bucket, of_object;
  };
  static constexpr Name names[] = {{"acl", "ACL", "ACL"},
                                   {"accelerate", "ACCELERATE", {}},
                                   {"attributes", {}, "OBJECT_ATTRIBUTES"},
                                   {"cors", "CORS", {}},
                                   {"delete", "MULTI_OBJECT_DELETE", {}},
                                   {"encryption", "ENCRYPTION", {}},
                                   {"legal-hold", {}, "LEGAL_HOLD"},
                                   {"lifecycle", "LIFECYCLE", {}},
                                   {"location", "LOCATION", {}},
                                   {"logging", "LOGGING_STATUS", {}},
                                   {"notification", "NOTIFICATION", {}},
                                   {"object-lock", "OBJECT_LOCK_CONFIGURATION", {}},
                                   {"ownershipControls", "OWNERSHIP_CONTROLS", {}},
                                   {"policy", "BUCKETPOLICY", {}},
                                   {"policyStatus", "POLICY_STATUS", {}},
                                   {"publicAccessBlock", "PUBLIC_ACCESS_BLOCK", {}},
                                   {"replication", "REPLICATION", {}},
                                   {"requestPayment", "REQUEST_PAYMENT", {}},
                                   {"restore", {}, "RESTORE"},
                                   {"retention", {}, "OBJECT_LOCK_RETENTION"},
                                   {"tagging", "TAGGING", "OBJECT_TAGGING"},
                                   {"uploads", "UPLOADS", "UPLOADS"},
                                   {"versioning", "VERSIONING", {}},
                                   {"versions", "BUCKETVERSIONS", {}},
                                   {"website", "WEBSITE", {}}};
  if (key && has("uploadId")) return head.method == "PUT" ? "PART" : "UPLOAD";
  for (auto& n : names) {
    const auto name = key ? n.of_object : n.of_bucket;
    if (!name.empty() && has(n.parameter)) return std::string(name);
  }
  return key ? "OBJECT" : "BUCKET";
}

/// In quotes; what would end them early is encoded. Nothing is a dash.
std::string quoted_field(std::string_view text) {
  if (text.empty()) return "\"-\"";
  std::string out = "\"";
  for (char c : text) {
    if (c == '"')
      out += "%22";
    else
      out += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  }
  return out + "\"";
}
/// One word, whatever the client has sent.
std::string encoded_or_dash(std::string_view text) { return text.empty() ? "-" : url_encoded(text); }
std::string text_or_dash(std::string_view text) { return text.empty() ? "-" : std::string(text); }
template <class N>
std::string number_or_dash(N n) {
  return n > 0 ? std::to_string(n) : "-";
}

std::string requester(const Claim& claim) {
  if (claim.anonymous()) return "-";
  using Kind = api::Principal::Kind;
  return claim.principal.kind == Kind::root ? canonical_id(claim.principal.account) : claim.principal.arn;
}

/// "2026-11-23-20-15-00" of a moment.
std::string dashed(int64_t ms) {
  auto text = iso8601(ms).substr(0, 19);
  for (char& c : text)
    if (c == 'T' || c == ':') c = '-';
  return text;
}

/// `day`: midnight before the events.
std::string new_key(const model::LoggingEnabled& config, const Bucket& source, int64_t day, int64_t now) {
  const auto prefix = config.target_prefix.sv();
  const auto unique = random_text(16, "0123456789ABCDEF");
  auto* format = config.target_object_key_format;
  if (!format || !format->partitioned_prefix) return fmt::format("{}{}-{}", prefix, dashed(now), unique);
  const auto time = dashed(format->partitioned_prefix->partition_date_source == "EventTime" ? day : now);
  auto folders = time.substr(0, 10);
  std::ranges::replace(folders, '-', '/');
  return fmt::format("{}{}/{}/{}/{}/{}-{}", prefix, source.account, source.region, source.name, folders, time,
                     unique);
}

Status put_log(Exchange& x, const Bucket& source, std::string key, std::string_view lines) {
  const auto& target = *x.bucket;
  TRY(check_target(source, target));  // which may have changed, and even be another account's by now
  TRY(may_deliver(x.tx, source, target, key));
  auto intake = std::make_unique<Intake>(x.blobs, !target.encryption.empty(), Algorithm::none);
  intake->write(lines);
  TRY(intake->finish());
  if (intake->blob().is_file()) TRY(intake->blob().sync());
  Object o;
  o.size = intake->size();
  o.etag = intake->md5();
  o.modified = x.now;
  o.account = target.account;
  o.encryption = target.encryption;
  o.headers["Content-Type"] = "text/plain";
  o.pieces = {intake->blob().put(x.tx)};
  x.made.push_back(std::move(intake));
  put_newest(x, target, key, o);
  notify(x, "ObjectCreated:Put", key, o);
  return {};
}

/// With the newline. https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
std::string log_line(const LogEntry& e) {
  const auto date = http_date(e.began);  // "Mon, 23 Nov 2026 20:15:00 GMT"
  const std::string_view by = e.claim.method, host = e.head.header("host");
  const auto of_request = [&](std::string text) { return e.part ? "-" : std::move(text); };
  return fmt::format(
      "{} {} [{}/{}/{}:{} +0000] {} {} {} {} {} {} {} {} {} {} {} - {} {} {} {} {} - {} {} - - -\n",
      canonical_id(e.bucket.account), e.bucket.name, date.substr(5, 2), date.substr(8, 3), date.substr(12, 4),
      date.substr(17, 8), text_or_dash(e.head.peer_ip), requester(e.claim), e.request_id, e.operation,
      encoded_or_dash(e.key),
      of_request(quoted_field(fmt::format("{} {} HTTP/1.1", e.head.method, e.head.target))), e.status,
      text_or_dash(e.error), number_or_dash(e.head.method == "HEAD" ? 0 : e.sent),
      e.object_size < 0 ? "-" : std::to_string(e.object_size), of_request(std::to_string(e.now - e.began)),
      of_request(quoted_field(e.head.header("referer"))),
      of_request(quoted_field(e.head.header("user-agent"))), encoded_or_dash(e.version), base64(e.request_id),
      e.claim.version.empty()    ? "-"
      : e.claim.version == "AWS" ? "SigV2"
                                 : "SigV4",
      by == "REST-HEADER"         ? "AuthHeader"
      : by == "REST-QUERY-STRING" ? "QueryString"
                                  : "-",
      host.find(' ') == host.npos ? text_or_dash(host) : "-");
}

}  // namespace

Status check_logging(Exchange& x, const model::LoggingEnabled& asked) {
  if (!asked.target_bucket.has() || !asked.target_prefix.has()) return malformed_xml();
  if (!asked.target_grants.empty()) return not_implemented("TargetGrants");
  if (auto* f = asked.target_object_key_format) {
    if ((f->simple_prefix != nullptr) == (f->partitioned_prefix != nullptr)) return malformed_xml();
    if (f->partitioned_prefix && f->partitioned_prefix->partition_date_source.empty()) return malformed_xml();
  }
  auto target = x.tx.get<Bucket>(kEverywhere, asked.target_bucket.sv());
  if (!target)
    return invalid_target(asked.target_bucket.sv(), "The target bucket for logging does not exist");
  TRY(check_target(*x.bucket, *target));
  if (!target->enforced() && !may_deliver(x.tx, *x.bucket, *target, asked.target_prefix.sv()))
    return invalid_target(
        target->name,
        "You must give the log-delivery group WRITE and READ_ACP permissions to the target bucket");
  return {};
}

std::string rest_operation(const http::Head& head, const Target& target, std::string_view operation) {
  if (operation == "CopyObject") return "REST.COPY.OBJECT";
  if (operation == "UploadPartCopy") return "REST.COPY.PART";
  return fmt::format("REST.{}.{}", head.method, resource_of(head, target));
}

void AccessLog::add(const LogEntry& e) {
  auto line = log_line(e);
  std::lock_guard lock(mutex_);
  if (stopping_) return;
  if (bytes_ + line.size() > kMost) {
    ++dropped_;
    return;
  }
  const bool first = bytes_ == 0, many = bytes_ < kMany && bytes_ + line.size() >= kMany;
  bytes_ += line.size();
  lines_[{e.bucket.name, e.began - e.began % kDay}] += line;
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  if (first || many) wake_.notify_one();
}

void AccessLog::finish() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void AccessLog::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || bytes_ > 0; });
    wake_.wait_for(lock, kGathering, [&] { return stopping_ || bytes_ >= kMany; });
    auto lines = std::exchange(lines_, {});
    const auto dropped = std::exchange(dropped_, 0);
    const bool last = stopping_;
    bytes_ = 0;
    lock.unlock();
    if (dropped) log_warning("s3", "access logs: {} lines were too many to keep", dropped);
    deliver(lines);
    if (last) return;
    lock.lock();
  }
}

void AccessLog::deliver(const Lines& lines) {
  for (auto& [of, text] : lines) try {
      const auto& [name, day] = of;
      Arena arena;
      auto tx = cloud_.store->begin();
      const auto source = tx->get<Bucket>(kEverywhere, name);
      const auto* status =
          source ? read_config<model::BucketLoggingStatus>(*tx, arena, name, "PutBucketLogging") : nullptr;
      tx.reset();
      if (!status || !status->logging_enabled) continue;  // not any more
      const auto& config = *status->logging_enabled;
      const auto now = now_ms();
      const auto key = new_key(config, *source, day, now);
      auto done = do_ourselves(cloud_, blobs_, config.target_bucket.sv(), random_text(16, "0123456789ABCDEF"),
                               now, [&](Exchange& x) { return put_log(x, *source, key, text); });
      if (!done)
        log_warning("s3", "the access log of {} cannot be put into {}: {}", name, config.target_bucket.sv(),
                    done.error().message);
    } catch (const std::exception& e) {  // the store cannot be read
      log_error("s3", "the access log of {}: {}", of.first, e.what());
    }
}

}  // namespace nubecita::s3
