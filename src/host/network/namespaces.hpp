// Network namespaces with names, as `ip netns` knows them: bind mounts under /run/netns. Any thread;
// functions that enter a namespace do so on a thread of their own and leave the caller's alone.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace nubecita::host {

/// A file descriptor with an owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& o) noexcept : fd_(o.release()) {}
  Fd& operator=(Fd&& o) noexcept;
  ~Fd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

inline constexpr const char* kNamespaceFolder = "/run/netns";

/// Runs `work` on a new thread and waits: for work that changes its thread's namespace.
Status on_own_thread(const std::function<Status()>& work);
/// For on_own_thread(): moves the calling thread into the namespace.
Status enter_namespace(int fd);
/// For on_own_thread(): moves the calling thread into a new namespace and gives it a name.
Status new_namespace(const std::string& name);

Result<Fd> open_namespace(const std::string& name);
/// The name exists and is a namespace (not a file that a crash left).
bool namespace_exists(const std::string& name);
/// Takes the name away; the namespace goes when nothing is inside. An absent one is fine.
Status drop_namespace(const std::string& name);
/// Names that begin with `prefix`.
std::vector<std::string> namespaces(const std::string& prefix);
/// Takes the folder's own mount away if new_namespace() made it and it is empty.
void drop_namespace_folder();

/// Writes to /proc/sys/<path>, of the calling thread's network namespace.
Status write_sysctl(const std::string& path, const std::string& value);
std::string read_sysctl(const std::string& path);

/// "NetworkUnavailable": `step` failed with the kernel's reason `error` (an errno).
std::unexpected<ApiError> network_error(const std::string& step, int error);

}  // namespace nubecita::host
