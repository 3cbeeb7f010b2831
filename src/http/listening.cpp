#include "http/listening.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <thread>

namespace nubecita::http {
namespace {

Result<int> open_here(const HostPort& where) {
  const auto name = where.host + ":" + std::to_string(where.port);
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int rc = getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &hints, &found))
    return fail("ListenFailed",
                "Cannot listen on " + name + ": " + gai_strerror(rc) + " (give an IP address).");
  int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int yes = 1;
  bool good = fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) &&
              !::bind(fd, found->ai_addr, found->ai_addrlen) && !::listen(fd, 1024);
  int why = errno;
  freeaddrinfo(found);
  if (good) return fd;
  if (fd >= 0) ::close(fd);
  return fail("ListenFailed", "Cannot listen on " + name + ": " + std::strerror(why) + ".");
}

}  // namespace

Result<HostPort> parse_host_port(const std::string& text) {
  auto colon = text.rfind(':');
  HostPort out;
  bool good = colon != std::string::npos && colon > 0;
  if (good) {
    out.host = text.substr(0, colon);
    if (out.host.size() > 2 && out.host.front() == '[' && out.host.back() == ']')
      out.host = out.host.substr(1, out.host.size() - 2);
    if (out.host == "localhost") out.host = "127.0.0.1";
    auto [end, ec] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), out.port);
    good = ec == std::errc() && end == text.data() + text.size() && out.port >= 0 && out.port < 65536;
  }
  if (!good)
    return fail("ListenFailed",
                "\"" + text + "\" is no address to listen on: give HOST:PORT, such as 127.0.0.1:4566.");
  return out;
}

bool in_namespace(const std::string& netns, const std::function<void()>& work) {
  int why = 0;
  // A thread of its own: a namespace is entered by a thread, and this one must not stay there.
  std::thread([&] {
    int fd = ::open(netns.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || ::setns(fd, CLONE_NEWNET)) why = errno;
    if (fd >= 0) ::close(fd);
    if (!why) work();
  }).join();
  errno = why;
  return !why;
}

Result<int> open_listener(const std::string& netns, const HostPort& where) {
  if (netns.empty()) return open_here(where);
  Result<int> out = 0;
  if (!in_namespace(netns, [&] { out = open_here(where); }))
    return fail("ListenFailed",
                "Cannot enter the network namespace " + netns + ": " + std::strerror(errno) + ".");
  return out;
}

}  // namespace nubecita::http
