#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/log.hpp"
#include "host/processes/launch.hpp"

namespace nubecita::host {

namespace {

constexpr std::string_view kControllers[] = {"memory", "cpu", "pids"};

Status put(const std::string& file, const std::string& value) {
  Fd fd(open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || write(fd.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size()))
    return fail("ProcessFailed", fmt::format("cannot write {} to {}: {}", value, file, errno_text(errno)));
  return {};
}

Status make_directory(const std::string& path) {
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST)
    return fail("ProcessFailed",
                fmt::format("cannot make the control group {}: {}", path, errno_text(errno)));
  return {};
}

bool has_word(const std::string& text, std::string_view word) {
  std::istringstream in(text);
  for (std::string w; in >> w;)
    if (w == word) return true;
  return false;
}

// v1 mounts name their controllers among the mount's options; v2 lists what its root delegates.
void find_roots(bool& unified, std::vector<std::pair<std::string, std::string>>& roots) {
  std::ifstream mounts("/proc/self/mounts");
  std::string line, v2;
  while (std::getline(mounts, line)) {
    std::istringstream in(line);
    std::string device, path, type, options;
    in >> device >> path >> type >> options;
    std::ranges::replace(options, ',', ' ');
    if (type == "cgroup2") v2 = path;
    if (type != "cgroup") continue;
    for (auto c : kControllers)
      if (has_word(options, c)) roots.emplace_back(c, path);
  }
  if (!roots.empty() || v2.empty()) return;
  unified = true;
  auto offered = read_file(v2 + "/cgroup.controllers").value_or("");
  for (auto c : kControllers)
    if (has_word(offered, c)) roots.emplace_back(c, v2);
}

}  // namespace

Cgroups::Cgroups(std::string tag) : tag_("nubecita-" + std::move(tag)) { find_roots(unified_, roots_); }

std::vector<std::string> Cgroups::controllers() const {
  std::vector<std::string> out;
  for (auto& [c, root] : roots_)
    if (access(root.c_str(), W_OK) == 0) out.push_back(c);
  return out;
}

std::string Cgroups::path(const std::string& controller, const std::string& name) const {
  for (auto& [c, root] : roots_)
    if (c == controller) return root + "/" + tag_ + (name.empty() ? "" : "/" + name);
  return {};
}

Status Cgroups::make(const std::string& name, const CgroupLimits& limits) {
  for (auto& [c, root] : roots_) {
    TRY(make_directory(root + "/" + tag_));
    if (unified_) {
      TRY(put(root + "/cgroup.subtree_control", "+" + c));
      TRY(put(root + "/" + tag_ + "/cgroup.subtree_control", "+" + c));
    }
    std::string group = path(c, name);
    TRY(make_directory(group));
    if (c == "memory" && limits.memory_bytes > 0)
      TRY(put(group + (unified_ ? "/memory.max" : "/memory.limit_in_bytes"),
              std::to_string(limits.memory_bytes)));
    if (c == "pids" && limits.pids > 0) TRY(put(group + "/pids.max", std::to_string(limits.pids)));
    if (c == "cpu" && limits.cpus > 0) {
      auto quota = static_cast<int64_t>(limits.cpus * 100'000);
      if (unified_) {
        TRY(put(group + "/cpu.max", fmt::format("{} 100000", quota)));
      } else {
        TRY(put(group + "/cpu.cfs_period_us", "100000"));
        TRY(put(group + "/cpu.cfs_quota_us", std::to_string(quota)));
      }
    }
  }
  return {};
}

Status Cgroups::add(const std::string& name, int pid) {
  std::string last;
  for (auto& [c, root] : roots_) {
    std::string group = path(c, name);
    if (group == last) continue;  // v2: one group for all controllers
    TRY(put(group + "/cgroup.procs", std::to_string(pid)));
    last = group;
  }
  return {};
}

std::vector<int> Cgroups::members(const std::string& name) const {
  std::vector<int> out;
  if (roots_.empty()) return out;
  std::ifstream in(path(roots_[0].first, name) + "/cgroup.procs");
  for (int pid; in >> pid;) out.push_back(pid);
  return out;
}

void Cgroups::remove(const std::string& name) {
  for (auto& [c, root] : roots_) rmdir(path(c, name).c_str());
}

void Cgroups::remove_all() {
  for (auto& [c, root] : roots_) {
    std::string own = path(c, "");
    if (DIR* d = opendir(own.c_str())) {
      while (auto* e = readdir(d))  // NOLINT(concurrency-mt-unsafe): the stream is ours
        if (e->d_type == DT_DIR && e->d_name[0] != '.') rmdir((own + "/" + e->d_name).c_str());
      closedir(d);
    }
    rmdir(own.c_str());
  }
}

std::optional<int64_t> Cgroups::memory_usage(const std::string& name) const {
  std::string group = path("memory", name);
  if (group.empty()) return {};
  auto text = read_file(group + (unified_ ? "/memory.current" : "/memory.usage_in_bytes"));
  if (!text) return {};
  return std::strtoll(text->c_str(), nullptr, 10);
}

}  // namespace nubecita::host
