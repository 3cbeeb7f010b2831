// One request of the distribution API: its route, who makes it, what IAM says. Internal to this folder.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/call.hpp"
#include "base/pool.hpp"
#include "http/message.hpp"
#include "services/ecr/blobs.hpp"
#include "services/ecr/images.hpp"
#include "services/ecr/registry.hpp"

namespace nubecita::ecr {

struct Route {
  enum Kind { ping, manifest, blob, uploads, upload, tags, referrers, unknown } kind = unknown;
  store::Scope scope;
  std::string repository;
  std::string reference;  // tag, digest or upload id
  std::string prefix;     // of paths in answers: "/v2/" or "/v2/<account>/<region>/"
};
Route parse_route(const Config& config, const http::Head& head);

struct Request {
  http::HeadPtr head;
  Route route;
  api::Principal principal;
  int64_t now = 0;

  std::string path(std::string_view rest) const {
    return route.prefix + route.repository + "/" + std::string(rest);
  }
  std::string parameter(std::string_view name) const {
    std::string out;
    http::query_value(head->query, name, out);
    return out;
  }
};

http::Answer refusal(int status, std::string_view code, std::string_view message);
/// An error of the shared functions, as the distribution API spells it.
http::Answer refusal(const ApiError& error);
http::Answer answer(int status, std::string_view digest = {}, std::string_view location = {});

struct Registry::Impl {
  explicit Impl(api::Cloud& c) : cloud(c), blobs(c.config), pool(4, "ecr") {}
  api::Cloud& cloud;
  Blobs blobs;
  Pool pool;

  /// Who it is. Error "Unauthorized".
  Result<api::Principal> authenticate(store::Transaction& tx, const http::Head& head, int64_t now) const;
  /// The repository, if every action is allowed on it. Errors: AccessDenied, RepositoryNotFoundException.
  Result<Located> open(store::Transaction& tx, const Request& r,
                       std::initializer_list<std::string_view> actions,
                       std::string_view repository = {}) const;

  // registry.cpp: what only reads
  http::Answer get_manifest(const Request& r);
  http::Answer get_blob(const Request& r, bool presigned);
  http::Answer list_tags(const Request& r);
  http::Answer referrers(const Request& r);
  http::Answer upload_status(const Request& r);
  // registry_write.cpp
  std::unique_ptr<http::Receiver> put_manifest_receiver(std::shared_ptr<Request> r);
  std::unique_ptr<http::Receiver> upload_receiver(std::shared_ptr<Request> r);
  std::unique_ptr<http::Receiver> begin_upload(std::shared_ptr<Request> r);
  http::Answer new_upload(const Request& r);
  http::Answer delete_manifest(const Request& r);
  http::Answer delete_upload(const Request& r);
  std::optional<http::Answer> mount(const Request& r);
  http::Answer finish_upload(const Request& r, const std::string& id, const std::string& digest);

  /// A receiver that ignores the body and answers with what `work` makes on the pool.
  std::unique_ptr<http::Receiver> later(std::shared_ptr<Request> r,
                                        http::Answer (Impl::*work)(const Request&));
};

}  // namespace nubecita::ecr
