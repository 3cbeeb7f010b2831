#include "host/containers/containers.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "host/containers/container_json.hpp"
#include "host/containers/exits.hpp"
#include "host/containers/podman.hpp"
#include "host/processes/processes.hpp"
#include "http/client.hpp"

namespace nubecita::host {

using std::chrono::milliseconds;

namespace {

std::unexpected<ApiError> refused(std::string_view code, const Podman::Answer& answer) {
  return fail(
      code, answer.message.empty() ? fmt::format("podman answered {}", answer.status) : answer.message, 500);
}

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) return {};
  std::ostringstream out;
  out << in.rdbuf();  // unlike an iterator, does not throw when a process ends while its file in /proc is
                      // read
  return out.str();
}

int number(std::string_view text, int otherwise) {
  int n = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

/// The mounts below `prefix`, the deepest first.
std::vector<std::string> mounts_below(const std::string& prefix) {
  std::vector<std::string> out;
  std::ifstream in("/proc/self/mountinfo");
  std::string line;
  while (std::getline(in, line)) {
    size_t at = 0;
    for (int i = 0; i < 4 && at != std::string::npos; ++i) at = line.find(' ', at) + 1;
    std::string where = line.substr(at, line.find(' ', at) - at);
    if (where.starts_with(prefix + "/")) out.push_back(where);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

/// Whether a process was started with `path` in its arguments, as conmon and podman's clean-up are.
bool somebody_uses(const std::string& path) {
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ec)) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos || number(pid, 0) == ::getpid()) continue;
    if (auto command = read_file(entry.path() / "cmdline");
        command && command->find(path) != std::string::npos)
      return true;
  }
  return false;
}

class PodmanContainers final : public Containers {
 public:
  PodmanContainers(const ContainersOptions& options, Processes& processes)
      : data_dir_(std::filesystem::absolute(options.data_dir).lexically_normal().string()),
        tag_(installation_tag(options.data_dir)),
        processes_(processes),
        podman_(options.data_dir, options.podman, processes),
        exits_([this](const std::string& name, const std::string& id) { return how_it_ended(name, id); }) {}

  Status ready() override {
    TRY(podman_.ensure_service());
    TRY(podman_.runtime());
    return {};
  }

  Result<Image> pull(const PullSpec& spec) override {
    std::string target = "images/pull?policy=always&reference=" + http::percent_encode(spec.reference);
    if (spec.insecure) target += "&tlsVerify=false";
    std::vector<std::pair<std::string, std::string>> headers;
    if (!spec.username.empty())
      headers.emplace_back(
          "X-Registry-Auth",
          base64(json::serialize(json::object{{"username", spec.username}, {"password", spec.password}})));
    std::string error, id;
    auto on_line = [&](std::string_view line) {
      auto parsed = json::parse(line);
      if (!parsed || !parsed->is_object()) return true;
      const json::object& o = parsed->as_object();
      if (auto e = json::text_or(o, "error"); !e.empty()) error = e;
      if (auto i = json::text_or(o, "id"); !i.empty()) id = i;
      auto text = json::text_or(o, "stream");
      return !spec.progress || spec.progress(text);
    };
    TRY_LET(Podman::Answer answer, podman_.stream("POST", target, headers, on_line));
    if (!error.empty()) return fail("PullFailed", error);
    if (!answer.ok()) return fail("PullFailed", answer.message);
    if (id.empty()) return fail("PullFailed", "podman did not tell the image's id");
    TRY_LET(auto found, image(id));
    if (!found) return fail("PullFailed", "the image vanished after it was pulled");
    return *found;
  }

  Result<std::optional<Image>> image(const std::string& id_or_reference) override {
    TRY_LET(Podman::Answer a,
            podman_.call("GET", "images/" + http::percent_encode(id_or_reference, "-._~/:@") + "/json"));
    if (a.missing()) return std::optional<Image>{};
    if (!a.ok() || !a.body.is_object()) return refused("PullFailed", a);
    return std::optional<Image>(image_of_inspect(a.body.as_object()));
  }

  Status remove_unused_images() override {
    TRY_LET(Podman::Answer a, podman_.call("POST", "images/prune?all=true"));
    return a.ok() ? Status{} : refused("PruneFailed", a);
  }

