#include "services/sqs/locate.hpp"

#include "base/arn.hpp"

namespace nubecita::sqs {
namespace {

/// The last two parts of the path, whatever the host: clients reach us by several names.
bool parse_url(std::string_view url, std::string_view& account, std::string_view& name) {
  const auto slash = url.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return false;
  name = url.substr(slash + 1);
  const auto before = url.rfind('/', slash - 1);
  account =
      before == std::string_view::npos ? url.substr(0, slash) : url.substr(before + 1, slash - before - 1);
  return account.size() == 12 && account.find_first_not_of("0123456789") == std::string_view::npos &&
         !name.empty();
}

}  // namespace

bool anonymous(const api::Call& call) { return call.principal.kind == api::Principal::Kind::anonymous; }

ApiError no_queue() { return {"QueueDoesNotExist", 400, "The specified queue does not exist.", {}}; }

std::unexpected<ApiError> invalid_parameter(std::string message) {
  return fail("InvalidParameterValue", std::move(message));
}

Result<Located> locate(api::Call& call, std::string_view url, std::string_view action) {
  std::string_view account, name;
  if (!parse_url(url, account, name)) {
    // The bare name of one's own queue is taken too, as AWS takes it from old clients.
    if (url.empty() || url.find('/') != std::string_view::npos)
      return fail("InvalidAddress", "The address " + std::string(url) + " is not valid for this endpoint.",
                  404);
    account = call.account;
    name = url;
  }
  const store::Scope scope{std::string(account), call.region};
  auto view = queues(call).find(call.tx, scope, name);
  const auto arn = nubecita::arn("sqs", call.region, account, name);
  TRY(call.authorize(arn, {}, action, view ? std::string_view(view->settings.policy) : std::string_view(),
                     account));
  if (!view) return fail(no_queue());
  return Located{std::move(view)};
}

Result<Located> locate_own(api::Call& call, std::string_view url, std::string_view action) {
  std::string_view account, name;
  if (parse_url(url, account, name) && account != call.account)
    return fail("AccessDenied",
                "User: " + (anonymous(call) ? "anonymous" : call.principal.arn) +
                    " is not authorized to perform: " + std::string(action) +
                    " on resource: " + nubecita::arn("sqs", call.region, account, name) +
                    " because only the account of the queue may",
                403);
  return locate(call, url, action);
}

std::string url_of(const api::Call& call, std::string_view account, std::string_view name) {
  std::string url = call.tls ? "https://" : "http://";
  url.append(api::host(call)).append("/").append(account).append("/").append(name);
  return url;
}

}  // namespace nubecita::sqs
