#include "services/s3/front.hpp"

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "services/s3/access.hpp"
#include "services/s3/cors.hpp"
#include "services/s3/document.hpp"
#include "services/s3/form.hpp"
#include "services/s3/object_keys.hpp"
#include "services/s3/roots.hpp"
#include "services/s3/route.hpp"
#include "services/s3/website.hpp"
#include "wire/xml.hpp"

namespace nubecita::s3 {
namespace {

constexpr int kMostRuns = 50;
constexpr size_t kLargestDocument = 8u << 20;  // of 10,000 parts, of 1,000 keys to delete
constexpr size_t kDrained = 256u << 10;        // of a body that is not wanted, so that the client hears why

std::string_view scope_service(std::string_view credential) {
  // key/date/region/service/aws4_request
  for (int i = 0; i < 3; ++i) {
    auto slash = credential.find('/');
    if (slash == std::string_view::npos) return {};
    credential.remove_prefix(slash + 1);
  }
  return credential.substr(0, credential.find('/'));
}

/// Lets a small body come before it refuses: a client that is cut off while it sends may not see the answer.
class Refusal final : public http::Receiver {
 public:
  Refusal(http::Answer answer, bool drain) : answer_(std::move(answer)), drain_(drain) {}
  bool write(std::string_view part) override {
    seen_ += part.size();
    return drain_ && seen_ <= kDrained;
  }
  void finish(http::Respond respond) override { respond(std::move(answer_)); }

 private:
  http::Answer answer_;
  bool drain_;
  size_t seen_ = 0;
};

Failure internal_error() {
  return fail("InternalError", "We encountered an internal error. Please try again.", 500);
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
        c == '.' || c == '/')
      out += c;
    else
      out += "%" + to_hex({&c, 1});
  }
  return out;
}

std::unique_ptr<http::Receiver> refuse(const http::Head& head, http::Answer answer) {
  return std::make_unique<Refusal>(std::move(answer), head.header("expect").empty());
}

class BytesReceiver final : public http::Receiver {
 public:
  explicit BytesReceiver(std::shared_ptr<Request> r) : request_(std::move(r)) {}
  bool write(std::string_view part) override { return request_->intake().write(part); }
  void finish(http::Respond respond) override { request_->with_bytes(std::move(respond)); }

 private:
  std::shared_ptr<Request> request_;
};

}  // namespace

Front::Front(api::Cloud& cloud) : impl_(std::make_unique<Impl>(cloud)) {}
Front::~Front() = default;
void Front::finish() { impl_->log.finish(); }
Front::Impl::~Impl() {
  {
    std::lock_guard lock(housekeeping_mutex);
    stopping = true;
  }
  housekeeping_wake.notify_all();
  if (housekeeping.joinable()) housekeeping.join();
}

bool Front::claims(const http::Head& head) const {
  if (!head.header("x-amz-target").empty()) return false;
  const auto authorization = head.header("authorization");
  if (authorization.starts_with("AWS4-")) {
    const auto at = authorization.find("Credential=");
    return at != std::string_view::npos && scope_service(authorization.substr(at + 11)) == "s3";
  }
  if (authorization.starts_with("AWS ") || has_parameter(head.query, "AWSAccessKeyId")) return true;
  if (!authorization.empty()) return false;
  if (has_parameter(head.query, "X-Amz-Credential")) {
    std::string credential;
    http::query_value(head.query, "X-Amz-Credential", credential);
    return scope_service(credential) == "s3";
  }
  if (is_s3_host(impl_->cloud.config, head.header("host"))) return true;
  // Unsigned, by path: everything but another API's call. Its parameters may be the body, which no POST of S3
  // without a query is.
  if (head.method == "POST" && head.query.empty() &&
      head.header("content-type").starts_with("application/x-www-form-urlencoded"))
    return false;
  return !has_parameter(head.query, "Action") && head.path != "/";
}

