#include "host/proxies/proxies.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "base/log.hpp"
#include "host/proxies/config.hpp"
#include "host/proxies/listener.hpp"
#include "host/proxies/runtime.hpp"
#include "host/proxies/targets.hpp"

namespace nubecita::host {

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr std::string_view kFrontDoor = "front-door";
constexpr milliseconds kStartPatience{5000};
constexpr milliseconds kStopGrace{2000};

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

Status write_text(const std::string& path, const std::string& text) {
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);  // private keys among them
  bool good = fd >= 0;
  for (size_t at = 0; good && at < text.size();) {
    ssize_t n = write(fd, text.data() + at, text.size() - at);
    good = n > 0;
    if (good) at += static_cast<size_t>(n);
  }
  if (fd >= 0) good = close(fd) == 0 && good;
  return good ? Status() : Status(fail("ProxyFailed", "cannot write " + path, 500));
}

// HAProxy's own words about what is wrong: its [ALERT] lines.
std::string alerts(const std::string& log) {
  std::string out;
  std::istringstream in(log);
  for (std::string line; std::getline(in, line);) {
    if (line.find("[ALERT]") == std::string::npos) continue;
    auto at = line.find(") : ");
    if (!out.empty()) out += "; ";
    out += at == std::string::npos ? line : line.substr(at + 4);
  }
  return out.empty() ? "no reason given" : out;
}

class ProxiesImpl : public Proxies {
 public:
  ProxiesImpl(Processes& processes, const ProxiesOptions& o)
      : processes_(processes),
        dir_(fs::absolute(o.data_dir).lexically_normal().string() + "/run/proxies"),
        jail_(dir_ + "/jail"),
        program_(o.haproxy),
        host_netns_("n" + installation_tag(o.data_dir) + "-host") {}

