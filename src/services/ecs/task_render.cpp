#include "services/ecs/task_render.hpp"

#include <fmt/core.h>

#include "base/arn.hpp"
#include "services/ecs/launch.hpp"

namespace nubecita::ecs {

namespace {

std::string_view attachment_status(const TaskStatus& s) {
  if (s.eni_deleted) return "DELETED";
  return s.last_status == "PROVISIONING" ? "PRECREATED" : "ATTACHED";
}

void fill_attachment(Call& call, const Task& t, const TaskStatus& s, model::Attachment& out) {
  out.id = call.text(t.attachment_id);
  out.type = "ElasticNetworkInterface";
  out.status = call.text(attachment_status(s));
  const std::pair<std::string_view, std::string_view> details[] = {{"subnetId", t.subnet_id},
                                                                   {"networkInterfaceId", t.eni_id},
                                                                   {"macAddress", t.mac},
                                                                   {"privateDnsName", t.private_name},
                                                                   {"privateIPv4Address", t.private_ip}};
  out.details = call.list<model::KeyValuePair>(std::size(details));
  for (size_t i = 0; i < std::size(details); ++i) {
    out.details[i].name = call.text(details[i].first);
    out.details[i].value = call.text(details[i].second);
  }
}

void fill_container(Call& call, const Task& t, const ContainerStatus& c, const model::ContainerDefinition* d,
                    model::Container& out) {
  out.container_arn = call.text(
      arn("ecs", call.region, call.account, fmt::format("container/{}/{}/{}", t.cluster, t.id, c.name)));
  out.task_arn = call.text(task_arn(call.scope(), t.cluster, t.id));
  out.name = call.text(c.name);
  if (d) out.image = d->image;
  if (!c.image_digest.empty()) out.image_digest = call.text(c.image_digest);
  if (auto id = t.runtime_ids.find(c.name); id != t.runtime_ids.end() && c.started)
    out.runtime_id = call.text(id->second);
  out.last_status = call.text(c.status);
  if (c.exited) out.exit_code = c.exit_code;
  if (!c.reason.empty()) out.reason = call.text(c.reason);
  out.network_bindings = call.list<model::NetworkBinding>(0);
  out.network_interfaces = call.list<model::NetworkInterface>(1);
  out.network_interfaces[0].attachment_id = call.text(t.attachment_id);
  out.network_interfaces[0].private_ipv4_address = call.text(t.private_ip);
  auto health = call.tx.get<ContainerHealth>(call.scope(), t.key() + "/" + c.name);
  out.health_status = health ? call.text(health->status) : wire::Text("UNKNOWN");
  out.managed_agents = call.list<model::ManagedAgent>(0);
  out.cpu = d ? call.text(std::to_string(d->cpu.value_or(0))) : wire::Text("0");
  if (d && d->memory.has()) out.memory = call.text(std::to_string(*d->memory));
  if (d && d->memory_reservation.has())
    out.memory_reservation = call.text(std::to_string(*d->memory_reservation));
}

void fill_overrides(Call& call, const Task& t, const TaskStatus& s, model::TaskOverride& out) {
  out.inference_accelerator_overrides = call.list<model::InferenceAcceleratorOverride>(0);
  out.container_overrides = call.list<model::ContainerOverride>(s.containers.size());
  for (size_t i = 0; i < s.containers.size(); ++i) {
    auto& o = out.container_overrides[i];
    o.name = call.text(s.containers[i].name);
    for (const auto& r : t.overrides) {
      if (r.name != s.containers[i].name) continue;
      if (r.has_command) o.command = call.texts(r.command);
      if (r.cpu) o.cpu = r.cpu;
      if (r.memory) o.memory = r.memory;
      if (r.memory_reservation) o.memory_reservation = r.memory_reservation;
      if (r.environment.empty()) continue;
      o.environment = call.list<model::KeyValuePair>(r.environment.size());
      for (size_t k = 0; k < r.environment.size(); ++k) {
        o.environment[k].name = call.text(r.environment[k].name);
        o.environment[k].value = call.text(r.environment[k].value);
      }
    }
  }
  if (!t.override_cpu.empty()) out.cpu = call.text(t.override_cpu);
  if (!t.override_memory.empty()) out.memory = call.text(t.override_memory);
  if (!t.override_task_role.empty()) out.task_role_arn = call.text(t.override_task_role);
  if (!t.override_execution_role.empty()) out.execution_role_arn = call.text(t.override_execution_role);
}

}  // namespace

std::string health_of(store::Transaction& tx, const store::Scope& scope, const Task& task,
                      const std::vector<std::string>& checked) {
  std::string worst = checked.empty() ? "UNKNOWN" : "HEALTHY";
  for (const auto& name : checked) {
    auto h = tx.get<ContainerHealth>(scope, task.key() + "/" + name);
    if (h && h->status == "UNHEALTHY") return "UNHEALTHY";
    if (!h) worst = "UNKNOWN";
  }
  return worst;
}

void fill_task(Call& call, const Task& t, const TaskStatus& s, bool with_tags, model::Task& out) {
  auto record = need_definition(call.tx, call.scope(), t.definition_arn);
  const model::TaskDefinition* d = record ? load_definition(call.arena, *record) : nullptr;
  out.task_arn = call.text(task_arn(call.scope(), t.cluster, t.id));
  out.cluster_arn = call.text(cluster_arn(call, t.cluster));
  out.task_definition_arn = call.text(t.definition_arn);
  out.availability_zone = call.text(t.zone);
  out.attachments = call.list<model::Attachment>(1);
  fill_attachment(call, t, s, out.attachments[0]);
  out.attributes = call.list<model::Attribute>(1);
  out.attributes[0].name = "ecs.cpu-architecture";
  out.attributes[0].value = "x86_64";
  out.connectivity = s.last_status == "STOPPED" ? wire::Text("DISCONNECTED") : wire::Text("CONNECTED");
  out.connectivity_at = time_out(t.created);
  std::vector<std::string> checked;
  out.containers = call.list<model::Container>(s.containers.size());
  for (size_t i = 0; i < s.containers.size(); ++i) {
    const model::ContainerDefinition* cd = nullptr;
    if (d)
      for (const auto& c : d->container_definitions)
        if (c.name == s.containers[i].name) cd = &c;
    fill_container(call, t, s.containers[i], cd, out.containers[i]);
    if (cd && cd->health_check && cd->essential.value_or(true)) checked.push_back(s.containers[i].name);
  }
  out.cpu = !t.override_cpu.empty() ? call.text(t.override_cpu)
            : d && d->cpu.has()     ? d->cpu
                                    : wire::Text("256");
  out.memory = !t.override_memory.empty() ? call.text(t.override_memory)
               : d && d->memory.has()     ? d->memory
                                          : wire::Text("512");
  out.created_at = time_out(t.created);
  out.desired_status = t.stop || s.last_status == "STOPPED" || !s.stop_code.empty() ? wire::Text("STOPPED")
                                                                                    : wire::Text("RUNNING");
  out.enable_execute_command = false;
  out.execution_stopped_at = time_out(s.execution_stopped);
  out.group = call.text(t.group);
  out.health_status = call.text(health_of(call.tx, call.scope(), t, checked));
  out.inference_accelerators = call.list<model::InferenceAccelerator>(0);
  out.last_status = call.text(s.last_status);
  if (!t.launch_type.empty() || t.capacity_provider.empty()) out.launch_type = "FARGATE";
  if (!t.capacity_provider.empty()) out.capacity_provider_name = call.text(t.capacity_provider);
  out.overrides = call.make<model::TaskOverride>();
  fill_overrides(call, t, s, *out.overrides);
  out.platform_version = call.text(t.platform_version);
  out.platform_family = "Linux";
  out.pull_started_at = time_out(s.pull_started);
  out.pull_stopped_at = time_out(s.pull_stopped);
  out.started_at = time_out(s.started);
  if (!t.started_by.empty()) out.started_by = call.text(t.started_by);
  if (!s.stop_code.empty()) out.stop_code = call.text(s.stop_code);
  if (!s.stopped_reason.empty()) out.stopped_reason = call.text(s.stopped_reason);
  out.stopped_at = time_out(s.stopped);
  out.stopping_at = time_out(s.stopping);
  out.tags = with_tags ? tags_out(call, t.tags) : call.list<model::Tag>(0);
  out.version = s.version;
  out.ephemeral_storage = call.make<model::EphemeralStorage>();
  out.ephemeral_storage->size_in_gi_b =
      d && d->ephemeral_storage ? d->ephemeral_storage->size_in_gi_b.value_or(20) : 20;
}

}  // namespace nubecita::ecs
