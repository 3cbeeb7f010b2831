#include "http/connection.hpp"

#include <unistd.h>

#include <charconv>

#include "base/log.hpp"
#include "http/authority.hpp"
#include "http/relay.hpp"

namespace nubecita::http {
namespace {
constexpr size_t kFirstRead = 8192;  // a small object's PUT comes in one read
constexpr size_t kBodyRead = 64 * 1024;
constexpr size_t kFilePart = 128 * 1024;
constexpr size_t kInline =
    16 * 1024;  // a body up to this size is copied behind its head: one buffer, one write
constexpr std::chrono::milliseconds kLinger{5'000};

bool same_word(std::string_view v, std::string_view lower) {
  if (v.size() != lower.size()) return false;
  for (size_t i = 0; i < v.size(); ++i) {
    char c = v[i] >= 'A' && v[i] <= 'Z' ? static_cast<char>(v[i] + 32) : v[i];
    if (c != lower[i]) return false;
  }
  return true;
}

void append_value(std::string& out, std::string_view v) {
  const size_t begin = out.size();
  out.append(v);
  for (size_t i = begin; i < out.size(); ++i)  // a value must not end its line
    if (out[i] == '\r' || out[i] == '\n' || out[i] == '\0') out[i] = ' ';
}
}  // namespace

/// What the application holds to answer with; see Respond.
class Responder {
 public:
  Responder(std::shared_ptr<Connection> c, uint64_t request) noexcept
      : connection_(std::move(c)), request_(request) {}
  Responder(Responder&&) noexcept = default;
  Responder& operator=(Responder&&) = delete;
  ~Responder() {
    if (connection_) (*this)(Answer(500, "The request was dropped.\n"));
  }
  void operator()(Answer answer) {
    auto c = std::exchange(connection_, nullptr);
    if (!c) return;
    auto& worker = *c->worker_;
    if (worker.ctx.get_executor().running_in_this_thread()) return c->arrive(request_, std::move(answer));
    if (worker.stopped) return;
    asio::post(worker.ctx, [c = std::move(c), request = request_, answer = std::move(answer)]() mutable {
      c->arrive(request, std::move(answer));
    });
  }