  Status prepare() {
    if (dir_.size() > 60)
      return fail("ProxyFailed", fmt::format("the data directory's path is too long for sockets: {}", dir_));
    std::error_code e;
    fs::create_directories(jail_, e);
    fs::create_directories(dir_ + "/errors", e);
    if (e) return fail("ProxyFailed", fmt::format("cannot make {}: {}", dir_, e.message()), 500);
    chmod(jail_.c_str(), 0711);
    for (auto& [name, text] : error_files()) TRY(write_text(dir_ + "/errors/" + name, text));
    if (geteuid() == 0) user_ = worker_user();
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    // Two descriptors a connection, and some for listeners and checks.
    connections_ = static_cast<int>(std::clamp<rlim_t>(files.rlim_max, 1024, 20'000) / 2 - 256);
    return {};
  }

  Status apply(const ProxySpec& spec) override {
    std::lock_guard lock(lock_of(spec.id));
    Runtime runtime(dir_of(spec.id) + "/cli");
    bool alive = processes_.alive(process_name(spec.id));
    if (alive && !lives_in(process_name(spec.id), spec.netns)) {
      // Its home interface was replaced: a process cannot move.
      TRY(processes_.stop(process_name(spec.id), kStopGrace));
      alive = false;
    }
    std::vector<Runtime::Server> seen;
    if (alive) {
      if (auto s = runtime.servers()) seen = std::move(*s);
    }
    if (!spec.public_address.empty() && !spec.netns.empty()) TRY(hold_host_netns());
    ConfigPaths paths = paths_of(spec.id);
    if (!spec.netns.empty() && !spec.public_address.empty()) paths.host_netns = host_netns_;
    TRY_LET(auto config, render(spec, slots_for(spec, seen), paths));
    std::vector<std::string> tables;
    for (auto& g : spec.groups)
      if (g.stickiness.kind == ProxyStickiness::Kind::app_cookie) tables.push_back("t_" + g.id);
    TRY(converge(spec.id, config, spec.netns, alive, tables));
    return settle_targets(runtime, spec);
  }

  Result<std::vector<ProxyTargetState>> observe(const std::string& id) override {
    std::vector<ProxyTargetState> states;
    for (int tries = 0; tries < 5; ++tries) {
      TRY_LET(auto servers, Runtime(dir_of(id) + "/cli").servers());
      states = states_of(servers);
      // While a check runs, HAProxy shows the last result without its status code: look again a moment later.
      if (std::ranges::none_of(states, [](auto& s) { return s.check == "L7STS" && s.code == 0; })) break;
      std::this_thread::sleep_for(milliseconds(20));
    }
    // A worker that a reload has replaced may still finish requests on a target: then nobody may call it
    // idle.
    bool draining = std::ranges::any_of(
        states, [](auto& s) { return s.phase == ProxyTargetState::Phase::draining && s.sessions == 0; });
    if (draining && has_old_workers(id))
      for (auto& s : states)
        if (s.phase == ProxyTargetState::Phase::draining && s.sessions == 0) s.sessions = 1;
    return states;
  }

  Status remove(const std::string& id) override {
    std::lock_guard lock(lock_of(id));
    TRY(processes_.stop(process_name(id), kStopGrace));
    std::error_code e;
    fs::remove_all(dir_of(id), e);
    for (auto& f : fs::directory_iterator(jail_, e))
      if (f.path().filename().string().starts_with(id + "-")) fs::remove(f.path(), e);
    return {};
  }

  std::vector<std::string> list() override {
    std::vector<std::string> out;
    std::error_code e;
    for (auto& d : fs::directory_iterator(dir_, e)) {
      auto name = d.path().filename().string();
      if (d.is_directory(e) && name != "jail" && name != "errors" && name != kFrontDoor) out.push_back(name);
    }
    return out;
  }

  Status apply_front_door(const FrontDoorSpec& spec) override {
    std::string id(kFrontDoor);
    std::lock_guard lock(lock_of(id));
    TRY_LET(auto config, render_front_door(spec, paths_of(id)));
    return converge(id, config, "", processes_.alive(process_name(id)));
  }

  Status remove_front_door() override { return remove(std::string(kFrontDoor)); }

  void on_change(std::function<void(const std::string&)> changed) override {
    listener_.reset();
    if (changed) listener_ = std::make_unique<LogListener>(jail_ + "/log", std::move(changed));
  }

  Status remove_all() override {
    for (auto& id : list()) TRY(remove(id));
    TRY(remove_front_door());
    std::string path = "/run/netns/" + host_netns_;
    umount2(path.c_str(), MNT_DETACH);
    unlink(path.c_str());
    return {};
  }

 private:
  std::string dir_of(const std::string& id) const { return dir_ + "/" + id; }
  static std::string process_name(const std::string& id) { return "proxy-" + id; }

  // Debian's package makes the user haproxy; nobody is everywhere.
  static std::string worker_user() {
    for (auto* name : {"haproxy", "nobody"}) {
      passwd p{}, *found = nullptr;
      char buffer[4096];
      if (getpwnam_r(name, &p, buffer, sizeof buffer, &found) == 0 && found)
        return fmt::format("uid {} gid {}", p.pw_uid, p.pw_gid);
    }
    return "uid 65534 gid 65534";
  }

  ConfigPaths paths_of(const std::string& id) const {
    // Half of the cores: the rest of the application runs on this machine, too. One thread serves 40,000
    // requests a second.
    int threads = std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 2, 1, 4);
    return {dir_of(id), jail_, dir_ + "/errors", "", user_, connections_, threads};
  }

  std::mutex& lock_of(const std::string& id) {
    std::lock_guard lock(locks_mutex_);
    return locks_[id];
  }

  bool lives_in(const std::string& process, const std::string& netns) {
    struct stat wanted{}, actual{};
    auto pid = processes_.pid(process);
    if (!pid) return true;
    if (stat(netns.empty() ? "/proc/self/ns/net" : netns.c_str(), &wanted) != 0)
      return true;  // starting will say so
    if (stat(fmt::format("/proc/{}/ns/net", *pid).c_str(), &actual) != 0) return true;
    return wanted.st_ino == actual.st_ino;
  }

  bool has_old_workers(const std::string& id) {
    auto answer = Runtime(dir_of(id) + "/master").ask("show proc");
    if (!answer) return false;
    auto at = answer->find("# old workers");
    auto line = at == std::string::npos ? at : answer->find('\n', at);
    return line != std::string::npos && line + 1 < answer->size() &&
           isdigit(static_cast<unsigned char>((*answer)[line + 1]));
  }

  // `bind ... namespace` takes names under /run/netns only: ours is mounted there.
  Status hold_host_netns() {
    std::string path = "/run/netns/" + host_netns_;
    struct stat there{}, ours{};
    if (stat("/proc/self/ns/net", &ours) == 0 && stat(path.c_str(), &there) == 0 &&
        there.st_ino == ours.st_ino && there.st_dev == ours.st_dev)
      return {};
    umount2(path.c_str(), MNT_DETACH);
    mkdir("/run/netns", 0755);
    int fd = open(path.c_str(), O_CREAT | O_CLOEXEC | O_RDONLY, 0444);
    if (fd >= 0) close(fd);
    if (mount("/proc/self/ns/net", path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
      char buffer[128];
      return fail("ProxyFailed",
                  fmt::format("cannot mount {}: {}", path, strerror_r(errno, buffer, sizeof buffer)), 500);
    }
    return {};
  }

  // Brings the process to `config`: nothing to do, a reload, or a start.
  Status converge(const std::string& id, const ConfigText& config, const std::string& netns, bool alive,
                  const std::vector<std::string>& tables = {}) {
    Runtime runtime(dir_of(id) + "/cli");
    if (alive && runtime.fingerprint() == config.fingerprint) return {};
    TRY(write_config(id, config));
    TRY(check_config(id));
    std::string log = dir_of(id) + "/log";
    std::error_code e;
    if (fs::file_size(log, e) > (1 << 20) && !e) fs::resize_file(log, 0, e);
    auto log_before = fs::exists(log) ? fs::file_size(log, e) : 0;
    std::vector<Runtime::Sticky> sticky;
    if (alive) {
      for (auto& t : tables) sticky.push_back(runtime.sticky(t));
      auto state = runtime.ask("show servers state");
      TRY(write_text(dir_of(id) + "/state", state ? *state : ""));
      TRY(processes_.signal(process_name(id), SIGUSR2));
    } else {
      TRY(write_text(dir_of(id) + "/state", ""));
      TRY(start(id, netns));
    }
    TRY(wait_for(id, runtime, config.fingerprint, log, log_before));
    for (size_t i = 0; i < sticky.size(); ++i) runtime.restore(tables[i], sticky[i]);
    return {};
  }

  Status write_config(const std::string& id, const ConfigText& config) {
    std::error_code e;
    fs::create_directories(dir_of(id), e);
    chmod(dir_of(id).c_str(), 0700);
    for (auto& [name, text] : config.files) TRY(write_text(dir_of(id) + "/" + name, text));
    return write_text(dir_of(id) + "/new.cfg", config.text);
  }

  // Checked under another name: the file that a master would read at its own restart is always a good one.
  Status check_config(const std::string& id) {
    std::string fresh = dir_of(id) + "/new.cfg";
    TRY_LET(auto checked, processes_.run({program_, "-c", "-f", fresh}));
    if (!checked.ok())
      return fail("ProxyFailed", "HAProxy refuses the configuration: " + alerts(checked.err + checked.out),
                  500);
    std::error_code e;
    fs::rename(fresh, dir_of(id) + "/haproxy.cfg", e);
    return {};
  }

  Status start(const std::string& id, const std::string& netns) {
    ProcessSpec p;
    p.name = process_name(id);
    p.argv = {program_, "-W", "-S", dir_of(id) + "/master,mode,600", "-f", dir_of(id) + "/haproxy.cfg"};
    p.directory = dir_of(id);
    p.log_file = dir_of(id) + "/log";
    p.netns = netns;
    // Requests that may be repeated are kept by copying a buffer. glibc copies that much by `rep movsb`,
    // which on some AMD processors takes a hundred times as long (19 µs for 16 KiB) when source and
    // destination lie badly in their pages (https://sourceware.org/bugzilla/show_bug.cgi?id=30994): vectors
    // always take 0.2 µs.
    p.environment = {"GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1073741824"};
    auto started = processes_.spawn(p);
    return started ? Status() : Status(std::unexpected(started.error()));
  }

  Status wait_for(const std::string& id, const Runtime& runtime, const std::string& fingerprint,
                  const std::string& log, uintmax_t log_before) {
    auto end = std::chrono::steady_clock::now() + kStartPatience;
    while (std::chrono::steady_clock::now() < end) {
      if (runtime.fingerprint() == fingerprint) return {};
      if (!processes_.alive(process_name(id))) break;
      auto text = read_text(log);
      if (text.size() > log_before && text.find("[ALERT]", log_before) != std::string::npos) {
        // A reload that failed leaves the old worker in place; give it a moment to have said everything.
        std::this_thread::sleep_for(milliseconds(50));
        if (runtime.fingerprint() == fingerprint) return {};
        break;
      }
      std::this_thread::sleep_for(milliseconds(10));
    }
    auto text = read_text(log);
    return fail("ProxyFailed",
                "HAProxy does not start: " + alerts(text.substr(std::min<size_t>(log_before, text.size()))),
                500);
  }

  Processes& processes_;
  const std::string dir_, jail_, program_, host_netns_;
  std::string user_;
  int connections_ = 8192;
  std::mutex locks_mutex_;
  std::map<std::string, std::mutex> locks_;
  std::unique_ptr<LogListener> listener_;
};

}  // namespace

Result<std::unique_ptr<Proxies>> make_proxies(Processes& processes, const ProxiesOptions& options) {
  auto p = std::make_unique<ProxiesImpl>(processes, options);
  TRY(p->prepare());
  return p;
}

}  // namespace nubecita::host
