#include "gateway/gateway.hpp"

#include <openssl/crypto.h>

#include "base/ids.hpp"
#include "gateway/cors.hpp"
#include "gateway/request.hpp"
#include "gateway/retrier.hpp"

namespace nubecita::gateway {

struct Gateway::Impl {
  Impl(api::Cloud& c, Options o)
      : cloud(c), options(std::move(o)), router(options.services), credentials(*c.store) {}
  api::Cloud& cloud;
  Options options;
  Router router;
  iam::CredentialCache credentials;
  Retrier retrier;
  Retrier resumer;  // apart: the retrier may be held up by the console

  bool is_token(std::string_view given) const {
    return given.size() == options.token.size() && !given.empty() &&
           CRYPTO_memcmp(given.data(), options.token.data(), given.size()) == 0;
  }
  std::unique_ptr<http::Receiver> console(const http::HeadPtr& head);
};

namespace {
bool ends_with_domain(std::string_view host, std::string_view domain) {
  return host == domain || (host.ends_with(domain) && host.size() > domain.size() &&
                            host[host.size() - domain.size() - 1] == '.');
}
}  // namespace

Gateway::Gateway(api::Cloud& cloud, Options options)
    : impl_(std::make_unique<Impl>(cloud, std::move(options))) {}
Gateway::~Gateway() = default;

std::unique_ptr<http::Receiver> Gateway::begin(http::HeadPtr head) {
  if (head->path.starts_with("/_nubecita/")) return impl_->console(head);
  for (auto& guest : impl_->options.guests)
    if (guest.claims(*head)) return guest.begin(std::move(head));
  if (auto preflight = answer_preflight(*head)) return http::answer_with(std::move(*preflight));
  return http::collect(
      impl_->options.max_body, [impl = impl_.get(), head](std::string body, http::Respond respond) {
        serve_request({impl->cloud, impl->router, impl->credentials, impl->retrier, impl->resumer}, head,
                      std::move(body), std::move(respond));
      });
}

std::unique_ptr<http::Receiver> Gateway::Impl::console(const http::HeadPtr& head) {
  const auto given = head->header("authorization");
  if (!given.starts_with("Bearer ") || !is_token(given.substr(7)))
    return http::answer_with(http::Answer(403, "This page is for the owner of the installation.\n"));
  return http::collect(1 << 20, [this, head](std::string body, http::Respond respond) {
    // The console may wait (it asks the machine); the job owns what it needs.
    auto shared = std::make_shared<http::Respond>(std::move(respond));
    retrier.run([this, head, body = std::move(body), shared] {
      auto text = options.console(head->path.substr(std::string_view("/_nubecita/").size()), body);
      http::Answer answer;
      answer.status = text ? 200 : text.error().status;
      answer.headers.emplace_back("Content-Type", text ? "application/json" : "text/plain");
      answer.body = text ? std::move(*text) : text.error().message + "\n";
      (*shared)(std::move(answer));
    });
  });
}

http::Connect Gateway::connect(const http::Head& head, const std::string& host, int port) {
  // "Basic base64(user:token)": any user name, the token as password.
  const auto given = head.header("proxy-authorization");
  std::string plain;
  bool known = false;
  if (given.starts_with("Basic ") && base64_decode(given.substr(6), plain)) {
    auto colon = plain.find(':');
    known = colon != std::string::npos && impl_->is_token(std::string_view(plain).substr(colon + 1));
  }
  if (!known)
    return {http::Connect::refuse, 407,
            "This proxy needs its installation's token: use `nubecita as PROFILE -- COMMAND`.\n"};
  const bool ours = ends_with_domain(host, "amazonaws.com") || ends_with_domain(host, "api.aws") ||
                    ends_with_domain(host, impl_->cloud.config.domain);
  (void)port;
  return {ours ? http::Connect::terminate : http::Connect::relay, 0, {}};
}

}  // namespace nubecita::gateway
