// What others may ask of DynamoDB.
#pragma once

#include "api/cloud.hpp"

namespace nubecita::dynamodb {

/// What goes on behind the answers: indexes are filled, what expired is deleted, leftovers are swept, backups
/// are copied.
void add_controllers(api::Cloud& cloud);

}  // namespace nubecita::dynamodb
