// Containers of the machine, in network namespaces that somebody else made. The real ones run in podman,
// reached through its REST API on a socket of a `podman system service` of our own; its storage, locks and
// settings lie under <data>/podman and <data>/run/podman, so that installations do not meet each other or the
// machine's own podman.
//
// A container is known by its name, which carries the installation's tag. Containers belong to their conmon:
// they outlive us and podman's service, and the next start of nubecita finds them with list(). The OCI
// runtime and cgroup manager are chosen for the machine's cgroups (v2: podman's defaults; v1 or mixed: runc
// with cgroupfs).
//
// Nothing of AWS and nothing of the store. Any thread; all calls wait for the machine. Needs root. When
// podman is missing or broken, every call answers "ContainersUnavailable" saying what to install; it is tried
// again on each call, so nothing needs a restart when the cause has gone.
//
// Lifecycle: 1. make_containers(), 2. use, 3. destroy: containers and podman's service go on running.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace nubecita::host {

class Processes;

struct Image {
  std::string id;      // of the configuration: sha256 in hex, what ContainerSpec::image takes
  std::string digest;  // of the manifest: "sha256:...", empty if it never came from a registry
  std::vector<std::string> entrypoint, command;
  std::string user, workdir, stop_signal;
  std::vector<std::string> repo_digests;
};

struct PullSpec {
  std::string reference;  // as docker resolves it: "nginx", "ghcr.io/x/y:1", "127.0.0.1:4566/a/b@sha256:..."
  std::string username, password;  // empty: none
  bool insecure = false;  // plain HTTP or an unknown certificate is fine (a registry on this machine)
  /// Called with each line of progress; false gives up with the code "Cancelled".
  std::function<bool(const std::string& line)> progress;
};

struct ContainerSpec {
  struct Mount {
    std::string source, target;  // source: a host path, or empty for a tmpfs
    bool read_only = false;
    int64_t size = 0;  // bytes of a tmpfs; 0: no limit of its own
    std::vector<std::string> options;
  };
  struct Limit {
    std::string name;  // "nofile", "nproc", ...
    int64_t soft = 0, hard = 0;
  };
  std::string name;   // unique on the machine: begin it with the installation's tag
  std::string image;  // id of an image that is present
  std::string netns;  // path of a network namespace
  std::optional<std::vector<std::string>> entrypoint, command;  // absent: the image's
  std::map<std::string, std::string> environment;               // over the image's
  std::string user, workdir, hostname;
  bool read_only_root = false, init = false, terminal = false, stdin_open = false, privileged = false;
  std::vector<Mount> mounts;
  std::vector<Limit> limits;
  int64_t memory_bytes = 0;  // hard limit, swap included; 0: none
  int64_t memory_reservation = 0;
  double cpus = 0;         // hard limit in cores; 0: none
  int64_t cpu_shares = 0;  // relative weight
  int64_t pids = 0;
  int64_t shm_bytes = 0;
  std::map<std::string, std::string> sysctl;
  std::vector<std::string> cap_add, cap_drop;  // to and from docker's default set
  std::map<std::string, std::string> labels;
  std::string log_file;  // conmon's k8s-file format; empty: output is dropped
};

struct ContainerState {
  std::string id, name, image;
  std::string status;  // "created", "running", "exited", ...
  bool running = false;
  int pid = 0;
  int exit_code = 0;
  bool oom_killed = false;
  std::string error;  // of a start that failed
  std::map<std::string, std::string> labels;
};

struct ContainerExit {
  std::string name;
  int exit_code = 0;        // 128 + signal if a signal ended it
  bool oom_killed = false;  // a process of it went over the memory limit
};

struct ContainerUse {
  int64_t memory_bytes = 0, memory_limit = 0, cpu_ns = 0, pids = 0;
};

struct ExecResult {
  int exit_code = 0;
  bool timed_out = false;
  std::string output;
};

class Containers {
 public:
  virtual ~Containers() = default;

  /// Fails with "ContainersUnavailable" while podman cannot be used.
  virtual Status ready() = 0;

  /// Codes: "ContainersUnavailable", "PullFailed" with the registry's words, "Cancelled".
  virtual Result<Image> pull(const PullSpec& spec) = 0;
  /// By id, or by a reference that was pulled; nothing if it is not present.
  virtual Result<std::optional<Image>> image(const std::string& id_or_reference) = 0;
  /// Removes images that no container uses.
  virtual Status remove_unused_images() = 0;

  /// Answers the container's id; one of that name that exists is left as it is and answered. Code
  /// "CreateFailed".
  virtual Result<std::string> create(const ContainerSpec& spec) = 0;
  /// Starting a running one is fine. Code "StartFailed" with the runtime's words (no such program, ...).
  virtual Result<ContainerState> start(const std::string& name) = 0;
  /// A container that does not run is fine.
  virtual Status signal(const std::string& name, int signal) = 0;
  /// Kills it if it runs and removes it with its disk; an unknown one is fine.
  virtual Status remove(const std::string& name) = 0;
  virtual Result<std::optional<ContainerState>> inspect(const std::string& name) = 0;
  /// All of this installation, stopped ones too (without exit codes).
  virtual Result<std::vector<ContainerState>> list() = 0;

  /// Runs a command in the running container, with its user, environment and limits; killed after `timeout`.
  virtual Result<ExecResult> exec(const std::string& name, const std::vector<std::string>& argv,
                                  std::chrono::milliseconds timeout) = 0;
  virtual Result<ContainerUse> stats(const std::string& name) = 0;

  /// Calls `gone` once, on the watch thread, within milliseconds of the container's end; at once and on the
  /// caller's thread if it does not run. It must be quick. Watching a name again replaces its function. Fails
  /// (and calls nothing) when nobody can be asked whether it runs.
  virtual Status watch(const std::string& name, std::function<void(const ContainerExit&)> gone) = 0;
  virtual void unwatch(const std::string& name) = 0;

  /// For `nubecita` being taken off the machine: removes every container, ends podman's service, unmounts its
  /// storage. Images stay on the disk.
  virtual Status remove_everything() = 0;
};

struct ContainersOptions {
  std::string data_dir;
  std::string podman = "/usr/bin/podman";
};
/// `processes` outlives it. Makes no process and asks nothing of podman before the first call.
std::unique_ptr<Containers> make_containers(ContainersOptions options, Processes& processes);

}  // namespace nubecita::host
