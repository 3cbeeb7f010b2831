// What the commands know of an installation's files: where the running server listens, its token, its
// profiles.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace nubecita::commands {

struct Profile {
  std::string name, access_key, secret, region;
};

/// Writes a file with mode 0600 (temporary name, sync, rename). Error "FileFailed" names it.
Status write_private_file(const std::string& path, const std::string& text);
Result<std::string> read_file(const std::string& path);

/// Adds or replaces one profile in an AWS credentials file, leaving all others as they are.
Status write_profile(const std::string& path, const Profile& profile);
Result<Profile> read_profile(const std::string& path, const std::string& name);

/// Base URL of the running server ("http://127.0.0.1:4566"), or the error that it does not run.
Result<std::string> running_endpoint(const std::string& data);
/// The token of the installation (mode 0600), made if missing: opens the proxy and the status page to its
/// owner.
Result<std::string> installation_token(const std::string& data);
/// Asks the running server: GET (or POST when `body` is not empty) on a path below /_nubecita.
Result<std::string> ask_server(const std::string& data, const std::string& path,
                               const std::string& body = {});

/// The variables that point AWS clients at this installation, as NAME, value.
Result<std::vector<std::pair<std::string, std::string>>> client_environment(const std::string& data,
                                                                            const std::string& profile);

}  // namespace nubecita::commands
