#include "host/processes/processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "host/processes/launch.hpp"
#include "host/processes/run.hpp"

namespace nubecita::host {

std::string installation_tag(const std::string& data_dir) {
  auto path = std::filesystem::absolute(data_dir).lexically_normal().string();
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return to_hex(sha256(path)).substr(0, 4);
}

namespace {

using std::chrono::milliseconds;

bool good_name(const std::string& name) {
  if (name.empty() || name.size() > 120 || name[0] == '.') return false;
  for (char c : name)
    if (!isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_' && c != '-') return false;
  return true;
}

std::string boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id").value_or("");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

class ProcessesImpl : public Processes {
 public:
  explicit ProcessesImpl(const std::string& data_dir)
      : dir_(std::filesystem::absolute(data_dir).lexically_normal().string() + "/run/proc"),
        cgroups_(installation_tag(data_dir)),
        boot_(boot_id()) {}

  ~ProcessesImpl() override {
    if (!watcher_.joinable()) return;
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
    }
    uint64_t one = 1;
    (void)!write(wake_.get(), &one, sizeof one);
    watcher_.join();
  }

  Status open_records() {
    std::error_code error;
    std::filesystem::create_directories(dir_, error);
    if (error) return fail("ProcessFailed", fmt::format("cannot make {}: {}", dir_, error.message()), 500);
    epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
    wake_ = Fd(eventfd(0, EFD_CLOEXEC));
    epoll_event e{EPOLLIN, {.u64 = 0}};
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &e);
    for (auto& file : std::filesystem::directory_iterator(dir_, error))
      if (file.path().extension() == ".json") adopt(file.path().string());
    return {};
  }

  Result<int> spawn(const ProcessSpec& spec) override {
    if (!good_name(spec.name))
      return fail("ProcessFailed", fmt::format("'{}' cannot be the name of a process", spec.name));
    {
      std::lock_guard lock(mutex_);
      Entry& e = entries_[spec.name];
      if (e.state != State::dead)
        return fail("ProcessExists", fmt::format("the process {} is alive (pid {})", spec.name, e.info.pid));
      e.state = State::starting;
    }
    auto started = start(spec);
    std::lock_guard lock(mutex_);
    Entry& e = entries_[spec.name];
    if (!started) {
      entries_.erase(spec.name);
      changed_.notify_all();
      return std::unexpected(started.error());
    }
    int pid = started->info.pid;
    started->gone = std::move(e.gone);
    e = std::move(*started);
    follow(spec.name, e);
    changed_.notify_all();
    return pid;
  }

  bool alive(const std::string& name) override { return pid(name).has_value(); }

  std::optional<int> pid(const std::string& name) override {
    std::lock_guard lock(mutex_);
    auto it = entries_.find(name);
    if (it == entries_.end() || it->second.state != State::alive) return {};
    return it->second.info.pid;
  }

  Status signal(const std::string& name, int number) override {
    std::lock_guard lock(mutex_);
    auto it = entries_.find(name);
    int error = it == entries_.end() || it->second.state != State::alive
                    ? ESRCH
                    : send_signal(it->second.pidfd.get(), number);
    if (error == 0) return {};
    return fail("ProcessNotFound",
                fmt::format("the process {} cannot be signalled: {}", name, errno_text(error)));
  }

