#include "gateway/request.hpp"

#include <exception>

#include "api/call.hpp"
#include "api/run.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "gateway/authenticate.hpp"
#include "gateway/cors.hpp"
#include "gateway/inflate.hpp"

namespace nubecita::gateway {
namespace {

constexpr size_t kMostInflated = 32u << 20;  // bytes of a body that came compressed
constexpr int kMostRuns = 50;                // of an operation whose commits meet conflicts

class Request : public std::enable_shared_from_this<Request> {
 public:
  Request(const Shared& shared, http::HeadPtr head, std::string body, http::Respond respond)
      : cloud_(shared.cloud),
        router_(shared.router),
        credentials_(shared.credentials),
        retrier_(shared.retrier),
        resumer_(shared.resumer),
        head_(std::move(head)),
        body_(std::move(body)),
        respond_(std::move(respond)),
        id_(uuid()),
        started_(now_ms()),
        now_(started_) {
    raw_ = {head_->method, head_->path, head_->query, head_->headers, body_};
  }

  void start() {
    auto ready = prepare();
    if (!ready) return answer_error(ready.error());
    run();
  }

 private:
  /// Route, authenticate, decode: what is done once, however often the operation runs.
  Status prepare() {
    wire::SignedRequest claim;
    if (auto parsed = wire::parse_signature(raw_, wire::SignatureErrors::query)) claim = std::move(*parsed);
    route_ = router_.find(raw_, claim.service, arena_);
    const auto errors = signature_errors(route_.protocol);
    const bool anonymous = route_.service && route_.service->anonymous &&
                           head_->header("authorization").empty() && !wire::has_signature(raw_);
    if (claim.access_key.empty() && !anonymous) {  // the error in the words of the service's protocol
      if (auto again = wire::parse_signature(raw_, errors); !again) return fail(again.error());
    }
    // An API that is not here has no credentials to check against: say so before anything else.
    if (!route_.service) return fail(not_served(route_));
    if (anonymous) {
      caller_ = nobody(head_->header("host"), cloud_.config.home_region);
    } else {
      TRY_LET(caller_,
              authenticate(credentials_, raw_, claim, route_.service->shape->signing_name, now_, errors));
    }
    if (!route_.operation || !route_.operation->handler) return fail(not_served(route_));
    const auto& shape = *route_.operation->shape;
    in_ = arena_.allocate(shape.input->size);
    const auto encoding = head_->header("content-encoding");
    const bool json = route_.protocol == wire::Protocol::json10 || route_.protocol == wire::Protocol::json11;
    if (json && !encoding.empty() && encoding != "identity") {
      TRY_LET(inflated_, inflate_body(encoding, raw_.body, kMostInflated));
      raw_.body = inflated_;
    }
    if (route_.protocol == wire::Protocol::query || route_.protocol == wire::Protocol::ec2)
      raw_.body = with_path(form_of(raw_, arena_), *route_.service, raw_, arena_);
    return wire::decode(route_.protocol, *route_.service->shape, shape, raw_, arena_, in_);
  }

  /// The operation and its commit; again from here on a conflict.
  void run() {
    ++runs_;
    auto tx = cloud_.store->begin();
    Status done;
    try {
      done = operate(*tx);
    } catch (const std::exception& e) {
      log_error("gateway", "{} {} of request {}: {}", route_.service->shape->name, route_.name, id_,
                e.what());
      done =
          fail("InternalFailure",
               "The request could not be served because of an internal failure; its id is " + id_ + ".", 500);
    }
    if (!done || park_) tell(false);
    if (!done) return answer_error(done.error());
    if (park_) {
      tx.reset();
      return std::exchange(park_, nullptr)([self = shared_from_this()] { self->resume(); });
    }
    if (runs_ > 1) {
      // On the retrier's thread, which waits: those that met a conflict do not meet each other again, so
      // however many want the same record, each gets its turn.
      std::string reason;
      const auto result = cloud_.store->commit(std::move(tx), &reason);
      return committed(result, reason);
    }
    cloud_.store->commit(std::move(tx),
                         [self = shared_from_this()](store::CommitResult result, const std::string& reason) {
                           self->committed(result, reason);
                         });
  }

  /// The operation waited (api::wait) and shall look again.
  void resume() {
    resumer_.run([self = shared_from_this()] {
      self->now_ = now_ms();
      self->runs_ = 0;
      self->abandoned_ = http::client_left(*self->head_);
      self->run();
    });
  }