std::unique_ptr<http::Receiver> Front::begin(http::HeadPtr head) {
  if (head->method == "OPTIONS") return answer_preflight(*impl_, std::move(head));
  if (is_website(impl_->cloud.config, *head)) return answer_website(*impl_, std::move(head));
  if (is_form(impl_->cloud.config, *head)) return receive_form(*impl_, std::move(head));
  auto request = std::make_shared<Request>(*impl_, head);
  if (auto ready = request->begin(); !ready) return refuse(*head, request->logged_refusal(ready.error()));
  if (request->takes_bytes()) return std::make_unique<BytesReceiver>(std::move(request));
  return http::collect(
      kLargestDocument,
      [request](std::string body, http::Respond respond) {
        request->with_document(std::move(body), std::move(respond));
      },
      [request] {
        return request->refusal(ApiError{"MaxMessageLengthExceeded", 400, "Your request was too large.", {}});
      });
}

Request::Request(Front::Impl& front, http::HeadPtr head)
    : front_(front), head_(std::move(head)), id_(random_text(16, "0123456789ABCDEF")), now_(now_ms()) {}

Status Request::begin() {
  try {
    TRY(prepare());
    return takes_bytes() ? start_intake() : Status();
  } catch (const std::exception& e) {  // the store cannot be read
    log_error("s3", "{} {} of request {}: {}", head_->method, head_->path, id_, e.what());
    return internal_error();
  }
}

Status Request::prepare() {
  auto target = parse_target(front_.cloud.config, *head_);
  if (!target) return fail("InvalidURI", "Couldn't parse the specified URI.", 400);
  target_ = std::move(*target);
  if (target_.key.size() > 1024)
    return fail(ApiError{"KeyTooLongError",
                         400,
                         "Your key is too long",
                         {{"Size", std::to_string(target_.key.size())}, {"MaxSizeAllowed", "1024"}}});
  add_cors();
  TRY_LET(claim_, identify(front_.credentials, *head_, target_, now_));
  TRY_LET(operation_, find_operation(target_, *head_));
  return {};
}

Status Request::prepare_put(const Target& target, Claim claim) {
  target_ = target;
  target_.path = "/" + target.bucket + "/" + percent_encode(target.key);
  claim_ = std::move(claim);
  add_cors();
  TRY_LET(operation_, find_operation(target_, *head_));
  return {};
}

bool Request::takes_bytes() const {
  return operation_->shape->name == "PutObject" || operation_->shape->name == "UploadPart";
}

// Before anything is received: who may not put learns it now. What is allowed and still right is asked again
// in the operation's transaction.
Status Request::start_intake() {
  TRY(decode());
  auto tx = front_.cloud.store->begin();
  Exchange x(front_.cloud, *tx, arena_, claim_, *head_, target_, front_.blobs);
  x.now = now_;
  TRY(x.find_bucket());
  const bool part = operation_->shape->name == "UploadPart";
  const bool large = head_->header("content-length").size() > 6 || !head_->header("expect").empty();
  if (claim_.anonymous() || large) {
    x.request_conditions = [this] { return conditions(); };
    TRY(open_object(x, "s3:PutObject"));
  }
  bool encrypt = !x.bucket->encryption.empty() || !head_->header("x-amz-server-side-encryption").empty();
  encrypt = encrypt || brings_key(*head_);
  if (part) {
    std::string id;
    http::query_value(head_->query, "uploadId", id);
    auto upload = get_record<Upload>(*tx, upload_key(target_.bucket, target_.key, id));
    if (!upload) return no_such_upload(id);
    encrypt = !upload->object.encryption.empty();
  }
  TRY_LET(intake_, Intake::of_request(front_.blobs, *head_, claim_, encrypt));
  return {};
}

