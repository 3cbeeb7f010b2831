// The way of a request, and nothing else: route, authenticate, decode, authorize (by the operation),
// operation, commit, encode. It knows services only by their tables (api/service.hpp).
//
// Its functions run on the HTTP server's I/O threads; answers leave from the store's commit thread when
// something was written. The cloud, the services and the store outlive it; destroy it after the HTTP server
// has stopped.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/service.hpp"
#include "http/message.hpp"

namespace nubecita::gateway {

class Retrier;

/// Serves the requests that it claims by their head.
struct Guest {
  std::function<bool(const http::Head&)> claims;
  std::function<std::unique_ptr<http::Receiver>(http::HeadPtr)> begin;
};

struct Options {
  std::vector<const api::Service*> services;
  /// The installation's token: opens the CONNECT proxy and /_nubecita/ to its owner.
  std::string token;
  /// Those who serve requests that are no AWS API calls, asked in order: the container registry.
  std::vector<Guest> guests;
  /// GET/POST /_nubecita/<name>: answers JSON, or an error. On an own thread: may wait.
  std::function<Result<std::string>(std::string_view name, std::string_view body)> console;
  size_t max_body = 32u << 20;  // bytes of one API request
};

class Gateway : public http::Application {
 public:
  Gateway(api::Cloud& cloud, Options options);
  ~Gateway() override;
  std::unique_ptr<http::Receiver> begin(http::HeadPtr head) override;
  http::Connect connect(const http::Head& head, const std::string& host, int port) override;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace nubecita::gateway
