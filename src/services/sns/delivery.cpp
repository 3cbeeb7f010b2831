// Requests to HTTP endpoints: one Delivery each, tried until it is accepted or the retry policy is over, then
// it goes to the subscription's dead-letter queue. They survive a restart.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "base/arn.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "control/engine.hpp"
#include "http/client.hpp"
#include "services/sns/delivering.hpp"
#include "services/sns/sns.hpp"
#include "services/sqs/sqs.hpp"

namespace nubecita::sns {
namespace {

constexpr int kWorkers = 8;
constexpr auto kTimeout = std::chrono::seconds(15);  // AWS's

struct RetryPolicy {
  int64_t retries = 3, least_s = 20, most_s = 20, at_once = 0, at_least = 0, at_most = 0;
  std::string backoff = "linear", content_type = "text/plain; charset=UTF-8";

  /// Seconds before retry number n (1 is the first).
  int64_t wait(int64_t n) const {
    if (n <= at_once) return 0;
    n -= at_once;
    if (n <= at_least) return least_s;
    n -= at_least;
    const int64_t rising = std::max<int64_t>(1, retries - at_once - at_least - at_most);
    if (n >= rising) return most_s;
    const double part = static_cast<double>(n) / static_cast<double>(rising);
    const double f = backoff == "exponential" ? part * part * part
                     : backoff == "geometric" ? part * part
                                              : part;
    return least_s + static_cast<int64_t>(static_cast<double>(most_s - least_s) * f);
  }
};

void read_policy(const std::string& text, bool of_topic, RetryPolicy& out) {
  auto doc = json::parse(text);
  if (!doc || !doc->is_object()) return;
  const auto* o = &doc->as_object();
  if (of_topic) {
    o = json::object_at(*o, "http");
    if (!o) return;
  }
  if (auto* r = json::object_at(*o, of_topic ? "defaultHealthyRetryPolicy" : "healthyRetryPolicy")) {
    out.retries = std::clamp<int64_t>(json::int_or(*r, "numRetries", out.retries), 0, 100);
    out.least_s = std::clamp<int64_t>(json::int_or(*r, "minDelayTarget", out.least_s), 1, 3600);
    out.most_s = std::clamp<int64_t>(json::int_or(*r, "maxDelayTarget", out.most_s), out.least_s, 3600);
    out.at_once = json::int_or(*r, "numNoDelayRetries", out.at_once);
    out.at_least = json::int_or(*r, "numMinDelayRetries", out.at_least);
    out.at_most = json::int_or(*r, "numMaxDelayRetries", out.at_most);
    out.backoff = json::text_or(*r, "backoffFunction", out.backoff);
  }
  if (auto* r = json::object_at(*o, of_topic ? "defaultRequestPolicy" : "requestPolicy"))
    out.content_type = json::text_or(*r, "headerContentType", out.content_type);
}

RetryPolicy policy_of(const std::optional<Topic>& topic, const Subscription& s) {
  RetryPolicy p;
  if (topic)
    if (auto it = topic->attributes.find("DeliveryPolicy"); it != topic->attributes.end())
      read_policy(it->second, true, p);
  if (auto it = s.attributes.find("DeliveryPolicy"); it != s.attributes.end())
    read_policy(it->second, false, p);
  return p;
}

struct Target {
  http::Endpoint endpoint;
  std::string host, path;
};
Target target_of(const std::string& url) {
  Target t;
  t.endpoint.tls = url.starts_with("https://");
  auto rest = url.substr(url.find("://") + 3);
  const auto slash = rest.find_first_of("/?");
  t.path = slash == std::string::npos ? "/" : rest.substr(slash);
  if (t.path[0] == '?') t.path.insert(0, "/");
  t.host = rest.substr(0, slash);
  if (const auto at = t.host.rfind('@'); at != std::string::npos) t.host.erase(0, at + 1);
  t.endpoint.port = t.endpoint.tls ? 443 : 80;
  t.endpoint.host = t.host;
  if (const auto colon = t.host.rfind(':'); colon != std::string::npos && t.host.back() != ']') {
    t.endpoint.port = std::atoi(t.host.c_str() + colon + 1);
    t.endpoint.host = t.host.substr(0, colon);
  }
  return t;
}

/// Empty if the endpoint has taken it; `again`: whether trying again makes sense.
std::string post(const Delivery& d, const std::string& body, const LocatedSubscription& to,
                 const RetryPolicy& policy, bool& again) {
  const auto target = target_of(to.subscription.endpoint);
  http::Request r;
  r.method = "POST";
  r.target = target.path;
  r.body = body;
  const auto topic = arn("sns", to.scope.region, to.scope.account, to.subscription.topic);
  r.headers = {{"x-amz-sns-message-type", d.type},
               {"x-amz-sns-message-id", d.message_id},
               {"x-amz-sns-topic-arn", topic},
               {"Content-Type", policy.content_type},
               {"User-Agent", "Amazon Simple Notification Service Agent"}};
  if (d.type == "Notification") r.headers.emplace_back("x-amz-sns-subscription-arn", to.arn());
  if (d.raw) r.headers.emplace_back("x-amz-sns-rawdelivery", "true");
  http::RequestOptions options;
  options.timeout = kTimeout;
  options.max_body = 1 << 20;
  again = true;
  auto answer = http::request(target.endpoint, r, options);
  if (!answer) return answer.error().message;
  if (answer->status >= 200 && answer->status < 300) return {};
  // A client's error will not go away, as AWS sees it; too many requests will.
  again = answer->status >= 500 || answer->status == 429;
  return "status " + std::to_string(answer->status);
}

Result<control::Again> reconcile(api::Cloud& cloud, const std::string& key) {
  const auto parts = store::parse_key(key);
  const store::Scope scope{std::string(parts.account), std::string(parts.region)};
  std::optional<Delivery> d;
  std::optional<Subscription> s;
  std::optional<Topic> topic;
  Result<std::string> body;
  const auto now = now_ms();
  {
    auto tx = cloud.store->begin();
    d = tx->get<Delivery>(scope, parts.id);
    if (!d) return control::done();
    s = tx->get<Subscription>(scope, d->subscription);
    if (s) topic = tx->get<Topic>(scope, s->topic);
    body = opened_body(cloud, *tx, scope, *d, now);
  }
  if (d->due > now) return control::again_in(std::chrono::milliseconds(d->due - now));
  const LocatedSubscription to{scope, s.value_or(Subscription{})};
  bool again = true;
  std::string problem;
  const auto policy = policy_of(topic, to.subscription);
  if (s) problem = body ? post(*d, *body, to, policy, again) : body.error().message;
  const bool over = problem.empty() || !again || d->attempts >= policy.retries;
  if (!problem.empty())
    log_info("sns", "{} to {}: {}{}", d->message_id, to.subscription.endpoint, problem,
             over ? ", given up" : "");
  std::vector<api::Afterwards> then;
  auto written = cloud.store->transact([&](store::Transaction& tx) -> Status {
    for (auto& f : then) f(false);
    then.clear();
    if (over) {
      tx.erase<Delivery>(scope, d->id);
      if (!problem.empty() && body && d->type == "Notification")
        bury(cloud, tx, to, *body, {}, now_ms(), then);
      return {};
    }
    auto next = *d;
    ++next.attempts;
    next.due = now_ms() + policy.wait(next.attempts) * 1000;
    tx.put(scope, next);
    return {};
  });
  for (auto& f : then) f(written.has_value());
  TRY(written);
  if (over) return control::done();
  return control::again_in(
      std::chrono::milliseconds(std::max<int64_t>(1, policy.wait(d->attempts + 1) * 1000)));
}

}  // namespace

void put_delivery(store::Transaction& tx, const LocatedSubscription& to, std::string type,
                  std::string message_id, std::string body, bool raw, int64_t now, const kms::DataKey* key) {
  static std::atomic<uint64_t> number{0};
  Delivery d;
  auto time = std::to_string(now), count = std::to_string(++number % 1'000'000'000);
  d.id =
      std::string(15 - time.size(), '0') + time + std::string(9 - count.size(), '0') + count + random_hex(8);
  d.subscription = to.subscription.key();
  d.type = std::move(type);
  d.message_id = std::move(message_id);
  d.body = std::move(body);
  d.raw = raw;
  d.created = now;
  if (key) seal(d, *key);
  tx.put(to.scope, d);
}

void bury(api::Cloud& cloud, store::Transaction& tx, const LocatedSubscription& to, std::string body,
          const std::vector<MessageAttribute>& attributes, int64_t now, std::vector<api::Afterwards>& then) {
  auto it = to.subscription.attributes.find("RedrivePolicy");
  if (it == to.subscription.attributes.end()) return;
  auto doc = json::parse(it->second);
  if (!doc || !doc->is_object()) return;
  const auto queue = json::text_or(doc->as_object(), "deadLetterTargetArn");
  const auto topic = arn("sns", to.scope.region, to.scope.account, to.subscription.topic);
  sqs::Draft draft;
  draft.body = std::move(body);
  for (auto& a : attributes) draft.attributes.push_back({a.name, a.type, a.value});
  if (queue.ends_with(".fifo")) {
    draft.group = to.subscription.id;
    draft.dedup = random_hex(32);
  }
  auto sent = sqs::deliver(cloud, tx, "sns.amazonaws.com", queue,
                           {{"aws:SourceArn", {topic}}, {"aws:SourceAccount", {to.scope.account}}},
                           std::move(draft), now, then);
  if (!sent) log_warning("sns", "dead-letter queue {} of {}: {}", queue, to.arn(), sent.error().message);
}

void add_controllers(api::Cloud& cloud) {
  control::Controller c;
  c.name = "sns.delivery";
  c.tables = {std::string(Delivery::kTable)};
  c.workers = kWorkers;
  c.reconcile = [&cloud](const std::string& key) { return reconcile(cloud, key); };
  cloud.engine->add(std::move(c));
  control::Controller sweep;  // deduplication ids are over after five minutes
  sweep.name = "sns.topic";
  sweep.tables = {std::string(Topic::kTable)};
  sweep.reconcile = [&cloud](const std::string& key) -> Result<control::Again> {
    const auto parts = store::parse_key(key);
    const store::Scope scope{std::string(parts.account), std::string(parts.region)};
    auto tx = cloud.store->begin();
    const auto topic = tx->get<Topic>(scope, parts.id);
    if (topic && !topic->fifo) return control::done();
    std::vector<std::string> over;
    bool more = false;
    const auto now = now_ms();
    tx->scan(store::make_key(kDedup, scope, std::string(parts.id) + ":"), {},
             [&](std::string_view k, std::string_view v) {
               if (std::atoll(std::string(v.substr(0, 20)).c_str()) <= now || !topic) over.emplace_back(k);
               more = over.size() == 1000;
               return !more;
             });
    auto erase = cloud.store->begin();
    for (auto& k : over) erase->erase(k);
    if (!over.empty() && cloud.store->commit(std::move(erase)) != store::CommitResult::done)
      return fail("ServiceUnavailable", "the store cannot write", 503);
    if (!topic && !more) return control::done();
    return control::again_in(more ? std::chrono::milliseconds(1) : std::chrono::minutes(5));
  };
  cloud.engine->add(std::move(sweep));
}

}  // namespace nubecita::sns
