// One client's connection: what comes in becomes requests, one at a time, and answers go out. Internal to
// this room. Lives on its worker's thread; only Responder is used from others.
//
// sniff ─▶ (handshake) ─▶ head ─▶ body ─▶ waiting (for the application) ─▶ writing ─▶ head … or linger ─▶
// dropped
#pragma once

#include <memory>
#include <string>

#include "http/message.hpp"
#include "http/parser.hpp"
#include "http/stream.hpp"
#include "http/worker.hpp"

namespace nubecita::http {

class Connection final : public Tracked, public BodySink, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Worker> worker, std::shared_ptr<const Site> site, tcp::socket socket);
  ~Connection() override;
  void start();

  void tick(SteadyTime now) override;
  void drop() override;
  bool body(std::string_view part) override { return receiver_->write(part); }

 private:
  friend class Responder;
  enum class State { sniff, handshake, head, body, waiting, writing, linger, dropped };

  void read();
  void on_read(ErrorCode ec, size_t n);
  void sniff();
  void start_tls(std::unique_ptr<Stream> inner, const std::string& name, std::string_view already_read);
  void advance();
  bool take_head();
  bool expect_continue();
  void connect();
  void terminate(const std::string& host);
  void finish_request();
  void arrive(uint64_t request, Answer answer);
  void refuse(int status, std::string text);
  void send();
  void pump();
  size_t pages_held() const;
  void pump_pages();
  bool next_file_part();
  bool next_source_part(std::string& part);
  void broken_off();
  void sent();
  void linger();
  void progress(size_t n);
  void deadline_in(std::chrono::milliseconds d) { deadline_ = std::chrono::steady_clock::now() + d; }
  void consume(size_t n);
  std::string_view buffered() const { return {in_.data() + begin_, end_ - begin_}; }

  std::shared_ptr<Worker> worker_;  // first: destroyed last
  std::shared_ptr<const Site> site_;
  std::unique_ptr<Stream> stream_;
  State state_ = State::sniff;
  SteadyTime deadline_;
  size_t moved_ = 0;  // bytes since the deadline was last moved

  std::string in_;  // bytes [begin_, end_) are read and not parsed
  size_t begin_ = 0, end_ = 0;
  bool reading_ = false;
  RequestParser parser_;

  std::string peer_ip_, tls_name_;
  bool local_loopback_ = false, tls_ = false, proxied_ = false;

  HeadPtr head_;
  std::unique_ptr<Receiver> receiver_;
  uint64_t request_ = 0;
  bool in_finish_ = false, answer_ready_ = false, close_after_ = false;
  Answer answer_;
  std::string out_;
  size_t out_at_ = 0, body_at_ = 0;
  bool with_body_ = true;
};

}  // namespace nubecita::http
