#include "services/ecs/container_plan.hpp"

#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <charconv>

#include "api/call.hpp"
#include "services/ecs/common.hpp"
#include "services/ecs/definition_check.hpp"

namespace nubecita::ecs {

namespace {

constexpr int64_t kMiB = 1 << 20;

const ContainerOverrideRecord* override_of(const Task& task, std::string_view name) {
  for (const auto& o : task.overrides)
    if (o.name == name) return &o;
  return nullptr;
}

void add_mounts(const PlanInput& in, const model::ContainerDefinition& c, bool read_only,
                host::ContainerSpec& spec) {
  for (const auto& m : c.mount_points)
    spec.mounts.push_back({.source = in.files.volume(m.source_volume),
                           .target = api::str(m.container_path),
                           .read_only = read_only || m.read_only.value_or(false)});
}

void set_environment(const PlanInput& in, const model::ContainerDefinition& c,
                     const ContainerOverrideRecord* o, host::ContainerSpec& spec) {
  spec.environment["AWS_EXECUTION_ENV"] = "AWS_ECS_FARGATE";
  spec.environment["AWS_REGION"] = in.scope.region;
  spec.environment["AWS_DEFAULT_REGION"] = in.scope.region;
  if (in.metadata) {
    auto id = in.task.runtime_ids.find(api::str(c.name));
    if (id != in.task.runtime_ids.end())
      spec.environment["ECS_CONTAINER_METADATA_URI_V4"] = "http://169.254.170.2/v4/" + id->second;
    if (!task_role(in.task, in.definition).empty())
      spec.environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] =
          "/v2/credentials/" + in.task.credentials_id;
  }
  for (const auto& e : c.environment) spec.environment[api::str(e.name)] = api::str(e.value);
  if (o)
    for (const auto& e : o->environment) spec.environment[e.name] = e.value;
}

void set_limits(const PlanInput& in, const model::ContainerDefinition& c, const ContainerOverrideRecord* o,
                host::ContainerSpec& spec) {
  auto cpu = cpu_units(in.task.override_cpu.empty() ? in.definition.cpu.sv()
                                                    : std::string_view(in.task.override_cpu));
  auto memory = memory_mib(in.task.override_memory.empty() ? in.definition.memory.sv()
                                                           : std::string_view(in.task.override_memory));
  int64_t own = o && o->memory ? o->memory : c.memory.value_or(0);
  int64_t reserved = o && o->memory_reservation ? o->memory_reservation : c.memory_reservation.value_or(0);
  spec.memory_bytes = (own ? own : memory.value_or(0)) * kMiB;
  spec.memory_reservation = reserved * kMiB;
  if (cpu) spec.cpus = *cpu / 1024.0;
  int shares = o && o->cpu ? o->cpu : c.cpu.value_or(0);
  spec.cpu_shares = shares ? std::max(2, shares) : 0;
  for (const auto& u : c.ulimits)
    spec.limits.push_back({api::str(u.name), u.soft_limit.value_or(0), u.hard_limit.value_or(0)});
}

void set_linux(const model::ContainerDefinition& c, host::ContainerSpec& spec) {
  for (const auto& s : c.system_controls) spec.sysctl[api::str(s.namespace_)] = api::str(s.value);
  const auto* l = c.linux_parameters;
  if (!l) return;
  spec.init = l->init_process_enabled.value_or(false);
  spec.shm_bytes = l->shared_memory_size.value_or(0) * kMiB;
  for (const auto& t : l->tmpfs)
    spec.mounts.push_back({.target = api::str(t.container_path),
                           .size = t.size.value_or(0) * kMiB,
                           .options = api::strings(t.mount_options)});
  if (l->capabilities) {
    spec.cap_add = api::strings(l->capabilities->add);
    spec.cap_drop = api::strings(l->capabilities->drop);
  }
}

}  // namespace

std::string container_name(const std::string& tag, const Task& task, std::string_view container) {
  return fmt::format("n{}-{}-{}", tag, task.id, container);
}

