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

  /// A container's first process and its count of kills for lack of memory, held so that both can be asked
  /// after they ended. Closed with it.
  class Handles {
   public:
    /// `pid`: the first process, which has not ended.
    Handles(std::string id, int pid);
    ~Handles();
    Handles(const Handles&) = delete;
    Handles& operator=(const Handles&) = delete;
    bool alive() const { return pidfd >= 0; }  // when it was opened

    const std::string id;
    const int pidfd, oom;
  };

  /// Tells of the end of `container` once, also if it ended before. False if it cannot be watched.
  bool add(const std::string& name, std::shared_ptr<const Handles> container,
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

}  // namespace nubecita::host
