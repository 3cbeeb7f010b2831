// Tasks: RunTask, StopTask, DescribeTasks, ListTasks
// (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html).
#include <fmt/core.h>

#include <algorithm>

#include "base/ids.hpp"
#include "services/ec2/ec2.hpp"
#include "services/ecs/common.hpp"
#include "services/ecs/definition_check.hpp"
#include "services/ecs/fargate.hpp"
#include "services/ecs/launch.hpp"
#include "services/ecs/task_render.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::ecs {

namespace {

Status read_overrides(Call& call, const model::TaskOverride* in, const model::TaskDefinition& d, Launch& l) {
  if (!in) return {};
  for (const auto& o : in->container_overrides) {
    bool known = std::any_of(d.container_definitions.begin(), d.container_definitions.end(),
                             [&](const auto& c) { return c.name == o.name.sv(); });
    if (!known)
      return fail("InvalidParameterException",
                  fmt::format("Override for container named {} is not a container in the TaskDefinition.",
                              o.name.sv()));
    ContainerOverrideRecord r;
    r.name = api::str(o.name);
    r.has_command = o.command.has();
    r.command = api::strings(o.command);
    for (const auto& e : o.environment) r.environment.push_back({api::str(e.name), api::str(e.value)});
    r.cpu = o.cpu.value_or(0);
    r.memory = o.memory.value_or(0);
    r.memory_reservation = o.memory_reservation.value_or(0);
    l.overrides.push_back(std::move(r));
  }
  if (!in->cpu.empty() || !in->memory.empty()) {
    auto cpu = cpu_units(in->cpu.empty() ? d.cpu : in->cpu),
         memory = memory_mib(in->memory.empty() ? d.memory : in->memory);
    if (!cpu || !memory || !fargate_size(*cpu, *memory))
      return fail("ClientException", "No Fargate configuration exists for given values.");
    l.override_cpu = std::to_string(*cpu);
    l.override_memory = std::to_string(*memory);
  }
  for (wire::Text role : {in->task_role_arn, in->execution_role_arn})
    if (!role.empty()) TRY(iam::check_pass_role(call, role, "ecs-tasks.amazonaws.com"));
  l.override_task_role = api::str(in->task_role_arn);
  l.override_execution_role = api::str(in->execution_role_arn);
  return {};
}

/// The tasks that an earlier call with this token made.
std::vector<Task> made_before(Call& call, const std::string& cluster, wire::Text token) {
  std::vector<Task> out;
  if (token.empty()) return out;
  for (auto& t : call.tx.list<Task>(call.scope(), cluster + "/"))
    if (t.client_token == token.sv()) out.push_back(std::move(t));
  return out;
}

void answer(Call& call, const std::vector<Task>& tasks, const std::vector<model::Failure>& failures,
            bool with_tags, wire::List<model::Task>& out, wire::List<model::Failure>& out_failures) {
  out = call.list<model::Task>(tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) {
    auto status = call.tx.get<TaskStatus>(call.scope(), tasks[i].key()).value_or(TaskStatus{});
    fill_task(call, tasks[i], status, with_tags, out[i]);
  }
  out_failures = call.list<model::Failure>(failures.size());
  std::copy(failures.begin(), failures.end(), out_failures.begin());
}

api::Conditions in_cluster(Call& call, const std::string& cluster, const std::vector<TagRecord>& request,
                           const std::vector<TagRecord>& resource) {
  auto c = tag_conditions(request, resource);
  c.push_back({"ecs:cluster", {cluster_arn(call, cluster)}});
  return c;
}

Status allow_task(Call& call, const std::string& cluster, const std::string& id,
                  const std::optional<Task>& task) {
  return call.authorize(task_arn(call.scope(), cluster, id),
                        in_cluster(call, cluster, {}, task ? task->tags : std::vector<TagRecord>{}));
}

}  // namespace

Status run_task(Call& call, const model::RunTaskRequest& in, model::RunTaskResponse& out) {
  const std::string cluster = cluster_name(in.cluster);
  TRY_LET(auto tags, read_tags(in.tags));
  auto definition = need_definition(call.tx, call.scope(), in.task_definition);
  const std::string asked = definition
                                ? definition_arn(call.scope(), definition->family, definition->revision)
                                : call.arn("ecs", "task-definition/" + last_part(in.task_definition));
  TRY(call.authorize(
      asked, in_cluster(call, cluster, tags, definition ? definition->tags : std::vector<TagRecord>{})));
  TRY_LET(Cluster c, need_cluster(call, in.cluster));
  if (!definition) return fail("ClientException", "TaskDefinition not found.");
  if (definition->status != "ACTIVE") return fail("ClientException", "TaskDefinition is inactive");
  const int count = in.count.value_or(1);
  if (count < 1 || count > 10) return fail("InvalidParameterException", "count must be between 1 and 10.");

  Launch l;
  l.cluster = c.name;
  l.definition = *definition;
  const model::TaskDefinition* d = load_definition(call.arena, *definition);
  TRY_LET(auto where,
          read_fargate(in.launch_type, in.capacity_provider_strategy, in.platform_version, c, *d));
  TRY_LET(l.network, read_network(call, in.network_configuration));
  l.public_pool = call.cloud.config.public_pool;
  TRY(read_overrides(call, in.overrides, *d, l));
  l.image_digests = resolve_digests(call.tx, call.cloud.config, *d);
  l.containers = container_names(*d);
  l.group = api::str(in.group);
  l.started_by = api::str(in.started_by);
  l.launch_type = "FARGATE";
  l.client_token = api::str(in.client_token);
  l.managed_tags = in.enable_ecs_managed_tags.value_or(false);
  if (in.propagate_tags == "SERVICE")
    return fail("InvalidParameterException", "propagateTags SERVICE is for the tasks of services.");
  if (in.propagate_tags == "TASK_DEFINITION") l.tags = definition->tags;
  l.tags.insert(l.tags.end(), tags.begin(), tags.end());

  std::vector<Task> tasks = made_before(call, c.name, in.client_token);
  std::vector<model::Failure> failures;
  for (int i = static_cast<int>(tasks.size());
       i < count && tasks.size() + failures.size() < static_cast<size_t>(count); ++i) {
    l.subnet_id = l.network.subnets[static_cast<size_t>(i) % l.network.subnets.size()];
    l.capacity_provider = choose_provider(where.strategy, i);
    auto t = launch_task(call.tx, call.scope(), l, call.now);
    if (t)
      tasks.push_back(std::move(*t));
    else if (t.error().code == "RESOURCE:ENI")
      failures.push_back(failure(call, "", "RESOURCE:ENI"));
    else
      return std::unexpected(t.error());
  }
  answer(call, tasks, failures, true, out.tasks, out.failures);
  return {};
}