Status Request::decode() {
  const auto& shape = *operation_->shape;
  // How an object is encrypted was said when it was put.
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
  if (shape.name == "GetObject" || shape.name == "HeadObject")
    for (std::string_view header :
         {"x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"})
      if (auto value = head_->header(header); !value.empty())
        return invalid_argument(std::string(header) + " header is not supported for this operation.",
                                std::string(header), std::string(value));
  in_ = arena_.allocate(shape.input->size);
  const wire::RawRequest raw{head_->method, target_.path, head_->query, head_->headers,
                             takes_bytes() ? std::string_view() : std::string_view(body_)};
  auto decoded = wire::decode(wire::Protocol::rest_xml, *service().shape, shape, raw, arena_, in_);
  if (decoded) return {};
  const auto& error = decoded.error();
  if (error.code == "NotImplemented") return not_implemented(error.message);
  if (error.code == "MalformedXML") return malformed_xml();
  // A value that is not one of those that the model allows.
  if (shape.name == "CreateBucket" && body_.find("<LocationConstraint>") != std::string::npos)
    return fail("InvalidLocationConstraint", "The specified location-constraint is not valid", 400);
  if (!body_.empty()) return malformed_xml();
  return invalid_argument(error.message);
}

void Request::with_document(std::string body, http::Respond respond) {
  respond_ = std::move(respond);
  body_ = std::move(body);
  Status ready;
  const auto& v4 = claim_.v4;
  const bool chunked = v4.payload == wire::Payload::streaming_signed ||
                       v4.payload == wire::Payload::streaming_signed_trailer ||
                       v4.payload == wire::Payload::streaming_unsigned_trailer;
  if (chunked)
    ready = not_implemented("aws-chunked encoding of this operation's body");
  else if (v4.payload == wire::Payload::hashed && wire::sha256_hex(body_) != v4.payload_hash)
    ready = fail("XAmzContentSHA256Mismatch",
                 "The provided 'x-amz-content-sha256' header does not match what was computed.", 400);
  if (ready) ready = check_document(*head_, body_);
  if (ready) ready = decode();
  if (!ready) return answer_error(ready.error());
  if (operation_->shape->name == "CopyObject" || operation_->shape->name == "UploadPartCopy")
    return front_.pool.run([self = shared_from_this()] { self->run(); });  // may read and write many bytes
  run();
}

void Request::with_bytes(http::Respond respond) {
  respond_ = std::move(respond);
  if (auto whole = intake_->finish(); !whole) return answer_error(whole.error());
  if (!intake_->blob().is_file()) return run();
  front_.pool.run([self = shared_from_this()] {
    if (auto synced = self->intake_->blob().sync(); !synced) return self->answer_error(synced.error());
    self->run();
  });
}

api::Conditions Request::conditions() const {
  api::Conditions c = {{"aws:SourceIp", {head_->peer_ip}},
                       {"aws:SecureTransport", {head_->tls ? "true" : "false"}},
                       {"aws:RequestedRegion", {claim_.region}},
                       {"aws:UserAgent", {std::string(head_->header("user-agent"))}},
                       {"s3:authType", {std::string(claim_.method)}}};
  if (!claim_.version.empty()) c.push_back({"s3:signatureversion", {std::string(claim_.version)}});
  if (auto referer = head_->header("referer"); !referer.empty())
    c.push_back({"aws:Referer", {std::string(referer)}});
  if (claim_.v4.time_ms) c.push_back({"s3:signatureAge", {std::to_string(now_ - claim_.v4.time_ms)}});
  // Headers that policies may ask for.
  for (auto& [name, value] : head_->headers)
    for (std::string_view known :
         {"x-amz-acl", "x-amz-grant-read", "x-amz-grant-write", "x-amz-grant-read-acp",
          "x-amz-grant-write-acp", "x-amz-grant-full-control", "x-amz-copy-source",
          "x-amz-metadata-directive", "x-amz-server-side-encryption",
          "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-customer-algorithm",
          "x-amz-storage-class", "x-amz-website-redirect-location", "x-amz-content-sha256", "if-match",
          "if-none-match"})
      if (name == known) c.push_back({"s3:" + std::string(name), {std::string(value)}});
  return c;
}

