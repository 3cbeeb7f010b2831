#include <fcntl.h>
#include <fmt/core.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>

#include "base/cidr.hpp"
#include "base/log.hpp"
#include "host/names/names.hpp"
#include "host/processes/processes.hpp"

namespace nubecita::host {
namespace {

constexpr std::chrono::milliseconds kGrace{2000};
constexpr const char* kPrefix = "names-";  // of process names

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The distribution's own user for dnsmasq, or nobody.
uint32_t server_user() {
  for (const char* name : {"dnsmasq", "nobody"})
    if (const auto* user = ::getpwnam(name)) return user->pw_uid;
  return 65534;
}

ino_t namespace_of(const std::string& path) {
  struct stat st;
  return ::stat(path.c_str(), &st) == 0 ? st.st_ino : 0;
}

class Dnsmasq : public Names {
 public:
  Dnsmasq(Processes& processes, std::string folder) : processes_(processes), folder_(std::move(folder)) {}
  ~Dnsmasq() override {
    std::lock_guard lock(mutex_);
    for (const auto& vpc : watched_) processes_.watch(kPrefix + vpc, {});
  }

  Status apply(const NamesSpec& spec) override {
    const auto name = kPrefix + spec.vpc, file = folder_ + "/" + spec.vpc + ".hosts";
    TRY_LET(const bool changed, write_records(file, records_text(spec)));
    const auto command = server_command(spec, file, upstream_servers("/etc/resolv.conf"));
    if (runs(name, command, spec.netns)) {
      if (changed) TRY(processes_.signal(name, SIGHUP));
    } else {
      TRY(processes_.stop(name, kGrace));
      TRY(start(name, command, spec.netns));
    }
    watch(spec.vpc);
    return {};
  }

  Status remove(const std::string& vpc) override {
    {
      std::lock_guard lock(mutex_);
      watched_.erase(vpc);
    }
    processes_.watch(kPrefix + vpc, {});
    TRY(processes_.stop(kPrefix + vpc, kGrace));
    ::unlink((folder_ + "/" + vpc + ".hosts").c_str());
    ::rmdir(folder_.c_str());  // once the last file is gone
    ::rmdir("/run/nubecita");
    return {};
  }

  std::vector<std::string> list() override {
    std::vector<std::string> out;
    for (const auto& p : processes_.list(kPrefix))
      out.push_back(p.name.substr(std::string_view(kPrefix).size()));
    return out;
  }

  Status remove_everything() override {
    for (const auto& vpc : list()) TRY(remove(vpc));
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
    ::rmdir("/run/nubecita");
    return {};
  }

  void on_down(std::function<void(const std::string&)> down) override {
    std::lock_guard lock(mutex_);
    down_ = std::move(down);
  }

 private:
  /// Whether the text differs from what the file held. In one step, so that a server never reads half of it.
  Result<bool> write_records(const std::string& file, const std::string& text) {
    if (::access(file.c_str(), F_OK) == 0 && read_file(file) == text) return false;
    ::mkdir("/run/nubecita", 0755);
    ::mkdir(folder_.c_str(), 0755);
    const auto fresh = file + ".new";
    {
      std::ofstream out(fresh, std::ios::trunc);
      out << text;
      if (!out.flush()) return fail("NamesUnavailable", "cannot write " + fresh, 500);
    }
    ::chmod(fresh.c_str(), 0644);
    if (::rename(fresh.c_str(), file.c_str()) != 0)
      return fail("NamesUnavailable", "cannot write " + file, 500);
    return true;
  }

  bool runs(const std::string& name, const std::vector<std::string>& command, const std::string& netns) {
    for (const auto& p : processes_.list(name))
      if (p.name == name && p.alive)
        return p.argv == command &&
               namespace_of("/proc/" + std::to_string(p.pid) + "/ns/net") == namespace_of(netns);
    return false;
  }

  Status start(const std::string& name, const std::vector<std::string>& command, const std::string& netns) {
    ProcessSpec p;
    p.name = name;
    p.argv = command;
    p.netns = netns;
    p.uid = server_user();
    p.gid = 65534;
    TRY_LET(const int pid, processes_.spawn(p));
    (void)pid;
    return {};
  }

  void watch(const std::string& vpc) {
    {
      std::lock_guard lock(mutex_);
      if (!watched_.insert(vpc).second) return;
    }
    processes_.watch(kPrefix + vpc, [this, vpc](const ProcessExit& e) {
      std::function<void(const std::string&)> down;
      {
        std::lock_guard lock(mutex_);
        if (!watched_.erase(vpc)) return;
        down = down_;
      }
      log_warning("names", "the name server of {} (process {}) has ended", vpc, e.pid);
      if (down) down(vpc);
    });
  }

  Processes& processes_;
  const std::string folder_;
  std::mutex mutex_;
  std::set<std::string> watched_;
  std::function<void(const std::string&)> down_;
};

}  // namespace

std::vector<std::string> server_command(const NamesSpec& spec, const std::string& records_file,
                                        const std::vector<std::string>& upstream) {
  std::vector<std::string> c = {"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                                "--pid-file=", "--no-hosts", "--no-resolv", "--bind-interfaces",
                                "--log-facility=/dev/null", "--addn-hosts=" + records_file,
                                // Names change when tasks and databases come and go.
                                "--local-ttl=5", "--cache-size=1000", "--domain-needed", "--bogus-priv"};
  for (const auto& a : spec.listen) c.push_back("--listen-address=" + a);
  if (!spec.domain.empty()) {
    c.push_back("--local=/" + spec.domain + "/");
    for (const auto& block : spec.cidrs) c.push_back("--synth-domain=" + spec.domain + "," + block + ",ip-");
  }
  for (const auto& server : upstream) c.push_back("--server=" + server);
  return c;
}

std::string records_text(const NamesSpec& spec) {
  std::string out;
  for (const auto& [name, addresses] : spec.records)
    for (const auto& a : addresses) out += a + " " + name + "\n";
  return out;
}

std::vector<std::string> upstream_servers(const std::string& resolv_conf) {
  std::vector<std::string> out;
  bool stub = false;
  std::istringstream lines(read_file(resolv_conf));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string keyword, server;
    if (!(words >> keyword >> server) || keyword != "nameserver") continue;
    const auto address = parse_ipv4(server);
    if (!address) continue;
    if (*address >> 24 == 127)
      stub = true;  // only this host reaches it
    else
      out.push_back(server);
  }
  constexpr const char* kReal =
      "/run/systemd/resolve/resolv.conf";  // what systemd-resolved's stub stands for
  if (out.empty() && stub && resolv_conf != kReal) return upstream_servers(kReal);
  return out;
}

Result<std::unique_ptr<Names>> make_names(Processes& processes, const std::string& tag) {
  return std::make_unique<Dnsmasq>(processes, "/run/nubecita/" + tag);
}

}  // namespace nubecita::host
