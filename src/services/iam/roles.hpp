// What roles.cpp and service_roles.cpp share. The caller's transaction, any thread.
#pragma once

#include "services/iam/entities.hpp"

namespace nubecita::iam {

/// Erases the role if nothing hangs on it; the caller has asked for leave.
Status erase_role(Call& call, Role& role);

}  // namespace nubecita::iam
