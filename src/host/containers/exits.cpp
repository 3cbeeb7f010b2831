#include "host/containers/exits.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <string_view>

#include "base/log.hpp"

namespace nubecita::host {

struct ExitWatch::Watched {
  std::shared_ptr<const Handles> container;
  std::function<void(const ContainerExit&)> gone;
};

namespace {

/// The file that counts in the memory cgroup of the process, in both versions.
std::string oom_counter_path(int pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/cgroup");
  std::string line, unified;
  while (std::getline(in, line)) {
    size_t a = line.find(':'), b = line.find(':', a + 1);
    if (a == std::string::npos || b == std::string::npos) continue;
    if (line.substr(b + 1) == "/") continue;  // of no container; a process that ended counts as there
    std::string_view controllers(line.data() + a + 1, b - a - 1);
    if (controllers == "memory") return "/sys/fs/cgroup/memory" + line.substr(b + 1) + "/memory.oom_control";
    if (controllers.empty()) unified = line.substr(b + 1);
  }
  return unified.empty() ? "" : "/sys/fs/cgroup" + unified + "/memory.events";
}

/// How many processes of the cgroup behind `fd` (memory.oom_control or memory.events) the kernel killed for
/// memory.
int64_t oom_kills(int fd) {
  char buffer[512];
  ssize_t n = fd < 0 ? -1 : pread(fd, buffer, sizeof buffer, 0);
  if (n <= 0) return 0;
  std::string_view text(buffer, static_cast<size_t>(n));
  constexpr std::string_view name = "oom_kill ";  // both files have it; "oom_kill_disable" does not match
  size_t at = text.find(name);
  if (at == std::string_view::npos) return 0;
  int64_t kills = 0;
  std::from_chars(text.data() + at + name.size(), text.data() + text.size(), kills);
  return kills;
}

}  // namespace

ExitWatch::Handles::Handles(std::string container_id, int pid)
    : id(std::move(container_id)),
      pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))),
      oom(open(oom_counter_path(pid).c_str(), O_RDONLY | O_CLOEXEC)) {}

ExitWatch::Handles::~Handles() {
  if (pidfd >= 0) close(pidfd);
  if (oom >= 0) close(oom);
}

ExitWatch::ExitWatch(Ask ask)
    : ask_(std::move(ask)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event e{.events = EPOLLIN, .data = {.fd = wake_}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &e);
  thread_ = std::thread([this] { run(); });
}

ExitWatch::~ExitWatch() {
  eventfd_write(wake_, 1);
  thread_.join();
  close(wake_);
  close(epoll_);
}

bool ExitWatch::add(const std::string& name, std::shared_ptr<const Handles> container,
                    std::function<void(const ContainerExit&)> gone) {
  if (!container->alive()) return false;
  const int pidfd = container->pidfd;
  std::lock_guard lock(mutex_);
  // A watch that is replaced leaves epoll with its descriptor.
  watched_[name] = std::make_shared<Watched>(std::move(container), std::move(gone));
  epoll_event e{.events = EPOLLIN, .data = {.fd = pidfd}};
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, pidfd, &e) == 0;
}

void ExitWatch::remove(const std::string& name) {
  std::lock_guard lock(mutex_);
  watched_.erase(name);
}

void ExitWatch::run() {
  epoll_event events[16];
  for (;;) {
    int n = epoll_wait(epoll_, events, 16, -1);
    for (int i = 0; i < n; ++i) {
      int fd = events[i].data.fd;
      if (fd == wake_) return;
      std::string name;
      {
        std::lock_guard lock(mutex_);
        for (auto& [k, w] : watched_)
          if (w->container->pidfd == fd) name = k;
      }
      if (!name.empty()) ended(name, fd);
    }
  }
}

void ExitWatch::ended(const std::string& name, int pidfd) {
  std::shared_ptr<Watched> w;
  {
    std::lock_guard lock(mutex_);
    auto it = watched_.find(name);
    if (it == watched_.end() || it->second->container->pidfd != pidfd) return;
    w = it->second;
    epoll_ctl(epoll_, EPOLL_CTL_DEL, pidfd, nullptr);
    watched_.erase(it);
  }
  ContainerExit exit{.name = name, .exit_code = 0, .oom_killed = oom_kills(w->container->oom) > 0};
  auto [code, oom] = ask_(name, w->container->id);
  exit.exit_code = code;
  // A child that was killed and survived by its parent does not make the container an out-of-memory one.
  exit.oom_killed = (exit.oom_killed || oom) && code == 137;
  if (w->gone) w->gone(exit);
}

}  // namespace nubecita::host
