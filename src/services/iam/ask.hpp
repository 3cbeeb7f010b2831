// Questions to IAM beyond api::Authorizer's: of resources whose policy alone says who may (KMS keys), and of
// the cloud's own services that ask for themselves. Inside the caller's transaction. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "api/call.hpp"
#include "services/iam/policy_decision.hpp"

namespace nubecita::iam {

/// Like PolicyAuthorizer::check, but nothing is allowed that the resource's policy does not allow: it lets a
/// principal by name, or its account, whose identity policies then decide.
Decision decide_with_authority(store::Transaction& tx, const api::Authorizer::Question& question);
ApiError denied(const Decision& decision, const api::Authorizer::Question& question);

/// May the service ("sns.amazonaws.com") do that, by what the resource's policy says? Error AccessDenied.
Status check_service(store::Transaction& tx, std::string_view service_principal, std::string_view action,
                     std::string_view resource, const api::Conditions& conditions,
                     std::string_view resource_policy, std::string_view resource_account);

}  // namespace nubecita::iam
