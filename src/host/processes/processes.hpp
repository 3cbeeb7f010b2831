// Processes of the machine that outlive nubecita: databases, proxies, name servers, the container service.
//
// A process is known by a name that is unique within the installation (one data directory). Spawning writes
// <data>/run/proc/<name>.json (pid, start time, boot, argv) before the program begins, so that after a kill
// -9 of nubecita the next one adopts it: same pid, undisturbed. Nothing of ours is inherited except what the
// spec lists. Processes that we spawned are our children while we live and are reaped by the watch thread;
// adopted ones are init's.
//
// Every function may be called on any thread; those that wait say so. Works as root; without root the parts
// of a spec that need it (another user, a namespace, capabilities) are refused with the reason.
//
// Lifecycle: 1. make_processes() (reads what an earlier run left), 2. use, 3. destroy: processes go on
// running.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace nubecita::host {

/// Four hex digits that tell this installation's namespaces, tables, cgroups and containers from those of
/// others on the machine: the start of SHA-256 of the absolute data directory.
std::string installation_tag(const std::string& data_dir);

/// Zero means no limit. What the machine's cgroups cannot enforce is logged once and not enforced (`doctor`
/// tells).
struct CgroupLimits {
  int64_t memory_bytes = 0;
  double cpus = 0;  // 0.5: half of one core
  int64_t pids = 0;
  bool any() const { return memory_bytes > 0 || cpus > 0 || pids > 0; }
};

struct ResourceLimit {
  int what = 0;  // RLIMIT_NOFILE, ...
  uint64_t soft = 0, hard = 0;
};

struct ProcessSpec {
  std::string name;                      // [A-Za-z0-9._-]{1,120}
  std::vector<std::string> argv;         // argv[0]: an absolute path, or a name found in PATH
  std::vector<std::string> environment;  // "NAME=value"; the whole environment (PATH is added if absent)
  std::string directory = "/";
  std::string log_file;              // standard output and error, appended, mode 0640; empty: /dev/null
  std::string netns;                 // path of a network namespace; empty: the one we are in
  std::optional<uint32_t> uid, gid;  // dropped to, with no_new_privs; absent: as we are
  std::vector<uint32_t> groups;      // supplementary groups, exactly these, when uid is given
  std::vector<int> capabilities;     // CAP_... that a dropped user keeps (ambient)
  unsigned umask = 0077;
  std::vector<ResourceLimit> limits;
  CgroupLimits cgroup;
  int oom_score_adj = 0;
  std::vector<std::pair<int, int>>
      fds;  // {ours, its number in the child (>= 3)}: inherited; everything else is closed
};

struct ProcessInfo {
  std::string name;
  int pid = 0;
  uint64_t start_time = 0;  // field 22 of /proc/<pid>/stat
  bool alive = false;
  std::vector<std::string> argv;
};

struct ProcessExit {
  std::string name;
  int pid = 0;
  std::optional<int> code;    // exit code, if it was our child and exited
  std::optional<int> signal;  // signal that ended it, if it was our child
};

struct RunOptions {
  std::chrono::milliseconds timeout{10'000};
  std::string input;                     // its standard input
  std::vector<std::string> environment;  // "NAME=value"; empty: ours
  std::string directory = "/";
  std::string netns;
  std::optional<uint32_t> uid, gid;
  std::vector<uint32_t> groups;
  size_t max_output = 4 << 20;  // bytes kept of each stream; the rest is read and dropped
};
struct RunResult {
  int code = 0;  // 128 + signal if a signal ended it
  std::string out, err;
  bool ok() const { return code == 0; }
};

class Processes {
 public:
  virtual ~Processes() = default;

  /// Starts the process unless one of that name is alive (then error "ProcessExists"). Returns its pid once
  /// the program has been executed. Errors: "ProcessFailed" naming the step (namespace, user, program) and
  /// the cause.
  virtual Result<int> spawn(const ProcessSpec& spec) = 0;

  virtual bool alive(const std::string& name) = 0;
  /// Its pid while it is alive.
  virtual std::optional<int> pid(const std::string& name) = 0;
  /// Error "ProcessNotFound" if it is not alive.
  virtual Status signal(const std::string& name, int signal) = 0;
  /// SIGTERM (or `signal`), after `grace` SIGKILL; then whatever is left of its session is killed and its
  /// record and cgroup are removed. Waits until it is gone. A process that is not alive is fine.
  virtual Status stop(const std::string& name, std::chrono::milliseconds grace, int signal = 15) = 0;
  /// All recorded processes whose name begins with `prefix`, dead ones too (until stop() or a new spawn()).
  virtual std::vector<ProcessInfo> list(const std::string& prefix = {}) = 0;

  /// Calls `gone` once on the watch thread when the process ends (at once, on the caller's thread, if it is
  /// not alive). It must be quick. Replaces an earlier watch of that name; an empty function removes it.
  virtual void watch(const std::string& name, std::function<void(const ProcessExit&)> gone) = 0;

  /// stop() for every process of the installation, at the same time; for `nubecita` being taken off the
  /// machine.
  virtual Status stop_all(std::chrono::milliseconds grace) = 0;

  /// The command behind `spawn` for something short: waits for its end. Error "ProcessTimeout" after
  /// `timeout` (it has been killed then), "ProcessFailed" if it could not be started. A non-zero exit is no
  /// error here.
  virtual Result<RunResult> run(const std::vector<std::string>& argv, const RunOptions& options = {}) = 0;
};

/// `data_dir` as configured; its run/proc is made if missing.
Result<std::unique_ptr<Processes>> make_processes(const std::string& data_dir);

/// The installation's control groups, v2 or v1: for processes here and for whoever places tasks by hand.
/// A group is "<tag>/<name>" under the controllers' own roots. Any thread.
class Cgroups {
 public:
  explicit Cgroups(std::string tag);
  /// Which of "memory", "cpu", "pids" the machine lets us enforce.
  std::vector<std::string> controllers() const;
  /// Makes the group and sets its limits (again). Controllers that are missing are skipped.
  Status make(const std::string& name, const CgroupLimits& limits);
  Status add(const std::string& name, int pid);
  std::vector<int> members(const std::string& name) const;
  /// Removes an empty group; an absent one is fine.
  void remove(const std::string& name);
  /// Removes the installation's own group when all of its groups are gone.
  void remove_all();
  /// The directory of the group under one controller (v1) or the unified one (v2); empty if there is none.
  std::string path(const std::string& controller, const std::string& name) const;
  /// Bytes in use, or nothing if the memory controller is missing.
  std::optional<int64_t> memory_usage(const std::string& name) const;

 private:
  std::string tag_;
  bool unified_ = false;
  std::vector<std::pair<std::string, std::string>> roots_;  // controller, its mount
};

}  // namespace nubecita::host
