// The server against raw sockets and our own client: what a client can see, good clients and bad.
#include "http/server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/ids.hpp"
#include "http/authority.hpp"
#include "http/client.hpp"

namespace nubecita::http {
namespace {

using namespace std::chrono_literals;

class Echo final : public Application {
 public:
  std::unique_ptr<Receiver> begin(HeadPtr head) override {
    ++requests;
    if (head->path == "/refuse") return answer_with(Answer(401, "no"));
    if (head->path == "/throw") throw std::runtime_error("broken");
    if (head->path == "/file") {
      Answer a;
      a.file = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
      a.file_offset = 1;
      a.file_size = file_size;
      return answer_with(std::move(a));
    }
    return collect(1 << 20, [this, head](std::string body, Respond respond) {
      std::string text = std::string(head->method) + " " + std::string(head->target) +
                         " tls=" + (head->tls ? "1" : "0") + " name=" + head->tls_server_name +
                         " proxied=" + (head->proxied ? "1" : "0") + " body=" + body;
      if (head->path == "/drop") return;
      if (head->path == "/big") text = std::string(3 << 20, 'x');
      Answer a(head->path == "/none" ? 204 : 200, std::move(text));
      a.headers.emplace_back("X-Split", "a\r\nInjected: b");
      if (head->path != "/later") return respond(std::move(a));
      std::lock_guard lock(mutex);
      threads.emplace_back([respond = std::move(respond), a = std::move(a)]() mutable {
        std::this_thread::sleep_for(20ms);
        respond(std::move(a));
      });
    });
  }
  Connect connect(const Head& head, const std::string& host, int port) override {
    if (head.header("proxy-authorization") != "token") return {Connect::refuse, 407, "who are you"};
    last_port = port;
    return {host.ends_with("amazonaws.com") ? Connect::terminate : Connect::relay, 0, ""};
  }
  ~Echo() override {
    for (auto& t : threads) t.join();
  }
  std::atomic<int> requests = 0, last_port = 0;
  std::string file;
  uint64_t file_size = 0;
  std::mutex mutex;
  std::vector<std::thread> threads;
};

class Raw {
 public:
  explicit Raw(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(static_cast<uint16_t>(port));
    inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
  }
  ~Raw() { ::close(fd_); }
  void send(std::string_view s) {
    while (!s.empty()) {
      auto n = ::send(fd_, s.data(), s.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      s.remove_prefix(static_cast<size_t>(n));
    }
  }
  /// Reads until `text` has come, or the other side ends, or five seconds have passed.
  std::string until(std::string_view text) {
    std::string out;
    while (text.empty() || out.find(text) == std::string::npos) {
      pollfd p{fd_, POLLIN, 0};
      if (::poll(&p, 1, 5000) <= 0) return out + "<timeout>";
      char buf[65536];
      auto n = ::recv(fd_, buf, sizeof buf, 0);
      if (n <= 0) return out + "<end>";
      out.append(buf, static_cast<size_t>(n));
    }
    return out;
  }
  std::string all() { return until(""); }

 private:
  int fd_;
};

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir = std::filesystem::temp_directory_path() / ("nubecita-http-" + random_hex(12));
    std::filesystem::create_directory(dir);
    auto a = Authority::open((dir / "ca").string());
    ASSERT_TRUE(a) << a.error().message;
    authority = std::move(*a);
    options.authority = authority.get();
    options.limits.head_time = 600ms;
    options.limits.idle = 1200ms;
    options.limits.stall = 600ms;
    server = std::make_unique<Server>(options, echo);
    auto started = server->start();
    ASSERT_TRUE(started) << started.error().message;
  }
  void TearDown() override {
    server.reset();
    std::filesystem::remove_all(dir);
  }
  std::filesystem::path dir;
  Options options;
  std::unique_ptr<Authority> authority;
  Echo echo;
  std::unique_ptr<Server> server;
};

size_t count(std::string_view text, std::string_view what) {
  size_t n = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST_F(ServerTest, KeepsAConnectionAlive) {
  Raw c(server->port());
  for (int i = 0; i < 3; ++i) {
    c.send("GET /n" + std::to_string(i) + "?q=1 HTTP/1.1\r\nHost: x\r\n\r\n");
    auto got = c.until("body=");
    EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\n")) << got;
    EXPECT_NE(got.find("GET /n" + std::to_string(i) + "?q=1 "), std::string::npos);
    EXPECT_NE(got.find("Content-Length: "), std::string::npos);
  }
  EXPECT_EQ(server->connections(), 1u);
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  Raw c(server->port());
  c.send(
      "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
      "POST /two HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ntwo"
      "GET /three HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  auto got = c.all();
  auto one = got.find("body=one"), two = got.find("body=two"), three = got.find("/three");
  EXPECT_LT(one, two);
  EXPECT_LT(two, three);
  EXPECT_TRUE(got.ends_with("body=<end>")) << got;
}

TEST_F(ServerTest, TakesBytesOneAtATime) {
  Raw c(server->port());
  for (char ch : std::string("PUT /slow HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                             "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: z\r\n\r\n")) {
    c.send(std::string(1, ch));
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_NE(c.until("body=abcde").find("body=abcde"), std::string::npos);
}

TEST_F(ServerTest, RefusesAmbiguousRequests) {
  for (std::string bad :
       {"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
        "GET /\r\n\r\n", "\x01\x02\x03\r\n\r\n"}) {
    Raw c(server->port());
    c.send(bad);
    auto got = c.all();
    EXPECT_TRUE(got.starts_with("HTTP/1.1 4") || got.starts_with("HTTP/1.1 50")) << bad << " -> " << got;
    EXPECT_TRUE(got.ends_with("<end>"));
  }
  EXPECT_EQ(echo.requests, 0);
}

TEST_F(ServerTest, LimitsTheHead) {
  Raw c(server->port());
  c.send("GET / HTTP/1.1\r\nHost: x\r\n");
  for (int i = 0; i < 80; ++i) c.send("X-" + std::to_string(i) + ": " + std::string(1000, 'v') + "\r\n");
  EXPECT_TRUE(c.all().starts_with("HTTP/1.1 431 "));
  Raw fits(server->port());
  fits.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(60'000, 'v') + "\r\n\r\n");
  EXPECT_TRUE(fits.until("body=").starts_with("HTTP/1.1 200 "));
}

TEST_F(ServerTest, LimitsTheBodyAndStillDeliversTheAnswer) {
  Raw c(server->port());
  c.send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n");
  c.send(std::string(9'000'000, 'b'));
  auto got = c.all();
  EXPECT_TRUE(got.starts_with("HTTP/1.1 413 ")) << got;
  EXPECT_NE(got.find("Connection: close"), std::string::npos);
}

TEST_F(ServerTest, AsksForTheBodyOnlyWhenItIsWanted) {
  Raw c(server->port());
  c.send("POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(c.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  c.send("hi");
  EXPECT_NE(c.until("body=hi").find("body=hi"), std::string::npos);
  Raw refused(server->port());
  refused.send("POST /refuse HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_TRUE(refused.until("no").starts_with("HTTP/1.1 401 "));
}

TEST_F(ServerTest, TimesOutSlowClients) {
  Raw silent(server->port()), head(server->port()), body(server->port()), idle(server->port());
  idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  idle.until("body=");
  head.send("GET / HTT");
  body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 30; ++i) {  // drips are not progress
    head.send("P");
    body.send("b");
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_EQ(silent.all(), "<end>");
  EXPECT_TRUE(head.all().starts_with("HTTP/1.1 408 ")) << "a head that never ends";
  EXPECT_TRUE(body.all().starts_with("HTTP/1.1 408 ")) << "a body that never ends";
  EXPECT_EQ(idle.all(), "<end>");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 4s);
}

TEST_F(ServerTest, AnswersHead) {
  Raw c(server->port());
  c.send(
      "HEAD /h HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: "
      "x\r\nConnection: close\r\n\r\n");
  auto got = c.all();
  EXPECT_EQ(count(got, "body="), 1u) << got;
  EXPECT_EQ(count(got, "Content-Length:"), 2u) << "204 has none: " << got;
  EXPECT_NE(got.find("204 No Content"), std::string::npos);
}

TEST_F(ServerTest, AHeaderValueCannotEndItsLine) {
  Raw c(server->port());
  c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(c.until("body=").find("\r\nInjected"), std::string::npos);
}

TEST_F(ServerTest, AThrowingOrForgetfulApplicationIsA500) {
  for (auto path : {"/throw", "/drop"}) {
    Raw c(server->port());
    c.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(c.all().starts_with("HTTP/1.1 500 ")) << path;
  }
}

TEST_F(ServerTest, SendsFilesAndLargeBodies) {
  echo.file = (dir / "blob").string();
  std::ofstream(echo.file) << "x" << std::string(1'000'000, 'f') << "y";
  echo.file_size = 1'000'000;
  auto where = Endpoint::tcp("127.0.0.1", server->port());
  Request r;
  r.target = "/file";
  auto got = request(where, r);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->body, std::string(1'000'000, 'f'));
  r.target = "/big";
  got = request(where, r);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->body.size(), 3u << 20);
  echo.file_size = 2'000'000;  // shorter than promised: a broken answer, not a wrong one
  r.target = "/file";
  EXPECT_FALSE(request(where, r));
}

TEST_F(ServerTest, SpeaksTlsOnTheSamePort) {
  Endpoint e = Endpoint::tcp("127.0.0.1", server->port());
  e.tls = true;
  e.ca_file = authority->certificate_file();
  for (auto host : {"127.0.0.1", "localhost"}) {
    e.host = host;
    Request r;
    r.method = "POST";
    r.target = "/t";
    r.body = std::string(500'000, 'z');
    auto got = request(e, r);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_NE(got->body.find("tls=1"), std::string::npos);
    EXPECT_EQ(got->body.size() > 500'000, true);
  }
  Endpoint stranger = e;
  stranger.ca_file.clear();
  auto got = request(stranger, {});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, "ConnectFailed");
  EXPECT_NE(got.error().message.find("not trusted"), std::string::npos) << got.error().message;
}

TEST_F(ServerTest, SpeaksTlsToCurlThroughAConnectThatItEnds) {
  auto out = (dir / "out").string();
  auto base = "curl -sS --max-time 10 --cacert " + authority->certificate_file() + " -o " + out + " ";
  auto proxy =
      "--proxy-header 'Proxy-Authorization: token' -x http://127.0.0.1:" + std::to_string(server->port()) +
      " ";
  ASSERT_EQ(std::system((base + proxy + "https://sts.eu-central-1.amazonaws.com/x -d hello").c_str()), 0);
  std::ifstream in(out);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(text, "POST /x tls=1 name=sts.eu-central-1.amazonaws.com proxied=1 body=hello");
  EXPECT_EQ(echo.last_port, 443);
  // The proxy itself over TLS: TLS inside TLS.
  auto tls_proxy =
      "--proxy-cacert " + authority->certificate_file() +
      " --proxy-header 'Proxy-Authorization: token' -x https://localhost:" + std::to_string(server->port()) +
      " ";
  ASSERT_EQ(std::system((base + tls_proxy + "https://ec2.amazonaws.com/y").c_str()), 0);
  // Without the token it is nobody's proxy.
  EXPECT_NE(std::system((base + "-x http://127.0.0.1:" + std::to_string(server->port()) +
                         " https://ec2.amazonaws.com/y 2>/dev/null")
                            .c_str()),
            0);
}

TEST_F(ServerTest, RelaysOtherConnects) {
  Raw c(server->port());
  auto self = "127.0.0.1:" + std::to_string(server->port());
  c.send("CONNECT " + self + " HTTP/1.1\r\nHost: " + self + "\r\nProxy-Authorization: token\r\n\r\n");
  EXPECT_TRUE(c.until("\r\n\r\n").starts_with("HTTP/1.1 200 "));
  c.send("GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_GT(c.all().size(), 3u << 20);
  Raw nobody(server->port());
  nobody.send("CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: token\r\n\r\n");
  EXPECT_TRUE(nobody.all().starts_with("HTTP/1.1 502 "));
  Raw refused(server->port());
  refused.send("CONNECT " + self + " HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(refused.all().starts_with("HTTP/1.1 407 "));
}

TEST_F(ServerTest, RefusesPlainHttpElsewhere) {
  Options o;
  o.listen = {"0.0.0.0:0"};
  Server bare(o, echo);
  auto started = bare.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, "ListenFailed");
  o.authority = authority.get();
  Server with_tls(o, echo);
  ASSERT_TRUE(with_tls.start());
}

TEST_F(ServerTest, ListensForAnotherApplicationAndStops) {
  Echo other;
  auto handle = server->listen_in("", "127.0.0.1", 0, other);
  ASSERT_TRUE(handle) << handle.error().message;
  server->close_listener(*handle);
  server->close_listener(*handle);
  EXPECT_FALSE(server->listen_in("/run/netns/there-is-none", "127.0.0.1", 0, other));
  auto taken = server->listen_in("", "127.0.0.1", server->port(), other);
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().message.find(std::to_string(server->port())), std::string::npos);
}

TEST_F(ServerTest, AnswersThatComeAfterStopAreDropped) {
  Raw c(server->port());
  c.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  std::this_thread::sleep_for(5ms);
  server->stop();
}

TEST_F(ServerTest, ServesManyConnectionsAtOnce) {
  std::atomic<int> good = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&, i] {
      Raw c(server->port());
      for (int k = 0; k < 50; ++k) {
        c.send("POST " + std::string(k % 3 ? "/now" : "/later") +
               " HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n" + std::to_string(1000 + i));
        if (c.until("body=" + std::to_string(1000 + i)).starts_with("HTTP/1.1 200")) ++good;
      }
    });
  for (auto& t : clients) t.join();
  EXPECT_EQ(good, 400);
}

}  // namespace
}  // namespace nubecita::http
