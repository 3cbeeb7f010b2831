#include "services/ecs/definition_check.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "services/ecr/ecr.hpp"

namespace nubecita::ecs {

namespace {

std::unexpected<ApiError> bad(std::string message) { return fail("ClientException", std::move(message)); }

std::optional<double> number_with_unit(std::string_view text, std::string_view unit, bool& had_unit) {
  double v = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc()) return {};
  std::string rest(end, text.data() + text.size());
  rest.erase(0, std::min(rest.find_first_not_of(' '), rest.size()));
  std::transform(rest.begin(), rest.end(), rest.begin(), [](unsigned char c) { return std::tolower(c); });
  had_unit = rest == unit;
  if (!rest.empty() && !had_unit) return {};
  return v;
}

std::optional<int> scaled(std::string_view text, std::string_view unit) {
  bool had_unit = false;
  auto v = number_with_unit(text, unit, had_unit);
  if (!v || *v <= 0 || *v > 10'000'000) return {};
  return static_cast<int>(had_unit ? *v * 1024 : *v);
}

const model::ContainerDefinition* find(const model::TaskDefinition& d, std::string_view name) {
  for (const auto& c : d.container_definitions)
    if (c.name == name) return &c;
  return nullptr;
}

Status check_health(const model::ContainerDefinition& c) {
  const model::HealthCheck* h = c.health_check;
  if (!h) return {};
  if (h->command.empty() ||
      (h->command[0] != "CMD" && h->command[0] != "CMD-SHELL" && h->command[0] != "NONE"))
    return bad(fmt::format("Invalid healthCheck command for container '{}': it begins with CMD or CMD-SHELL.",
                           c.name.sv()));
  auto within = [](wire::Opt<int32_t> v, int least, int most) {
    return !v.has() || (*v >= least && *v <= most);
  };
  if (!within(h->interval, 5, 300) || !within(h->timeout, 2, 120) || !within(h->retries, 1, 10) ||
      !within(h->start_period, 0, 300))
    return bad(
        fmt::format("Invalid healthCheck for container '{}': interval 5-300, timeout 2-120, retries 1-10, "
                    "startPeriod 0-300.",
                    c.name.sv()));
  return {};
}

Status check_logs(const model::TaskDefinition& d, const model::ContainerDefinition& c, bool fargate) {
  const model::LogConfiguration* l = c.log_configuration;
  if (!l) return {};
  if (l->log_driver != "awslogs")
    return bad(fmt::format("Log driver {} of container '{}' is not served: use awslogs.", l->log_driver.sv(),
                           c.name.sv()));
  std::set<std::string_view> seen;
  for (const auto& o : l->options) {
    static constexpr std::string_view known[] = {
        "awslogs-group",        "awslogs-region", "awslogs-stream-prefix",
        "awslogs-create-group", "mode",           "max-buffer-size"};
    if (std::find(std::begin(known), std::end(known), o.key.sv()) == std::end(known))
      return bad(fmt::format("Log driver awslogs option '{}' is not served.", o.key.sv()));
    seen.insert(o.key.sv());
  }
  for (std::string_view needed : {"awslogs-group", "awslogs-region"})
    if (!seen.contains(needed))
      return bad(fmt::format("Log driver awslogs requires options: awslogs-group, awslogs-region"));
  if (fargate && !seen.contains("awslogs-stream-prefix"))
    return bad("Log driver awslogs requires options: awslogs-stream-prefix for tasks on Fargate.");
  if (fargate && d.execution_role_arn.empty())
    return bad("Fargate requires task definition to have execution role ARN to support log driver awslogs.");
  return {};
}

Status check_mounts(const model::TaskDefinition& d, const model::ContainerDefinition& c) {
  for (const auto& m : c.mount_points) {
    bool known = std::any_of(d.volumes.begin(), d.volumes.end(),
                             [&](const model::Volume& v) { return v.name == m.source_volume.sv(); });
    if (!known) return bad(fmt::format("Unknown volume '{}'.", m.source_volume.sv()));
    if (!m.container_path.sv().starts_with("/"))
      return bad(fmt::format("The containerPath of volume '{}' must be absolute.", m.source_volume.sv()));
  }
  for (const auto& v : c.volumes_from)
    if (!find(d, v.source_container) || v.source_container == c.name.sv())
      return bad(fmt::format("Invalid volumesFrom of container '{}': unknown container '{}'.", c.name.sv(),
                             v.source_container.sv()));
  return {};
}

Status check_dependencies(const model::TaskDefinition& d) {
  for (const auto& c : d.container_definitions)
    for (const auto& on : c.depends_on) {
      const auto* other = find(d, on.container_name);
      if (!other || other == &c)
        return bad(fmt::format("Invalid 'dependsOn' setting for container '{}': unknown container '{}'.",
                               c.name.sv(), on.container_name.sv()));
      if (on.condition == "HEALTHY" && !other->health_check)
        return bad(fmt::format("Invalid 'dependsOn' setting for container '{}': '{}' has no health check.",
                               c.name.sv(), other->name.sv()));
      if ((on.condition == "COMPLETE" || on.condition == "SUCCESS") && other->essential.value_or(true))
        return bad(fmt::format(
            "A container that another waits for with COMPLETE or SUCCESS cannot be essential: '{}'.",
            other->name.sv()));
    }
  // No circles: take away containers whose dependencies are gone until nothing changes.
  std::set<std::string_view> left;
  for (const auto& c : d.container_definitions) left.insert(c.name.sv());
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& c : d.container_definitions) {
      bool waits = std::any_of(c.depends_on.begin(), c.depends_on.end(),
                               [&](const auto& on) { return left.contains(on.container_name.sv()); });
      if (!waits && left.erase(c.name.sv())) changed = true;
    }
  }
  if (!left.empty()) return bad("The container dependencies have a cycle.");
  return {};
}

