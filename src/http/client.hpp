// A small blocking HTTP/1.1 client, for what runs on this machine: unix sockets (podman), TCP and TLS. One
// connection per request. No state, any thread; never on an I/O thread of the server.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace nubecita::http {

struct Endpoint {
  std::string unix_socket;  // path; or else host and port
  std::string host;
  int port = 80;
  bool tls = false;
  std::string ca_file;  // TLS: PEM of the roots to trust; empty: the system's
  std::string netns;    // network namespace file to connect from; empty: ours

  static Endpoint unix_path(std::string path) {
    Endpoint e;
    e.unix_socket = std::move(path);
    return e;
  }
  static Endpoint tcp(std::string h, int p) {
    Endpoint e;
    e.host = std::move(h);
    e.port = p;
    return e;
  }
};

struct Request {
  std::string method = "GET", target = "/";                  // target already percent-encoded
  std::vector<std::pair<std::string, std::string>> headers;  // Host and Content-Length are added
  std::string body;
  /// Instead of `body`: fills at most n bytes, answers how many; 0 ends, negative gives up. Sent chunked.
  std::function<int64_t(char* at, size_t n)> body_source;
};

struct Response {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;                                          // empty if it went to on_body
  std::string_view header(std::string_view lower_name) const {
    for (auto& [n, v] : headers)
      if (n == lower_name) return v;
    return {};
  }
};

struct RequestOptions {
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{60'000};  // for the whole; 0: none
  std::chrono::milliseconds idle_timeout{0};  // without a byte; 0: none
  size_t max_body = 64 << 20;                 // of Response::body
  /// Gets the body's parts of a 2xx answer instead of Response::body; false ends the request (which then
  /// succeeds).
  std::function<bool(std::string_view part)> on_body;
  /// Called when the head of the answer is complete, before the body.
  std::function<void(const Response&)> on_head;
  int cancel_fd = -1;  // an eventfd: the request ends with code "Cancelled" once it is readable
};

/// Errors (codes): "ConnectFailed", "Timeout", "Cancelled", "BadResponse", "ResponseTooLarge"; messages name
/// the endpoint. Any HTTP status is a success here.
Result<Response> request(const Endpoint& endpoint, const Request& request,
                         const RequestOptions& options = {});

std::string percent_encode(std::string_view text, std::string_view keep = "-._~");

}  // namespace nubecita::http
