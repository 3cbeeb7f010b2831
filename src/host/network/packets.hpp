// For tests: real packets from and to namespaces. Header only; sockets are opened inside a namespace by a
// thread of their own and used from anywhere afterwards.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include "host/network/namespaces.hpp"

namespace nubecita::host::packets {

/// A socket of the namespace at `netns` (a path; empty: the host's).
inline Fd socket_in(const std::string& netns, int type) {
  Fd out;
  std::thread([&] {
    if (!netns.empty()) {
      Fd ns(::open(netns.c_str(), O_RDONLY | O_CLOEXEC));
      if (!ns || ::setns(ns.get(), CLONE_NEWNET) != 0) return;
    }
    out = Fd(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  }).join();
  return out;
}

inline sockaddr_in address(const std::string& ip, int port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(static_cast<uint16_t>(port));
  ::inet_pton(AF_INET, ip.c_str(), &a.sin_addr);
  return a;
}

inline bool bind_to(const Fd& s, const std::string& ip, int port) {
  const int one = 1;
  ::setsockopt(s.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  auto a = address(ip, port);
  return ::bind(s.get(), reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
}

inline Fd listen_at(const std::string& netns, const std::string& ip, int port) {
  auto s = socket_in(netns, SOCK_STREAM);
  if (!s || !bind_to(s, ip, port) || ::listen(s.get(), 16) != 0) return Fd();
  return s;
}

inline bool ready(const Fd& s, short events, int ms) {
  pollfd p{s.get(), events, 0};
  return ::poll(&p, 1, ms) == 1;
}

/// A connection, or nothing if it was refused or not answered within `ms`.
inline Fd connect_to(const std::string& netns, const std::string& ip, int port, int ms = 400,
                     const std::string& from = {}) {
  auto s = socket_in(netns, SOCK_STREAM);
  if (!s) return Fd();
  if (!from.empty() && !bind_to(s, from, 0)) return Fd();
  auto a = address(ip, port);
  if (::connect(s.get(), reinterpret_cast<sockaddr*>(&a), sizeof a) != 0 && errno != EINPROGRESS) return Fd();
  if (!ready(s, POLLOUT, ms)) return Fd();
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(s.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error ? Fd() : std::move(s);
}

/// The next connection to `listener`; `peer` becomes the address that it comes from.
inline Fd accept_from(const Fd& listener, std::string* peer = nullptr, int ms = 400) {
  if (!ready(listener, POLLIN, ms)) return Fd();
  sockaddr_in a{};
  socklen_t size = sizeof a;
  Fd s(::accept4(listener.get(), reinterpret_cast<sockaddr*>(&a), &size, SOCK_CLOEXEC));
  char text[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &a.sin_addr, text, sizeof text);
  if (peer) *peer = text;
  return s;
}

/// Whether bytes sent on one end come out of the other.
inline bool passes(const Fd& from, const Fd& to, int ms = 400) {
  char c = 'x';
  if (::send(from.get(), &c, 1, MSG_NOSIGNAL) != 1) return false;
  return ready(to, POLLIN, ms) && ::recv(to.get(), &c, 1, 0) == 1;
}

}  // namespace nubecita::host::packets