 private:
  std::shared_ptr<Connection> connection_;
  uint64_t request_;
};

void serve_socket(std::shared_ptr<Worker> worker, std::shared_ptr<const Site> site, tcp::socket socket) {
  std::make_shared<Connection>(std::move(worker), std::move(site), std::move(socket))->start();
}

Connection::Connection(std::shared_ptr<Worker> worker, std::shared_ptr<const Site> site, tcp::socket socket)
    : Tracked(site->listener),
      worker_(std::move(worker)),
      site_(std::move(site)),
      stream_(make_plain(std::move(socket))) {}

Connection::~Connection() { worker_->remove(this); }

void Connection::start() {
  ErrorCode ec;
  auto& s = stream_->socket();
  auto peer = s.remote_endpoint(ec);
  auto local = ec ? tcp::endpoint() : s.local_endpoint(ec);
  if (ec) return;  // gone already
  s.set_option(tcp::no_delay(true), ec);
  peer_ip_ = peer.address().to_string();
  local_loopback_ = local.address().is_loopback();
  parser_.reset(site_->limits.head);
  worker_->add(this);
  deadline_in(site_->limits.head_time);
  read();
}

void Connection::drop() {
  if (state_ == State::dropped) return;
  auto self = shared_from_this();
  state_ = State::dropped;
  receiver_.reset();
  if (stream_) stream_->close();
  worker_->remove(this);
}

void Connection::tick(SteadyTime now) {
  if (state_ == State::waiting || now < deadline_) return;
  auto self = shared_from_this();
  const bool half_a_request = state_ == State::body || (state_ == State::head && parser_.got_some());
  if (half_a_request) return refuse(408, "The request did not come in time.\n");
  drop();
}

void Connection::progress(size_t n) {
  moved_ += n;
  if (moved_ < site_->limits.progress) return;
  moved_ = 0;
  deadline_in(site_->limits.stall);
}

void Connection::consume(size_t n) {
  begin_ += n;
  if (begin_ == end_) begin_ = end_ = 0;
}

void Connection::read() {
  if (reading_) return;
  const size_t want = state_ == State::body || state_ == State::linger ? kBodyRead : kFirstRead;
  if (begin_ > 0 && in_.size() - end_ < want / 2) {
    in_.erase(0, begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == 0 && in_.size() > want) {  // an idle connection keeps a small buffer
    in_.resize(want);
    in_.shrink_to_fit();
  }
  if (in_.size() - end_ < want / 2) in_.resize_and_overwrite(end_ + want, [](char*, size_t n) { return n; });
  reading_ = true;
  stream_->read_some(in_.data() + end_, in_.size() - end_,
                     [self = shared_from_this()](ErrorCode ec, size_t n) { self->on_read(ec, n); });
}

void Connection::on_read(ErrorCode ec, size_t n) {
  reading_ = false;
  if (state_ == State::dropped) return;
  if (ec) return state_ == State::writing ? void() : drop();
  switch (state_) {
    case State::sniff:
      end_ += n;
      return sniff();
    case State::head:
      if (end_ == begin_) deadline_in(site_->limits.head_time);
      end_ += n;
      return advance();
    case State::body:
      end_ += n;
      progress(n);
      return advance();
    case State::linger:
      begin_ = end_ = 0;
      return read();
    default:
      return;  // timed out meanwhile: the refusal is on its way
  }
}

void Connection::sniff() {
  if (in_[0] == 0x16) {  // a TLS handshake record; no HTTP method begins so
    if (!site_->authority) return drop();
    std::string already(buffered());
    begin_ = end_ = 0;
    ErrorCode ec;
    auto name = stream_->socket().local_endpoint(ec).address().to_string();
    return start_tls(std::move(stream_), name, already);
  }
  state_ = State::head;
  advance();
}

void Connection::start_tls(std::unique_ptr<Stream> inner, const std::string& name,
                           std::string_view already_read) {
  auto context = site_->authority->context_for(name);
  if (!context) {
    stream_ = std::move(inner);
    return drop();
  }
  auto tls = std::make_unique<TlsStream>(std::move(inner), context.get(), already_read);
  auto* t = tls.get();
  stream_ = std::move(tls);
  state_ = State::handshake;
  deadline_in(site_->limits.head_time);
  t->handshake([self = shared_from_this(), t](ErrorCode ec, size_t) {
    if (self->state_ == State::dropped) return;
    if (ec) return self->drop();
    self->tls_ = true;
    if (!self->proxied_) self->tls_name_ = t->server_name();
    self->state_ = State::head;
    self->deadline_in(self->site_->limits.head_time);
    self->read();
  });
}

void Connection::advance() {
  using Outcome = RequestParser::Outcome;
  for (;;) {
    if (state_ != State::head && state_ != State::body) return;
    const bool in_head = state_ == State::head;
    if (!in_head && parser_.done()) return finish_request();
    if (begin_ == end_) return read();
    size_t used = 0;
    Outcome outcome = parser_.put(buffered(), used, in_head ? nullptr : this);
    consume(used);
    switch (outcome) {
      case Outcome::ok:
        if (in_head && parser_.head_done() && !take_head()) return;
        break;
      case Outcome::need_more:
        if (in_head || end_ - begin_ < kBodyRead) return read();
        return refuse(400, "Malformed HTTP request: a chunk's head or the trailer is too long.\n");
      case Outcome::stopped:
        close_after_ = true;
        return finish_request();
      case Outcome::bad:
      case Outcome::too_large:
        return refuse(parser_.problem_status(), parser_.problem());
    }
  }
}

// The head is complete. False: something else goes on now (an answer, a tunnel).
bool Connection::take_head() {
  auto head = parser_.take_head();
  head->peer_ip = peer_ip_;
  head->tls = tls_;
  head->proxied = proxied_;
  head->tls_server_name = tls_name_;
  head->keep_alive = parser_.keep_alive();
  head->socket = stream_->socket().native_handle();
  head_ = std::move(head);
  close_after_ = !head_->keep_alive;
  moved_ = 0;
  if (!tls_ && !local_loopback_ && !site_->plain_anywhere) {
    refuse(403, "Plain HTTP is served on loopback addresses only: use https:// here.\n");
    return false;
  }
  if (head_->method == "CONNECT") {
    connect();
    return false;
  }
  state_ = State::body;
  deadline_in(site_->limits.stall);
  try {
    receiver_ = site_->application->begin(head_);
    // An empty body is waited for, too: botocore mistakes the next answer for this one if it hears no 100.
    if (parser_.done() && head_->header("expect").empty()) {
      finish_request();
      return false;
    }
    return expect_continue();
  } catch (const std::exception& e) {
    log_error("http", "{} {}: {}", head_->method, head_->path, e.what());
    refuse(500, "Internal error.\n");
    return false;
  }
}

// A client that waits for "100 Continue" is asked for the body only if the receiver wants one.
bool Connection::expect_continue() {
  // Another expectation may be passed over (RFC 9110, section 10.1.1), as AWS does.
  if (!same_word(head_->header("expect"), "100-continue")) return true;
  if (!receiver_->write({})) {
    close_after_ = true;
    finish_request();
    return false;
  }
  if (begin_ != end_) return true;  // it did not wait
  out_ = "HTTP/1.1 100 Continue\r\n\r\n";
  stream_->write_some(out_, {}, [self = shared_from_this()](ErrorCode ec, size_t) {
    if (self->state_ == State::dropped) return;
    if (ec) return self->drop();
    self->advance();
  });
  return false;
}

void Connection::finish_request() {
  state_ = State::waiting;
  in_finish_ = true;
  answer_ready_ = false;
  const auto request = ++request_;
  try {
    receiver_->finish(Responder(shared_from_this(), request));
  } catch (const std::exception& e) {
    log_error("http", "{} {}: {}", head_->method, head_->path, e.what());
    if (!answer_ready_) arrive(request, Answer(500, "Internal error.\n"));
  }
  in_finish_ = false;
  if (answer_ready_ && state_ == State::waiting) send();
}

void Connection::arrive(uint64_t request, Answer answer) {
  if (state_ != State::waiting || request != request_ || answer_ready_) return;
  answer_ = std::move(answer);
  answer_ready_ = true;
  if (!in_finish_) send();
}

void Connection::refuse(int status, std::string text) {
  answer_ = Answer(status, std::move(text));
  answer_.headers.emplace_back("Content-Type", "text/plain");
  close_after_ = true;
  receiver_.reset();
  send();
}

void Connection::send() {
  const bool head_request = head_ && head_->method == "HEAD";
  const int status = answer_.status;
  const bool bodyless = status == 204 || status == 304;
  const uint64_t length = answer_.source      ? answer_.source_size
                          : answer_.file >= 0 ? answer_.file_size
                                              : answer_.body.size();
  close_after_ |= answer_.close;
  with_body_ = !head_request && !bodyless;

  out_.clear();
  char number[24];
  auto text = [&](uint64_t v) {
    return std::string_view(
        number, static_cast<size_t>(std::to_chars(number, number + sizeof number, v).ptr - number));
  };
  out_.append("HTTP/1.1 ")
      .append(text(static_cast<uint64_t>(status)))
      .append(" ")
      .append(reason(status))
      .append("\r\n");
  bool told_length = false;
  for (auto& [name, value] : answer_.headers) {
    if (same_word(name, "content-length")) {
      if (!head_request) continue;  // ours is the true one
      told_length = true;
    }
    append_value(out_, name);
    out_.append(": ");
    append_value(out_, value);
    out_.append("\r\n");
  }
  if (!bodyless && !told_length) out_.append("Content-Length: ").append(text(length)).append("\r\n");
  if (close_after_) out_.append("Connection: close\r\n");
  out_.append("\r\n");
  if (!with_body_) {
    answer_.body.clear();
  } else if (answer_.file < 0 && !answer_.source && answer_.body.size() <= kInline) {
    out_.append(answer_.body);
    answer_.body.clear();
  }
  if (answer_.file >= 0 || answer_.source) answer_.body.clear();
  if (with_body_ && answer_.source && length <= kInline) {  // so does a small object
    for (std::string part; answer_.source_size > 0; out_.append(part))
      if (!next_source_part(part)) return broken_off();
    answer_.source.reset();
  }
  out_at_ = body_at_ = 0;
  moved_ = 0;
  state_ = State::writing;
  deadline_in(site_->limits.stall);
  // Nearly every answer fits into the socket's buffer: written here, it costs no turn of the event loop.
  if (answer_.file < 0 && answer_.body.empty())
    out_at_ = stream_->write_now(out_, with_body_ && answer_.source && answer_.source_size > 0);
  pump();
}

void Connection::pump() {
  if (out_at_ == out_.size() && body_at_ == answer_.body.size()) {
    if (with_body_ && pages_held()) return pump_pages();
    const uint64_t left = answer_.source ? answer_.source_size : answer_.file < 0 ? 0 : answer_.file_size;
    if (!with_body_ || left == 0) return sent();
    out_at_ = 0;
    if (!(answer_.source ? next_source_part(out_) : next_file_part())) return broken_off();
    if (pages_held()) return pump_pages();
  }
  stream_->write_some(std::string_view(out_).substr(out_at_), std::string_view(answer_.body).substr(body_at_),
                      [self = shared_from_this()](ErrorCode ec, size_t n) {
                        if (self->state_ == State::dropped) return;
                        if (ec) return self->drop();
                        self->progress(n);
                        size_t of_out = std::min(n, self->out_.size() - self->out_at_);
                        self->out_at_ += of_out;
                        self->body_at_ += n - of_out;
                        self->pump();
                      });
}

size_t Connection::pages_held() const {
  const auto* pages = answer_.source ? answer_.source->pages() : nullptr;
  return pages ? pages->held() : 0;
}

void Connection::pump_pages() {
  stream_->write_pages(*answer_.source->pages(), answer_.source_size > 0,
                       [self = shared_from_this()](ErrorCode ec, size_t n) {
                         if (self->state_ == State::dropped) return;
                         if (ec) return self->drop();
                         self->progress(n);
                         self->pump();
                       });
}

bool Connection::next_file_part() {
  out_.resize(std::min<uint64_t>(kFilePart, answer_.file_size));
  auto n = ::pread(answer_.file, out_.data(), out_.size(), static_cast<off_t>(answer_.file_offset));
  if (n <= 0) return false;
  out_.resize(static_cast<size_t>(n));
  answer_.file_offset += static_cast<uint64_t>(n);
  answer_.file_size -= static_cast<uint64_t>(n);
  return true;
}

bool Connection::next_source_part(std::string& part) {
  if (!answer_.source->next(part)) return false;
  const auto got = part.size() + pages_held();
  if (got == 0 || got > answer_.source_size) return false;
  answer_.source_size -= got;
  return true;
}

// The client sees a broken answer, never a wrong one.
void Connection::broken_off() {
  log_error("http", "a body cannot be sent to its end: {}", head_ ? head_->path : "");
  drop();
}

void Connection::sent() {
  receiver_.reset();
  head_.reset();
  answer_ = Answer();
  if (out_.capacity() > kInline * 2) std::string().swap(out_);
  if (close_after_) return linger();
  parser_.reset(site_->limits.head);
  state_ = State::head;
  deadline_in(begin_ == end_ ? site_->limits.idle : site_->limits.head_time);
  if (begin_ == end_) return read();
  // Requests that were sent ahead: each in a turn of its own, or they would nest.
  asio::post(worker_->ctx, [self = shared_from_this()] { self->advance(); });
}

// Closing with unread bytes makes the kernel reset the connection, and the client may lose the answer: first
// end our side, then read and forget until the client ends its own.
void Connection::linger() {
  state_ = State::linger;
  deadline_in(kLinger);
  begin_ = end_ = 0;
  stream_->end_writing([self = shared_from_this()](ErrorCode ec, size_t) {
    if (self->state_ == State::dropped) return;
    if (ec) return self->drop();
    self->read();
  });
}

void Connection::connect() {
  auto target = head_->target;
  auto colon = target.rfind(':');
  int port = 0;
  bool good = colon != std::string_view::npos && colon > 0;
  if (good) {
    auto digits = target.substr(colon + 1);
    auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    good = ec == std::errc() && end == digits.data() + digits.size() && port > 0 && port < 65536;
  }
  if (!good) return refuse(400, "CONNECT needs HOST:PORT.\n");
  if (proxied_ || !parser_.done()) return refuse(400, "CONNECT is not possible here.\n");
  std::string host(target.substr(0, colon));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  for (char& c : host)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  auto decision = site_->application->connect(*head_, host, port);
  switch (decision.kind) {
    case Connect::refuse:
      refuse(decision.status, decision.reason);
      return;
    case Connect::terminate:
      return terminate(host);
    case Connect::relay: {
      std::string ahead(buffered());
      state_ = State::dropped;
      worker_->remove(this);
      start_relay(worker_, site_, std::move(stream_), host, port, std::move(ahead));
      return;
    }
  }
}

void Connection::terminate(const std::string& host) {
  if (!site_->authority) return refuse(502, "This server has no certificate authority.\n");
  state_ = State::handshake;
  deadline_in(site_->limits.head_time);
  out_ = "HTTP/1.1 200 Connection established\r\n\r\n";
  stream_->write_some(out_, {}, [self = shared_from_this(), host](ErrorCode ec, size_t) {
    if (self->state_ == State::dropped) return;
    if (ec) return self->drop();
    std::string already(self->buffered());
    self->begin_ = self->end_ = 0;
    self->proxied_ = true;
    self->tls_name_ = host;
    self->head_.reset();
    self->parser_.reset(self->site_->limits.head);
    self->start_tls(std::move(self->stream_), host, already);
  });
}

}  // namespace nubecita::http
