#include "host/containers/settings.hpp"

#include <fmt/core.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace nubecita::host {

namespace fs = std::filesystem;

PodmanPaths::PodmanPaths(const std::string& data_dir) {
  const std::string data = fs::absolute(data_dir).lexically_normal().string();
  conf_dir = data + "/podman/conf";
  storage = data + "/podman/storage";
  run_root = data + "/run/podman/root";
  tmp_dir = data + "/run/podman/tmp";
  socket = data + "/run/podman.sock";
  log = data + "/run/podman.log";
}

std::vector<std::string> PodmanPaths::environment() const {
  return {"CONTAINERS_CONF=" + containers_conf(), "CONTAINERS_STORAGE_CONF=" + storage_conf(),
          "CONTAINERS_REGISTRIES_CONF=" + registries_conf(), "HOME=" + conf_dir,
          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
}

namespace {

bool may_raise_limits() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  return data[CAP_SYS_RESOURCE / 32].effective & (1u << (CAP_SYS_RESOURCE % 32));
}

int64_t hard_limit(__rlimit_resource what) {
  rlimit limit{};
  if (getrlimit(what, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return 0;
  return static_cast<int64_t>(limit.rlim_max);
}

Status write_if_changed(const std::string& path, const std::string& text) {
  {
    std::ifstream in(path);
    std::stringstream old;
    if (in && (old << in.rdbuf()) && old.str() == text) return {};
  }
  std::ofstream out(path, std::ios::trunc);
  out << text;
  out.close();
  if (!out)
    return fail("ContainersUnavailable",
                fmt::format("cannot write {}: {}", path, std::generic_category().message(errno)), 503);
  return {};
}

/// podman knows a reboot by its run directories being empty, as on a tmpfs. Ours are on the disk: without
/// this it would take process ids of the last boot for its containers.
void forget_last_boot(const PodmanPaths& paths) {
  std::string now, then;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id") >> std::ws, now);
  const std::string file = paths.conf_dir + "/boot";
  std::getline(std::ifstream(file) >> std::ws, then);
  if (now == then) return;
  std::error_code ignored;
  fs::remove_all(paths.run_root, ignored);
  fs::remove_all(paths.tmp_dir, ignored);
  std::ofstream(file, std::ios::trunc) << now << "\n";
}

}  // namespace

Machine look_at_machine() {
  Machine m;
  m.unified_cgroups = fs::exists("/sys/fs/cgroup/cgroup.controllers");
  m.swap_accounting = m.unified_cgroups || fs::exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes");
  m.systemd = fs::exists("/run/systemd/system");
  if (!may_raise_limits()) {
    m.max_files = hard_limit(RLIMIT_NOFILE);
    // podman's service lowers its own limit of processes to 32768, and a container cannot have more.
    constexpr int64_t podmans = 32768;
    m.max_processes = hard_limit(RLIMIT_NPROC) ? std::min(hard_limit(RLIMIT_NPROC), podmans) : podmans;
  }
  return m;
}

std::string containers_conf(const PodmanPaths& paths, const Machine& machine) {
  // AWS gives Fargate tasks 65535 open files; a hard limit above our own fails with EPERM. podman resets the
  // limit that is not named to 1048576, so both are.
  constexpr int64_t files = 65535;
  constexpr int64_t processes = 32768;
  const int64_t nofile = machine.max_files ? std::min(machine.max_files, files) : files;
  const int64_t nproc = machine.max_processes ? std::min(machine.max_processes, processes) : processes;
  std::string text = "# Written by nubecita at each start.\n[containers]\n";
  text += fmt::format("default_ulimits = [\"nofile={0}:{0}\", \"nproc={1}:{1}\"]\n", nofile, nproc);
  text +=
      "default_capabilities = [\"CHOWN\", \"DAC_OVERRIDE\", \"FOWNER\", \"FSETID\", \"KILL\", "
      "\"NET_BIND_SERVICE\", \"NET_RAW\", "
      "\"SETFCAP\", \"SETGID\", \"SETPCAP\", \"SETUID\", \"SYS_CHROOT\", \"MKNOD\", \"AUDIT_WRITE\"]\n";
  text += "[engine]\n";
  // crun refuses mixed cgroups; without systemd nobody answers podman's default manager.
  if (!machine.unified_cgroups) text += "runtime = \"runc\"\n";
  if (!machine.unified_cgroups || !machine.systemd) text += "cgroup_manager = \"cgroupfs\"\n";
  text += "events_logger = \"file\"\nexit_command_delay = 1\n";
  // Locks in shared memory would be shared with (and freed by) every other podman of the machine.
  text += fmt::format("lock_type = \"file\"\ntmp_dir = \"{}\"\n", paths.tmp_dir);
  text += "[network]\nnetwork_backend = \"netavark\"\n";
  return text;
}

Status write_settings(const PodmanPaths& paths, const Machine& machine) {
  std::error_code ignored;
  fs::create_directories(paths.conf_dir, ignored);
  forget_last_boot(paths);
  for (const std::string& dir : {paths.conf_dir, paths.storage, paths.run_root, paths.tmp_dir}) {
    std::error_code ec;
    fs::create_directories(dir, ec);
    if (ec) return fail("ContainersUnavailable", fmt::format("cannot make {}: {}", dir, ec.message()), 503);
  }
  TRY(write_if_changed(paths.containers_conf(), containers_conf(paths, machine)));
  TRY(write_if_changed(paths.storage_conf(),
                       fmt::format("[storage]\ndriver = \"overlay\"\ngraphroot = \"{}\"\nrunroot = \"{}\"\n",
                                   paths.storage, paths.run_root)));
  TRY(write_if_changed(
      paths.registries_conf(),
      "unqualified-search-registries = [\"docker.io\"]\nshort-name-mode = \"permissive\"\n"));
  return {};
}

}  // namespace nubecita::host
