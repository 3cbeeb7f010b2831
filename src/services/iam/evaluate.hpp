// From a principal to the policies that bear on it: between the store and the pure engine
// (policy_decision.hpp). The caller's transaction, any thread.
#pragma once

#include <optional>

#include "api/call.hpp"
#include "services/iam/policy_decision.hpp"
#include "services/iam/records.hpp"

namespace nubecita::iam {

/// A principal's policies and tags.
struct Gathered {
  PolicySet set;
  Tags tags;
  std::string role_arn;  // of a role's session
  bool sound =
      true;  // false: a stored document no longer parses, or the principal is gone: nothing is allowed
};
Gathered gather(store::Transaction& tx, std::string_view account, const User& user);
Gathered gather(store::Transaction& tx, std::string_view account, const Role& role);
/// Of whoever signed, with session policies. A user or role that was deleted since is not sound.
Gathered gather(store::Transaction& tx, const api::Principal& principal);

PrincipalView view_of(const api::Principal& principal, const Gathered& gathered);

/// What the services tell, and what is known of the principal (made when first asked for).
class RequestContext : public Context {
 public:
  RequestContext(const api::RequestConditions& request, const api::Conditions& given,
                 const api::Principal& principal, const PrincipalView& view, const Tags& tags,
                 std::string_view resource_account)
      : request_(request),
        given_(given),
        principal_(principal),
        view_(view),
        tags_(tags),
        resource_account_(resource_account) {}
  const std::vector<std::string>* find(std::string_view key) const override;

 private:
  void make_own() const;
  const api::RequestConditions& request_;
  const api::Conditions& given_;
  const api::Principal& principal_;
  const PrincipalView& view_;
  const Tags& tags_;
  std::string_view resource_account_;
  mutable std::optional<api::Conditions> own_;
};

/// Whether the principal may do `action` to a role by its identity policies and the role's trust policy.
Decision decide_assume(store::Transaction& tx, const api::Principal& principal, std::string_view action,
                       std::string_view role_account, const Role& role, const api::Conditions& conditions);

}  // namespace nubecita::iam
