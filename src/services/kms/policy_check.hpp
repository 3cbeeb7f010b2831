// Whether a policy may become a key's. Inside the KMS service only.
#pragma once

#include "services/kms/keys.hpp"

namespace nubecita::kms {

/// Errors: MalformedPolicyDocumentException, also if the caller could not change the policy again (unless
/// `bypass`).
Status check_policy(api::Call& call, const Located& key, std::string_view policy, bool bypass);

}  // namespace nubecita::kms
