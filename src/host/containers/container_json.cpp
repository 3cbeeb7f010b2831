#include "host/containers/container_json.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace nubecita::host {

namespace {

json::array array_of(const std::vector<std::string>& v) {
  json::array a;
  for (const auto& s : v) a.emplace_back(s);
  return a;
}

json::object object_of(const std::map<std::string, std::string>& m) {
  json::object o;
  for (const auto& [k, v] : m) o[k] = v;
  return o;
}

std::vector<std::string> texts(const json::object& o, std::string_view name) {
  std::vector<std::string> out;
  if (const json::array* a = json::array_at(o, name))
    for (const auto& v : *a)
      if (v.is_string()) out.emplace_back(v.as_string());
  return out;
}

std::map<std::string, std::string> labels_of(const json::object& o) {
  std::map<std::string, std::string> out;
  if (const json::object* labels = json::object_at(o, "Labels"))
    for (const auto& [k, v] : *labels)
      if (v.is_string()) out[std::string(k)] = std::string(v.as_string());
  return out;
}

json::object mount_of(const ContainerSpec::Mount& m) {
  json::array options = array_of(m.options);
  options.emplace_back(m.read_only ? "ro" : "rw");
  json::object out{{"destination", m.target}};
  if (m.source.empty()) {
    if (m.size) options.emplace_back(fmt::format("size={}", m.size));
    out["type"] = "tmpfs";
    out["source"] = "tmpfs";
  } else {
    options.emplace_back("rbind");
    out["type"] = "bind";
    out["source"] = m.source;
  }
  out["options"] = std::move(options);
  return out;
}

/// podman resets whichever of nofile and nproc is not named, so both are, within what the machine allows.
Result<json::array> limits_of(const ContainerSpec& spec, const Machine& machine) {
  constexpr int64_t default_files = 65535;
  constexpr int64_t default_processes = 32768;
  auto limit = [](std::string_view name, int64_t soft, int64_t hard) {
    return json::object{{"type", name}, {"soft", soft}, {"hard", hard}};
  };
  json::array out;
  bool files = false, processes = false;
  for (const auto& l : spec.limits) {
    const int64_t most = l.name == "nofile"  ? machine.max_files
                         : l.name == "nproc" ? machine.max_processes
                                             : 0;
    if (most && std::max(l.soft, l.hard) > most)
      return fail("CreateFailed", fmt::format("ulimit {} {}:{} is above this machine's hard limit {}", l.name,
                                              l.soft, l.hard, most));
    files |= l.name == "nofile";
    processes |= l.name == "nproc";
    out.push_back(limit(l.name, l.soft, l.hard));
  }
  auto at_most = [](int64_t wanted, int64_t most) { return most ? std::min(wanted, most) : wanted; };
  if (!files) {
    int64_t n = at_most(default_files, machine.max_files);
    out.push_back(limit("nofile", n, n));
  }
  if (!processes) {
    int64_t n = at_most(default_processes, machine.max_processes);
    out.push_back(limit("nproc", n, n));
  }
  return out;
}

json::object resources_of(const ContainerSpec& spec, const Machine& machine) {
  json::object out;
  json::object memory;
  if (spec.memory_bytes) {
    memory["limit"] = spec.memory_bytes;
    if (machine.swap_accounting) memory["swap"] = spec.memory_bytes;  // the sum: no swap, as on Fargate
  }
  if (spec.memory_reservation) memory["reservation"] = spec.memory_reservation;
  if (!memory.empty()) out["memory"] = std::move(memory);
  json::object cpu;
  if (spec.cpus > 0) {
    constexpr int64_t period = 100'000;
    cpu["period"] = period;
    cpu["quota"] = std::max<int64_t>(1000, static_cast<int64_t>(spec.cpus * period));
  }
  if (spec.cpu_shares) cpu["shares"] = spec.cpu_shares;
  if (!cpu.empty()) out["cpu"] = std::move(cpu);
  if (spec.pids) out["pids"] = json::object{{"limit", spec.pids}};
  return out;
}

}  // namespace