  Result<std::string> create(const ContainerSpec& spec) override {
    TRY_LET(std::string body, create_body(spec, podman_.machine(), tag_));
    TRY_LET(Podman::Answer a, podman_.call("POST", "containers/create", std::move(body)));
    if (a.ok() && a.body.is_object()) return json::text_or(a.body.as_object(), "Id");
    // Made by an earlier attempt whose answer was lost.
    TRY_LET(auto existing, inspect(spec.name));
    if (existing) return existing->id;
    return refused("CreateFailed", a);
  }

  Result<ContainerState> start(const std::string& name) override {
    // In two steps: once it is made its first process waits in its cgroup. Some end for lack of memory a few
    // milliseconds after they run, and nobody could tell if the counter were opened then.
    TRY_LET(Podman::Answer made, podman_.call("POST", "containers/" + name + "/init"));
    if (!made.ok()) return refused("StartFailed", made);
    TRY_LET(auto state, inspect(name));
    if (!state) return fail("StartFailed", "the container vanished while it started", 500);
    auto handles = std::make_shared<const ExitWatch::Handles>(state->id, state->pid);
    TRY_LET(Podman::Answer a, podman_.call("POST", "containers/" + name + "/start"));
    if (!a.ok()) return refused("StartFailed", a);
    state->status = "running";
    state->running = true;
    std::lock_guard lock(mutex_);
    just_started_[name] = std::move(handles);
    return *state;
  }

  Status signal(const std::string& name, int signal) override {
    TRY_LET(Podman::Answer a,
            podman_.call("POST", fmt::format("containers/{}/kill?signal={}", name, signal)));
    if (a.ok() || a.missing() || a.status == 409) return {};
    TRY_LET(auto state, inspect(name));
    if (!state || !state->running) return {};
    return refused("SignalFailed", a);
  }

  Status remove(const std::string& name) override {
    exits_.remove(name);
    take_just_started(name);
    TRY_LET(Podman::Answer a, podman_.call("DELETE", "containers/" + name + "?force=true&v=true&timeout=0"));
    return a.ok() || a.missing() ? Status{} : refused("RemoveFailed", a);
  }

  Result<std::optional<ContainerState>> inspect(const std::string& name) override {
    TRY_LET(Podman::Answer a, podman_.call("GET", "containers/" + name + "/json"));
    if (a.missing()) return std::optional<ContainerState>{};
    if (!a.ok() || !a.body.is_object()) return refused("InspectFailed", a);
    return std::optional<ContainerState>(state_of_inspect(a.body.as_object()));
  }

  Result<std::vector<ContainerState>> list() override {
    const std::string filters = json::serialize(json::object{{"label", json::array{"nubecita=" + tag_}}});
    TRY_LET(Podman::Answer a,
            podman_.call("GET", "containers/json?all=true&filters=" + http::percent_encode(filters)));
    if (!a.ok() || !a.body.is_array()) return refused("ListFailed", a);
    std::vector<ContainerState> out;
    for (const auto& entry : a.body.as_array())
      if (entry.is_object()) out.push_back(state_of_list_entry(entry.as_object()));
    return out;
  }

  // Through the OCI runtime itself: podman's exec starts a conmon and a clean-up process for each, four times
  // the cost, and health checks are many. User, environment and limits are those of the container's own
  // configuration.
  Result<ExecResult> exec(const std::string& name, const std::vector<std::string>& argv,
                          milliseconds timeout) override {
    TRY_LET(auto state, inspect(name));
    if (!state || !state->running) return fail("NotRunning", "the container does not run");
    TRY_LET(std::string runtime, podman_.runtime());
    const std::string pid_file = fmt::format("{}/exec-{}.pid", podman_.paths().tmp_dir, random_hex(12));
    std::vector<std::string> command = {runtime, "exec", "--pid-file", pid_file, state->id};
    command.insert(command.end(), argv.begin(), argv.end());
    RunOptions options;
    options.timeout = timeout;
    options.max_output = 4096;
    options.environment = podman_.paths().environment();
    auto run = processes_.run(command, options);
    ExecResult result;
    if (!run) {
      // Ending the runtime does not end what it started.
      if (int pid = number(read_file(pid_file).value_or(""), 0); pid > 1) ::kill(pid, SIGKILL);
      ::unlink(pid_file.c_str());
      if (run.error().code != "ProcessTimeout") return std::unexpected(run.error());
      result.timed_out = true;
      result.exit_code = -1;
      return result;
    }
    ::unlink(pid_file.c_str());
    result.exit_code = run->code;
    result.output = run->out + run->err;
    return result;
  }