void Request::run() {
  ++runs_;
  auto tx = front_.cloud.store->begin();
  exchange_ = std::make_unique<Exchange>(front_.cloud, *tx, arena_, claim_, *head_, target_, front_.blobs);
  Status done;
  try {
    done = operate(*tx, *exchange_);
  } catch (const std::exception& e) {
    log_error("s3", "{} of request {}: {}", operation_->shape->name, id_, e.what());
    done = internal_error();
  }
  if (!done) {
    if (done.error().code != "ReadAgain") return answer_error(done.error());
    if (runs_ < kMostRuns) return run();
    log_error("s3", "{} of request {}: the bytes of {}/{} cannot be opened", operation_->shape->name, id_,
              target_.bucket, target_.key);
    return answer_error(internal_error().error());
  }
  front_.cloud.store->commit(
      std::move(tx),
      [self = shared_from_this()](store::CommitResult r, std::string reason) { self->committed(r, reason); });
}

Status Request::operate(store::Transaction&, Exchange& x) {
  const auto& shape = *operation_->shape;
  out_ = arena_.allocate(shape.output->size);
  x.region = claim_.region;
  x.service = "s3";
  x.operation = shape.name;
  x.request_id = id_;
  x.source_ip = head_->peer_ip;
  x.tls = head_->tls;
  x.now = now_;
  x.body = body_;
  x.intake = intake_.get();
  x.request_conditions = [this] { return conditions(); };
  TRY(operation_->handler(x, in_, out_));
  if (!x.authorized()) {  // closed by default
    log_error("s3", "{} asked for no authorization", shape.name);
    return fail("InternalError", "The operation is not guarded by an authorization check and was refused.",
                500);
  }
  return {};
}

void Request::committed(store::CommitResult result, const std::string& reason) {
  if (result == store::CommitResult::done) {
    exchange_->settle(true);
    if (intake_) intake_->blob().taken();
    for (auto& made : exchange_->made) made->blob().taken();
    if (!exchange_->doomed.empty())
      front_.pool.run(
          [&front = front_, doomed = std::move(exchange_->doomed)] { front.blobs.remove(doomed); });
    return answer();
  }
  if (result == store::CommitResult::conflict && runs_ < kMostRuns)
    return front_.pool.run([self = shared_from_this()] { self->run(); });
  if (result == store::CommitResult::failed) log_error("s3", "commit of request {} failed: {}", id_, reason);
  if (result == store::CommitResult::failed)
    return answer_error(
        {"ServiceUnavailable", 503, "The change could not be made durable and was not made: " + reason, {}});
  answer_error(
      {"OperationAborted",
       409,
       "A conflicting conditional operation is currently in progress against this resource. Try again.",
       {}});
}

void Request::answer() {
  auto& x = *exchange_;
  wire::RawResponse raw;
  wire::encode(wire::Protocol::rest_xml, *service().shape, *operation_->shape, out_, id_, raw);
  name_root(operation_->shape->name, raw.body);
  http::Answer a;
  a.status = x.status ? x.status : raw.status;
  a.headers = std::move(raw.headers);
  for (auto& h : x.headers) a.headers.push_back(std::move(h));
  a.body = std::move(raw.body);
  if (!x.document.empty()) {
    a.body = std::move(x.document);
    std::erase_if(a.headers, [](auto& h) { return h.first == "Content-Type"; });
    a.headers.emplace_back("Content-Type", a.body.starts_with('{') ? "application/json" : "application/xml");
  }
  a.source = std::move(x.source);
  a.source_size = x.source_size;
  send(std::move(a));
}

