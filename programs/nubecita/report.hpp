// What /_nubecita/ answers to the installation's owner: "status" (GET) and "accounts" (POST {"name"}).
#pragma once

#include <string>
#include <string_view>

#include "api/cloud.hpp"
#include "base/result.hpp"

namespace nubecita::commands {

Result<std::string> console(api::Cloud& cloud, std::string_view name, std::string_view body);

}  // namespace nubecita::commands
