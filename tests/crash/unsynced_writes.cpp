// LD_PRELOAD=libunsynced_writes.so: writes down what a program changes below a directory and has not made
// durable yet, so that power_cut.py can take it back after a kill: what a power cut does to a page cache.
//
//   UNSYNCED_ROOT     the directory; files outside of it are left alone
//   UNSYNCED_JOURNAL  a directory on the same file system: `journal` and `kept/`, what was overwritten or
//   removed
//
// A file's bytes are durable by its own fsync or fdatasync, a name by its directory's fsync, as POSIX
// promises and no more (file systems of Linux often do more). A line of the journal is written before the
// change that it describes; power_cut.py explains the lines. Files that fopen() or iostreams open are not
// seen, and neither are mappings: the store and the objects use neither for data.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace {

#define REAL(f)                                                                  \
  ([] {                                                                          \
    static auto* const p = reinterpret_cast<decltype(&f)>(dlsym(RTLD_NEXT, #f)); \
    return p;                                                                    \
  }())

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  _exit(99);
}

struct State {
  std::mutex mutex;
  std::string root, journal;
  int journal_fd = -1;
  uint64_t last = 0;                 // number of the last line
  std::map<int, std::string> files;  // descriptors below root, with the path they were opened by
  std::set<ino_t> grown;             // have a line `grew` that no sync covers
};

// Made on first use, since libraries open files before main(), and never destroyed, since threads write after
// it. Null: nothing is followed.
State* const& state() {
  static State* const made = []() -> State* {
    const char* root = std::getenv("UNSYNCED_ROOT");
    const char* journal = std::getenv("UNSYNCED_JOURNAL");
    if (!root || !journal) return nullptr;
    auto* s = new State;
    s->root = std::string(root) + "/";
    s->journal = journal;
    s->journal_fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, (s->journal + "/journal").c_str(),
                                             O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (s->journal_fd < 0) give_up("unsynced_writes: journal");
    unsetenv("LD_PRELOAD");  // not for the programs that it starts
    return s;
  }();
  return made;
}

void line(const char* format, ...) {
  char text[9000];
  va_list args;
  va_start(args, format);
  int n = std::snprintf(text, sizeof text, "%lu\t", static_cast<unsigned long>(++state()->last));
  n += std::vsnprintf(text + n, sizeof text - static_cast<size_t>(n), format, args);
  va_end(args);
  text[n++] = '\n';
  if (syscall(SYS_write, state()->journal_fd, text, n) != n) {
    give_up("unsynced_writes: journal");
  }
}

std::string absolute(int dir, const char* path) {
  if (path[0] == '/') return path;
  char base[4096];
  const std::string link = dir == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/" + std::to_string(dir);
  const ssize_t n = readlink(link.c_str(), base, sizeof base);
  return n <= 0 ? "" : std::string(base, static_cast<size_t>(n)) + "/" + path;
}
bool below(const std::string& path) { return path.starts_with(state()->root) || path + "/" == state()->root; }

std::string kept(uint64_t number) { return state()->journal + "/kept/" + std::to_string(number); }

// What is at `path` stays as kept/<the next line's number>.
bool keep_link(const std::string& path) {
  return linkat(AT_FDCWD, path.c_str(), AT_FDCWD, kept(state()->last + 1).c_str(), 0) == 0;
}

void keep_bytes(int fd, off_t from, off_t to) {
  const int out = static_cast<int>(syscall(SYS_openat, AT_FDCWD, kept(state()->last + 1).c_str(),
                                           O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  // The program's descriptor may be for writing only.
  const int in = static_cast<int>(
      syscall(SYS_openat, AT_FDCWD, ("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[65536];
  while (from < to) {
    const ssize_t n =
        pread(in, buffer, std::min<size_t>(sizeof buffer, static_cast<size_t>(to - from)), from);
    if (n <= 0 || syscall(SYS_write, out, buffer, n) != n) {
      give_up("unsynced_writes: kept bytes");
    }
    from += n;
  }
  syscall(SYS_close, in);
  syscall(SYS_close, out);
}

// Before `fd` is written from `offset` for `length`; -1: at its position, or its end with O_APPEND.
void about_to_write(int fd, off_t offset, size_t length) {
  if (!state()->files.contains(fd)) return;
  struct stat s{};
  if (fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) return;
  if (offset < 0) offset = fcntl(fd, F_GETFL) & O_APPEND ? s.st_size : lseek(fd, 0, SEEK_CUR);
  const off_t end = offset + static_cast<off_t>(length);
  if (offset < s.st_size) {
    const off_t to = std::min(end, s.st_size);
    keep_bytes(fd, offset, to);
    line("over\t%lu\t%ld", s.st_ino, offset);
  }
  if (end > s.st_size && state()->grown.insert(s.st_ino).second) line("grew\t%lu\t%ld", s.st_ino, s.st_size);
}

void about_to_resize(int fd, off_t size) {
  if (!state()->files.contains(fd)) return;
  struct stat s{};
  if (fstat(fd, &s) != 0) return;
  if (size > s.st_size && state()->grown.insert(s.st_ino).second) line("grew\t%lu\t%ld", s.st_ino, s.st_size);
  if (size < s.st_size) {
    keep_bytes(fd, size, s.st_size);
    line("over\t%lu\t%ld", s.st_ino, size);
  }
}

int synced(int fd, int (*sync)(int)) {
  if (!state()) return sync(fd);
  struct stat s{};
  std::string path;
  uint64_t covered = 0;
  {
    std::lock_guard lock(state()->mutex);
    auto it = state()->files.find(fd);
    if (it == state()->files.end() || fstat(fd, &s) != 0) return sync(fd);
    path = it->second;
    covered = state()->last;
    state()->grown.erase(s.st_ino);  // what is written from here on needs a line of its own
  }
  const int done = sync(fd);
  if (done == 0) {
    std::lock_guard lock(state()->mutex);
    if (S_ISDIR(s.st_mode))
      line("names\t%lu\t%s", static_cast<unsigned long>(covered), path.c_str());
    else
      line("bytes\t%lu\t%lu", static_cast<unsigned long>(covered), s.st_ino);
  }
  return done;
}

int opened(int dir, const char* path, int flags, mode_t mode) {
  const auto call = [&] { return static_cast<int>(syscall(SYS_openat, dir, path, flags, mode)); };
  if (!state()) return call();
  const std::string name = absolute(dir, path);
  if (!below(name)) return call();
  std::lock_guard lock(state()->mutex);
  struct stat s{};
  const bool there = lstat(name.c_str(), &s) == 0;
  if (flags & O_CREAT && !there) line("made\t%s", name.c_str());
  if (there && flags & O_TRUNC && S_ISREG(s.st_mode)) {
    const int fd = static_cast<int>(syscall(SYS_openat, AT_FDCWD, name.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd >= 0) {
      state()->files[fd] = name;
      about_to_resize(fd, 0);
      state()->files.erase(fd);
      syscall(SYS_close, fd);
    }
  }
  const int fd = call();
  if (fd >= 0) state()->files[fd] = name;
  return fd;
}

int renamed(int from_dir, const char* from, int to_dir, const char* to, unsigned flags) {
  const auto call = [&] {
    return static_cast<int>(syscall(SYS_renameat2, from_dir, from, to_dir, to, flags));
  };
  if (!state()) return call();
  const std::string a = absolute(from_dir, from), b = absolute(to_dir, to);
  if (!below(a) || !below(b)) return call();
  std::lock_guard lock(state()->mutex);
  struct stat s{};
  if (lstat(a.c_str(), &s) == 0) {
    keep_link(b);
    line("moved\t%s\t%s\t%lu", a.c_str(), b.c_str(), s.st_ino);
  }
  return call();
}

int removed(int dir, const char* path, int flags) {
  const auto call = [&] { return static_cast<int>(syscall(SYS_unlinkat, dir, path, flags)); };
  if (!state()) return call();
  const std::string name = absolute(dir, path);
  if (!below(name) || flags & AT_REMOVEDIR) return call();
  std::lock_guard lock(state()->mutex);
  if (keep_link(name)) line("gone\t%s", name.c_str());
  return call();
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
  va_end(args);
  return opened(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
  va_end(args);
  return opened(AT_FDCWD, path, flags, mode);
}
int openat(int dir, const char* path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
  va_end(args);
  return opened(dir, path, flags, mode);
}
int creat(const char* path, mode_t mode) {
  return opened(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

int close(int fd) {
  if (state()) {
    std::lock_guard lock(state()->mutex);
    state()->files.erase(fd);
    return REAL(close)(fd);
  }
  return REAL(close)(fd);
}

ssize_t write(int fd, const void* data, size_t n) {
  if (!state()) return REAL(write)(fd, data, n);
  std::unique_lock lock(state()->mutex);
  if (!state()->files.contains(fd)) {
    lock.unlock();
    return REAL(write)(fd, data, n);
  }
  about_to_write(fd, -1, n);
  return REAL(write)(fd, data, n);
}
ssize_t pwrite(int fd, const void* data, size_t n, off_t offset) {
  if (!state()) return REAL(pwrite)(fd, data, n, offset);
  std::lock_guard lock(state()->mutex);
  about_to_write(fd, offset, n);
  return REAL(pwrite)(fd, data, n, offset);
}
ssize_t pwrite64(int fd, const void* data, size_t n, off_t offset) { return pwrite(fd, data, n, offset); }

ssize_t writev(int fd, const struct iovec* parts, int count) {
  if (!state()) return REAL(writev)(fd, parts, count);
  std::unique_lock lock(state()->mutex);
  if (!state()->files.contains(fd)) {
    lock.unlock();
    return REAL(writev)(fd, parts, count);
  }
  size_t n = 0;
  for (int i = 0; i < count; ++i) n += parts[i].iov_len;
  about_to_write(fd, -1, n);
  return REAL(writev)(fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t offset) {
  if (!state()) return REAL(pwritev)(fd, parts, count, offset);
  std::lock_guard lock(state()->mutex);
  size_t n = 0;
  for (int i = 0; i < count; ++i) n += parts[i].iov_len;
  about_to_write(fd, offset, n);
  return REAL(pwritev)(fd, parts, count, offset);
}
ssize_t pwritev64(int fd, const struct iovec* parts, int count, off_t offset) {
  return pwritev(fd, parts, count, offset);
}

int ftruncate(int fd, off_t size) {
  if (!state()) return REAL(ftruncate)(fd, size);
  std::lock_guard lock(state()->mutex);
  about_to_resize(fd, size);
  return REAL(ftruncate)(fd, size);
}
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

int fallocate(int fd, int mode, off_t offset, off_t length) {
  if (state() && !(mode & FALLOC_FL_KEEP_SIZE)) {
    std::lock_guard lock(state()->mutex);
    struct stat s{};
    if (state()->files.contains(fd) && fstat(fd, &s) == 0 && offset + length > s.st_size)
      about_to_resize(fd, offset + length);
  }
  return REAL(fallocate)(fd, mode, offset, length);
}
int fallocate64(int fd, int mode, off_t offset, off_t length) { return fallocate(fd, mode, offset, length); }

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

int rename(const char* from, const char* to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_dir, const char* from, int to_dir, const char* to) {
  return renamed(from_dir, from, to_dir, to, 0);
}
int renameat2(int from_dir, const char* from, int to_dir, const char* to, unsigned flags) {
  return renamed(from_dir, from, to_dir, to, flags);
}
int link(const char* from, const char* to) {
  if (state()) {
    const std::string name = absolute(AT_FDCWD, to);
    struct stat s{};
    std::lock_guard lock(state()->mutex);
    if (below(name) && lstat(name.c_str(), &s) != 0) line("made\t%s", name.c_str());
  }
  return static_cast<int>(syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int unlink(const char* path) { return removed(AT_FDCWD, path, 0); }
int unlinkat(int dir, const char* path, int flags) { return removed(dir, path, flags); }
int remove(const char* path) {
  struct stat s{};
  return removed(AT_FDCWD, path, lstat(path, &s) == 0 && S_ISDIR(s.st_mode) ? AT_REMOVEDIR : 0);
}

int mkdir(const char* path, mode_t mode) {
  if (state()) {
    const std::string name = absolute(AT_FDCWD, path);
    struct stat s{};
    std::lock_guard lock(state()->mutex);
    if (below(name) && lstat(name.c_str(), &s) != 0) line("folder\t%s", name.c_str());
  }
  return static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

}  // extern "C"
