// A load generator that is never the slow side: raw keep-alive connections, one request under way on each,
// every request signed by itself. After SECONDS no request is started and those under way are waited for; an
// error ends all. MOST ends it sooner, after that many operations. Prints one JSON line: requests
// (operations; for `sqs` and `redis` messages), seconds, and p50/p99 in microseconds (for `sqs` and `redis`
// of a whole cycle).
//   nubecita_load HOST:PORT MODE CLIENTS SECONDS KEY SECRET [QUEUE_URL [MOST]]
// Objects and items are read in an order that scatters them.
// MODE:
//   plain                       unsigned GET / (for the reference server)
//   caller | vpcs | write       GetCallerIdentity, DescribeVpcs, CreateLogGroup
//   dynamodb-put | -get | -query | -transact [:ITEMS]   in the table "bench"
//   dynamodb-fill:ITEMS         the same items, 25 a BatchWriteItem
//   s3-put | s3-get :BYTES[:KEYS]   in the bucket "bench", names BYTES/CLIENTS/0..KEYS-1
//   s3-list                     pages of ListObjectsV2 of the bucket "bench", each client all of them
//   sqs[:BATCH]                 cycles of send, receive, delete of BATCH messages
//   sqs-send[:BATCH]            sends alone
//   redis[:BATCH]               cycles of RPUSH and LPOP of BATCH values
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "wire/sigv4.hpp"

