// The decision over all policies that bear on a request, in AWS's order: an explicit denial anywhere; then
// what must allow. Pure.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "services/iam/policy.hpp"

namespace nubecita::iam {

using PolicyPtr = std::shared_ptr<const Policy>;

struct PolicySet {
  std::vector<PolicyPtr> identity;
  std::vector<PolicyPtr> boundary;  // one, or none; more only in simulations
  bool has_boundary = false;  // true with an empty `boundary`: a boundary whose policy is gone allows nothing
  std::vector<PolicyPtr> session;
  bool has_session = false;
  PolicyPtr resource;
  bool resource_required = false;  // a role's trust policy: nothing is allowed that it does not allow
  bool root = false;               // the root user: needs no identity policy
};

struct Asked {
  std::string_view action;  // lower-cased
  std::string_view resource;
  std::string_view resource_account;  // owner; empty: the principal's own
  const PrincipalView& principal;
  const Context& context;
};

struct Decision {
  enum class Outcome { allowed, implicit_deny, explicit_deny } outcome = Outcome::implicit_deny;
  enum class Layer { identity, boundary, session, resource } layer = Layer::identity;  // the one that refused
  bool allowed() const { return outcome == Outcome::allowed; }
};

Decision decide(const PolicySet& policies, const Asked& asked);

/// "User: arn:... is not authorized to perform: ec2:X on resource: ... because no identity-based policy
/// allows the ec2:X action", with the variants for explicit denials and the other layers. `action` as AWS
/// spells it.
std::string refusal(const Decision& decision, std::string_view principal_arn, std::string_view action,
                    std::string_view resource);

}  // namespace nubecita::iam
