#include "host/proxies/listener.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "base/log.hpp"

namespace nubecita::host {

std::string log_tag(const std::string& line) {
  auto end = line.find('[');
  if (end == std::string::npos || end == 0) return {};
  auto start = line.rfind(' ', end);
  if (start == std::string::npos) return {};
  return line.substr(start + 1, end - start - 1);
}

LogListener::LogListener(const std::string& path, std::function<void(const std::string&)> changed)
    : changed_(std::move(changed)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), std::min(path.size(), sizeof address.sun_path - 1));
  unlink(path.c_str());
  socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  wake_ = eventfd(0, EFD_CLOEXEC);
  if (bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    log_warning("proxies", "cannot listen on {}: changes of health are noticed late", path);
  chmod(path.c_str(), 0666);  // the workers are another user; the directory above is closed to everybody else
  thread_ = std::thread([this] { listen(); });
}

LogListener::~LogListener() {
  uint64_t one = 1;
  (void)!write(wake_, &one, sizeof one);
  thread_.join();
  close(socket_);
  close(wake_);
}

void LogListener::listen() {
  char buffer[2048];
  for (;;) {
    pollfd p[2] = {{socket_, POLLIN, 0}, {wake_, POLLIN, 0}};
    if (poll(p, 2, -1) < 0) continue;
    if (p[1].revents) return;
    ssize_t n = recv(socket_, buffer, sizeof buffer, 0);
    if (n <= 0) continue;
    std::string line(buffer, static_cast<size_t>(n));
    // "Health check for server t_x/s1 succeeded ...", "Server t_x/s1 is DOWN ..."
    if (line.find("erver ") == std::string::npos) continue;
    if (auto tag = log_tag(line); !tag.empty()) changed_(tag);
  }
}

}  // namespace nubecita::host
