// Relational databases: real servers behind ENIs. What other parts of nubecita may call.
// Records: records.hpp. The machine's part: host/databases.
#pragma once

#include "api/cloud.hpp"
#include "api/service.hpp"

namespace nubecita::rds {

const api::Service& service();
/// The controller that brings databases to what the instances say. Needs cloud.store, cloud.engine,
/// cloud.databases. Once, before the engine starts.
void add_controllers(api::Cloud& cloud);

}  // namespace nubecita::rds
