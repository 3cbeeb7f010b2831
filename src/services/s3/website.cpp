#include "services/s3/website.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "services/s3/access.hpp"
#include "services/s3/document.hpp"
#include "services/s3/front.hpp"
#include "services/s3/object_keys.hpp"
#include "services/s3/objects.hpp"
#include "services/s3/range.hpp"
#include "services/s3/storage_class.hpp"
#include "wire/xml.hpp"

namespace nubecita::s3 {
namespace {

class Visit {
 public:
  Visit(Front::Impl& front, http::HeadPtr head, Target target)
      : front_(front),
        head_(std::move(head)),
        target_(std::move(target)),
        tx_(front.cloud.store->begin()),
        x_(front.cloud, *tx_, arena_, nobody_, *head_, target_, front.blobs) {
    nobody_.region = "us-east-1";
    x_.now = now_ms();
    x_.request_id = id_;
    x_.source_ip = head_->peer_ip;
    x_.request_conditions = [this] {
      return api::Conditions{{"aws:SourceIp", {head_->peer_ip}},
                             {"aws:SecureTransport", {head_->tls ? "true" : "false"}},
                             {"aws:Referer", {std::string(head_->header("referer"))}}};
    };
  }

  http::Answer answer() {
    auto a = look_and_answer();
    a.headers.emplace_back("x-amz-request-id", id_);
    a.headers.emplace_back("x-amz-id-2", base64(id_));
    a.headers.emplace_back("Date", http_date(x_.now));
    a.headers.emplace_back("Server", "AmazonS3");
    const auto operation = "WEBSITE." + std::string(head_->method) + ".OBJECT";
    if (x_.bucket && x_.bucket->logged)
      front_.log.add({.bucket = *x_.bucket,
                      .head = *head_,
                      .claim = nobody_,
                      .request_id = id_,
                      .operation = operation,
                      .key = key_,
                      .version = {},
                      .error = a.status < 400 ? std::string_view() : error_,
                      .status = a.status,
                      .sent = a.source ? a.source_size : a.body.size(),
                      .object_size = x_.object_size,
                      .began = x_.now,
                      .now = now_ms()});
    return a;
  }

 private:
  http::Answer look_and_answer() {
    key_ = target_.key;
    if (auto found = x_.find_bucket(); !found) return page(404, found.error().code, found.error().message);
    if (head_->method != "GET" && head_->method != "HEAD")
      return page(405, "MethodNotAllowed", "The specified method is not allowed against this resource.");
    config_ = read_config<model::WebsiteConfiguration>(*tx_, arena_, x_.bucket->name, "PutBucketWebsite");
    if (!config_)
      return page(404, "NoSuchWebsiteConfiguration",
                  "The specified bucket does not have a website configuration");
    if (auto* all = config_->redirect_all_requests_to)
      return redirect(301, scheme(all->protocol) + "://" + api::str(all->host_name) + "/" + target_.key);
    if (auto rule = routed(target_.key, 0)) return std::move(*rule);
    const auto suffix = api::str(config_->index_document->suffix);
    if (key_.empty() || key_.ends_with('/')) key_ += suffix;
    auto [status, object] = look(key_);
    if (object) return show(*object, 200);
    // "/photos" where there is "/photos/index.html"
    if (!target_.key.empty() && !target_.key.ends_with('/') &&
        find_newest(*tx_, x_.bucket->name, target_.key + "/" + suffix))
      return redirect(302, "/" + target_.key + "/");
    error_ = status == 404 ? "NoSuchKey" : "AccessDenied";
    if (auto rule = routed(key_, status)) return std::move(*rule);
    if (config_->error_document && !config_->error_document->key.empty())
      if (auto [ignored, document] = look(api::str(config_->error_document->key)); document)
        return show(*document, status);
    return status == 404 ? page(404, "NoSuchKey", "The specified key does not exist.")
                         : page(403, "AccessDenied", "Access Denied");
  }

  std::string scheme(wire::Text given) const {
    return given.empty() ? (head_->tls ? "https" : "http") : api::str(given);
  }

  std::pair<int, std::optional<Object>> look(const std::string& key) {
    auto o = find_newest(*tx_, x_.bucket->name, key);
    if (o && o->marker) o.reset();
    if (!check_object(x_, *x_.bucket, key, "s3:GetObject", o ? &*o : nullptr)) return {403, {}};
    if (!o) return {may_list(x_, *x_.bucket) ? 404 : 403, {}};
    return {200, std::move(o)};
  }

