// A connection's bytes: a TCP socket, or TLS over another stream (so that TLS inside a CONNECT inside TLS
// works too). Internal to this room. Everything on the connection's I/O thread. At most one read and one
// write at a time; their functions are called later, never from inside the call. A stream is kept alive by
// whoever waits for it: `done` must own the connection.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/asio.hpp"
#include "http/pages.hpp"

struct ssl_ctx_st;
struct ssl_st;
struct bio_st;

namespace nubecita::http {

class Stream {
 public:
  using Done = std::move_only_function<void(ErrorCode, size_t)>;
  virtual ~Stream() = default;
  virtual void read_some(char* at, size_t n, Done done) = 0;
  /// Writes what goes out without waiting and answers how much that was; 0: use write_some, which also tells
  /// why. `more`: something else follows at once.
  virtual size_t write_now(std::string_view, bool more) {
    (void)more;
    return 0;
  }
  /// Writes some of `first` then `second`; `done` gets how many bytes went out (at least one, or an error).
  virtual void write_some(std::string_view first, std::string_view second, Done done) = 0;
  /// Writes some of what `pages` hold; `done` gets how many bytes went out. Only of a plain stream.
  virtual void write_pages(Pages& pages, bool more, Done done);
  /// Tells the other side that nothing more comes; reading goes on.
  virtual void end_writing(Done done) = 0;
  virtual void close() = 0;
  virtual tcp::socket& socket() = 0;
};

std::unique_ptr<Stream> make_plain(tcp::socket socket);

class TlsStream final : public Stream {
 public:
  /// `already_read`: bytes of `inner` that were read before TLS was recognised.
  TlsStream(std::unique_ptr<Stream> inner, ssl_ctx_st* context, std::string_view already_read);
  ~TlsStream() override;
  void handshake(Done done);
  std::string server_name() const;  // SNI, lower case; empty if none

  void read_some(char* at, size_t n, Done done) override;
  void write_some(std::string_view first, std::string_view second, Done done) override;
  void end_writing(Done done) override;
  void close() override { inner_->close(); }
  tcp::socket& socket() override { return inner_->socket(); }

 private:
  void step_handshake(Done done);
  void step_read(char* at, size_t n, Done done, bool fresh);
  void fill(std::move_only_function<void(ErrorCode)> next);
  void flush(std::move_only_function<void(ErrorCode)> next);
  ErrorCode failure();

  std::unique_ptr<Stream> inner_;
  ssl_st* ssl_;
  bio_st *from_net_, *to_net_;  // owned by ssl_
  std::string incoming_;        // a record on its way into from_net_
  std::string outgoing_;        // taken from to_net_, being written
  size_t outgoing_at_ = 0;
};

}  // namespace nubecita::http
