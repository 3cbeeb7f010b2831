// From a task definition to the containers that the machine makes: environment, mounts, limits, names. Pure
// functions.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "host/containers/containers.hpp"
#include "models/ecs.hpp"
#include "services/ecs/records.hpp"
#include "store/store.hpp"

namespace nubecita::ecs {

/// Where a task's files lie; all of it goes with the task.
struct TaskFiles {
  std::string dir;
  TaskFiles(const std::string& data_dir, const std::string& task_id)
      : dir(data_dir + "/run/tasks/" + task_id) {}
  std::string hosts() const { return dir + "/hosts"; }
  std::string resolv() const { return dir + "/resolv.conf"; }
  std::string volume(std::string_view name) const { return dir + "/volumes/" + std::string(name); }
  std::string log(std::string_view container) const {
    return dir + "/logs/" + std::string(container) + ".log";
  }
};

std::string container_name(const std::string& tag, const Task& task, std::string_view container);

struct PlanInput {
  const store::Scope& scope;
  const std::string& tag;
  const Task& task;
  const model::TaskDefinition& definition;
  const TaskFiles& files;
  bool metadata = true;  // the metadata address answers
};
host::ContainerSpec plan_container(const PlanInput& in, const model::ContainerDefinition& c,
                                   const std::string& image_id);

/// What the health check runs; empty: none.
std::vector<std::string> health_command(const model::ContainerDefinition& c);
std::chrono::seconds stop_timeout(const model::ContainerDefinition& c);
bool logs_to_cloudwatch(const model::ContainerDefinition& c);
std::string log_option(const model::ContainerDefinition& c, std::string_view name);
/// The role in effect: the override or the definition's; empty: none.
std::string task_role(const Task& task, const model::TaskDefinition& d);
std::string execution_role(const Task& task, const model::TaskDefinition& d);
/// "SIGTERM", "TERM", "15"; anything else is SIGTERM.
int signal_number(std::string_view name);

}  // namespace nubecita::ecs
