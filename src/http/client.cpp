#include "http/client.hpp"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>

#include "http/asio.hpp"
#include "http/listening.hpp"

#include <boost/beast/http/basic_parser.hpp>

namespace nubecita::http {
namespace {
namespace beast = boost::beast;
using Clock = std::chrono::steady_clock;
using View = beast::string_view;

std::string name_of(const Endpoint& e) {
  return e.unix_socket.empty() ? e.host + ":" + std::to_string(e.port) : e.unix_socket;
}

class Parser final : public beast::http::basic_parser<false> {
 public:
  Response* response = nullptr;
  const RequestOptions* options = nullptr;
  bool too_large = false, enough = false, head_complete = false;

 private:
  void on_request_impl(beast::http::verb, View, View, int, ErrorCode&) override {}
  void on_response_impl(int code, View, int, ErrorCode&) override { response->status = code; }
  void on_field_impl(beast::http::field, View name, View value, ErrorCode&) override {
    if (head_complete) return;  // trailers
    std::string lower(name.data(), name.size());
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    response->headers.emplace_back(std::move(lower), std::string(value.data(), value.size()));
  }
  void on_header_impl(ErrorCode&) override {
    head_complete = true;
    if (response->status / 100 != 1 && options->on_head) options->on_head(*response);
  }
  void on_body_init_impl(boost::optional<std::uint64_t> const&, ErrorCode&) override {}
  std::size_t take(View part) {
    if (part.empty() || enough || too_large) return part.size();
    if (options->on_body && response->status / 100 == 2) {
      if (!options->on_body({part.data(), part.size()})) enough = true;
    } else if (part.size() > options->max_body - response->body.size()) {
      too_large = true;
    } else {
      response->body.append(part.data(), part.size());
    }
    return part.size();
  }
  std::size_t on_body_impl(View part, ErrorCode&) override { return take(part); }
  void on_chunk_header_impl(std::uint64_t, View, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View part, ErrorCode&) override { return take(part); }
  void on_finish_impl(ErrorCode&) override {}
};

// One connection; every wait ends at the deadline, on the cancel descriptor, or on idleness.
class Wire {
 public:
  Wire(const Endpoint& e, const RequestOptions& o) : endpoint_(e), options_(o) {
    if (o.timeout.count() > 0) deadline_ = Clock::now() + o.timeout;
  }
  ~Wire() {
    if (ssl_) SSL_free(ssl_);
    if (ctx_) SSL_CTX_free(ctx_);
    if (fd_ >= 0) ::close(fd_);
  }
  Wire(const Wire&) = delete;

  Status open() {
    if (endpoint_.netns.empty()) {
      TRY(connect());
    } else {
      Status inside;
      if (!in_namespace(endpoint_.netns, [&] { inside = connect(); }))
        return fail("ConnectFailed", "Cannot enter the network namespace " + endpoint_.netns + ": " +
                                         std::strerror(errno) + ".");
      TRY(std::move(inside));
    }
    return endpoint_.tls ? start_tls() : Status();
  }

