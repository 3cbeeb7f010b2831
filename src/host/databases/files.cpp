#include "host/databases/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace nubecita::host {
namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

Status copy_file(const std::string& from, const std::string& to, mode_t mode, Owner owner) {
  Fd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) return fail(file_error("reading", from));
  Fd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 07777));
  if (!out) return fail(file_error("making", to));
  for (;;) {
    const ssize_t n = ::copy_file_range(in.get(), nullptr, out.get(), nullptr, 1u << 30, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(file_error("copying to", to));
    if (n == 0) break;
  }
  if (::fchown(out.get(), owner.uid, owner.gid) != 0) return fail(file_error("giving away", to));
  return {};
}

}  // namespace

ApiError file_error(std::string_view what, const std::string& path) {
  const int error = errno;
  const bool room = error == ENOSPC || error == EDQUOT;
  return {room ? "DatabaseDisk" : "DatabaseFailed",
          500,
          std::string(what) + " " + path + ": " + std::strerror(error),
          {}};
}

Status make_directory(const std::string& path, mode_t mode, Owner owner) {
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return fail(file_error("making", path));
  if (::chmod(path.c_str(), mode) != 0) return fail(file_error("opening", path));
  if (::chown(path.c_str(), owner.uid, owner.gid) != 0) return fail(file_error("giving away", path));
  return {};
}

Status write_durably(const std::string& path, std::string_view text, mode_t mode, Owner owner) {
  const std::string temporary = path + ".new";
  {
    Fd out(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!out) return fail(file_error("making", temporary));
    while (!text.empty()) {
      const ssize_t n = ::write(out.get(), text.data(), text.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(file_error("writing", temporary));
      text.remove_prefix(static_cast<size_t>(n));
    }
    if (::fchmod(out.get(), mode) != 0 || ::fchown(out.get(), owner.uid, owner.gid) != 0)
      return fail(file_error("giving away", temporary));
    if (::fsync(out.get()) != 0) return fail(file_error("syncing", temporary));
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail(file_error("renaming to", path));
  const std::string parent = std::filesystem::path(path).parent_path();
  Fd directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return fail(file_error("syncing", parent));
  return {};
}

Status copy_tree(const std::string& from, const std::string& to, Owner owner) {
  struct stat info{};
  if (::stat(from.c_str(), &info) != 0) return fail(file_error("reading", from));
  TRY(make_directory(to, info.st_mode & 07777, owner));
  DIR* open = ::opendir(from.c_str());
  if (!open) return fail(file_error("reading", from));
  std::unique_ptr<DIR, int (*)(DIR*)> directory(open, ::closedir);
  while (auto* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    const std::string source = from + "/" + name, target = to + "/" + name;
    if (::lstat(source.c_str(), &info) != 0) return fail(file_error("reading", source));
    if (S_ISDIR(info.st_mode))
      TRY(copy_tree(source, target, owner));
    else if (S_ISREG(info.st_mode))
      TRY(copy_file(source, target, info.st_mode, owner));
    // Sockets and the like belong to a running server, not to a copy.
  }
  return {};
}

Status sync_tree(const std::string& path) {
  // One call for the file system: syncing a thousand small files one by one takes ten times as long.
  Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::syncfs(directory.get()) != 0) return fail(file_error("syncing", path));
  return {};
}

Status remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return fail("DatabaseFailed", "removing " + path + ": " + error.message(), 500);
  return {};
}

bool exists(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0;
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string last_lines(const std::string& path, size_t lines) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return {};
  const auto size = static_cast<std::streamoff>(in.tellg());
  const std::streamoff from = std::max<std::streamoff>(0, size - 4096);
  in.seekg(from);
  std::string text(std::istreambuf_iterator<char>(in), {});
  while (!text.empty() && text.back() == '\n') text.pop_back();
  size_t at = text.size();
  while (lines-- > 0 && at != std::string::npos && at > 0) at = text.rfind('\n', at - 1);
  return at == std::string::npos || at == 0 ? text : text.substr(at + 1);
}

}  // namespace nubecita::host
