// How STS makes sessions; other services use issue_role_session (iam.hpp). The caller's transaction, any
// thread.
#pragma once

#include "services/iam/iam.hpp"

namespace nubecita::iam {

/// A session of the role, still without keys and policies.
Session role_session(std::string_view account, const Role& role, std::string_view session_name);
/// Gives it keys and an end, puts it, and sweeps away a few that are long over.
TemporaryCredentials start_session(store::Transaction& tx, Session session, int64_t now, int64_t duration_s);

}  // namespace nubecita::iam
