// What makes a task definition acceptable, and AWS's defaults for what it leaves out. One thread, in the
// call's arena.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/ecs/common.hpp"

namespace nubecita::ecs {

/// "256", "0.25 vCPU" → 256; "512", "0.5 GB" → 512. Nothing for anything else.
std::optional<int> cpu_units(std::string_view text);
std::optional<int> memory_mib(std::string_view text);
/// Whether Fargate has a task of that size.
bool fargate_size(int cpu, int memory);

/// Errors: ClientException, InvalidParameterException, in AWS's words where it has them.
Status check_definition(Call& call, const model::TaskDefinition& d);
/// Fills in what AWS answers for what was left out.
void fill_defaults(Call& call, model::TaskDefinition& d);

}  // namespace nubecita::ecs
