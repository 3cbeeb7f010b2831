// What an HTTP connection and the application say to each other. No Asio here: everybody may include this.
//
// The way of one request: Application::begin(head) makes a Receiver; the body's parts go to Receiver::write
// on the connection's I/O thread; Receiver::finish gets the Respond, which is called exactly once, from any
// thread. A connection works on one request at a time, however many a client has sent ahead.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/pages.hpp"

namespace nubecita::http {

/// A request's head. Immutable; the views point into the Head itself, so whoever needs them keeps the
/// shared_ptr. Header names are in lower case, values without surrounding blanks, in the order sent.
struct Head {
  std::string_view method;
  std::string_view target;  // as sent
  std::string_view path;    // of the target, as sent (still percent-encoded)
  std::string_view query;   // after '?', still encoded; empty if none
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  std::string peer_ip;
  bool tls = false;
  bool proxied = false;         // came through a CONNECT that this server terminated
  std::string tls_server_name;  // SNI, or the host of the terminated CONNECT; lower case
  bool keep_alive = true;
  int socket = -1;  // the connection's, for client_left(); -1: none

  /// The first header called `name` (lower case); empty if absent.
  std::string_view header(std::string_view name) const {
    for (auto& [n, v] : headers)
      if (n == name) return v;
    return {};
  }

  Head() = default;
  Head(const Head&) = delete;
  Head& operator=(const Head&) = delete;
  std::string raw;  // what the views point into
};
using HeadPtr = std::shared_ptr<const Head>;

/// Whether the client has closed its connection, or its side of it: nobody reads an answer that has not
/// begun. From any thread that holds what it answers with (Respond), which keeps the connection.
bool client_left(const Head& head);

/// A whole Head from its parts, for tests. Header names are lowered.
HeadPtr make_head(std::string_view method, std::string_view target,
                  const std::vector<std::pair<std::string, std::string>>& headers,
                  std::string peer_ip = "127.0.0.1");

/// A body that is made while it is sent.
class Source {
 public:
  virtual ~Source() = default;
  /// Puts the next bytes into `part` (which comes empty or with what was sent before). False: it cannot go
  /// on, and the connection ends: the client sees a broken answer, never a wrong one. On the connection's I/O
  /// thread.
  virtual bool next(std::string& part) = 0;
  /// Where next() has put the bytes if it left `part` empty. A source that was told that the connection is
  /// plain may do so; null: this one does not.
  virtual Pages* pages() { return nullptr; }
};

/// What is sent back. Content-Length, Connection and (for HEAD: no body) are the server's business;
/// everything else (Date, Content-Type, ...) is the application's. For HEAD, set the body or file as for GET:
/// only its length is told.
struct Answer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // A part of a file instead of `body`: read while it is sent. The descriptor is owned (closed by the
  // server).
  int file = -1;
  uint64_t file_offset = 0, file_size = 0;
  // Or a source of so many bytes.
  std::unique_ptr<Source> source;
  uint64_t source_size = 0;
  bool close = false;  // end the connection after this answer

  Answer() = default;
  Answer(int s, std::string b) : status(s), body(std::move(b)) {}
  Answer(Answer&& o) noexcept;
  Answer& operator=(Answer&& o) noexcept;
  ~Answer();
};

/// Callable once, from any thread. Dropping it uncalled answers 500.
using Respond = std::move_only_function<void(Answer)>;

/// Takes one request's body. Used on one I/O thread: must not wait. May be destroyed without finish() (client
/// gone).
class Receiver {
 public:
  virtual ~Receiver() = default;
  /// false: the rest of the body is not wanted; finish() is called at once and the connection closes after
  /// the answer.
  virtual bool write(std::string_view part) = 0;
  virtual void finish(Respond respond) = 0;
};

/// What to do with a CONNECT request (the server as a proxy).
struct Connect {
  enum Kind { refuse, relay, terminate } kind = refuse;
  int status = 403;    // of a refusal; 407 adds "Proxy-Authenticate: Basic"
  std::string reason;  // body of the refusal
};

class Application {
 public:
  virtual ~Application() = default;
  /// On an I/O thread: must not wait. Never null.
  virtual std::unique_ptr<Receiver> begin(HeadPtr head) = 0;
  virtual Connect connect(const Head&, const std::string& host, int port) {
    (void)host, (void)port;
    return {Connect::refuse, 405, "This server is no proxy.\n"};
  }
};

/// A Receiver that answers at once and wants no body.
std::unique_ptr<Receiver> answer_with(Answer answer);
/// A Receiver that collects at most `limit` bytes and then calls `done(body, respond)`; more gets what
/// `too_large` makes; 413 without it.
std::unique_ptr<Receiver> collect(size_t limit, std::move_only_function<void(std::string, Respond)> done,
                                  std::move_only_function<Answer()> too_large = {});

/// "%41" -> "A"; '+' becomes a blank only if `plus`. Malformed escapes stay as they are.
std::string percent_decode(std::string_view text, bool plus = false);
/// The decoded value of a query parameter; false if absent.
bool query_value(std::string_view query, std::string_view name, std::string& out);
/// The standard reason phrase.
std::string_view reason(int status);

}  // namespace nubecita::http
