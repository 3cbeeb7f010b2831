// Notices the end of containers: one thread, a pidfd per container's first process. Internal to this room.
//
// The exit code is conmon's to tell (it is the parent); whether memory ran out is read from the container's
// cgroup at once, before podman removes it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "host/containers/containers.hpp"

namespace nubecita::host {

class ExitWatch {
 public:
  /// Finds out how a container ended whose first process is gone: {exit code, podman says out of memory}.
  using Ask = std::function<std::pair<int, bool>(const std::string& name, const std::string& id)>;
  explicit ExitWatch(Ask ask);
  ~ExitWatch();

  /// `pid`: its first process. False if that process is gone already.
  bool add(const std::string& name, const std::string& id, int pid,
           std::function<void(const ContainerExit&)> gone);
  void remove(const std::string& name);

 private:
  struct Watched;
  void run();
  void ended(const std::string& name, int pidfd);

  Ask ask_;
  int epoll_ = -1, wake_ = -1;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Watched>> watched_;
  std::thread thread_;
};

/// How many processes of the cgroup behind `fd` (memory.oom_control or memory.events) the kernel killed for
/// memory.
int64_t oom_kills(int fd);
/// That file of the process's memory cgroup, opened; -1 if there is none.
int open_oom_counter(int pid);

}  // namespace nubecita::host
