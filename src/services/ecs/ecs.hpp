// What others may ask of ECS: its operations and its controllers. Any thread.
#pragma once

#include "api/cloud.hpp"
#include "api/service.hpp"

namespace nubecita::http {
class Server;
}

namespace nubecita::ecs {

const api::Service& service();

/// Called once before the engine starts; needs cloud.containers. `server` opens the tasks' metadata addresses
/// and outlives the engine's run.
void add_controllers(api::Cloud& cloud, http::Server& server);

}  // namespace nubecita::ecs
