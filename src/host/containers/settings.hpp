// Where podman's files of this installation lie, and the settings that suit the machine. Internal to this
// room; any thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace nubecita::host {

struct PodmanPaths {
  explicit PodmanPaths(const std::string& data_dir);
  std::string conf_dir, storage, run_root, tmp_dir, socket, log;
  std::string containers_conf() const { return conf_dir + "/containers.conf"; }
  std::string storage_conf() const { return conf_dir + "/storage.conf"; }
  std::string registries_conf() const { return conf_dir + "/registries.conf"; }
  std::string exit_file(const std::string& container_id) const { return tmp_dir + "/exits/" + container_id; }
  /// What `podman` must find in its environment.
  std::vector<std::string> environment() const;
};

struct Machine {
  bool unified_cgroups = false;  // v2 only
  bool swap_accounting = false;  // the kernel takes a limit of memory and swap together
  bool systemd = false;
  int64_t max_files = 0, max_processes = 0;  // hard limits that we may give; 0: as many as wanted
};
Machine look_at_machine();

/// Text of containers.conf.
std::string containers_conf(const PodmanPaths& paths, const Machine& machine);
/// Writes the settings files (each only if its text changed) and clears what an earlier boot of the machine
/// left. Only while podman's service does not run. Error "ContainersUnavailable" names file and cause.
Status write_settings(const PodmanPaths& paths, const Machine& machine);

}  // namespace nubecita::host
