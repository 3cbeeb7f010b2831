// `nubecita as PROFILE -- COMMAND...`: any AWS client, of any age, unchanged. New ones follow
// AWS_ENDPOINT_URL; those that know no endpoint setting reach *.amazonaws.com through our CONNECT proxy,
// under certificates of our own CA.
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "commands.hpp"
#include "installation.hpp"

namespace nubecita::commands {

int as(const Common& common, const std::string& profile, const std::vector<std::string>& command) {
  auto variables = client_environment(common.data, profile);
  if (!variables) return complain(common, variables.error());
  // Credentials in the environment would win over the profile.
  for (const char* name :
       {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"})
    ::unsetenv(name);
  for (auto& [name, value] : *variables) ::setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> words;
  for (auto& w : command) words.push_back(const_cast<char*>(w.c_str()));
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  std::cerr << "nubecita: cannot run " << command[0] << ": " << std::strerror(errno) << "\n";
  return 127;
}

}  // namespace nubecita::commands
