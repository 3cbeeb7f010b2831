// Roles of tasks: who a task acts as. In the caller's transaction.
#pragma once

#include <string>
#include <string_view>

#include "api/call.hpp"
#include "base/result.hpp"
#include "store/store.hpp"

namespace nubecita::ecs {

inline constexpr const char* kTasksPrincipal = "ecs-tasks.amazonaws.com";

/// The principal that a session of the role is, if the role lets ECS tasks assume it. Errors: NoSuchEntity,
/// AccessDenied.
Result<api::Principal> role_principal(store::Transaction& tx, std::string_view role_arn,
                                      std::string_view session);

/// Whether that principal may do `action` on `resource`.
Status check_allowed(api::Cloud& cloud, store::Transaction& tx, const api::Principal& principal,
                     std::string_view action, std::string_view resource);

}  // namespace nubecita::ecs
