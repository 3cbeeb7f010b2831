#include "http/stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

namespace nubecita::http {
namespace {

class PlainStream final : public Stream {
 public:
  explicit PlainStream(tcp::socket s) : socket_(std::move(s)) {}
  void read_some(char* at, size_t n, Done done) override {
    socket_.async_read_some(asio::buffer(at, n), std::move(done));
  }
  size_t write_now(std::string_view bytes, bool more) override {
    const auto n = ::send(socket_.native_handle(), bytes.data(), bytes.size(),
                          MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    return n > 0 ? static_cast<size_t>(n) : 0;
  }
  void write_some(std::string_view a, std::string_view b, Done done) override {
    socket_.async_write_some(
        std::array<asio::const_buffer, 2>{asio::buffer(a.data(), a.size()), asio::buffer(b.data(), b.size())},
        std::move(done));
  }
  void write_pages(Pages& pages, bool more, Done done) override {
    const auto n = pages.give(socket_.native_handle(), more);
    if (n != 0) {
      const ErrorCode ec = n > 0 ? ErrorCode() : ErrorCode(asio::error::broken_pipe);
      return asio::post(socket_.get_executor(), [done = std::move(done), ec, n]() mutable {
        done(ec, ec ? 0 : static_cast<size_t>(n));
      });
    }
    socket_.async_wait(tcp::socket::wait_write,
                       [this, &pages, more, done = std::move(done)](ErrorCode ec) mutable {
                         if (ec) return done(ec, 0);
                         const auto sent = pages.give(socket_.native_handle(), more);
                         if (sent < 0) return done(asio::error::broken_pipe, 0);
                         done({}, static_cast<size_t>(sent));
                       });
  }
  void end_writing(Done done) override {
    ErrorCode ec;
    socket_.shutdown(tcp::socket::shutdown_send, ec);
    asio::post(socket_.get_executor(), [done = std::move(done), ec]() mutable { done(ec, 0); });
  }
  void close() override {
    ErrorCode ec;
    socket_.close(ec);
  }
  tcp::socket& socket() override { return socket_; }

 private:
  tcp::socket socket_;
};

constexpr size_t kRecord = 16 * 1024;

}  // namespace

void Stream::write_pages(Pages&, bool, Done done) {
  asio::post(socket().get_executor(),
             [done = std::move(done)]() mutable { done(asio::error::operation_not_supported, 0); });
}

std::unique_ptr<Stream> make_plain(tcp::socket socket) {
  return std::make_unique<PlainStream>(std::move(socket));
}

TlsStream::TlsStream(std::unique_ptr<Stream> inner, ssl_ctx_st* context, std::string_view already_read)
    : inner_(std::move(inner)),
      ssl_(SSL_new(context)),
      from_net_(BIO_new(BIO_s_mem())),
      to_net_(BIO_new(BIO_s_mem())) {
  if (!ssl_ || !from_net_ || !to_net_) throw std::runtime_error("no memory for a TLS connection");
  BIO_set_mem_eof_return(from_net_, -1);
  SSL_set_bio(ssl_, from_net_, to_net_);
  SSL_set_accept_state(ssl_);
  SSL_set_mode(
      ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  if (!already_read.empty()) BIO_write(from_net_, already_read.data(), static_cast<int>(already_read.size()));
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

std::string TlsStream::server_name() const {
  const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  std::string out = name ? name : "";
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

ErrorCode TlsStream::failure() {
  ERR_clear_error();
  return boost::system::errc::make_error_code(boost::system::errc::protocol_error);
}

// Sends what OpenSSL wants sent, all of it.
void TlsStream::flush(std::move_only_function<void(ErrorCode)> next) {
  if (outgoing_at_ == outgoing_.size()) {
    outgoing_at_ = 0;
    outgoing_.resize(BIO_ctrl_pending(to_net_));
    if (outgoing_.empty()) return next({});
    BIO_read(to_net_, outgoing_.data(), static_cast<int>(outgoing_.size()));
  }
  inner_->write_some(std::string_view(outgoing_).substr(outgoing_at_), {},
                     [this, next = std::move(next)](ErrorCode ec, size_t n) mutable {
                       if (ec) return next(ec);
                       outgoing_at_ += n;
                       flush(std::move(next));
                     });
}

void TlsStream::fill(std::move_only_function<void(ErrorCode)> next) {
  incoming_.resize(kRecord + 512);
  inner_->read_some(incoming_.data(), incoming_.size(),
                    [this, next = std::move(next)](ErrorCode ec, size_t n) mutable {
                      if (!ec) BIO_write(from_net_, incoming_.data(), static_cast<int>(n));
                      if (n < incoming_.size() / 2)
                        std::string().swap(incoming_);  // an idle connection keeps no record buffer
                      next(ec);
                    });
}

void TlsStream::handshake(Done done) { step_handshake(std::move(done)); }

void TlsStream::step_handshake(Done done) {
  int rc = SSL_do_handshake(ssl_);
  int why = SSL_get_error(ssl_, rc);
  flush([this, rc, why, done = std::move(done)](ErrorCode ec) mutable {
    if (ec) return done(ec, 0);
    if (rc == 1) return done({}, 0);
    if (why != SSL_ERROR_WANT_READ) return done(failure(), 0);
    fill([this, done = std::move(done)](ErrorCode e) mutable {
      if (e) return done(e, 0);
      step_handshake(std::move(done));
    });
  });
}

void TlsStream::read_some(char* at, size_t n, Done done) { step_read(at, n, std::move(done), true); }

void TlsStream::step_read(char* at, size_t n, Done done, bool fresh) {
  int got = SSL_read(ssl_, at, static_cast<int>(std::min<size_t>(n, 1 << 20)));
  if (got > 0) {
    if (!fresh) return done({}, static_cast<size_t>(got));
    return asio::post(socket().get_executor(),
                      [done = std::move(done), got]() mutable { done({}, static_cast<size_t>(got)); });
  }
  int why = SSL_get_error(ssl_, got);
  if (why != SSL_ERROR_WANT_READ) {
    ErrorCode ec = why == SSL_ERROR_ZERO_RETURN ? ErrorCode(asio::error::eof) : failure();
    return asio::post(socket().get_executor(), [done = std::move(done), ec]() mutable { done(ec, 0); });
  }
  // A key update may want an answer, but a write of the connection's own may be under way: it takes that
  // along.
  fill([this, at, n, done = std::move(done)](ErrorCode ec) mutable {
    if (ec) return done(ec, 0);
    step_read(at, n, std::move(done), false);
  });
}

void TlsStream::write_some(std::string_view a, std::string_view b, Done done) {
  size_t taken = 0;
  for (auto part : {a, b}) {
    while (!part.empty() && taken < 8 * kRecord) {
      int n = SSL_write(ssl_, part.data(), static_cast<int>(std::min(part.size(), kRecord)));
      if (n <= 0) {
        ErrorCode ec = failure();
        return asio::post(socket().get_executor(), [done = std::move(done), ec]() mutable { done(ec, 0); });
      }
      part.remove_prefix(static_cast<size_t>(n));
      taken += static_cast<size_t>(n);
    }
    if (!part.empty()) break;
  }
  flush([taken, done = std::move(done)](ErrorCode ec) mutable { done(ec, ec ? 0 : taken); });
}

void TlsStream::end_writing(Done done) {
  SSL_shutdown(ssl_);
  ERR_clear_error();
  flush([this, done = std::move(done)](ErrorCode ec) mutable {
    if (ec) return done(ec, 0);
    inner_->end_writing(std::move(done));
  });
}

}  // namespace nubecita::http
