// Opening listening sockets, here or in another network namespace. Internal to this room.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"

namespace nubecita::http {

struct HostPort {
  std::string host;  // an IP address, without brackets
  int port = 0;
};
Result<HostPort> parse_host_port(const std::string& text);

/// A listening, non-blocking TCP socket. `netns`: a network namespace file, or empty. Error "ListenFailed".
Result<int> open_listener(const std::string& netns, const HostPort& where);

/// Runs `work` on a thread inside the network namespace file `netns`. False with errno if it cannot be
/// entered.
bool in_namespace(const std::string& netns, const std::function<void()>& work);

}  // namespace nubecita::http
