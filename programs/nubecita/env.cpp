#include <iostream>

#include "base/json.hpp"
#include "commands.hpp"
#include "installation.hpp"

namespace nubecita::commands {

int env(const Common& common, const std::string& profile) {
  auto variables = client_environment(common.data, profile);
  if (!variables) return complain(common, variables.error());
  json::object all;
  for (auto& [name, value] : *variables) {
    // A shell gets what newer clients read; the proxy, which older ones need, belongs to `as`.
    if (name == "HTTPS_PROXY" || name == "https_proxy" || name == "SSL_CERT_FILE") continue;
    all[name] = value;
    if (!common.json) std::cout << "export " << name << "='" << value << "'\n";
  }
  if (common.json) std::cout << json::serialize(all) << "\n";
  return 0;
}

}  // namespace nubecita::commands
