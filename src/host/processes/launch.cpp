#include "host/processes/launch.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace nubecita::host {

namespace {

constexpr char kPath[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

enum Step : int { kNamespace, kLimits, kGroups, kUser, kCapabilities, kDirectory, kFiles, kProgram };
constexpr std::array<const char*, 8> kStepNames = {"entering its network namespace",
                                                   "setting its resource limits",
                                                   "setting its groups",
                                                   "setting its user",
                                                   "keeping its capabilities",
                                                   "entering its directory",
                                                   "handing over its files",
                                                   "executing"};

struct Failure {
  int step, error;
};

// Everything the child needs, laid out before the fork: between fork and exec only async-signal-safe calls
// are allowed, because another thread may have held a lock (malloc's, say) at the moment of the fork.
struct Plan {
  std::string program;
  std::vector<char*> argv, environment;
  std::vector<std::string> environment_text;
  Fd netns, null;
  int in, out, err, go, failure;
  const ProcessSpec* spec;
};

Result<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  std::istringstream dirs(kPath);
  for (std::string dir; std::getline(dirs, dir, ':');)
    if (access((dir + "/" + name).c_str(), X_OK) == 0) return dir + "/" + name;
  return fail("ProcessFailed", fmt::format("the program {} is not installed (looked in {})", name, kPath));
}

[[noreturn]] void give_up(int fd, Step step) {
  Failure f{step, errno};
  (void)!write(fd, &f, sizeof f);
  _exit(127);
}

void reset_signals() {
  struct sigaction dfl{};
  dfl.sa_handler = SIG_DFL;
  for (int s = 1; s < 65; ++s) sigaction(s, &dfl, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Raw system calls: glibc's wrappers would try to tell all threads of a process that has only one left.
void drop_user(const ProcessSpec& s, int failure) {
  if (s.uid) {
    if (syscall(SYS_setgroups, s.groups.size(), s.groups.data()) != 0) give_up(failure, kGroups);
  }
  if (s.gid && syscall(SYS_setresgid, *s.gid, *s.gid, *s.gid) != 0) give_up(failure, kGroups);
  if (!s.uid) return;
  if (!s.capabilities.empty()) prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  if (syscall(SYS_setresuid, *s.uid, *s.uid, *s.uid) != 0) give_up(failure, kUser);
  if (!s.capabilities.empty()) {
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2]{};
    for (int c : s.capabilities) {
      data[c / 32].permitted |= 1u << (c % 32);
      data[c / 32].effective |= 1u << (c % 32);
      data[c / 32].inheritable |= 1u << (c % 32);
    }
    if (syscall(SYS_capset, &head, data) != 0) give_up(failure, kCapabilities);
    for (int c : s.capabilities)
      if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0) != 0) give_up(failure, kCapabilities);
  }
  if (*s.uid != 0) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

// Closes everything from 3 up except the `n` numbers in `keep` (sorted here). At once and not at exec: a
// child that still waits to begin must not hold the pipes of another one.
void close_others(int* keep, size_t n) {
  std::sort(keep, keep + n);
  unsigned from = 3;
  for (size_t i = 0; i < n; ++i) {
    unsigned k = static_cast<unsigned>(keep[i]);
    if (k > from) syscall(SYS_close_range, from, k - 1, 0);
    from = std::max(from, k + 1);
  }
  syscall(SYS_close_range, from, ~0u, 0);
}

constexpr size_t kMostFiles = 64;

void hand_over_files(const Plan& p, int& go, int& failure) {
  // First everything out of the way of the target numbers, then each to its place.
  int high = 64;
  for (auto& [from, to] : p.spec->fds) high = std::max(high, to + 1);
  auto lift = [&](int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, high); };
  failure = lift(p.failure);
  go = lift(p.go);
  int in = lift(p.in >= 0 ? p.in : p.null.get());
  int out = lift(p.out >= 0 ? p.out : p.null.get());
  int err = lift(p.err >= 0 ? p.err : p.null.get());
  int lifted[kMostFiles], keep[kMostFiles + 2];
  size_t n = p.spec->fds.size();
  for (size_t i = 0; i < n; ++i) lifted[i] = lift(p.spec->fds[i].first);
  for (size_t i = 0; i < n; ++i) {
    if (dup2(lifted[i], p.spec->fds[i].second) < 0) give_up(failure, kFiles);
    keep[i] = p.spec->fds[i].second;
  }
  if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) give_up(failure, kFiles);
  keep[n] = failure;
  keep[n + 1] = go;
  close_others(keep, n + 2);
}

[[noreturn]] void child(const Plan& p) {
  setsid();
  reset_signals();
  const ProcessSpec& s = *p.spec;
  if (p.netns && setns(p.netns.get(), CLONE_NEWNET) != 0) give_up(p.failure, kNamespace);
  int go = -1, failure = -1;
  hand_over_files(p, go, failure);
  for (auto& l : s.limits) {
    rlimit r{l.soft, l.hard};
    if (setrlimit(static_cast<__rlimit_resource>(l.what), &r) != 0) give_up(failure, kLimits);
  }
  // The record of this process is written, and its cgroup entered, before it may begin; if our parent dies
  // meanwhile nobody will ever know us, so neither must we begin.
  char c;
  ssize_t got;
  while ((got = read(go, &c, 1)) < 0 && errno == EINTR) {
  }
  if (got != 1) _exit(127);
  drop_user(s, failure);
  umask(s.umask);
  if (chdir(s.directory.c_str()) != 0) give_up(failure, kDirectory);
  execve(p.program.c_str(), p.argv.data(), p.environment.data());
  give_up(failure, kProgram);
}