  std::optional<http::Answer> routed(const std::string& key, int status) {
    for (auto& rule : config_->routing_rules) {
      const auto* c = rule.condition;
      const std::string code = c ? api::str(c->http_error_code_returned_equals) : std::string();
      if ((code.empty() && status != 0) || (!code.empty() && code != std::to_string(status))) continue;
      const std::string prefix = c ? api::str(c->key_prefix_equals) : std::string();
      if (!key.starts_with(prefix)) continue;
      const auto& r = *rule.redirect;
      std::string to = key;
      if (r.replace_key_with.has()) to = api::str(r.replace_key_with);
      if (r.replace_key_prefix_with.has())
        to = api::str(r.replace_key_prefix_with) + key.substr(prefix.size());
      const auto host = r.host_name.empty() ? std::string(head_->header("host")) : api::str(r.host_name);
      const int how = r.http_redirect_code.empty() ? 301 : std::stoi(api::str(r.http_redirect_code));
      return redirect(how, scheme(r.protocol) + "://" + host + "/" + to);
    }
    return {};
  }

  http::Answer show(const Object& o, int status) {
    if (archived(o, x_.now))
      return page(403, "InvalidObjectState", "The operation is not valid for the object's storage class");
    if (has_data_key(o))
      return page(403, "AccessDenied", "Access Denied");  // nobody may decrypt for everybody
    if (auto it = o.headers.find("x-amz-website-redirect-location"); it != o.headers.end())
      return redirect(301, it->second);
    x_.object_size = o.size;
    http::Answer a;
    a.status = status;
    a.headers.emplace_back("ETag", quoted(o.etag));
    a.headers.emplace_back("Last-Modified", http_date(o.modified));
    if (!o.headers.contains("Content-Type")) a.headers.emplace_back("Content-Type", "binary/octet-stream");
    for (auto& [n, v] : o.headers) a.headers.emplace_back(n, v);
    if (status == 200 && unquoted(head_->header("if-none-match")) == o.etag) {
      a.status = 304;
      return a;
    }
    auto pieces = pieces_of(*tx_, o);
    auto size = o.size;
    if (auto range = parse_range(head_->header("range"), o.size);
        range && range->satisfiable && status == 200) {
      size = range->last - range->first + 1;
      pieces = slice(pieces, range->first, size);
      a.status = 206;
      a.headers.emplace_back("Content-Range", "bytes " + std::to_string(range->first) + "-" +
                                                  std::to_string(range->last) + "/" + std::to_string(o.size));
    }
    if (size == 0) return a;
    auto reader = std::make_unique<Blobs::Reader>(front_.blobs, *tx_, std::move(pieces));
    if (!reader->good()) return page(503, "SlowDown", "The object has just been replaced: please try again.");
    if (!reader->begin(!head_->tls))
      return page(500, "InternalError", "We encountered an internal error. Please try again.");
    a.source = std::move(reader);
    a.source_size = static_cast<uint64_t>(size);
    return a;
  }

  static http::Answer redirect(int status, std::string location) {
    http::Answer a;
    a.status = status;
    a.headers.emplace_back("Location", std::move(location));
    return a;
  }

  http::Answer page(int status, std::string_view code, std::string_view message) {
    error_ = code;
    http::Answer a;
    a.status = status;
    const auto title = std::to_string(status) + " " + std::string(http::reason(status));
    a.body =
        "<html>\n<head><title>" + title + "</title></head>\n<body>\n<h1>" + title + "</h1>\n<ul>\n<li>Code: ";
    a.body.append(code)
        .append("</li>\n<li>Message: ")
        .append(message)
        .append("</li>\n</ul>\n</body>\n</html>\n");
    a.headers.emplace_back("Content-Type", "text/html; charset=utf-8");
    a.headers.emplace_back("x-amz-error-code", std::string(code));
    return a;
  }

  Front::Impl& front_;
  http::HeadPtr head_;
  Target target_;
  const std::string id_ = random_text(16, "0123456789ABCDEF");
  std::string key_, error_;  // what is looked for; code
  Claim nobody_;
  Arena arena_;
  std::unique_ptr<store::Transaction> tx_;
  Exchange x_;
  const model::WebsiteConfiguration* config_ = nullptr;
};

}  // namespace

bool is_website(const Config& config, const http::Head& head) {
  if (head.header("host").find("s3-website") == std::string_view::npos) return false;
  auto target = parse_target(config, head);
  return target && target->website;
}

std::unique_ptr<http::Receiver> answer_website(Front::Impl& front, http::HeadPtr head) {
  auto target = *parse_target(front.cloud.config, *head);
  auto visit = std::make_unique<Visit>(front, std::move(head), std::move(target));
  return http::answer_with(visit->answer());
}

}  // namespace nubecita::s3
