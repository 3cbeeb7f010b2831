// The controller's work on one key, apart from the engine so that tests can call it. Inside the logs service
// only.
#pragma once

#include <string>

#include "base/result.hpp"
#include "control/engine.hpp"

namespace nubecita::logs {

/// `key`: of a logs.group (deletes its expired events) or logs.garbage record (deletes all that it names).
Result<control::Again> reconcile(store::Store& store, const std::string& key);

}  // namespace nubecita::logs