Result<Plan> make_plan(const LaunchSpec& spec, const Fd& go, const Fd& failure) {
  const ProcessSpec& s = *spec.process;
  Plan p;
  if (s.argv.empty()) return fail("ProcessFailed", "no program given");
  TRY_LET(p.program, find_program(s.argv[0]));
  for (auto& a : s.argv) p.argv.push_back(const_cast<char*>(a.c_str()));
  p.argv.push_back(nullptr);
  p.environment_text = s.environment;
  if (std::ranges::none_of(s.environment, [](auto& e) { return e.starts_with("PATH="); }))
    p.environment_text.push_back(std::string("PATH=") + kPath);
  for (auto& e : p.environment_text) p.environment.push_back(e.data());
  p.environment.push_back(nullptr);
  if (!s.netns.empty()) {
    p.netns = Fd(open(s.netns.c_str(), O_RDONLY | O_CLOEXEC));
    if (!p.netns)
      return fail("ProcessFailed",
                  fmt::format("{}: its network namespace {}: {}", s.argv[0], s.netns, errno_text(errno)));
  }
  p.null = Fd(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (s.fds.size() > kMostFiles) return fail("ProcessFailed", "more than 64 files to hand over");
  for (auto& [from, to] : s.fds)
    if (to < 3) return fail("ProcessFailed", "files are handed over from number 3 on");
  for (int c : s.capabilities)
    if (c < 0 || c > 63) return fail("ProcessFailed", fmt::format("no capability has the number {}", c));
  p.in = spec.in;
  p.out = spec.out;
  p.err = spec.err;
  p.go = go.get();
  p.failure = failure.get();
  p.spec = &s;
  return p;
}

}  // namespace

void Fd::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

std::string errno_text(int error) {
  char buffer[128];
  return strerror_r(error, buffer, sizeof buffer);
}

Result<Launched> launch(const LaunchSpec& spec) {
  int go[2], failure[2];
  if (pipe2(go, O_CLOEXEC) != 0) return fail("ProcessFailed", "no pipe: " + errno_text(errno));
  Fd go_read(go[0]);
  Launched out;
  out.go = Fd(go[1]);
  if (pipe2(failure, O_CLOEXEC) != 0) return fail("ProcessFailed", "no pipe: " + errno_text(errno));
  out.failure = Fd(failure[0]);
  Fd failure_write(failure[1]);
  TRY_LET(Plan plan, make_plan(spec, go_read, failure_write));

  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler of ours runs in the child
  int pid = fork();
  if (pid == 0) {
    close(go[1]);  // or it would never see our end of the pipe close
    child(plan);
  }
  int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return fail("ProcessFailed", "cannot fork: " + errno_text(error));
  out.pid = pid;
  out.pidfd = open_pidfd(pid);
  if (!out.pidfd) {
    out.go.reset();
    waitpid(pid, nullptr, 0);
    return fail("ProcessFailed", "no pidfd: " + errno_text(errno));
  }
  return out;
}

Status proceed(Launched& launched, const std::string& program) {
  (void)!write(launched.go.get(), "g", 1);
  launched.go.reset();
  Failure f{};
  ssize_t got;
  while ((got = read(launched.failure.get(), &f, sizeof f)) < 0 && errno == EINTR) {
  }
  launched.failure.reset();
  if (got == 0) return {};  // closed by exec
  siginfo_t info{};
  waitid(P_PIDFD, static_cast<id_t>(launched.pidfd.get()), &info, WEXITED);
  if (got != sizeof f) return fail("ProcessFailed", fmt::format("{} ended before it began", program));
  return fail("ProcessFailed", fmt::format("{}: {} failed: {}", program,
                                           kStepNames[static_cast<size_t>(f.step) % 8], errno_text(f.error)));
}

std::optional<ProcStat> read_stat(int pid) {
  auto text = read_file(fmt::format("/proc/{}/stat", pid));
  if (!text) return {};
  auto after = text->rfind(')');  // the command's name may hold anything
  if (after == std::string::npos) return {};
  std::istringstream fields(text->substr(after + 1));
  ProcStat s;
  int64_t skip;
  fields >> s.state >> skip >> skip >> s.session;  // fields 3..6
  for (int i = 7; i < 22; ++i) fields >> skip;
  if (!(fields >> s.start_time)) return {};
  return s;
}

Fd open_pidfd(int pid) { return Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

int send_signal(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0 ? 0 : errno;
}

std::optional<std::string> read_file(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  std::string out;
  char buffer[4096];
  ssize_t n;
  while ((n = read(fd.get(), buffer, sizeof buffer)) > 0) out.append(buffer, static_cast<size_t>(n));
  if (n < 0) return {};
  return out;
}

Status write_file(const std::string& path, const std::string& text) {
  std::string temporary = path + ".new";
  {
    std::ofstream f(temporary, std::ios::binary | std::ios::trunc);
    f << text;
    f.flush();
    if (!f) return fail("ProcessFailed", fmt::format("cannot write {}: {}", temporary, errno_text(errno)));
  }
  if (rename(temporary.c_str(), path.c_str()) != 0)
    return fail("ProcessFailed", fmt::format("cannot write {}: {}", path, errno_text(errno)));
  return {};
}

}  // namespace nubecita::host