Status stop_task(Call& call, const model::StopTaskRequest& in, model::StopTaskResponse& out) {
  const std::string cluster = cluster_name(in.cluster), id = last_part(in.task);
  auto task = call.tx.get<Task>(call.scope(), cluster + "/" + id);
  TRY(allow_task(call, cluster, id, task));
  TRY(need_cluster(call, in.cluster));
  if (!task) return fail("InvalidParameterException", "The referenced task was not found.");
  auto status = call.tx.get<TaskStatus>(call.scope(), task->key()).value_or(TaskStatus{});
  if (!task->stop && status.last_status != "STOPPED") {
    task->stop = true;
    task->stop_code = "UserInitiated";
    task->stop_reason = in.reason.empty() ? "Task stopped by user" : api::str(in.reason);
    call.tx.put(call.scope(), *task);
  }
  // As AWS does, the answer tells the reason before the controller has acted on it.
  if (status.stop_code.empty()) {
    status.stop_code = task->stop_code;
    status.stopped_reason = task->stop_reason;
  }
  out.task = call.make<model::Task>();
  fill_task(call, *task, status, true, *out.task);
  return {};
}

Status describe_tasks(Call& call, const model::DescribeTasksRequest& in, model::DescribeTasksResponse& out) {
  const std::string cluster = cluster_name(in.cluster);
  std::vector<Task> tasks;
  std::vector<model::Failure> failures;
  if (in.tasks.empty() || in.tasks.size() > 100)
    return fail("InvalidParameterException", "Tasks cannot be empty, and can have at most 100 items.");
  for (const auto& name : in.tasks) {
    const std::string id = last_part(name);
    auto task = call.tx.get<Task>(call.scope(), cluster + "/" + id);
    TRY(allow_task(call, cluster, id, task));
    if (task)
      tasks.push_back(std::move(*task));
    else
      failures.push_back(failure(call, task_arn(call.scope(), cluster, id), "MISSING"));
  }
  TRY(need_cluster(call, in.cluster));
  answer(call, tasks, failures, includes(in.include, "TAGS"), out.tasks, out.failures);
  return {};
}

Status list_tasks(Call& call, const model::ListTasksRequest& in, model::ListTasksResponse& out) {
  const std::string cluster = cluster_name(in.cluster);
  TRY(call.authorize("*", in_cluster(call, cluster, {}, {})));
  TRY(need_cluster(call, in.cluster));
  const std::string_view desired = in.desired_status.value_or("RUNNING");
  if (desired != "RUNNING" && desired != "STOPPED" && desired != "PENDING")
    return fail("InvalidParameterException", "desiredStatus is RUNNING, PENDING or STOPPED.");
  std::vector<std::string> ids;
  for (const auto& t : call.tx.list<Task>(call.scope(), cluster + "/")) {
    auto s = call.tx.get<TaskStatus>(call.scope(), t.key()).value_or(TaskStatus{});
    const std::string_view now =
        t.stop || !s.stop_code.empty() || s.last_status == "STOPPED" ? "STOPPED" : "RUNNING";
    if (now != desired) continue;
    if (in.family.has() && t.family != in.family.sv()) continue;
    if (in.service_name.has() && t.service != last_part(in.service_name)) continue;
    if (in.started_by.has() && t.started_by != in.started_by.sv()) continue;
    if (in.launch_type.has() && in.launch_type != "FARGATE") continue;
    ids.push_back(t.id);
  }
  std::string next;
  TRY_LET(auto page, api::page(
                         std::move(ids), in.next_token, static_cast<size_t>(in.max_results.value_or(100)),
                         [](const std::string& id) { return id; }, next, "InvalidParameterException"));
  for (auto& id : page) id = task_arn(call.scope(), cluster, id);
  out.task_arns = call.texts(page);
  if (!next.empty()) out.next_token = call.text(next);
  return {};
}

}  // namespace nubecita::ecs
