// `nubecita doctor`: looks at the machine and says what is missing, what for, and the command that brings it.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "base/config.hpp"
#include "base/json.hpp"
#include "commands.hpp"

namespace nubecita::commands {
namespace {
namespace fs = std::filesystem;

struct Finding {
  std::string what, state, advice;  // state: "ok", "missing", "warning"
};

bool in_path(const std::string& program) {
  if (program.starts_with("/")) return ::access(program.c_str(), X_OK) == 0;
  std::string path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  if (const char* set = std::getenv("PATH")) path += ":" + std::string(set);
  for (size_t at = 0; at < path.size();) {
    auto end = std::min(path.find(':', at), path.size());
    if (::access((path.substr(at, end - at) + "/" + program).c_str(), X_OK) == 0) return true;
    at = end + 1;
  }
  return false;
}

Finding program(const std::string& name, const std::string& purpose, const std::string& package) {
  if (in_path(name)) return {name + " (" + purpose + ")", "ok", ""};
  return {name + " (" + purpose + ")", "missing", "apt-get install " + package};
}

bool any_postgres() {
  std::error_code ignored;
  for (auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored))
    if (fs::exists(entry.path() / "bin/postgres")) return true;
  return false;
}

std::vector<Finding> examine(const Common& common, const Config& config) {
  std::vector<Finding> found;
  const bool root = ::geteuid() == 0;
  found.push_back({"root (namespaces, packet filter, containers)", root ? "ok" : "missing",
                   root ? "" : "run nubecita as root, or with sudo"});
  found.push_back(program(config.podman, "containers", "podman runc conmon netavark"));
  found.push_back(fs::exists("/usr/lib/podman/netavark") || in_path("netavark")
                      ? Finding{"netavark (podman does not start without)", "ok", ""}
                      : Finding{"netavark (podman does not start without)", "missing",
                                "apt-get install netavark aardvark-dns"});
  found.push_back(in_path("runc") || in_path("crun")
                      ? Finding{"runc or crun (container runtime)", "ok", ""}
                      : Finding{"runc or crun (container runtime)", "missing", "apt-get install runc"});
  found.push_back(program("haproxy", "load balancers", "haproxy"));
  found.push_back(program("dnsmasq", "names inside VPCs", "dnsmasq-base"));
  found.push_back(any_postgres() ? Finding{"PostgreSQL (databases of engine postgres)", "ok", ""}
                                 : Finding{"PostgreSQL (databases of engine postgres)", "missing",
                                           "apt-get install postgresql-15"});
  found.push_back(program("mariadbd", "databases of engine mariadb", "mariadb-server"));
  found.push_back(
      in_path("mysqld") && !fs::is_symlink("/usr/sbin/mysqld")
          ? Finding{"mysqld (databases of engine mysql)", "ok", ""}
          : Finding{"mysqld (databases of engine mysql)", "warning",
                    config.mariadb_for_mysql
                        ? "MariaDB stands in for it, as nubecita.json says"
                        : "optional: install MySQL, or set \"mariadb_for_mysql\": true in nubecita.json"});
  if (config.image_scanner.empty())
    found.push_back({"image scanner (ECR scan on push)", "warning",
                     "optional: name one as \"image_scanner\" in nubecita.json"});
  else
    found.push_back(program(config.image_scanner, "ECR scan on push", "trivy"));
  const bool cgroups = fs::exists("/sys/fs/cgroup/memory") || fs::exists("/sys/fs/cgroup/cgroup.controllers");
  found.push_back({"cgroups (CPU and memory limits)", cgroups ? "ok" : "missing",
                   cgroups ? "" : "mount cgroup2 on /sys/fs/cgroup"});
  struct statvfs space{};
  const auto where = fs::exists(common.data) ? common.data : std::string("/");
  if (::statvfs(where.c_str(), &space) == 0) {
    const auto free_gib =
        static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize) / (1 << 30);
    const auto text =
        "disk space for " + common.data + " (" + std::to_string(static_cast<int>(free_gib)) + " GiB free)";
    found.push_back({text, free_gib < 5 ? "warning" : "ok",
                     free_gib < 5 ? "images and databases want 5 GiB or more" : ""});
  }
  for (auto above = fs::absolute(common.data).lexically_normal().parent_path(); above != above.root_path();
       above = above.parent_path())
    if (struct stat info{}; ::stat(above.c_str(), &info) == 0 && !(info.st_mode & S_IXOTH))
      found.push_back({"the way to " + common.data + " (databases run as users of their own)", "missing",
                       "run `chmod o+x " + above.string() + "` or use a data directory elsewhere"});
  return found;
}
}  // namespace

int doctor(const Common& common) {
  auto config = load_config(common.data);
  if (!config) return complain(common, config.error());
  const auto found = examine(common, *config);
  bool well = true;
  json::array list;
  for (auto& f : found) {
    well = well && f.state != "missing";
    list.push_back(json::object{{"what", f.what}, {"state", f.state}, {"advice", f.advice}});
    if (!common.json)
      std::cout << (f.state == "ok"        ? "  ok       "
                    : f.state == "warning" ? "  warning  "
                                           : "  MISSING  ")
                << f.what << (f.advice.empty() ? "" : "\n             " + f.advice) << "\n";
  }
  if (common.json)
    std::cout << json::serialize(json::object{{"ready", well}, {"findings", list}}) << "\n";
  else
    std::cout << (well ? "this machine has what nubecita needs\n" : "something is missing: see above\n");
  return well ? 0 : 1;
}

}  // namespace nubecita::commands