  void tell(bool done) {
    for (auto& then : std::exchange(afterwards_, {})) then(done);
  }

  Status operate(store::Transaction& tx) {
    const auto& shape = *route_.operation->shape;
    out_ = arena_.allocate(shape.output->size);
    api::Call call(cloud_, tx, arena_, *caller_.principal);
    call.region = caller_.region;
    call.service = route_.service->iam_prefix;
    call.operation = shape.name;
    call.request_id = id_;
    call.source_ip = head_->peer_ip;
    call.tls = head_->tls;
    call.now = now_;
    api::Run of_this(started_, head_->header("host"), abandoned_);
    call.request_conditions = [this] {
      return api::Conditions{{"aws:SourceIp", {head_->peer_ip}},
                             {"aws:SecureTransport", {head_->tls ? "true" : "false"}},
                             {"aws:RequestedRegion", {caller_.region}},
                             {"aws:UserAgent", {std::string(head_->header("user-agent"))}}};
    };
    auto good = route_.operation->handler(call, in_, out_);
    afterwards_ = std::move(of_this.afterwards);
    TRY(good);
    if (!call.authorized()) {  // closed by default: an operation that forgot to ask writes and tells nothing
      log_error("gateway", "{} {} asked for no authorization", route_.service->shape->name, route_.name);
      return fail("InternalFailure",
                  "The operation is not guarded by an authorization check and was refused.", 500);
    }
    park_ = std::move(of_this.park);
    return {};
  }

  void committed(store::CommitResult result, const std::string& reason) {
    tell(result == store::CommitResult::done);
    if (result == store::CommitResult::done) return answer();
    if (result == store::CommitResult::conflict && runs_ < kMostRuns)
      return retrier_.run([self = shared_from_this()] { self->run(); });
    if (result == store::CommitResult::failed)
      log_error("gateway", "commit of request {} failed: {}", id_, reason);
    answer_error({"ServiceUnavailable",
                  503,
                  result == store::CommitResult::failed
                      ? "The change could not be made durable and was not made: " + reason
                      : "Too many concurrent changes to the same resources; please try again.",
                  {}});
  }

  void answer() {
    wire::RawResponse raw;
    wire::encode(route_.protocol, *route_.service->shape, *route_.operation->shape, out_, id_, raw);
    send(raw);
  }

  void answer_error(ApiError error) {
    static constexpr wire::ServiceShape nobody{};
    if (error.code == "AccessDenied" && route_.service) translate_denial(error);
    if (log_enabled(LogLevel::debug))
      log_debug("gateway", "{} {}: {} {}", route_.service ? route_.service->shape->name : "?", route_.name,
                error.code, error.message);
    wire::RawResponse raw;
    wire::encode_error(route_.protocol, route_.service ? *route_.service->shape : nobody, error, id_, raw);
    send(raw);
  }

  void translate_denial(ApiError& error) const {
    if (route_.protocol == wire::Protocol::ec2) {
      error.code = "UnauthorizedOperation";
      error.message = "You are not authorized to perform this operation. " + error.message;
    } else if (route_.protocol == wire::Protocol::json10 || route_.protocol == wire::Protocol::json11) {
      error.code = "AccessDeniedException";
      error.status = 400;
    }
  }

  void send(wire::RawResponse& raw) {
    http::Answer a;
    a.status = raw.status;
    a.headers = std::move(raw.headers);
    a.headers.emplace_back("Date", http_date(now_));
    a.body = std::move(raw.body);
    allow_origin(*head_, a);
    respond_(std::move(a));
  }

  api::Cloud& cloud_;
  const Router& router_;
  iam::CredentialCache& credentials_;
  Retrier& retrier_;
  Retrier& resumer_;
  http::HeadPtr head_;
  std::string body_, inflated_;
  http::Respond respond_;
  std::string id_;
  int64_t started_;
  int64_t now_;
  Arena arena_;
  wire::RawRequest raw_;
  Route route_;
  Caller caller_;
  void* in_ = nullptr;
  void* out_ = nullptr;
  int runs_ = 0;
  bool abandoned_ = false;                   // by the client, before this run
  std::vector<api::Afterwards> afterwards_;  // of the run that is being committed
  api::Park park_;
};

}  // namespace

void serve_request(const Shared& shared, http::HeadPtr head, std::string body, http::Respond respond) {
  std::make_shared<Request>(shared, std::move(head), std::move(body), std::move(respond))->start();
}

}  // namespace nubecita::gateway