namespace {
using namespace nubecita;
using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

struct Connection {
  int fd = -1, step = 0, status = 0, redials = 0;
  std::string head;           // the request, but for an object's bytes
  size_t sent = 0, size = 0;  // of head and bytes together
  std::string in;             // the answer's head, and its body where that is read
  size_t left = 0;            // of an answer's body that is not read
  bool in_body = false, closing = false;
  std::vector<std::string> receipts;
  std::string next_page;  // the token, percent-encoded; empty: the first
  Clock::time_point began;
};

class Target {
 public:
  Target(const std::string& mode, std::string clients) : clients_(std::move(clients)) {
    std::string parts[3];
    for (size_t i = 0, at = 0; i < 3 && at <= mode.size(); ++i) {
      const auto end = std::min(mode.find(':', at), mode.size());
      parts[i] = mode.substr(at, end - at);
      at = end + 1;
    }
    mode_ = parts[0];
    number_ = parts[1].empty() ? (mode_.starts_with("dynamodb-") ? 10'000 : 1) : std::stoull(parts[1]);
    names_ = parts[2].empty() ? 1'000'000 : std::stoull(parts[2]);
    if (mode_ == "s3-put") {
      bytes_.resize(number_);
      std::mt19937_64 random(1);  // bytes that nobody can compress
      for (size_t at = 0; at + 8 <= bytes_.size(); at += 8) {
        const auto word = random();
        std::memcpy(bytes_.data() + at, &word, 8);
      }
      hash_ = wire::sha256_hex(bytes_);
    }
  }

  std::string host, key, secret, queue;

  bool redis() const { return mode_ == "redis"; }
  const std::string& bytes() const { return bytes_; }
  /// Whether an answer's body is needed.
  bool reads_body(const Connection& c) const {
    return redis() || mode_ == "s3-list" || (mode_ == "sqs" && c.step == 1);
  }

  void prepare(Connection& c) {
    if (c.step == 0) c.began = Clock::now();
    c.head = redis() ? redis_request(c) : request(c);
    c.sent = 0;
    c.size = c.head.size() + bytes_.size();
  }

  /// What an answer completes: a number of operations; none if a cycle goes on.
  size_t answered(Connection& c) {
    if (redis()) {
      c.step ^= 1;
      return c.step == 0 ? number_ : 0;
    }
    if (mode_ == "dynamodb-fill") return kItemsABatch;
    if (mode_ == "sqs-send") return number_;
    if (mode_ == "s3-list") {
      constexpr std::string_view before = "<NextContinuationToken>";
      const auto at = c.in.find(before);
      c.next_page.clear();
      if (at != std::string::npos)
        for (char letter : c.in.substr(at + before.size(), c.in.find('<', at + 1) - at - before.size()))
          c.next_page += letter == '+'   ? "%2B"
                         : letter == '/' ? "%2F"
                         : letter == '=' ? "%3D"
                                         : std::string(1, letter);
    }
    if (mode_ != "sqs") return 1;
    if (c.step == 1) {
      c.receipts.clear();
      constexpr std::string_view name = "\"ReceiptHandle\"";
      for (size_t at = 0; (at = c.in.find(name, at)) != std::string::npos;) {
        const auto begin = c.in.find('"', at + name.size()) + 1;
        at = c.in.find('"', begin);
        c.receipts.push_back(c.in.substr(begin, at - begin));
      }
      if (c.receipts.empty()) return 0;  // asks again
    }
    if (++c.step < 3) return 0;
    c.step = 0;
    return c.receipts.size();
  }

 private:
  static constexpr size_t kItemsABatch = 25;

  static std::string names_of(uint64_t n) {
    return R"("p":{"S":"partition-)" + std::to_string(n / 100) + R"("},"c":{"N":")" +
           std::to_string(n % 100) + R"("})";
  }
  static std::string item_of(uint64_t n) {
    return "{" + names_of(n) + R"(,"name":{"S":"a name of some length"},"text":{"S":")" +
           std::string(200, 'x') + R"("},"count":{"N":"42"},"tags":{"SS":["red","green"]}})";
  }

  /// The operation and its body. The table has the keys p (S) and c (N); an item has some 300 bytes.
  std::string dynamodb(std::string& body) {
    if (mode_ == "dynamodb-fill") {
      body = R"({"RequestItems":{"bench":[)";
      for (size_t i = 0; i < kItemsABatch; ++i)
        body += (i == 0 ? R"({"PutRequest":{"Item":)" : R"(,{"PutRequest":{"Item":)") +
                item_of(serial_++ % number_) + "}}";
      body += "]}}";
      return "BatchWriteItem";
    }
    const auto n = serial_++ * 1'000'003 % number_;
    const std::string names = names_of(n), item = item_of(n);
    body = R"({"TableName":"bench",)";
    if (mode_ == "dynamodb-get") {
      body += R"("Key":{)" + names + "}}";
      return "GetItem";
    }
    if (mode_ == "dynamodb-query") {  // ten items
      body +=
          R"("KeyConditionExpression":"p = :p AND c < :c","ExpressionAttributeValues":{":p":{"S":"partition-)" +
          std::to_string(n / 100) + R"("},":c":{"N":"10"}}})";
      return "Query";
    }
    if (mode_ == "dynamodb-transact") {
      body =
          R"({"TransactItems":[{"Put":{"TableName":"bench","Item":)" + item +
          R"(}},{"Update":{"TableName":"bench","Key":{"p":{"S":"counter-)" + std::to_string(n) +
          R"("},"c":{"N":"0"}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}}}]})";
      return "TransactWriteItems";
    }
    body += R"("Item":)" + item + "}";
    return "PutItem";
  }

  /// The operation of a cycle's step and its body. A message has 256 bytes.
  std::string sqs(const Connection& c, std::string& body) const {
    const std::string text(256, 'x');
    const bool batch = number_ > 1;
    body = R"({"QueueUrl":")" + queue + "\"";
    if (c.step == 1) {
      body += R"(,"MaxNumberOfMessages":)" + std::to_string(number_) + "}";
      return "ReceiveMessage";
    }
    if (!batch) {
      body += c.step == 0 ? R"(,"MessageBody":")" + text + "\"}"
                          : R"(,"ReceiptHandle":")" + c.receipts[0] + "\"}";
      return c.step == 0 ? "SendMessage" : "DeleteMessage";
    }
    body += R"(,"Entries":[)";
    const size_t entries = c.step == 0 ? number_ : c.receipts.size();
    for (size_t i = 0; i < entries; ++i) {
      body += (i == 0 ? R"({"Id":")" : R"(,{"Id":")") + std::to_string(i);
      body += c.step == 0 ? R"(","MessageBody":")" + text : R"(","ReceiptHandle":")" + c.receipts[i];
      body += "\"}";
    }
    body += "]}";
    return c.step == 0 ? "SendMessageBatch" : "DeleteMessageBatch";
  }

  std::string redis_request(const Connection& c) const {
    const auto n = std::to_string(number_);
    if (c.step == 1)
      return "*3\r\n$4\r\nLPOP\r\n$5\r\nbench\r\n$" + std::to_string(n.size()) + "\r\n" + n + "\r\n";
    std::string text = "*" + std::to_string(number_ + 2) + "\r\n$5\r\nRPUSH\r\n$5\r\nbench\r\n";
    for (size_t i = 0; i < number_; ++i) text += "$256\r\n" + std::string(256, 'x') + "\r\n";
    return text;
  }

  std::string request(const Connection& c) {
    if (mode_ == "plain") return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
    std::string service, body, type = "application/x-www-form-urlencoded", target, path = "/", query;
    wire::RawRequest raw;
    raw.method = "POST";
    if (mode_.starts_with("s3-")) {
      service = "s3";
      type = "application/octet-stream";
      raw.method = mode_ == "s3-put" ? "PUT" : "GET";
      if (mode_ == "s3-list") {
        path = "/bench";
        query = (c.next_page.empty() ? "" : "continuation-token=" + c.next_page + "&") + "list-type=2";
      } else {
        const auto n = (mode_ == "s3-get" ? serial_++ * 1'000'003 : serial_++) % names_;
        path = "/bench/" + std::to_string(number_) + "/" + clients_ + "/" + std::to_string(n);
      }
    } else if (mode_ == "caller") {
      service = "sts";
      body = "Action=GetCallerIdentity&Version=2011-06-15";
    } else if (mode_ == "vpcs") {
      service = "ec2";
      body = "Action=DescribeVpcs&Version=2016-11-15";
    } else if (mode_.starts_with("dynamodb-")) {
      service = "dynamodb";
      type = "application/x-amz-json-1.0";
      target = "DynamoDB_20120810." + dynamodb(body);
    } else if (mode_.starts_with("sqs")) {
      service = "sqs";
      type = "application/x-amz-json-1.0";
      target = "AmazonSQS." + sqs(c, body);
    } else {
      service = "logs";
      type = "application/x-amz-json-1.1";
      target = "Logs_20140328.CreateLogGroup";
      body = R"({"logGroupName":"/bench/)" + run_ + "/" + std::to_string(serial_++) + "\"}";
    }
    raw.headers = {{"host", host}, {"content-type", type}};
    if (!target.empty()) raw.headers.emplace_back("x-amz-target", target);
    if (service == "s3") raw.headers.emplace_back("x-amz-content-sha256", hash_);
    raw.path = path;
    raw.query = query;
    raw.body = body;
    std::string text(raw.method);
    text += " ";
    text += raw.path;
    if (!query.empty()) text += "?" + query;
    text += " HTTP/1.1\r\n";
    for (auto& [n, v] : raw.headers) text += std::string(n) + ": " + std::string(v) + "\r\n";
    for (auto& [n, v] : wire::sign(raw, key, secret, "", "us-east-1", service, now_ms()))
      text += n + ": " + v + "\r\n";
    return text + "Content-Length: " + std::to_string(body.size() + bytes_.size()) + "\r\n\r\n" + body;
  }

  std::string mode_, clients_, run_ = random_hex(8);
  std::string bytes_, hash_ = wire::sha256_hex("");
  uint64_t number_ = 0, names_ = 0, serial_ = 0;
};

