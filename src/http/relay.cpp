#include "http/relay.hpp"

#include <boost/asio/connect.hpp>

#include "base/log.hpp"

namespace nubecita::http {
namespace {

constexpr size_t kBuffer = 32 * 1024;

class Relay final : public Tracked, public std::enable_shared_from_this<Relay> {
 public:
  Relay(std::shared_ptr<Worker> worker, std::shared_ptr<const Site> site, std::unique_ptr<Stream> client,
        std::string ahead)
      : Tracked(site->listener),
        worker_(std::move(worker)),
        site_(std::move(site)),
        client_(std::move(client)),
        resolver_(worker_->ctx),
        dialled_(worker_->ctx),
        ahead_(std::move(ahead)) {}
  ~Relay() override { worker_->remove(this); }

  void start(const std::string& host, int port) {
    worker_->add(this);
    deadline_in(std::chrono::seconds(20));
    resolver_.async_resolve(host, std::to_string(port),
                            [self = shared_from_this()](ErrorCode ec, tcp::resolver::results_type found) {
                              if (self->dropped_) return;
                              if (ec) return self->refuse();
                              asio::async_connect(
                                  self->dialled_, found, [self](ErrorCode e, const tcp::endpoint&) {
                                    if (self->dropped_) return;
                                    if (e) return self->refuse();
                                    ErrorCode ignored;
                                    self->dialled_.set_option(tcp::no_delay(true), ignored);
                                    self->server_ = make_plain(std::move(self->dialled_));
                                    self->answer("HTTP/1.1 200 Connection established\r\n\r\n", true);
                                  });
                            });
  }

  void tick(SteadyTime now) override {
    if (now >= deadline_) drop();
  }
  void drop() override {
    if (dropped_) return;
    auto self = shared_from_this();
    dropped_ = true;
    resolver_.cancel();
    ErrorCode ec;
    dialled_.close(ec);
    client_->close();
    if (server_) server_->close();
    worker_->remove(this);
  }

 private:
  struct Way {
    std::string buffer;
    size_t at = 0;
    bool ended = false;
  };

  void deadline_in(std::chrono::milliseconds d) { deadline_ = std::chrono::steady_clock::now() + d; }
  void refuse() {
    answer("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false);
  }

  void answer(std::string text, bool go_on) {
    down_.buffer = std::move(text);
    client_->write_some(down_.buffer, {}, [self = shared_from_this(), go_on](ErrorCode ec, size_t) {
      if (self->dropped_) return;
      if (ec || !go_on) return self->drop();
      self->deadline_in(self->site_->limits.relay_idle);
      self->up_.buffer = std::move(self->ahead_);
      self->forward(self->up_, *self->client_, *self->server_);
      self->down_.buffer.clear();
      self->forward(self->down_, *self->server_, *self->client_);
    });
  }

  // Writes what the buffer holds, then reads again: never more than one buffer in flight, so a slow side
  // slows the other.
  void forward(Way& way, Stream& from, Stream& to) {
    if (way.at == way.buffer.size()) return fill(way, from, to);
    to.write_some(std::string_view(way.buffer).substr(way.at), {},
                  [self = shared_from_this(), &way, &from, &to](ErrorCode ec, size_t n) {
                    if (self->dropped_) return;
                    if (ec) return self->drop();
                    self->deadline_in(self->site_->limits.relay_idle);
                    way.at += n;
                    self->forward(way, from, to);
                  });
  }
  void fill(Way& way, Stream& from, Stream& to) {
    way.buffer.resize(kBuffer);
    way.at = 0;
    from.read_some(way.buffer.data(), way.buffer.size(),
                   [self = shared_from_this(), &way, &from, &to](ErrorCode ec, size_t n) {
                     if (self->dropped_) return;
                     if (ec) return self->end(way, to);
                     self->deadline_in(self->site_->limits.relay_idle);
                     way.buffer.resize(n);
                     self->forward(way, from, to);
                   });
  }
  void end(Way& way, Stream& to) {
    way.ended = true;
    way.buffer.clear();
    if (up_.ended && down_.ended) return drop();
    to.end_writing([self = shared_from_this()](ErrorCode ec, size_t) {
      if (ec && !self->dropped_) self->drop();
    });
  }

  std::shared_ptr<Worker> worker_;
  std::shared_ptr<const Site> site_;
  std::unique_ptr<Stream> client_, server_;
  tcp::resolver resolver_;
  tcp::socket dialled_;
  std::string ahead_;
  Way up_, down_;
  bool dropped_ = false;
  SteadyTime deadline_;
};

}  // namespace

void start_relay(std::shared_ptr<Worker> worker, std::shared_ptr<const Site> site,
                 std::unique_ptr<Stream> client, const std::string& host, int port, std::string ahead) {
  std::make_shared<Relay>(std::move(worker), std::move(site), std::move(client), std::move(ahead))
      ->start(host, port);
}

}  // namespace nubecita::http