  Status write(std::string_view bytes) {
    while (!bytes.empty()) {
      if (ssl_) {
        int n = SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), 1 << 20)));
        if (n > 0) {
          bytes.remove_prefix(static_cast<size_t>(n));
        } else {
          TRY(wait_tls(n, "send to"));
        }
        continue;
      }
      auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0) {
        bytes.remove_prefix(static_cast<size_t>(n));
      } else if (errno == EAGAIN) {
        TRY(wait(POLLOUT));
      } else if (errno != EINTR) {
        return broken("send to");
      }
    }
    return {};
  }

  /// 0: the other side has ended.
  Result<size_t> read(char* at, size_t n) {
    for (;;) {
      if (ssl_) {
        int got = SSL_read(ssl_, at, static_cast<int>(n));
        if (got > 0) return static_cast<size_t>(got);
        if (SSL_get_error(ssl_, got) == SSL_ERROR_ZERO_RETURN) return 0;
        TRY(wait_tls(got, "read from"));
        continue;
      }
      auto got = ::recv(fd_, at, n, 0);
      if (got >= 0) return static_cast<size_t>(got);
      if (errno == EAGAIN) {
        TRY(wait(POLLIN));
      } else if (errno != EINTR) {
        return broken("read from");
      }
    }
  }

 private:
  std::unexpected<ApiError> broken(const char* what) {
    return fail("BadResponse",
                std::string("Cannot ") + what + " " + name_of(endpoint_) + ": " + std::strerror(errno) + ".");
  }
  Status connect() {
    if (!endpoint_.unix_socket.empty()) {
      sockaddr_un a{};
      a.sun_family = AF_UNIX;
      if (endpoint_.unix_socket.size() >= sizeof a.sun_path)
        return fail("ConnectFailed", "The socket path " + endpoint_.unix_socket + " is too long.");
      std::memcpy(a.sun_path, endpoint_.unix_socket.c_str(), endpoint_.unix_socket.size());
      return connect_to(AF_UNIX, reinterpret_cast<sockaddr*>(&a), sizeof a);
    }
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (int rc = getaddrinfo(endpoint_.host.c_str(), std::to_string(endpoint_.port).c_str(), &hints, &found))
      return fail("ConnectFailed", "Cannot resolve " + endpoint_.host + ": " + gai_strerror(rc) + ".");
    Status last = fail("ConnectFailed", "No address for " + endpoint_.host + ".");
    for (auto* a = found; a; a = a->ai_next)
      if ((last = connect_to(a->ai_family, a->ai_addr, a->ai_addrlen)) ||
          last.error().code != "ConnectFailed")
        break;
    freeaddrinfo(found);
    return last;
  }
  Status connect_to(int family, const sockaddr* address, socklen_t size) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ >= 0 && !::connect(fd_, address, size)) return {};
    int why = errno;
    if (fd_ >= 0 && (why == EINPROGRESS || why == EAGAIN)) {
      auto whole = deadline_;
      auto soon = Clock::now() + options_.connect_timeout;
      if (!deadline_ || soon < *deadline_) deadline_ = soon;
      auto ready = wait(POLLOUT);
      deadline_ = whole;
      if (!ready)
        return ready.error().code == "Timeout"
                   ? fail("ConnectFailed", "Cannot connect to " + name_of(endpoint_) + ": timed out.")
                   : ready;
      socklen_t n = sizeof why;
      ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &why, &n);
      if (!why) return {};
    }
    return fail("ConnectFailed", "Cannot connect to " + name_of(endpoint_) + ": " + std::strerror(why) + ".");
  }
  Status start_tls() {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    ctx_ = SSL_CTX_new(TLS_client_method());
    bool good = ctx_ && (endpoint_.ca_file.empty()
                             ? SSL_CTX_set_default_verify_paths(ctx_)
                             : SSL_CTX_load_verify_locations(ctx_, endpoint_.ca_file.c_str(), nullptr));
    ssl_ = good ? SSL_new(ctx_) : nullptr;
    if (!ssl_) return fail("ConnectFailed", "Cannot read the roots to trust for " + name_of(endpoint_) + ".");
    SSL_set_verify(ssl_, SSL_VERIFY_PEER, nullptr);
    auto* param = SSL_get0_param(ssl_);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, endpoint_.host.c_str()) != 1) {
      SSL_set1_host(ssl_, endpoint_.host.c_str());
      SSL_set_tlsext_host_name(ssl_, endpoint_.host.c_str());
    }
    SSL_set_fd(ssl_, fd_);
    for (;;) {
      int rc = SSL_connect(ssl_);
      if (rc == 1) return {};
      auto waited = wait_tls(rc, "agree on TLS with");
      if (waited) continue;
      if (long verdict = SSL_get_verify_result(ssl_); verdict != X509_V_OK)
        return fail("ConnectFailed", "The certificate of " + name_of(endpoint_) +
                                         " is not trusted: " + X509_verify_cert_error_string(verdict) + ".");
      return waited;
    }
  }
  Status wait_tls(int rc, const char* what) {
    switch (SSL_get_error(ssl_, rc)) {
      case SSL_ERROR_WANT_READ:
        return wait(POLLIN);
      case SSL_ERROR_WANT_WRITE:
        return wait(POLLOUT);
      default:
        ERR_clear_error();
        return fail("BadResponse",
                    std::string("Cannot ") + what + " " + name_of(endpoint_) + ": the TLS connection broke.");
    }
  }
  Status wait(short events) {
    pollfd p[2] = {{fd_, events, 0}, {options_.cancel_fd, POLLIN, 0}};
    auto until = deadline_;
    if (options_.idle_timeout.count() > 0) {
      auto idle = Clock::now() + options_.idle_timeout;
      if (!until || idle < *until) until = idle;
    }
    for (;;) {
      int ms = -1;
      if (until) {
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*until - Clock::now()).count();
        ms = left <= 0 ? 0 : static_cast<int>(std::min<long long>(left + 1, 1 << 30));
      }
      int n = ::poll(p, options_.cancel_fd >= 0 ? 2 : 1, ms);
      if (n < 0 && errno == EINTR) continue;
      if (n == 0) return fail("Timeout", name_of(endpoint_) + " did not answer in time.");
      if (options_.cancel_fd >= 0 && p[1].revents) return fail("Cancelled", "The request was cancelled.");
      return {};
    }
  }

  const Endpoint& endpoint_;
  const RequestOptions& options_;
  int fd_ = -1;
  SSL_CTX* ctx_ = nullptr;
  SSL* ssl_ = nullptr;
  std::optional<Clock::time_point> deadline_;
};

