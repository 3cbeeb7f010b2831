// libpod's JSON, to and from the types of containers.hpp. Internal to this room; pure functions.
#pragma once

#include <string>

#include "base/json.hpp"
#include "base/result.hpp"
#include "host/containers/containers.hpp"
#include "host/containers/settings.hpp"

namespace nubecita::host {

/// Body of "containers/create". Error "CreateFailed" for limits that this machine cannot give.
Result<std::string> create_body(const ContainerSpec& spec, const Machine& machine, const std::string& tag);
ContainerState state_of_inspect(const json::object& inspected);
ContainerState state_of_list_entry(const json::object& entry);
Image image_of_inspect(const json::object& inspected);

}  // namespace nubecita::host
