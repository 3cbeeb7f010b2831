#include "services/s3/cors.hpp"

#include <algorithm>

#include "services/s3/document.hpp"
#include "services/s3/front.hpp"

namespace nubecita::s3 {
namespace {

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

// With at most one '*'.
bool fits(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  const auto before = pattern.substr(0, star), after = pattern.substr(star + 1);
  return text.size() >= before.size() + after.size() && text.starts_with(before) && text.ends_with(after);
}

bool headers_fit(const model::CORSRule& rule, std::string_view requested) {
  while (!requested.empty()) {
    auto name = requested.substr(0, requested.find(','));
    requested.remove_prefix(std::min(requested.size(), name.size() + 1));
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name.empty()) continue;
    if (std::ranges::none_of(rule.allowed_headers,
                             [&](wire::Text p) { return fits(lowered(p), lowered(name)); }))
      return false;
  }
  return true;
}

std::string joined(const wire::List<wire::Text>& list) {
  std::string out;
  for (auto& t : list) out += (out.empty() ? "" : ", ") + api::str(t);
  return out;
}

}  // namespace

std::optional<Headers> cors_headers(store::Transaction& tx, std::string_view bucket, std::string_view origin,
                                    std::string_view method, std::string_view requested, bool preflight) {
  Arena arena;
  const auto* c = read_config<model::CORSConfiguration>(tx, arena, bucket, "PutBucketCors");
  if (!c) return {};
  for (auto& rule : c->cors_rules) {
    auto pattern = std::ranges::find_if(rule.allowed_origins, [&](wire::Text p) { return fits(p, origin); });
    if (pattern == rule.allowed_origins.end()) continue;
    if (std::ranges::none_of(rule.allowed_methods, [&](wire::Text m) { return m == method; })) continue;
    if (preflight && !headers_fit(rule, requested)) continue;
    Headers out;
    const bool any = pattern->sv() == "*";
    out.emplace_back("Access-Control-Allow-Origin", any ? "*" : std::string(origin));
    out.emplace_back("Access-Control-Allow-Methods", joined(rule.allowed_methods));
    if (preflight && !requested.empty())
      out.emplace_back("Access-Control-Allow-Headers", std::string(requested));
    if (!rule.expose_headers.empty())
      out.emplace_back("Access-Control-Expose-Headers", joined(rule.expose_headers));
    if (rule.max_age_seconds.has())
      out.emplace_back("Access-Control-Max-Age", std::to_string(*rule.max_age_seconds));
    if (!any) out.emplace_back("Access-Control-Allow-Credentials", "true");
    out.emplace_back("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
    return out;
  }
  return {};
}

std::unique_ptr<http::Receiver> answer_preflight(Front::Impl& front, http::HeadPtr head) {
  auto request = std::make_shared<Request>(front, head);
  auto refused = [&](std::string_view code, std::string message, int status) {
    return http::answer_with(request->refusal(ApiError{std::string(code), status, std::move(message), {}}));
  };
  auto target = parse_target(front.cloud.config, *head);
  const auto origin = head->header("origin"), method = head->header("access-control-request-method");
  if (!target) return refused("InvalidURI", "Couldn't parse the specified URI.", 400);
  if (origin.empty())
    return refused("BadRequest", "Insufficient information. Origin request header needed.", 400);
  if (method.empty()) return refused("BadRequest", "Invalid Access-Control-Request-Method: null", 400);
  auto tx = front.cloud.store->begin();
  auto headers =
      cors_headers(*tx, target->bucket, origin, method, head->header("access-control-request-headers"), true);
  if (!headers)
    return refused(
        "AccessForbidden",
        "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, "
        "request method / Access-Control-Request-Method or Access-Control-Request-Headers are not "
        "whitelisted by the resource's CORS spec.",
        403);
  http::Answer a;
  a.headers = std::move(*headers);
  return http::answer_with(std::move(a));
}

}  // namespace nubecita::s3
