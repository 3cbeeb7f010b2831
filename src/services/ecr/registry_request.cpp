#include "services/ecr/registry_request.hpp"

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "services/ecr/host.hpp"
#include "services/ecr/token.hpp"

namespace nubecita::ecr {

namespace {

bool take_end(std::string_view& path, std::string_view end) {
  if (!path.ends_with(end) || path.size() == end.size()) return false;
  path.remove_suffix(end.size());
  return true;
}

}  // namespace

Route parse_route(const Config& config, const http::Head& head) {
  Route r;
  auto decoded = http::percent_decode(head.path);
  std::string_view path = decoded;
  if (path == "/v2" || path == "/v2/") {
    r.kind = Route::ping;
    return r;
  }
  if (!path.starts_with("/v2/")) return r;
  path.remove_prefix(4);
  r.prefix = "/v2/";
  if (auto scope = scope_of_host(config, head.header("host"))) {
    r.scope = *scope;
  } else if (auto named = take_scope_prefix(path)) {
    r.scope = *named;
    r.prefix += named->account + "/" + named->region + "/";
  } else {
    return r;
  }
  if (take_end(path, "/tags/list")) {
    r.kind = Route::tags;
  } else if (take_end(path, "/blobs/uploads/") || take_end(path, "/blobs/uploads")) {
    r.kind = Route::uploads;
  } else {
    auto slash = path.rfind('/');
    if (slash == std::string_view::npos || slash + 1 == path.size()) return r;
    r.reference = path.substr(slash + 1);
    path = path.substr(0, slash);
    if (take_end(path, "/manifests"))
      r.kind = Route::manifest;
    else if (take_end(path, "/blobs/uploads"))
      r.kind = Route::upload;
    else if (take_end(path, "/blobs"))
      r.kind = Route::blob;
    else if (take_end(path, "/referrers"))
      r.kind = Route::referrers;
  }
  r.repository = path;
  if (!is_repository_name(r.repository)) r.kind = Route::unknown;
  return r;
}

http::Answer refusal(int status, std::string_view code, std::string_view message) {
  json::object e;
  e["code"] = code;
  e["message"] = message;
  json::object o;
  o["errors"] = json::array{std::move(e)};
  http::Answer a(status, json::serialize(json::value(std::move(o))) + "\n");
  a.headers = {{"Content-Type", "application/json; charset=utf-8"},
               {"Docker-Distribution-Api-Version", "registry/2.0"}};
  return a;
}

http::Answer refusal(const ApiError& e) {
  struct Row {
    std::string_view ours;
    int status;
    std::string_view theirs;
  };
  static constexpr Row rows[] = {
      {"RepositoryNotFoundException", 404, "NAME_UNKNOWN"},
      {"AccessDenied", 403, "DENIED"},
      {"Unauthorized", 401, "UNAUTHORIZED"},
      {"LayersNotFoundException", 404, "MANIFEST_BLOB_UNKNOWN"},
      {"ReferencedImagesNotFoundException", 404, "MANIFEST_BLOB_UNKNOWN"},
      {"ImageDigestDoesNotMatchException", 400, "DIGEST_INVALID"},
      {"InvalidDigest", 400, "DIGEST_INVALID"},
      {"ImageTagAlreadyExistsException", 400, "TAG_INVALID"},
      {"InvalidParameterException", 400, "MANIFEST_INVALID"},
      {"ImageNotFoundException", 404, "MANIFEST_UNKNOWN"},
      {"LayerNotFound", 404, "BLOB_UNKNOWN"},
      {"UploadNotFoundException", 404, "BLOB_UPLOAD_UNKNOWN"},
      {"ImageReferencedByManifestList", 409, "DENIED"},
  };
  for (auto& r : rows)
    if (r.ours == e.code) return refusal(r.status, r.theirs, e.message);
  log_error("ecr", "{}: {}", e.code, e.message);
  return refusal(e.status >= 500 ? e.status : 500, "UNKNOWN", e.message);
}

http::Answer answer(int status, std::string_view digest, std::string_view location) {
  http::Answer a;
  a.status = status;
  a.headers.emplace_back("Docker-Distribution-Api-Version", "registry/2.0");
  if (!digest.empty()) a.headers.emplace_back("Docker-Content-Digest", digest);
  if (!location.empty()) a.headers.emplace_back("Location", location);
  return a;
}

Result<api::Principal> Registry::Impl::authenticate(store::Transaction& tx, const http::Head& head,
                                                    int64_t now) const {
  auto authorization = head.header("authorization");
  if (authorization.empty()) return fail("Unauthorized", "no basic auth credentials", 401);
  auto space = authorization.find(' ');
  std::string scheme(authorization.substr(0, space)), pair;
  for (char& c : scheme) c = static_cast<char>(c | 0x20);
  if (scheme != "basic" || space == std::string_view::npos ||
      !base64_decode(authorization.substr(space + 1), pair) || !pair.starts_with("AWS:"))
    return fail("Unauthorized", "Log in as user AWS with the password of `aws ecr get-login-password`.", 401);
  return check_password(tx, std::string_view(pair).substr(4), now);
}

Result<Located> Registry::Impl::open(store::Transaction& tx, const Request& r,
                                     std::initializer_list<std::string_view> actions,
                                     std::string_view repository) const {
  if (repository.empty()) repository = r.route.repository;
  auto found = tx.get<Repository>(r.route.scope, repository);
  const api::RequestConditions request = [&r] {
    return api::Conditions{{"aws:SourceIp", {r.head->peer_ip}},
                           {"aws:SecureTransport", {r.head->tls ? "true" : "false"}}};
  };
  const auto tags = found ? resource_tags(*found) : api::Conditions();
  const auto resource = repository_arn(r.route.scope, repository);
  for (auto action : actions)
    TRY(cloud.authorizer->check(
        tx, {r.principal, action, resource, request, tags,
             found ? std::string_view(found->policy) : std::string_view(), r.route.scope.account}));
  if (!found) return no_repository(r.route.scope, repository);
  return Located{r.route.scope, std::move(*found)};
}

}  // namespace nubecita::ecr
