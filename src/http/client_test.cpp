// The client against scripted servers on unix sockets: what podman does to us, and what it must not.
#include "http/client.hpp"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "base/ids.hpp"
#include "http/authority.hpp"

namespace nubecita::http {
namespace {

using namespace std::chrono_literals;

/// Takes one connection, reads until `until`, then lets `script` talk.
class Scripted {
 public:
  Scripted(std::string until, std::function<void(int fd)> script)
      : path_("/tmp/nubecita-client-" + random_hex(12)), listener_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    path_.copy(a.sun_path, sizeof a.sun_path - 1);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
    ::listen(listener_, 1);
    thread_ = std::thread([this, until = std::move(until), script = std::move(script)] {
      int fd = ::accept(listener_, nullptr, nullptr);
      char buf[4096];
      while (seen.find(until) == std::string::npos) {
        auto n = ::recv(fd, buf, sizeof buf, 0);
        if (n <= 0) break;
        seen.append(buf, static_cast<size_t>(n));
      }
      script(fd);
      ::close(fd);
    });
  }
  ~Scripted() {
    join();
    ::close(listener_);
    ::unlink(path_.c_str());
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  Endpoint endpoint() const { return Endpoint::unix_path(path_); }
  std::string seen;

 private:
  std::string path_;
  int listener_;
  std::thread thread_;
};

std::function<void(int)> say(std::string text) {
  return [text = std::move(text)](int fd) { (void)!::send(fd, text.data(), text.size(), MSG_NOSIGNAL); };
}

std::string code(const Result<Response>& r) { return r ? "" : r.error().code; }

TEST(Client, SendsABodyAndReadsChunks) {
  Scripted server("body!", say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nX-A: "
                               "b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"));
  Request r;
  r.method = "POST";
  r.target = "/v1/x?y=z";
  r.body = "the body!";
  auto got = request(server.endpoint(), r);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 201);
  EXPECT_EQ(got->header("x-a"), "b");
  EXPECT_EQ(got->body, "abcdefg");
  server.join();
  EXPECT_TRUE(server.seen.starts_with("POST /v1/x?y=z HTTP/1.1\r\n"));
  EXPECT_NE(server.seen.find("Content-Length: 9\r\n"), std::string::npos);
}

TEST(Client, StreamsBothWays) {
  Scripted server("0\r\n\r\n", say("HTTP/1.1 200 OK\r\n\r\npart one, until the end"));
  Request r;
  r.method = "POST";
  int calls = 0;
  r.body_source = [&](char* at, size_t) -> int64_t {
    if (++calls > 2) return 0;
    at[0] = 'x';
    return 1;
  };
  std::string got;
  RequestOptions o;
  int status = 0;
  o.on_head = [&](const Response& head) { status = head.status; };
  o.on_body = [&](std::string_view part) {
    got += part;
    return true;
  };
  auto answer = request(server.endpoint(), r, o);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(status, 200);
  EXPECT_EQ(got, "part one, until the end");
  server.join();
  EXPECT_NE(server.seen.find("1\r\nx\r\n1\r\nx\r\n0\r\n\r\n"), std::string::npos);
}

TEST(Client, StopsWhenTheReaderHasEnough) {
  Scripted server("\r\n\r\n", [](int fd) {
    say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nfirst")(fd);
    char c;
    (void)!::recv(fd, &c, 1, 0);  // until the client goes
  });
  RequestOptions o;
  o.on_body = [](std::string_view) { return false; };
  EXPECT_TRUE(request(server.endpoint(), {}, o));
}

TEST(Client, NamesEveryFailure) {
  EXPECT_EQ(code(request(Endpoint::unix_path("/tmp/nubecita-no-such-socket"), {})), "ConnectFailed");
  EXPECT_EQ(code(request(Endpoint::tcp("127.0.0.1", 1), {})), "ConnectFailed");
  auto wait = [](int fd) {
    char c;
    (void)!::recv(fd, &c, 1, 0);
  };
  RequestOptions o;
  o.timeout = 50ms;
  {
    Scripted silent("\r\n\r\n", wait);
    EXPECT_EQ(code(request(silent.endpoint(), {}, o)), "Timeout");
  }
  {
    Scripted cut("\r\n\r\n", say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"));
    EXPECT_EQ(code(request(cut.endpoint(), {})), "BadResponse");
  }
  {
    Scripted closed("\r\n\r\n", [](int) {});
    EXPECT_EQ(code(request(closed.endpoint(), {})), "BadResponse");
  }
  {
    Scripted strange("\r\n\r\n", say("SSH-2.0-OpenSSH\r\n\r\n"));
    EXPECT_EQ(code(request(strange.endpoint(), {})), "BadResponse");
  }
  {
    Scripted large("\r\n\r\n", say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x')));
    RequestOptions small;
    small.max_body = 99;
    EXPECT_EQ(code(request(large.endpoint(), {}, small)), "ResponseTooLarge");
  }
  Scripted cancelled("\r\n\r\n", wait);
  int event = ::eventfd(0, 0);
  std::thread canceller([event] {
    std::this_thread::sleep_for(20ms);
    uint64_t one = 1;
    (void)!::write(event, &one, sizeof one);
  });
  RequestOptions stop;
  stop.cancel_fd = event;
  EXPECT_EQ(code(request(cancelled.endpoint(), {}, stop)), "Cancelled");
  canceller.join();
  ::close(event);
}

TEST(Client, AHeadRequestHasNoBody) {
  Scripted server("\r\n\r\n", say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"));
  Request r;
  r.method = "HEAD";
  auto got = request(server.endpoint(), r);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->header("content-length"), "10");
}

TEST(Authority, IsMadeOnceAndKept) {
  auto dir = "/tmp/nubecita-ca-" + random_hex(12);
  auto first = Authority::open(dir);
  ASSERT_TRUE(first) << first.error().message;
  auto second = Authority::open(dir);
  ASSERT_TRUE(second);
  EXPECT_EQ((*first)->certificate_pem(), (*second)->certificate_pem());
  EXPECT_EQ(std::filesystem::status(dir + "/ca.key").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  auto leaf = (*second)->issue("a.example");
  ASSERT_TRUE(leaf);
  EXPECT_NE(leaf->key_pem.find("PRIVATE KEY"), std::string::npos);
  for (auto bad : {"", "a b", "x,DNS:other", "-x", ".x", "UPPER"}) EXPECT_FALSE((*second)->issue(bad)) << bad;
  EXPECT_EQ((*second)->context_for("a.example"), (*second)->context_for("a.example"));
  ASSERT_TRUE((*second)->write_bundle(dir + "/bundle.pem"));
  std::filesystem::resize_file(dir + "/ca.crt", 100);
  auto broken = Authority::open(dir);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, "AuthorityUnavailable");
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace nubecita::http