  Result<ContainerUse> stats(const std::string& name) override {
    TRY_LET(Podman::Answer a, podman_.call("GET", "containers/stats?stream=false&containers=" + name));
    ContainerUse use;
    const json::array* all =
        a.ok() && a.body.is_object() ? json::array_at(a.body.as_object(), "Stats") : nullptr;
    if (!all || all->empty() || !all->front().is_object()) return refused("StatsFailed", a);
    const json::object& s = all->front().as_object();
    use.memory_bytes = json::int_or(s, "MemUsage");
    use.memory_limit = json::int_or(s, "MemLimit");
    use.cpu_ns = json::int_or(s, "CPUNano");
    use.pids = json::int_or(s, "PIDs");
    return use;
  }

  Status watch(const std::string& name, std::function<void(const ContainerExit&)> gone) override {
    if (auto handles = take_just_started(name); handles && exits_.add(name, std::move(handles), gone))
      return {};
    TRY_LET(auto state, inspect(name));
    if (state && state->running && state->pid > 0 &&
        exits_.add(name, std::make_shared<const ExitWatch::Handles>(state->id, state->pid), gone))
      return {};
    ContainerExit exit{.name = name, .exit_code = 137, .oom_killed = false};
    if (state) {
      std::tie(exit.exit_code, exit.oom_killed) = how_it_ended(name, state->id);
      exit.oom_killed = exit.oom_killed && exit.exit_code == 137;
    }
    gone(exit);
    return {};
  }
  void unwatch(const std::string& name) override { exits_.remove(name); }

  Status remove_everything() override {
    std::string trouble;
    if (access(podman_.paths().storage_conf().c_str(), F_OK) == 0) {
      if (auto all = list()) {
        std::vector<std::jthread> workers;
        for (const auto& c : *all)
          workers.emplace_back([this, name = c.name] {
            if (auto s = remove(name); !s) log_warning("containers", "{}: {}", name, s.error().message);
          });
      } else {
        trouble = all.error().message;
      }
    }
    TRY(podman_.stop_service());
    // conmon and the clean-up that it starts hold the storage a moment longer.
    for (int i = 0; i < 100 && somebody_uses(podman_.paths().storage); ++i)
      std::this_thread::sleep_for(milliseconds(50));
    for (const std::string& root : {data_dir_ + "/podman", data_dir_ + "/run/podman"})
      for (const std::string& where : mounts_below(root))
        if (umount2(where.c_str(), MNT_DETACH) != 0) trouble = "cannot unmount " + where;
    if (!trouble.empty()) return fail("ContainersUnavailable", trouble, 503);
    return {};
  }

 private:
  /// conmon leaves the code in a file that podman's clean-up takes away a moment later.
  std::pair<int, bool> how_it_ended(const std::string& name, const std::string& id) {
    constexpr int killed = 137;  // when nobody can tell: conmon itself was killed
    const int64_t until = now_ms() + 5000;
    for (int i = 0; now_ms() < until; ++i) {
      if (auto code = read_file(podman_.paths().exit_file(id)); code && !code->empty())
        return {number(*code, killed), false};
      if (i >= 2) {
        auto state = inspect(name);
        if (state && !*state) return {killed, false};
        // After a reboot podman knows nothing of how it ended.
        if (state && ((*state)->status == "created" || (*state)->status == "configured"))
          return {killed, false};
        if (state && !(*state)->running && (*state)->status != "stopping")
          return {(*state)->exit_code, (*state)->oom_killed};
      }
      std::this_thread::sleep_for(milliseconds(i < 10 ? 5 : 50));
    }
    return {killed, false};
  }

  std::shared_ptr<const ExitWatch::Handles> take_just_started(const std::string& name) {
    std::lock_guard lock(mutex_);
    auto node = just_started_.extract(name);
    return node ? std::move(node.mapped()) : nullptr;
  }

  std::string data_dir_, tag_;
  Processes& processes_;
  Podman podman_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const ExitWatch::Handles>>
      just_started_;  // from start() to watch() or remove()
  ExitWatch exits_;
};

}  // namespace

std::unique_ptr<Containers> make_containers(ContainersOptions options, Processes& processes) {
  return std::make_unique<PodmanContainers>(options, processes);
}

}  // namespace nubecita::host
