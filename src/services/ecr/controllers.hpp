// What ECR does by itself. Each function is one look; the controllers call them again. Any thread but I/O
// threads.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "api/cloud.hpp"
#include "base/result.hpp"
#include "control/engine.hpp"
#include "services/ecr/records.hpp"
#include "store/store.hpp"

namespace nubecita::ecr {

/// Runs the scanner for one Scan record and writes its ScanResult.
Result<control::Again> run_scan(api::Cloud& cloud, const store::Scope& scope, const std::string& id);

/// Expires what the repository's lifecycle policy says. An image that was pushed within the last five minutes
/// stays: the parts of a multi-platform image come before the index that needs them.
Result<control::Again> run_lifecycle(api::Cloud& cloud, const store::Scope& scope,
                                     const std::string& repository);

struct SweepAges {
  std::chrono::milliseconds layer = std::chrono::hours(24);   // a repository's layer that no image needs
  std::chrono::milliseconds blob = std::chrono::hours(1);     // a file that no repository has
  std::chrono::milliseconds upload = std::chrono::hours(24);  // an upload to which nothing was added
};
/// Removes layers, files and uploads that nothing needs and that are old enough.
Result<control::Again> run_sweep(api::Cloud& cloud, const SweepAges& ages = {});

/// The findings in a report of trivy (`image --format json`). Error "MalformedInput".
Result<std::vector<Finding>> parse_trivy(std::string_view json);

}  // namespace nubecita::ecr
