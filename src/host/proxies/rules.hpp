// The rules of a listener as HAProxy's configuration: which one a request meets, and what it does. Pure
// functions.
#pragma once

#include <map>
#include <string>

#include "base/result.hpp"
#include "host/proxies/spec.hpp"

namespace nubecita::host {

struct RulesText {
  std::string before;  // choosing the rule; it sees the request as the client sent it
  std::string after;   // redirects, fixed answers, the choice of the group
};
/// Bodies of fixed responses are added to `files` (they may hold line ends, which the configuration cannot).
Result<RulesText> rules_text(const ProxyListener& listener, const std::string& dir,
                             std::map<std::string, std::string>& files);

/// The value of the AWSALBTG cookie for a group: opaque, the same after every reload.
std::string group_token(const std::string& group);

}  // namespace nubecita::host