http::Answer Request::refusal(ApiError error) {
  http::Answer a;
  a.status = status_of(error);
  if (log_enabled(LogLevel::debug))
    log_debug("s3", "{} {}: {} {}", head_->method, head_->path, error.code, error.message);
  a.headers.emplace_back("x-amz-request-id", id_);
  if (exchange_)
    for (auto& h : exchange_->headers) a.headers.push_back(h);
  if (a.status != 304 && head_->method != "HEAD") {
    a.headers.emplace_back("Content-Type", "application/xml");
    std::string& body = a.body;
    body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>";
    wire::append_xml_tag(body, "Code", error.code);
    wire::append_xml_tag(body, "Message", error.message);
    for (auto& [name, value] : error.fields) wire::append_xml_tag(body, name, value);
    wire::append_xml_tag(body, "Resource", head_->path);
    wire::append_xml_tag(body, "RequestId", id_);
    wire::append_xml_tag(body, "HostId", base64(id_));
    body += "</Error>";
  }
  a.headers.emplace_back("x-amz-id-2", base64(id_));
  a.headers.emplace_back("Date", http_date(now_));
  a.headers.emplace_back("Server", "AmazonS3");
  for (auto& h : cors_) a.headers.push_back(h);
  return a;
}

http::Answer Request::logged_refusal(const ApiError& error) {
  auto a = refusal(error);
  log(a, a.status == 304 ? std::string_view() : std::string_view(error.code));
  return a;
}

// Of a request that was refused before its bucket was looked at, that is done here.
void Request::log(const http::Answer& a, std::string_view error) {
  if (target_.bucket.empty()) return;
  const bool known = exchange_ && exchange_->bucket;
  std::optional<Bucket> read;
  if (!known) try {
      read = front_.cloud.store->begin()->get<Bucket>(kEverywhere, target_.bucket);
    } catch (const std::exception&) {  // the store cannot be read, which the answer says
      return;
    }
  const auto& bucket = known ? exchange_->bucket : read;
  if (bucket && bucket->logged) {
    const auto operation =
        rest_operation(*head_, target_, operation_ ? operation_->shape->name : std::string_view());
    std::string version;
    http::query_value(head_->query, "versionId", version);
    front_.log.add({.bucket = *bucket,
                    .head = *head_,
                    .claim = claim_,
                    .request_id = id_,
                    .operation = operation,
                    .key = target_.key,
                    .version = version,
                    .error = error,
                    .status = a.status,
                    .sent = a.source ? a.source_size : a.body.size(),
                    .object_size = exchange_ ? exchange_->object_size : -1,
                    .began = now_,
                    .now = now_ms()});
  }
  if (!exchange_ || !error.empty()) return;
  for (auto& part : exchange_->logged_parts)
    front_.log.add({.bucket = part.bucket ? *part.bucket : *bucket,
                    .head = *head_,
                    .claim = claim_,
                    .request_id = id_,
                    .operation = part.operation,
                    .key = part.key,
                    .version = part.version,
                    .error = part.error,
                    .status = part.status,
                    .object_size = part.size,
                    .began = now_,
                    .part = true});
}

void Request::answer_error(const ApiError& error) {
  // Bytes that nobody needs are removed where it may wait a little: with the request.
  respond_(logged_refusal(error));
}

void Request::send(http::Answer a) {
  a.headers.emplace_back("x-amz-id-2", base64(id_));
  a.headers.emplace_back("Date", http_date(now_));
  a.headers.emplace_back("Server", "AmazonS3");
  for (auto& h : cors_) a.headers.push_back(std::move(h));
  log(a);
  exchange_.reset();
  respond_(std::move(a));
}

void Request::add_cors() {
  if (target_.bucket.empty() || head_->header("origin").empty()) return;
  auto tx = front_.cloud.store->begin();
  cors_ = cors_headers(*tx, target_.bucket, head_->header("origin"), head_->method, {}, false)
              .value_or(decltype(cors_){});
}

}  // namespace nubecita::s3