std::string task_role(const Task& task, const model::TaskDefinition& d) {
  return task.override_task_role.empty() ? api::str(d.task_role_arn) : task.override_task_role;
}
std::string execution_role(const Task& task, const model::TaskDefinition& d) {
  return task.override_execution_role.empty() ? api::str(d.execution_role_arn) : task.override_execution_role;
}

bool logs_to_cloudwatch(const model::ContainerDefinition& c) {
  return c.log_configuration && c.log_configuration->log_driver == "awslogs";
}

std::string log_option(const model::ContainerDefinition& c, std::string_view name) {
  if (c.log_configuration)
    for (const auto& o : c.log_configuration->options)
      if (o.key == name) return api::str(o.value);
  return {};
}

std::vector<std::string> health_command(const model::ContainerDefinition& c) {
  if (!c.health_check || c.health_check->command.empty()) return {};
  auto all = api::strings(c.health_check->command);
  std::vector<std::string> rest(all.begin() + 1, all.end());
  if (all[0] == "CMD") return rest;
  if (all[0] != "CMD-SHELL" || rest.empty()) return {};
  std::string line = rest[0];
  for (size_t i = 1; i < rest.size(); ++i) line += " " + rest[i];
  return {"/bin/sh", "-c", line};
}

std::chrono::seconds stop_timeout(const model::ContainerDefinition& c) {
  return std::chrono::seconds(c.stop_timeout.value_or(30));
}

int signal_number(std::string_view name) {
  static constexpr std::pair<std::string_view, int> known[] = {
      {"TERM", SIGTERM}, {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"HUP", SIGHUP},
      {"KILL", SIGKILL}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"WINCH", SIGWINCH}};
  int n = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), n);
  if (error == std::errc() && end == name.data() + name.size() && n > 0 && n < 65) return n;
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (const auto& [k, v] : known)
    if (k == name) return v;
  return SIGTERM;
}

host::ContainerSpec plan_container(const PlanInput& in, const model::ContainerDefinition& c,
                                   const std::string& image_id) {
  host::ContainerSpec spec;
  const ContainerOverrideRecord* o = override_of(in.task, c.name);
  spec.name = container_name(in.tag, in.task, c.name);
  spec.image = image_id;
  if (!c.entry_point.empty()) spec.entrypoint = api::strings(c.entry_point);
  if (o && o->has_command)
    spec.command = o->command;
  else if (!c.command.empty())
    spec.command = api::strings(c.command);
  set_environment(in, c, o, spec);
  spec.user = api::str(c.user);
  spec.workdir = api::str(c.working_directory);
  spec.hostname = in.task.private_name;
  spec.read_only_root = c.readonly_root_filesystem.value_or(false);
  spec.terminal = c.pseudo_terminal.value_or(false);
  spec.stdin_open = c.interactive.value_or(false);
  spec.mounts.push_back({.source = in.files.hosts(), .target = "/etc/hosts"});
  spec.mounts.push_back({.source = in.files.resolv(), .target = "/etc/resolv.conf"});
  add_mounts(in, c, false, spec);
  for (const auto& from : c.volumes_from)
    for (const auto& other : in.definition.container_definitions)
      if (other.name == from.source_container.sv())
        add_mounts(in, other, from.read_only.value_or(false), spec);
  set_limits(in, c, o, spec);
  set_linux(c, spec);
  for (const auto& l : c.docker_labels) spec.labels[api::str(l.key)] = api::str(l.value);
  spec.labels["nubecita.task"] = store::make_key(Task::kTable, in.scope, in.task.key());
  spec.labels["com.amazonaws.ecs.cluster"] = cluster_arn(in.scope, in.task.cluster);
  spec.labels["com.amazonaws.ecs.container-name"] = api::str(c.name);
  spec.labels["com.amazonaws.ecs.task-arn"] = task_arn(in.scope, in.task.cluster, in.task.id);
  spec.labels["com.amazonaws.ecs.task-definition-family"] = in.task.family;
  spec.labels["com.amazonaws.ecs.task-definition-version"] =
      in.task.definition_arn.substr(in.task.definition_arn.rfind(':') + 1);
  if (logs_to_cloudwatch(c)) spec.log_file = in.files.log(c.name);
  return spec;
}

}  // namespace nubecita::ecs
