// What the API shows of the records: shared by the operations. One thread, as the call.
#pragma once

#include "services/rds/common.hpp"

namespace nubecita::rds {

/// DBInstanceStatus, from what is wanted and what the controller did.
std::string_view status_name(const Instance& instance, const InstanceStatus& status, bool secret_waits);

void render(Call& call, const Instance& instance, model::DBInstance& out);
void render(Call& call, const SubnetGroup& group, model::DBSubnetGroup& out);
void render(Call& call, const ParameterGroup& group, model::DBParameterGroup& out);

}  // namespace nubecita::rds
