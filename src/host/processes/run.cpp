// Processes::run(): a short command with its output.
#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "host/processes/launch.hpp"
#include "host/processes/run.hpp"

extern char** environ;

namespace nubecita::host {

namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  Fd read_end, write_end;
  static Result<Pipe> make() {
    int p[2];
    if (pipe2(p, O_CLOEXEC) != 0) return fail("ProcessFailed", "no pipe: " + errno_text(errno));
    Pipe out;
    out.read_end = Fd(p[0]);
    out.write_end = Fd(p[1]);
    return out;
  }
};

void unblock(const Fd& fd) { fcntl(fd.get(), F_SETFL, O_NONBLOCK); }

// Reads what is there; false at the end of the stream.
bool drain(const Fd& fd, std::string& into, size_t most) {
  char buffer[16384];
  for (;;) {
    ssize_t n = read(fd.get(), buffer, sizeof buffer);
    if (n == 0) return false;
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (into.size() < most) into.append(buffer, std::min(static_cast<size_t>(n), most - into.size()));
  }
}

struct Talk {
  Fd in, out, err;
  std::string_view input;
  RunResult* result;
  size_t most;

  // One round; false when the command has ended and its output is read, or nothing can come any more.
  bool step(const Fd& pidfd, int wait_ms, bool& exited) {
    pollfd p[4] = {
        {pidfd.get(), POLLIN, 0}, {out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}, {in.get(), POLLOUT, 0}};
    if (poll(p, 4, wait_ms) <= 0) return true;
    if (p[3].revents) feed();
    if (p[1].revents && !drain(out, result->out, most)) out.reset();
    if (p[2].revents && !drain(err, result->err, most)) err.reset();
    if (p[0].revents) {
      // What it wrote before its end is in the pipes by now. A grandchild may hold them open: not waited for.
      exited = true;
      if (out) drain(out, result->out, most);
      if (err) drain(err, result->err, most);
      return false;
    }
    return true;
  }
  void feed() {
    ssize_t n = input.empty() ? 0 : write(in.get(), input.data(), input.size());
    if (n > 0) input.remove_prefix(static_cast<size_t>(n));
    if (input.empty() || (n < 0 && errno != EAGAIN && errno != EINTR)) in.reset();
  }
};

ProcessSpec process_of(const std::vector<std::string>& argv, const RunOptions& o) {
  ProcessSpec s;
  s.argv = argv;
  s.environment = o.environment;
  if (s.environment.empty())
    for (char** e = environ; *e; ++e) s.environment.emplace_back(*e);
  s.directory = o.directory;
  s.netns = o.netns;
  s.uid = o.uid;
  s.gid = o.gid;
  s.groups = o.groups;
  s.umask = 0022;
  return s;
}

}  // namespace

Result<RunResult> run_command(const std::vector<std::string>& argv, const RunOptions& options) {
  ProcessSpec spec = process_of(argv, options);
  TRY_LET(Pipe in, Pipe::make());
  TRY_LET(Pipe out, Pipe::make());
  TRY_LET(Pipe err, Pipe::make());
  TRY_LET(Launched child, launch({&spec, in.read_end.get(), out.write_end.get(), err.write_end.get()}));
  in.read_end.reset();
  out.write_end.reset();
  err.write_end.reset();
  TRY(proceed(child, argv[0]));

  RunResult result;
  Talk talk{std::move(in.write_end), std::move(out.read_end), std::move(err.read_end), options.input, &result,
            options.max_output};
  unblock(talk.in);
  unblock(talk.out);
  unblock(talk.err);
  if (options.input.empty()) talk.in.reset();
  auto end = Clock::now() + options.timeout;
  bool exited = false;
  while (Clock::now() < end) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count() + 1;
    if (!talk.step(child.pidfd, static_cast<int>(left), exited)) break;
  }
  if (!exited) kill(-child.pid, SIGKILL);  // its session's first group: it leads it
  siginfo_t info{};
  waitid(P_PIDFD, static_cast<id_t>(child.pidfd.get()), &info, WEXITED);
  if (!exited)
    return fail("ProcessTimeout",
                fmt::format("{} did not end within {} ms and was killed", argv[0], options.timeout.count()),
                500);
  result.code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
  return result;
}

}  // namespace nubecita::host