Status check_container(Call& call, const model::TaskDefinition& d, const model::ContainerDefinition& c,
                       bool fargate) {
  if (!valid_name(c.name)) return bad(fmt::format("Container name is invalid: '{}'", c.name.sv()));
  if (c.image.empty()) return bad("Container.image should not be null or empty.");
  if (d.memory.empty() && !c.memory.value_or(0) && !c.memory_reservation.value_or(0))
    return bad(
        fmt::format("Invalid setting for container '{}'. At least one of 'memory' or 'memoryReservation' "
                    "must be specified.",
                    c.name.sv()));
  if (c.memory.has() && c.memory_reservation.has() && *c.memory_reservation > *c.memory)
    return bad(fmt::format(
        "Invalid setting for container '{}'. 'memoryReservation' must not be greater than 'memory'.",
        c.name.sv()));
  if (fargate && c.stop_timeout.value_or(0) > 120)
    return bad("stopTimeout can be at most 120 seconds on Fargate.");
  if (fargate && d.execution_role_arn.empty() && ecr::our_reference(call.cloud.config, c.image))
    return bad("Fargate requires task definition to have execution role ARN to support ECR images.");
  for (const auto& p : c.port_mappings)
    if (p.host_port.has() && *p.host_port && *p.host_port != p.container_port.value_or(0))
      return bad("When networkMode=awsvpc, the host ports and container ports in port mappings must match.");
  TRY(check_health(c));
  TRY(check_logs(d, c, fargate));
  TRY(check_mounts(d, c));
  return {};
}

Status check_size(const model::TaskDefinition& d, bool fargate) {
  auto cpu = cpu_units(d.cpu), memory = memory_mib(d.memory);
  if (!d.cpu.empty() && !cpu)
    return bad(fmt::format("Invalid 'cpu' setting for task. Number: {}", d.cpu.sv()));
  if (!d.memory.empty() && !memory)
    return bad(fmt::format("Invalid 'memory' setting for task. Number: {}", d.memory.sv()));
  if (fargate) {
    if (!cpu || !memory) return bad("Fargate requires that 'cpu' and 'memory' be defined at the task level.");
    if (!fargate_size(*cpu, *memory)) return bad("No Fargate configuration exists for given values.");
  }
  int64_t total_memory = 0, total_cpu = 0;
  for (const auto& c : d.container_definitions) {
    total_memory += c.memory_reservation.has() ? *c.memory_reservation : c.memory.value_or(0);
    total_cpu += c.cpu.value_or(0);
    if (memory && c.memory.value_or(0) > *memory)
      return bad(fmt::format("Invalid 'memory' setting for container '{}': it is more than the task's.",
                             c.name.sv()));
  }
  if (memory && total_memory > *memory)
    return bad("The 'memory' setting for container is greater than for the task.");
  if (cpu && total_cpu > *cpu)
    return bad("The 'cpu' settings of the containers are greater than the task's.");
  return {};
}

}  // namespace

std::optional<int> cpu_units(std::string_view text) { return scaled(text, "vcpu"); }
std::optional<int> memory_mib(std::string_view text) { return scaled(text, "gb"); }

