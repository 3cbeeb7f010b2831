// Registry passwords: who it was made for and until when, signed with the installation's key, so that nothing
// is kept per password. Also the signature of download URLs. Inside a transaction; any thread.
#pragma once

#include <string>
#include <string_view>

#include "api/call.hpp"
#include "base/result.hpp"
#include "store/store.hpp"

namespace nubecita::ecr {

/// The principal of a password. Errors: "Unauthorized" with why. A user's password ends with the access key
/// that asked for it; a role's lasts its time, as with AWS.
Result<api::Principal> check_password(store::Transaction& tx, std::string_view password, int64_t now);

/// "expires=...&signature=..." for one blob of a repository.
std::string sign_download(store::Transaction& tx, const store::Scope& scope, std::string_view repository,
                          std::string_view digest, int64_t expires_ms);
bool check_download(store::Transaction& tx, const store::Scope& scope, std::string_view repository,
                    std::string_view digest, std::string_view expires, std::string_view signature,
                    int64_t now);

}  // namespace nubecita::ecr
