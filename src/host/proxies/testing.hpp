// Targets, clients and load for tests of load balancers: threads of the test, on addresses of the host. Only
// for tests.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <list>
#include <map>
#include <mutex>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace nubecita::host::testing {

using namespace std::chrono_literals;

// Reads one HTTP message with a Content-Length (or none) from a socket; empty at its end.
inline std::string read_message(int fd, std::string& rest) {
  std::string data = std::move(rest);
  rest.clear();
  char buffer[8192];
  for (;;) {
    auto end = data.find("\r\n\r\n");
    if (end != std::string::npos) {
      size_t length = 0;
      std::string head = data.substr(0, end + 2);
      for (auto& c : head) c = static_cast<char>(tolower(c));
      auto at = head.find("content-length:");
      if (at != std::string::npos) length = static_cast<size_t>(atoi(head.c_str() + at + 15));
      if (data.size() >= end + 4 + length) {
        rest = data.substr(end + 4 + length);
        return data.substr(0, end + 4 + length);
      }
    }
    ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) return {};
    data.append(buffer, static_cast<size_t>(n));
  }
}

inline int bound(const std::string& ip, int& port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, ip.c_str(), &a.sin_addr);
  if (bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0) {
    close(fd);
    return -1;
  }
  socklen_t size = sizeof a;
  getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size);
  port = ntohs(a.sin_port);
  return fd;
}

/// Below those that connections are given (ip_local_port_range): one of them could take it before it is
/// listened on.
inline int free_port(const std::string& ip) {
  static std::mt19937 random{std::random_device{}()};
  for (int i = 0; i < 1000; ++i) {
    int port = std::uniform_int_distribution(10'000, 32'000)(random);
    const int fd = bound(ip, port);
    if (fd < 0) continue;  // somebody has it
    close(fd);
    return port;
  }
  throw std::runtime_error("no free port on " + ip);
}

// Answers every request with its name and what it was asked.
class Target {
 public:
  explicit Target(std::string name, const std::string& ip = "127.0.0.1") : name_(std::move(name)) {
    listener_ = bound(ip, port);
    if (listener_ < 0) throw std::runtime_error("no socket on " + ip);
    listen(listener_, 128);
    threads_.emplace_back([this] { accept_all(); });
  }
  ~Target() { kill(); }
  void kill() {
    if (listener_ < 0) return;
    shutdown(listener_, SHUT_RDWR);
    {
      std::lock_guard lock(mutex_);
      dead_ = true;
      for (int fd : fds_) shutdown(fd, SHUT_RDWR);
    }
    for (;;) {
      std::thread t;
      {
        std::lock_guard lock(mutex_);
        if (threads_.empty()) break;
        t = std::move(threads_.front());
        threads_.pop_front();
      }
      t.join();
    }
    close(listener_);
    listener_ = -1;
  }
  int port = 0;
  std::atomic<int> status{200};
  std::atomic<int> delay_ms{0};
  std::atomic<int> served{0};
  std::string cookie;  // set between requests only

 private:
  void accept_all() {
    for (;;) {
      int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      std::lock_guard lock(mutex_);
      if (dead_) {
        close(fd);
        return;
      }
      fds_.push_back(fd);
      threads_.emplace_back([this, fd] { serve(fd); });
    }
  }
  void serve(int fd) {
    std::string rest;
    for (;;) {
      auto request = read_message(fd, rest);
      if (request.empty()) break;
      bool check = request.find("ELB-HealthChecker") != std::string::npos;
      if (!check && delay_ms) std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
      if (!check) ++served;
      std::string body = name_ + "\n" + request;
      std::string head = "HTTP/1.1 " + std::to_string(status) + " X\r\n" +
                         (cookie.empty() || check ? "" : "Set-Cookie: " + cookie + "\r\n") +
                         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
      std::string all = head + body;
      if (send(fd, all.data(), all.size(), MSG_NOSIGNAL) < 0) break;
    }
    std::lock_guard lock(mutex_);
    std::erase(fds_, fd);
    close(fd);
  }
  std::string name_;
  int listener_ = -1;
  bool dead_ = false;
  std::mutex mutex_;
  std::list<int> fds_;
  std::list<std::thread> threads_;
};

class Client {
 public:
  Client(std::string ip, int port) : ip_(std::move(ip)), port_(port) {}
  ~Client() { drop(); }
  /// The whole response, or "" if the connection failed.
  std::string get(const std::string& path, const std::string& headers = "",
                  const std::string& method = "GET") {
    if (fd_ < 0 && !open()) return {};
    std::string r = method + " " + path + " HTTP/1.1\r\n" +
                    (headers.find("Host:") == std::string::npos ? "Host: app.test\r\n" : "") + headers +
                    "\r\n";
    if (send(fd_, r.data(), r.size(), MSG_NOSIGNAL) < 0) {
      drop();
      return {};
    }
    auto answer = read_message(fd_, rest_);
    auto lower = answer.substr(0, answer.find("\r\n\r\n"));
    for (auto& c : lower) c = static_cast<char>(tolower(c));
    if (answer.empty() || lower.find("connection: close") != std::string::npos) drop();
    return answer;
  }
  void drop() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
    rest_.clear();
  }

 private:
  bool open() {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    timeval t{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(static_cast<uint16_t>(port_));
    inet_pton(AF_INET, ip_.c_str(), &a.sin_addr);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0) return true;
    drop();
    return false;
  }
  std::string ip_;
  int port_, fd_ = -1;
  std::string rest_;
};

// Clients with kept and with new connections, counting what goes wrong.
class Load {
 public:
  Load(const std::string& ip, int port, int kept = 4, int fresh = 2) {
    for (int i = 0; i < kept + fresh; ++i)
      threads_.emplace_back([this, ip, port, keep = i < kept] {
        Client c(ip, port);
        while (!stop_) {
          auto answer = c.get("/load");
          ++total;
          if (!answer.starts_with("HTTP/1.1 200")) {
            std::lock_guard lock(mutex_);
            ++bad;
            ++what[answer.substr(0, 30)];
          }
          if (!keep) c.drop();
          std::this_thread::sleep_for(1ms);
        }
      });
  }
  void stop() {
    stop_ = true;
    for (auto& t : threads_) t.join();
    threads_.clear();
  }
  ~Load() { stop(); }
  std::string report() {
    std::ostringstream o;
    o << total << " requests, " << bad << " bad";
    for (auto& [k, v] : what) o << "; " << v << " x '" << k << "'";
    return o.str();
  }
  std::atomic<int> total{0}, bad{0};
  std::map<std::string, int> what;

 private:
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

}  // namespace nubecita::host::testing
