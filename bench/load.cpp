// A load generator that is never the slow side: raw keep-alive connections, one request under way on each,
// every request signed by itself. Prints one JSON line: requests, seconds, errors, and p50/p99 in
// microseconds.
//   nubecita_load HOST:PORT MODE CLIENTS SECONDS KEY SECRET      MODE: caller | vpcs | write | plain |
//   dynamodb-put | dynamodb-get | dynamodb-query | dynamodb-transact
// `plain` sends unsigned GET / (for the reference server).
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "wire/sigv4.hpp"

namespace {
using namespace nubecita;
using Clock = std::chrono::steady_clock;

struct Target {
  std::string host, mode, key, secret, run = random_hex(8);
  int port = 0;
  uint64_t serial = 0;

  /// The operation and its body. The table "bench" has the keys p (S) and c (N); an item has some 300 bytes.
  std::string dynamodb(std::string& body) {
    const auto n = serial++ % 10'000;
    const std::string key = R"("p":{"S":"partition-)" + std::to_string(n / 100) + R"("},"c":{"N":")" +
                            std::to_string(n % 100) + R"("})";
    const std::string item = "{" + key + R"(,"name":{"S":"a name of some length"},"text":{"S":")" +
                             std::string(200, 'x') +
                             R"("},"count":{"N":"42"},"tags":{"SS":["red","green"]}})";
    body = R"({"TableName":"bench",)";
    if (mode == "dynamodb-get") {
      body += R"("Key":{)" + key + "}}";
      return "GetItem";
    }
    if (mode == "dynamodb-query") {  // ten items
      body +=
          R"("KeyConditionExpression":"p = :p AND c < :c","ExpressionAttributeValues":{":p":{"S":"partition-)" +
          std::to_string(n / 100) + R"("},":c":{"N":"10"}}})";
      return "Query";
    }
    if (mode == "dynamodb-transact") {
      body =
          R"({"TransactItems":[{"Put":{"TableName":"bench","Item":)" + item +
          R"(}},{"Update":{"TableName":"bench","Key":{"p":{"S":"counter-)" + std::to_string(n) +
          R"("},"c":{"N":"0"}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}}}]})";
      return "TransactWriteItems";
    }
    body += R"("Item":)" + item + "}";
    return "PutItem";
  }

  std::string request() {
    if (mode == "plain") return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
    std::string service, body, type = "application/x-www-form-urlencoded", target;
    if (mode == "caller") {
      service = "sts";
      body = "Action=GetCallerIdentity&Version=2011-06-15";
    } else if (mode == "vpcs") {
      service = "ec2";
      body = "Action=DescribeVpcs&Version=2016-11-15";
    } else if (mode.starts_with("dynamodb-")) {
      service = "dynamodb";
      type = "application/x-amz-json-1.0";
      target = "DynamoDB_20120810." + dynamodb(body);
    } else {
      service = "logs";
      type = "application/x-amz-json-1.1";
      target = "Logs_20140328.CreateLogGroup";
      body = R"({"logGroupName":"/bench/)" + run + "/" + std::to_string(serial++) + "\"}";
    }
    wire::RawRequest raw;
    raw.method = "POST";
    raw.path = "/";
    raw.headers = {{"host", host}, {"content-type", type}};
    if (!target.empty()) raw.headers.emplace_back("x-amz-target", target);
    raw.body = body;
    std::string text = "POST / HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: " + type + "\r\n";
    if (!target.empty()) text += "X-Amz-Target: " + target + "\r\n";
    for (auto& [n, v] : wire::sign(raw, key, secret, "", "us-east-1", service, now_ms()))
      text += n + ": " + v + "\r\n";
    return text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
};

struct Connection {
  int fd = -1;
  std::string in;
  Clock::time_point sent;
};

int dial(const Target& target) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(target.port));
  inet_pton(AF_INET, target.host.substr(0, target.host.find(':')).c_str(), &address.sin_addr);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    std::perror("connect");
    std::exit(1);
  }
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

void send_request(Connection& c, Target& target) {
  const auto text = target.request();
  c.sent = Clock::now();
  if (::send(c.fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) {
    std::perror("send");
    std::exit(1);
  }
}

/// Whether `in` holds a whole answer; then takes it out and tells its status.
bool take_answer(std::string& in, int& status) {
  auto end = in.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  size_t length = 0;
  for (size_t at = in.find("\r\n"); at < end;) {
    at += 2;
    if (strncasecmp(in.c_str() + at, "content-length:", 15) == 0)
      length = std::strtoul(in.c_str() + at + 15, nullptr, 10);
    at = in.find("\r\n", at);
  }
  if (in.size() < end + 4 + length) return false;
  status = std::atoi(in.c_str() + 9);
  in.erase(0, end + 4 + length);
  return true;
}
}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: %s HOST:PORT caller|vpcs|write|plain CLIENTS SECONDS KEY SECRET\n", argv[0]);
    return 2;
  }
  Target target;
  target.host = argv[1];
  target.port = std::atoi(target.host.substr(target.host.find(':') + 1).c_str());
  target.mode = argv[2];
  target.key = argv[5];
  target.secret = argv[6];
  const int clients = std::atoi(argv[3]);
  const double seconds = std::atof(argv[4]);

  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<Connection> connections(static_cast<size_t>(clients));
  for (auto& c : connections) {
    c.fd = dial(target);
    epoll_event event{EPOLLIN, {.ptr = &c}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, c.fd, &event);
    send_request(c, target);
  }
  const auto started = Clock::now();
  const auto ending = started + std::chrono::duration<double>(seconds);
  std::vector<float> took;
  uint64_t errors = 0;
  while (Clock::now() < ending) {
    epoll_event events[64];
    const int n = epoll_wait(epoll, events, 64, 100);
    for (int i = 0; i < n; ++i) {
      auto& c = *static_cast<Connection*>(events[i].data.ptr);
      char buffer[65536];
      const auto got = ::recv(c.fd, buffer, sizeof buffer, 0);
      if (got <= 0) {
        std::fprintf(stderr, "the server closed a connection\n");
        return 1;
      }
      c.in.append(buffer, static_cast<size_t>(got));
      int status = 0;
      if (!take_answer(c.in, status)) continue;
      took.push_back(std::chrono::duration<float, std::micro>(Clock::now() - c.sent).count());
      if (status != 200) ++errors;
      send_request(c, target);
    }
  }
  const double passed = std::chrono::duration<double>(Clock::now() - started).count();
  std::sort(took.begin(), took.end());
  auto at = [&](double q) {
    return took.empty() ? 0.0F : took[static_cast<size_t>(q * static_cast<double>(took.size() - 1))];
  };
  std::printf("{\"requests\":%zu,\"seconds\":%.3f,\"errors\":%lu,\"p50_us\":%.0f,\"p99_us\":%.0f}\n",
              took.size(), passed, static_cast<unsigned long>(errors), static_cast<double>(at(0.5)),
              static_cast<double>(at(0.99)));
  return 0;
}
