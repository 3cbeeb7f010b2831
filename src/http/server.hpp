// The HTTP/1.1 server: HTTP and TLS on the same ports, keep-alive, and a CONNECT proxy. No Asio in this
// header.
//
// Connections are spread over `threads` I/O threads; each lives on one. The application's functions are
// called there. Plain HTTP is answered only on connections whose local address is loopback (or on listeners
// made by listen_in); elsewhere the client is told to use https.
//
// Lifecycle: 1. construct, 2. start(), 3. listen_in()/close_listener() from any thread, 4. stop() (drops
// connections, waits for its threads), 5. destroy. The application and the authority outlive the server;
// Respond functions may be called later still and then do nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"

namespace nubecita::http {

class Authority;

struct Limits {
  size_t head = 64 * 1024;      // bytes of request line and headers; more: 431
  size_t connections = 10'000;  // more wait in the kernel's queue
  std::chrono::milliseconds head_time{
      20'000};                             // to send a whole head, from its first byte (or the TLS handshake)
  std::chrono::milliseconds idle{75'000};  // between requests
  std::chrono::milliseconds stall{30'000};  // body or answer: `progress` bytes must move in this time
  size_t progress = 4096;
  std::chrono::milliseconds relay_idle{600'000};  // a CONNECT tunnel without a byte
};

struct Options {
  std::vector<std::string> listen = {"127.0.0.1:0"};  // HOST:PORT, [::1]:PORT; port 0: any
  int threads = 2;
  Limits limits;
  Authority* authority = nullptr;  // null: no TLS (then only loopback addresses are accepted)
};

class Server {
 public:
  Server(Options options, Application& application);
  ~Server();
  /// Errors: "ListenFailed" naming the address and the cause.
  Status start();
  /// HOST:PORT of the first listener, with the actual port.
  std::string address() const;
  int port() const;
  void stop();

  /// Opens a plain HTTP listener on ip:port inside the network namespace file `netns` (empty: ours), served
  /// by `application` (which must outlive it). Answers a handle for close_listener(). Blocks briefly; any
  /// thread.
  Result<uint64_t> listen_in(const std::string& netns, const std::string& ip, int port,
                             Application& application);
  /// Stops accepting and drops the listener's connections; when it returns, its application is called no
  /// more. An unknown handle is fine. Not on an I/O thread.
  void close_listener(uint64_t handle);

  size_t connections() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nubecita::http