  Status stop(const std::string& name, milliseconds grace, int number) override {
    std::unique_lock lock(mutex_);
    auto gone = [&] {
      auto it = entries_.find(name);
      return it == entries_.end() || it->second.state == State::dead;
    };
    changed_.wait(lock, [&] {
      auto it = entries_.find(name);
      return it == entries_.end() || it->second.state != State::starting;
    });
    int leader = entries_.contains(name) ? entries_[name].info.pid : 0;
    bool was_alive = !gone();
    if (was_alive) {
      send_signal(entries_[name].pidfd.get(), number);
      if (!changed_.wait_for(lock, grace, gone)) {
        send_signal(entries_[name].pidfd.get(), SIGKILL);
        if (!changed_.wait_for(lock, milliseconds(10'000), gone))
          return fail("ProcessFailed", fmt::format("the process {} (pid {}) survives SIGKILL", name, leader),
                      500);
      }
    }
    entries_.erase(name);
    lock.unlock();
    if (leader) kill_rest(name, was_alive ? leader : 0);
    unlink(record_file(name).c_str());
    return {};
  }

  std::vector<ProcessInfo> list(const std::string& prefix) override {
    std::lock_guard lock(mutex_);
    std::vector<ProcessInfo> out;
    for (auto& [name, e] : entries_)
      if (name.starts_with(prefix) && e.state != State::starting) {
        out.push_back(e.info);
        out.back().alive = e.state == State::alive;
      }
    return out;
  }

  void watch(const std::string& name, std::function<void(const ProcessExit&)> gone) override {
    ProcessExit last{name, 0, {}, {}};
    {
      std::lock_guard lock(mutex_);
      auto it = entries_.find(name);
      if (it != entries_.end()) {
        if (it->second.state != State::dead) {
          it->second.gone = std::move(gone);
          return;
        }
        last = it->second.last;
        last.name = name;
      }
    }
    if (gone) gone(last);
  }

  Status stop_all(milliseconds grace) override {
    std::vector<std::thread> stops;
    std::mutex m;
    Status all;
    for (auto& p : list({}))
      stops.emplace_back([&, name = p.name] {
        if (auto s = stop(name, grace, SIGTERM); !s) {
          std::lock_guard lock(m);
          all = s;
        }
      });
    for (auto& t : stops) t.join();
    cgroups_.remove_all();
    return all;
  }

  Result<RunResult> run(const std::vector<std::string>& argv, const RunOptions& options) override {
    return run_command(argv, options);
  }

 private:
  enum class State { dead, starting, alive };
  struct Entry {
    ProcessInfo info;
    State state = State::dead;
    Fd pidfd;
    uint64_t number = 0;  // what epoll calls it
    ProcessExit last;
    std::function<void(const ProcessExit&)> gone;
  };

  std::string record_file(const std::string& name) const { return dir_ + "/" + name + ".json"; }

  Result<Entry> start(const ProcessSpec& spec) {
    Fd log;
    if (!spec.log_file.empty()) {
      log = Fd(open(spec.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
      if (!log)
        return fail("ProcessFailed", fmt::format("cannot write {}: {}", spec.log_file, errno_text(errno)));
    }
    TRY_LET(Launched child, launch({&spec, -1, log.get(), log.get()}));
    // From here on an error return drops `child`, whose program then never begins; it is reaped below.
    auto prepared = prepare(spec, child);
    Status status = prepared ? proceed(child, spec.argv[0]) : Status(std::unexpected(prepared.error()));
    if (!status) {
      child.go.reset();
      siginfo_t info{};
      waitid(P_PIDFD, static_cast<id_t>(child.pidfd.get()), &info, WEXITED);
      cgroups_.remove(spec.name);
      unlink(record_file(spec.name).c_str());
      return std::unexpected(status.error());
    }
    Entry e;
    e.info = *prepared;
    e.state = State::alive;
    e.pidfd = std::move(child.pidfd);
    return e;
  }

  Result<ProcessInfo> prepare(const ProcessSpec& spec, const Launched& child) {
    auto stat = read_stat(child.pid);
    if (!stat) return fail("ProcessFailed", "the child ended before it began");
    if (spec.cgroup.any()) {
      TRY(cgroups_.make(spec.name, spec.cgroup));
      TRY(cgroups_.add(spec.name, child.pid));
    }
    if (spec.oom_score_adj != 0) {
      // Lowering it needs CAP_SYS_RESOURCE; a machine that forbids it runs the process all the same.
      Fd fd(open(fmt::format("/proc/{}/oom_score_adj", child.pid).c_str(), O_WRONLY | O_CLOEXEC));
      auto value = std::to_string(spec.oom_score_adj);
      if (!fd || write(fd.get(), value.data(), value.size()) < 0)
        log_debug("processes", "{}: oom_score_adj {} not allowed", spec.name, spec.oom_score_adj);
    }
    ProcessInfo info{spec.name, child.pid, stat->start_time, true, spec.argv};
    json::object record;
    record["pid"] = info.pid;
    record["start_time"] = info.start_time;
    record["boot"] = boot_;
    record["argv"] = json::array(spec.argv.begin(), spec.argv.end());
    TRY(write_file(record_file(spec.name), json::serialize(record)));
    return info;
  }

  void adopt(const std::string& file) {
    auto parsed = json::parse(read_file(file).value_or(""));
    auto name = std::filesystem::path(file).stem().string();
    if (!parsed || !parsed->is_object()) {
      log_warning("processes", "the record {} is damaged and is ignored", file);
      return;
    }
    auto& o = parsed->as_object();
    Entry e;
    e.info.name = name;
    e.info.pid = static_cast<int>(json::int_or(o, "pid"));
    e.info.start_time = static_cast<uint64_t>(json::int_or(o, "start_time"));
    if (auto* a = json::array_at(o, "argv"))
      for (auto& v : *a)
        if (v.is_string()) e.info.argv.emplace_back(v.as_string());
    if (json::text_or(o, "boot") == boot_ && e.info.pid > 0) {
      e.pidfd = open_pidfd(e.info.pid);
      auto stat = read_stat(e.info.pid);  // after the pidfd, which pins whom we look at
      if (e.pidfd && stat && stat->start_time == e.info.start_time && stat->state != 'Z' &&
          stat->state != 'X')
        e.state = State::alive;
    }
    e.last = {name, e.info.pid, {}, {}};
    Entry& kept = entries_[name] = std::move(e);
    if (kept.state == State::alive) follow(name, kept);
  }

  // With the lock held (or before any thread).
  void follow(const std::string& name, Entry& e) {
    e.number = ++numbers_;
    names_[e.number] = name;
    epoll_event event{EPOLLIN, {.u64 = e.number}};
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, e.pidfd.get(), &event);
    if (!watcher_.joinable()) watcher_ = std::thread([this] { watch_exits(); });
  }

  void watch_exits() {
    for (;;) {
      epoll_event events[16];
      int n = epoll_wait(epoll_.get(), events, 16, -1);
      if (n < 0 && errno != EINTR) return;
      for (int i = 0; i < n; ++i)
        if (events[i].data.u64 != 0) ended(events[i].data.u64);
      std::lock_guard lock(mutex_);
      if (ending_) return;
    }
  }

  void ended(uint64_t number) {
    std::function<void(const ProcessExit&)> gone;
    ProcessExit last;
    {
      std::lock_guard lock(mutex_);
      auto name = names_.find(number);
      if (name == names_.end()) return;
      Entry& e = entries_[name->second];
      siginfo_t info{};
      last = {name->second, e.info.pid, {}, {}};
      if (waitid(P_PIDFD, static_cast<id_t>(e.pidfd.get()), &info, WEXITED | WNOHANG) == 0 &&
          info.si_pid != 0)
        (info.si_code == CLD_EXITED ? last.code : last.signal) = info.si_status;
      e.pidfd.reset();  // leaves epoll with it
      e.state = State::dead;
      e.last = last;
      gone = std::move(e.gone);
      e.gone = nullptr;
      names_.erase(name);
    }
    if (gone) gone(last);
    changed_.notify_all();
  }

  // A leader may leave members of its session behind (workers that were killed from outside, say).
  void kill_rest(const std::string& name, int session) {
    for (int pid : cgroups_.members(name)) kill(pid, SIGKILL);
    if (session > 0)
      if (DIR* d = opendir("/proc")) {
        while (auto* e = readdir(d)) {  // NOLINT(concurrency-mt-unsafe): the stream is ours
          int pid = atoi(e->d_name);
          if (pid <= 0) continue;
          auto stat = read_stat(pid);
          if (stat && stat->session == session && stat->state != 'Z') kill(pid, SIGKILL);
        }
        closedir(d);
      }
    for (int i = 0; i < 100 && !cgroups_.members(name).empty(); ++i)
      std::this_thread::sleep_for(milliseconds(5));
    cgroups_.remove(name);
  }

  const std::string dir_;
  Cgroups cgroups_;
  const std::string boot_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Entry> entries_;
  std::map<uint64_t, std::string> names_;
  uint64_t numbers_ = 0;
  bool ending_ = false;
  Fd epoll_, wake_;
  std::thread watcher_;
};

}  // namespace

Result<std::unique_ptr<Processes>> make_processes(const std::string& data_dir) {
  auto p = std::make_unique<ProcessesImpl>(data_dir);
  TRY(p->open_records());
  return p;
}

}  // namespace nubecita::host
