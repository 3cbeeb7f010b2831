#include "host/network/namespaces.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>

namespace nubecita::host {
namespace {

// Says that the mount of the folder on itself is ours to take away again.
constexpr const char* kFolderMark = "/run/nubecita/netns-folder";

Status make_folder() {
  static std::mutex once;
  std::lock_guard lock(once);
  static bool done = false;
  if (done && ::access(kNamespaceFolder, F_OK) == 0) return {};
  if (::mkdir(kNamespaceFolder, 0755) != 0 && errno != EEXIST)
    return network_error("making /run/netns", errno);
  // As iproute2 does: a shared mount of its own, so that a namespace taken away here goes from the other
  // mount namespaces (containers) that copied it, too.
  if (::mount("", kNamespaceFolder, "none", MS_SHARED | MS_REC, nullptr) != 0) {
    if (errno != EINVAL) return network_error("sharing /run/netns", errno);
    if (::mount(kNamespaceFolder, kNamespaceFolder, "none", MS_BIND | MS_REC, nullptr) != 0)
      return network_error("mounting /run/netns", errno);
    ::mkdir("/run/nubecita", 0755);
    ::close(::open(kFolderMark, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    if (::mount("", kNamespaceFolder, "none", MS_SHARED | MS_REC, nullptr) != 0)
      return network_error("sharing /run/netns", errno);
  }
  done = true;
  return {};
}

std::string path_of(const std::string& name) { return std::string(kNamespaceFolder) + "/" + name; }

}  // namespace

Fd& Fd::operator=(Fd&& o) noexcept {
  if (this != &o) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = o.release();
  }
  return *this;
}
Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

std::unexpected<ApiError> network_error(const std::string& step, int error) {
  return fail("NetworkUnavailable", step + ": " + std::strerror(error), 500);
}

Status on_own_thread(const std::function<Status()>& work) {
  Status status;
  std::thread([&] { status = work(); }).join();
  return status;
}

Status enter_namespace(int fd) {
  if (::setns(fd, CLONE_NEWNET) != 0) return network_error("entering a network namespace", errno);
  return {};
}

Status new_namespace(const std::string& name) {
  TRY(make_folder());
  const auto path = path_of(name);
  TRY(drop_namespace(name));  // a file without a namespace, left by a crash between the two steps below
  Fd file(::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
  if (!file) return network_error("making " + path, errno);
  if (::unshare(CLONE_NEWNET) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    return network_error("making a network namespace", error);
  }
  if (::mount("/proc/thread-self/ns/net", path.c_str(), "none", MS_BIND, nullptr) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    return network_error("mounting " + path, error);
  }
  return {};
}

Result<Fd> open_namespace(const std::string& name) {
  Fd fd(::open(path_of(name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return network_error("opening namespace " + name, errno);
  struct statfs fs;
  if (::fstatfs(fd.get(), &fs) != 0 || fs.f_type != NSFS_MAGIC)
    return fail("NetworkUnavailable", path_of(name) + " is no network namespace", 500);
  return fd;
}

bool namespace_exists(const std::string& name) { return open_namespace(name).has_value(); }

Status drop_namespace(const std::string& name) {
  const auto path = path_of(name);
  ::umount2(path.c_str(), MNT_DETACH);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return network_error("removing " + path, errno);
  return {};
}

std::vector<std::string> namespaces(const std::string& prefix) {
  std::vector<std::string> names;
  if (DIR* dir = ::opendir(kNamespaceFolder)) {
    while (auto* e = ::readdir(dir))
      if (std::string_view(e->d_name).starts_with(prefix) && e->d_name[0] != '.')
        names.emplace_back(e->d_name);
    ::closedir(dir);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void drop_namespace_folder() {
  if (::access(kFolderMark, F_OK) != 0 || !namespaces("").empty()) return;
  if (::umount2(kNamespaceFolder, 0) == 0) {
    ::rmdir(kNamespaceFolder);
    ::unlink(kFolderMark);
  }
}

Status write_sysctl(const std::string& path, const std::string& value) {
  Fd fd(::open(("/proc/sys/" + path).c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return network_error("opening /proc/sys/" + path, errno);
  if (::write(fd.get(), value.data(), value.size()) < 0)
    return network_error("writing /proc/sys/" + path, errno);
  return {};
}

std::string read_sysctl(const std::string& path) {
  Fd fd(::open(("/proc/sys/" + path).c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[64];
  const auto n = fd ? ::read(fd.get(), buffer, sizeof buffer) : -1;
  std::string text(buffer, n > 0 ? static_cast<size_t>(n) : 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace nubecita::host