std::string compose_head(const Endpoint& e, const Request& r) {
  std::string out = r.method + " " + r.target + " HTTP/1.1\r\n";
  bool host = false;
  for (auto& [n, v] : r.headers) {
    if (n.size() == 4 && strcasecmp(n.c_str(), "host") == 0) host = true;
    out.append(n).append(": ").append(v).append("\r\n");
  }
  if (!host) out.append("Host: ").append(e.unix_socket.empty() ? name_of(e) : "localhost").append("\r\n");
  if (r.body_source)
    out.append("Transfer-Encoding: chunked\r\n");
  else if (!r.body.empty() || r.method == "POST" || r.method == "PUT" || r.method == "PATCH")
    out.append("Content-Length: ").append(std::to_string(r.body.size())).append("\r\n");
  return out.append("Connection: close\r\n\r\n");
}

Status send_body(Wire& wire, const Request& r) {
  if (!r.body_source) return wire.write(r.body);
  std::string chunk(64 * 1024, '\0');
  for (;;) {
    auto n = r.body_source(chunk.data(), chunk.size());
    if (n < 0) return fail("Cancelled", "The source of the request's body gave up.");
    char head[24];
    snprintf(head, sizeof head, "%llx\r\n", static_cast<unsigned long long>(n));
    TRY(wire.write(head));
    if (n > 0) TRY(wire.write(std::string_view(chunk).substr(0, static_cast<size_t>(n))));
    TRY(wire.write("\r\n"));
    if (n == 0) return {};
  }
}

}  // namespace

Result<Response> request(const Endpoint& endpoint, const Request& r, const RequestOptions& options) {
  Wire wire(endpoint, options);
  TRY(wire.open());
  auto sent = wire.write(compose_head(endpoint, r));
  if (sent) sent = send_body(wire, r);
  // A server may answer and close before it has read everything: its answer says more than our broken pipe.
  if (!sent && sent.error().code != "BadResponse") return fail(std::move(sent).error());

  Response response;
  std::optional<Parser> parser;
  auto begin = [&] {
    response = Response();
    parser.emplace();
    parser->header_limit(64 * 1024);
    parser->body_limit(boost::none);
    parser->eager(true);
    parser->skip(r.method == "HEAD");
    parser->response = &response;
    parser->options = &options;
  };
  begin();
  std::string in(64 * 1024, '\0');
  size_t have = 0;
  for (;;) {
    ErrorCode ec;
    while (have > 0 && !parser->is_done()) {
      auto used = parser->put(asio::const_buffer(in.data(), have), ec);
      in.erase(0, used);
      in.resize(in.size() + used);
      have -= used;
      if (parser->too_large)
        return fail("ResponseTooLarge", name_of(endpoint) + " answered more than " +
                                            std::to_string(options.max_body) + " bytes.");
      if (parser->enough) return response;
      if (ec == beast::http::error::need_more) break;
      if (ec)
        return fail("BadResponse", name_of(endpoint) + " answered what is no HTTP: " + ec.message() + ".");
      if (parser->is_done() && response.status / 100 == 1 && response.status != 101) begin();
    }
    if (parser->is_done()) return response;
    if (have == in.size()) return fail("BadResponse", name_of(endpoint) + " answered with too long a head.");
    TRY_LET(size_t n, wire.read(in.data() + have, in.size() - have));
    if (n == 0) {
      if (!parser->got_some())
        return sent ? fail("BadResponse", name_of(endpoint) + " closed the connection without an answer.")
                    : fail(std::move(sent).error());
      parser->put_eof(ec);
      if (ec)
        return fail("BadResponse", name_of(endpoint) + " closed the connection in the middle of its answer.");
      return response;
    }
    have += n;
  }
}

std::string percent_encode(std::string_view text, std::string_view keep) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : text) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
        keep.find(static_cast<char>(c)) != std::string_view::npos) {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += hex[c >> 4];
      out += hex[c & 15];
    }
  }
  return out;
}

}  // namespace nubecita::http