int dial(const Target& target) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto colon = target.host.find(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(target.host.c_str() + colon + 1)));
  inet_pton(AF_INET, target.host.substr(0, colon).c_str(), &address.sin_addr);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    std::perror("connect");
    std::exit(1);
  }
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/// Sends what the socket takes now.
void push(Connection& c, const std::string& bytes) {
  while (c.sent < c.size) {
    const size_t in_head = std::min(c.sent, c.head.size()), in_bytes = c.sent - in_head;
    iovec parts[2] = {{c.head.data() + in_head, c.head.size() - in_head},
                      {const_cast<char*>(bytes.data()) + in_bytes, bytes.size() - in_bytes}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const auto n = ::sendmsg(c.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
      if (errno != EAGAIN && errno != EPIPE && errno != ECONNRESET) die("cannot send");
      return;
    }
    c.sent += static_cast<size_t>(n);
  }
}

/// Whether there is a whole answer of Redis; it gets a status as HTTP has it.
bool redis_answer(Connection& c) {
  size_t at = 0;
  c.status = 200;
  for (long values = 1; values > 0; --values) {
    const auto end = c.in.find("\r\n", at);
    if (end == std::string::npos) return false;
    const char kind = c.in[at];
    const long n = std::atol(c.in.c_str() + at + 1);
    at = end + 2;
    if (kind == '-') c.status = 400;
    if (kind == '*') values += n;
    if (kind == '$' && n >= 0) at += static_cast<size_t>(n) + 2;
  }
  return at <= c.in.size();
}

/// Reads the answer's head once it is whole.
bool read_head(Connection& c) {
  const auto end = c.in.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  c.status = std::atoi(c.in.c_str() + 9);
  c.left = 0;
  for (size_t at = c.in.find("\r\n"); at < end;) {
    at += 2;
    if (strncasecmp(c.in.c_str() + at, "content-length:", 15) == 0)
      c.left = std::strtoul(c.in.c_str() + at + 15, nullptr, 10);
    if (strncasecmp(c.in.c_str() + at, "transfer-encoding:", 18) == 0) die("an answer of no known length");
    if (strncasecmp(c.in.c_str() + at, "connection: close", 17) == 0) c.closing = true;
    at = c.in.find("\r\n", at);
  }
  c.in.erase(0, end + 4);
  c.in_body = true;
  return true;
}

enum class Got { part, all, end };

/// Reads what the socket has now, at most to the end of the answer.
Got pull(Connection& c, const Target& target) {
  char buffer[65536];
  while (true) {
    ssize_t got = 0, room = sizeof buffer;
    if (c.in_body && !target.reads_body(c)) {  // thrown away by the kernel, uncopied
      room = static_cast<ssize_t>(std::min(c.left, size_t{1} << 24));
      got = ::recv(c.fd, nullptr, static_cast<size_t>(room), MSG_TRUNC | MSG_DONTWAIT);
      if (got > 0) c.left -= static_cast<size_t>(got);
    } else {
      got = ::recv(c.fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (got > 0) c.in.append(buffer, static_cast<size_t>(got));
    }
    if (got == 0 || (got < 0 && errno != EAGAIN)) return Got::end;
    if (got < 0) return Got::part;
    if (target.redis()) {
      if (redis_answer(c)) return Got::all;
    } else {
      if (!c.in_body && read_head(c) && !target.reads_body(c)) c.left -= std::min(c.left, c.in.size());
      if (c.in_body && (target.reads_body(c) ? c.in.size() >= c.left : c.left == 0)) return Got::all;
    }
    if (got < room && !c.in_body) return Got::part;
  }
}
}  // namespace

int main(int argc, char** argv) {
  if (argc < 7 || argc > 9) {
    std::fprintf(stderr, "usage: %s HOST:PORT MODE CLIENTS SECONDS KEY SECRET [QUEUE_URL [MOST]]\n", argv[0]);
    return 2;
  }
  Target target(argv[2], argv[3]);
  target.host = argv[1];
  target.key = argv[5];
  target.secret = argv[6];
  if (argc > 7) target.queue = argv[7];
  const uint64_t most = argc > 8 ? std::strtoull(argv[8], nullptr, 10) : UINT64_MAX;
  const double seconds = std::atof(argv[4]);

  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<Connection> connections(static_cast<size_t>(std::atoi(argv[3])));
  auto open = [&](Connection& c) {
    c.fd = dial(target);
    epoll_event event{EPOLLIN | EPOLLOUT | EPOLLET, {.ptr = &c}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, c.fd, &event);
  };
  const auto started = Clock::now();
  const auto ending = started + std::chrono::duration<double>(seconds);
  for (auto& c : connections) {
    open(c);
    target.prepare(c);
    push(c, target.bytes());
  }
  std::vector<float> took;
  uint64_t done = 0;
  size_t under_way = connections.size();
  while (under_way > 0) {
    epoll_event events[64];
    const int n = epoll_wait(epoll, events, 64, 60'000);
    if (n == 0) die("no answer for a minute");
    for (int i = 0; i < n; ++i) {
      auto& c = *static_cast<Connection*>(events[i].data.ptr);
      push(c, target.bytes());
      const auto got = pull(c, target);
      if (got == Got::part) continue;
      if (got == Got::end) {  // a server that ends connections as it likes
        if (++c.redials > 3) die("the server closes connections without an answer");
        ::close(c.fd);
        open(c);
        c.sent = 0;
      } else {
        if (c.sent < c.size) die("an answer before the request's end");
        c.redials = 0;
        if (c.status / 100 != 2) {
          std::fprintf(stderr, "status %d %s\n", c.status, c.in.c_str());
          return 1;
        }
        if (const auto operations = target.answered(c); operations > 0) {
          done += operations;
          took.push_back(std::chrono::duration<float, std::micro>(Clock::now() - c.began).count());
        }
        if (c.step == 0 && (done >= most || Clock::now() >= ending)) {
          ::close(c.fd);
          --under_way;
          continue;
        }
        target.prepare(c);
      }
      c.in.clear();
      c.in_body = false;
      if (std::exchange(c.closing, false)) {
        ::close(c.fd);
        open(c);
      }
      push(c, target.bytes());
    }
  }
  const double passed = std::chrono::duration<double>(Clock::now() - started).count();
  std::sort(took.begin(), took.end());
  auto at = [&](double q) {
    return took.empty() ? 0.0F : took[static_cast<size_t>(q * static_cast<double>(took.size() - 1))];
  };
  std::printf("{\"requests\":%lu,\"seconds\":%.3f,\"p50_us\":%.0f,\"p99_us\":%.0f}\n",
              static_cast<unsigned long>(done), passed, static_cast<double>(at(0.5)),
              static_cast<double>(at(0.99)));
  return 0;
}