bool fargate_size(int cpu, int memory) {
  struct Row {
    int cpu, least, most, step;
  };
  static constexpr Row rows[] = {{512, 1024, 4096, 1024},    {1024, 2048, 8192, 1024},
                                 {2048, 4096, 16384, 1024},  {4096, 8192, 30720, 1024},
                                 {8192, 16384, 61440, 4096}, {16384, 32768, 122880, 8192}};
  if (cpu == 256) return memory == 512 || memory == 1024 || memory == 2048;
  for (const Row& r : rows)
    if (r.cpu == cpu) return memory >= r.least && memory <= r.most && memory % r.step == 0;
  return false;
}

Status check_definition(Call& call, const model::TaskDefinition& d) {
  if (!valid_name(d.family)) return bad("Family contains invalid characters.");
  if (d.container_definitions.empty()) return bad("Container list cannot be empty.");
  if (d.container_definitions.size() > 10) return bad("A task definition has at most 10 containers.");
  bool fargate = false;
  for (const auto& r : d.requires_compatibilities) {
    if (r != "FARGATE" && r != "EC2")
      return bad(fmt::format("requiresCompatibilities {} is not served: use FARGATE.", r.sv()));
    fargate |= r == "FARGATE";
  }
  if (d.network_mode != "awsvpc")
    return bad(fargate ? "Fargate only supports network mode 'awsvpc'."
                       : "This cloud serves the network mode 'awsvpc' only: name it in the task definition.");
  if (const auto* p = d.runtime_platform) {
    if (p->operating_system_family.has() && p->operating_system_family != "LINUX")
      return bad(
          fmt::format("operatingSystemFamily {} is not served: use LINUX.", p->operating_system_family.sv()));
    if (p->cpu_architecture.has() && p->cpu_architecture != "X86_64")
      return bad(
          fmt::format("cpuArchitecture {} is not this machine's: use X86_64.", p->cpu_architecture.sv()));
  }
  TRY(check_size(d, fargate));
  std::set<std::string_view> names;
  std::set<std::pair<int, std::string_view>> ports;
  bool essential = false;
  for (const auto& c : d.container_definitions) {
    TRY(check_container(call, d, c, fargate));
    if (!names.insert(c.name.sv()).second)
      return bad(fmt::format("Container names must be unique: '{}'", c.name.sv()));
    essential |= c.essential.value_or(true);
    for (const auto& p : c.port_mappings)
      if (!ports.insert({p.container_port.value_or(0), p.protocol.value_or("tcp")}).second)
        return bad(
            fmt::format("Port {} is mapped twice: the containers of a task share one network interface.",
                        p.container_port.value_or(0)));
  }
  if (!essential) return bad("At least one container must be marked as essential.");
  return check_dependencies(d);
}

void fill_defaults(Call& call, model::TaskDefinition& d) {
  for (auto& c : d.container_definitions) {
    if (!c.cpu.has()) c.cpu = 0;
    if (!c.essential.has()) c.essential = true;
    if (!c.port_mappings.has()) c.port_mappings = call.list<model::PortMapping>(0);
    for (auto& p : c.port_mappings) {
      if (!p.host_port.value_or(0)) p.host_port = p.container_port;
      if (!p.protocol.has()) p.protocol = "tcp";
    }
    if (!c.environment.has()) c.environment = call.list<model::KeyValuePair>(0);
    if (!c.mount_points.has()) c.mount_points = call.list<model::MountPoint>(0);
    if (!c.volumes_from.has()) c.volumes_from = call.list<model::VolumeFrom>(0);
    if (!c.system_controls.has()) c.system_controls = call.list<model::SystemControl>(0);
    if (auto* h = c.health_check) {
      if (!h->interval.has()) h->interval = 30;
      if (!h->timeout.has()) h->timeout = 5;
      if (!h->retries.has()) h->retries = 3;
    }
  }
  for (auto& v : d.volumes)
    if (!v.host) v.host = call.make<model::HostVolumeProperties>();
  if (!d.volumes.has()) d.volumes = call.list<model::Volume>(0);
  d.placement_constraints = call.list<model::TaskDefinitionPlacementConstraint>(0);
  d.compatibilities = call.texts({"EC2", "FARGATE"});
  d.requires_attributes = call.list<model::Attribute>(2);
  d.requires_attributes[0].name = "com.amazonaws.ecs.capability.docker-remote-api.1.18";
  d.requires_attributes[1].name = "ecs.capability.task-eni";
  if (auto cpu = cpu_units(d.cpu)) d.cpu = call.text(std::to_string(*cpu));
  if (auto memory = memory_mib(d.memory)) d.memory = call.text(std::to_string(*memory));
}

}  // namespace nubecita::ecs
