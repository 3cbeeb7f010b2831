// A policy document, parsed and compiled. Pure: no store, no clock. A Policy is constant once parsed and may
// be used by any thread. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "services/iam/policy_condition.hpp"
#include "services/iam/policy_pattern.hpp"

namespace nubecita::iam {

/// Who asks, as resource policies see it.
struct PrincipalView {
  std::string account;
  std::string arn;       // of the user, the root user or the role's session
  std::string role_arn;  // of a role's session: the role; empty otherwise
  std::string id;        // "AIDA...", "AROA...:session"
  std::string service;   // "ecs-tasks.amazonaws.com" when a service asks for itself
  bool anonymous = false;
};

/// How a Principal element names the one who asks; the stronger, the more it grants by itself.
enum class Naming {
  none,
  account,   // the principal's account (its root): delegates to that account's identity policies
  role,      // the role whose session it is
  direct,    // this very user, session, root user or service
  everyone,  // "*"
};

enum class PolicyKind {
  identity,  // users, groups, roles, managed policies, boundaries, session policies: Resource, no Principal
  trust,     // of a role: Principal, no Resource, sts actions only
  resource,  // Principal; Resource may be left out (ECR) or not
};

class Policy {
 public:
  /// Error MalformedPolicyDocument with AWS's messages.
  static Result<std::shared_ptr<const Policy>> parse(std::string_view document, PolicyKind kind);

  struct Verdict {
    bool denied = false;
    bool allowed = false;
    Naming naming =
        Naming::none;  // the strongest of the statements that allow; everyone for identity policies
  };
  /// `action` lower-cased, e.g. "ec2:createvpc". Looks at all statements unless one denies.
  Verdict evaluate(std::string_view action, std::string_view resource, const PrincipalView& principal,
                   const Context& context) const;

  /// Principals named "arn:...", for the check that they exist, as written.
  const std::vector<std::string>& principal_arns() const { return principal_arns_; }
  /// Condition keys used, lower-cased.
  std::vector<std::string> context_keys() const;

 private:
  friend class PolicyParser;
  struct Principals {
    bool everyone = false;
    std::vector<std::string> accounts;  // twelve digits
    std::vector<std::string> arns;      // of users, roles, sessions; unique ids
    std::vector<std::string> services;
  };
  struct Statement {
    std::string sid;
    bool deny = false, not_action = false, not_resource = false, not_principal = false, has_principal = false;
    bool has_resource = false;
    std::vector<Pattern> actions, resources;
    Principals principals;
    std::vector<Condition> conditions;
  };
  static Naming naming(const Principals& named, const PrincipalView& principal);
  static bool applies(const Statement& s, std::string_view action, std::string_view resource,
                      const PrincipalView& principal, const Context& context, Naming& how);

  std::vector<Statement> statements_;
  std::vector<std::string> principal_arns_;
};

}  // namespace nubecita::iam
