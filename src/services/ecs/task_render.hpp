// A task as DescribeTasks tells it. In the call's arena.
#pragma once

#include "services/ecs/common.hpp"

namespace nubecita::ecs {

void fill_task(Call& call, const Task& task, const TaskStatus& status, bool with_tags, model::Task& out);
/// UNKNOWN, HEALTHY or UNHEALTHY: the worst of the essential containers that have a health check.
std::string health_of(store::Transaction& tx, const store::Scope& scope, const Task& task,
                      const std::vector<std::string>& checked);

}  // namespace nubecita::ecs
