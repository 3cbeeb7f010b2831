#include "services/iam/policy_decision.hpp"

#include <algorithm>

namespace nubecita::iam {

namespace {

using Outcome = Decision::Outcome;
using Layer = Decision::Layer;

Policy::Verdict judge(const std::vector<PolicyPtr>& policies, const Asked& asked) {
  Policy::Verdict sum;
  for (auto& p : policies) {
    auto v = p->evaluate(asked.action, asked.resource, asked.principal, asked.context);
    if (v.denied) return v;
    sum.allowed |= v.allowed;
    sum.naming = std::max(sum.naming, v.naming);
  }
  return sum;
}

}  // namespace

Decision decide(const PolicySet& set, const Asked& asked) {
  auto identity = judge(set.identity, asked);
  if (identity.denied) return {Outcome::explicit_deny, Layer::identity};
  auto boundary = judge(set.boundary, asked);
  if (boundary.denied) return {Outcome::explicit_deny, Layer::boundary};
  auto session = judge(set.session, asked);
  if (session.denied) return {Outcome::explicit_deny, Layer::session};
  Policy::Verdict resource;
  if (set.resource)
    resource = set.resource->evaluate(asked.action, asked.resource, asked.principal, asked.context);
  if (resource.denied) return {Outcome::explicit_deny, Layer::resource};

  // A service that asks for itself, and somebody without an account, have only what the resource's policy
  // gives.
  if (!asked.principal.service.empty() || asked.principal.anonymous)
    return resource.allowed ? Decision{Outcome::allowed, {}}
                            : Decision{Outcome::implicit_deny, Layer::resource};

  const bool same_account =
      asked.resource_account.empty() || asked.resource_account == asked.principal.account;
  if ((!same_account || set.resource_required) && !resource.allowed)
    return {Outcome::implicit_deny, Layer::resource};

  const bool boundary_allows = set.root || !set.has_boundary || boundary.allowed;
  const bool session_allows = !set.has_session || session.allowed;
  const bool is_session = !asked.principal.role_arn.empty();
  if (same_account && resource.allowed) {
    // The resource's policy is enough when it names the principal: a user or a session by itself (not even a
    // missing allowance of boundary or session policy matters then), a role within its boundary and session
    // policy.
    if (resource.naming == Naming::direct) return {Outcome::allowed, {}};
    if (resource.naming == Naming::everyone && !is_session) return {Outcome::allowed, {}};
    if (resource.naming == Naming::role || resource.naming == Naming::everyone) {
      if (!boundary_allows) return {Outcome::implicit_deny, Layer::boundary};
      if (!session_allows) return {Outcome::implicit_deny, Layer::session};
      return {Outcome::allowed, {}};
    }
  }
  if (!set.root && !identity.allowed) return {Outcome::implicit_deny, Layer::identity};
  if (!boundary_allows) return {Outcome::implicit_deny, Layer::boundary};
  if (!session_allows) return {Outcome::implicit_deny, Layer::session};
  return {Outcome::allowed, {}};
}

std::string refusal(const Decision& d, std::string_view principal_arn, std::string_view action,
                    std::string_view resource) {
  static constexpr std::string_view no_allow[] = {"identity-based policy", "permissions boundary",
                                                  "session policy", "resource-based policy"};
  static constexpr std::string_view denied_by[] = {"an identity-based policy", "a permissions boundary",
                                                   "a session policy", "a resource-based policy"};
  std::string out = "User: ";
  out.append(principal_arn).append(" is not authorized to perform: ").append(action);
  out.append(" on resource: ").append(resource);
  const auto layer = static_cast<size_t>(d.layer);
  if (d.outcome == Outcome::explicit_deny) {
    out.append(" with an explicit deny in ").append(denied_by[layer]);
  } else {
    out.append(" because no ")
        .append(no_allow[layer])
        .append(" allows the ")
        .append(action)
        .append(" action");
  }
  return out;
}

}  // namespace nubecita::iam
