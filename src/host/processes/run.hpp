// What Processes::run() does, without an installation. Any thread; waits.
#pragma once

#include "host/processes/processes.hpp"

namespace nubecita::host {

Result<RunResult> run_command(const std::vector<std::string>& argv, const RunOptions& options = {});

}  // namespace nubecita::host