Result<std::string> create_body(const ContainerSpec& spec, const Machine& machine, const std::string& tag) {
  json::object o;
  o["name"] = spec.name;
  o["image"] = spec.image;
  o["netns"] = json::object{{"nsmode", "path"}, {"value", spec.netns}};
  // The caller mounts these two; podman's own would know the host's names.
  o["use_image_hosts"] = true;
  o["use_image_resolv_conf"] = true;
  if (spec.entrypoint) o["entrypoint"] = array_of(*spec.entrypoint);
  if (spec.command) o["command"] = array_of(*spec.command);
  o["env"] = object_of(spec.environment);
  if (!spec.user.empty()) o["user"] = spec.user;
  if (!spec.workdir.empty()) o["work_dir"] = spec.workdir;
  if (!spec.hostname.empty()) o["hostname"] = spec.hostname;
  if (spec.read_only_root) o["read_only_filesystem"] = true;
  if (spec.init) o["init"] = true;
  if (spec.terminal) o["terminal"] = true;
  if (spec.stdin_open) o["stdin"] = true;
  if (spec.privileged) o["privileged"] = true;
  if (spec.shm_bytes) o["shm_size"] = spec.shm_bytes;
  if (!spec.sysctl.empty()) o["sysctl"] = object_of(spec.sysctl);
  json::array mounts;
  for (const auto& m : spec.mounts) mounts.push_back(mount_of(m));
  if (!mounts.empty()) o["mounts"] = std::move(mounts);
  TRY_LET(o["r_limits"], limits_of(spec, machine));
  if (auto r = resources_of(spec, machine); !r.empty()) o["resource_limits"] = std::move(r);
  if (!spec.cap_add.empty()) o["cap_add"] = array_of(spec.cap_add);
  if (!spec.cap_drop.empty()) o["cap_drop"] = array_of(spec.cap_drop);
  auto labels = spec.labels;
  labels["nubecita"] = tag;
  o["labels"] = object_of(labels);
  o["log_configuration"] = spec.log_file.empty()
                               ? json::object{{"driver", "none"}}
                               : json::object{{"driver", "k8s-file"}, {"path", spec.log_file}};
  return json::serialize(o);
}

ContainerState state_of_inspect(const json::object& o) {
  ContainerState s;
  s.id = json::text_or(o, "Id");
  s.name = json::text_or(o, "Name");
  s.image = json::text_or(o, "Image");
  if (const json::object* state = json::object_at(o, "State")) {
    s.status = json::text_or(*state, "Status");
    s.running = json::bool_or(*state, "Running");
    s.pid = static_cast<int>(json::int_or(*state, "Pid"));
    s.exit_code = static_cast<int>(json::int_or(*state, "ExitCode"));
    s.oom_killed = json::bool_or(*state, "OOMKilled");
    s.error = json::text_or(*state, "Error");
  }
  if (const json::object* config = json::object_at(o, "Config")) s.labels = labels_of(*config);
  return s;
}

ContainerState state_of_list_entry(const json::object& o) {
  ContainerState s;
  s.id = json::text_or(o, "Id");
  s.image = json::text_or(o, "ImageID");
  s.status = json::text_or(o, "State");
  s.running = s.status == "running";
  s.pid = static_cast<int>(json::int_or(o, "Pid"));
  s.exit_code = static_cast<int>(json::int_or(o, "ExitCode"));
  s.labels = labels_of(o);
  if (auto names = texts(o, "Names"); !names.empty()) s.name = names.front();
  return s;
}

Image image_of_inspect(const json::object& o) {
  Image image;
  image.id = json::text_or(o, "Id");
  image.digest = json::text_or(o, "Digest");
  image.user = json::text_or(o, "User");
  image.repo_digests = texts(o, "RepoDigests");
  if (const json::object* config = json::object_at(o, "Config")) {
    image.entrypoint = texts(*config, "Entrypoint");
    image.command = texts(*config, "Cmd");
    image.workdir = json::text_or(*config, "WorkingDir");
    image.stop_signal = json::text_or(*config, "StopSignal");
  }
  return image;
}

}  // namespace nubecita::host
