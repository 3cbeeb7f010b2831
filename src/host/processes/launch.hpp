// The step between our process and the child's program: fork, set the child up, tell why it failed. Used by
// spawn() and run() alike. Internal to this folder. Any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "host/processes/processes.hpp"

namespace nubecita::host {

/// A file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  Fd& operator=(Fd&& o) noexcept {
    std::swap(fd_, o.fd_);
    return *this;
  }
  ~Fd() { reset(); }
  void reset();
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

std::string errno_text(int error);

/// A forked child that waits for proceed() before it executes its program; dropping it unproceeded ends it.
struct Launched {
  int pid = 0;
  Fd pidfd, go, failure;
};

struct LaunchSpec {
  const ProcessSpec* process = nullptr;
  int in = -1, out = -1, err = -1;  // become 0, 1, 2; -1: /dev/null
};

Result<Launched> launch(const LaunchSpec& spec);
/// Lets the child go on and waits until it has executed its program, or tells what failed (the child is
/// reaped then).
Status proceed(Launched& child, const std::string& program);

/// Start time (field 22), state letter and session of a pid, or nothing if there is no such process.
struct ProcStat {
  uint64_t start_time = 0;
  char state = '?';
  int session = 0;
};
std::optional<ProcStat> read_stat(int pid);
Fd open_pidfd(int pid);
int send_signal(int pidfd, int signal);  // 0 or errno
std::optional<std::string> read_file(const std::string& path);
/// To a temporary name, then renamed.
Status write_file(const std::string& path, const std::string& text);

}  // namespace nubecita::host
