#include "services/iam/policy.hpp"

#include <algorithm>

namespace nubecita::iam {

Naming Policy::naming(const Principals& named, const PrincipalView& who) {
  auto has = [](const std::vector<std::string>& list, const std::string& x) {
    return !x.empty() && std::find(list.begin(), list.end(), x) != list.end();
  };
  if (!who.service.empty()) return has(named.services, who.service) ? Naming::direct : Naming::none;
  if (named.everyone) return Naming::everyone;
  if (who.anonymous) return Naming::none;
  if (has(named.arns, who.arn) || has(named.arns, who.id)) return Naming::direct;
  const bool is_root = who.arn == "arn:aws:iam::" + who.account + ":root";
  if (has(named.accounts, who.account)) return is_root ? Naming::direct : Naming::account;
  if (has(named.arns, who.role_arn)) return Naming::role;
  if (!who.role_arn.empty() && has(named.arns, who.id.substr(0, who.id.find(':')))) return Naming::role;
  return Naming::none;
}

bool Policy::applies(const Statement& s, std::string_view action, std::string_view resource,
                     const PrincipalView& principal, const Context& context, Naming& how) {
  auto matches = [&](const std::vector<Pattern>& patterns, std::string_view text) {
    for (auto& p : patterns)
      if (p.matches(text, context)) return true;
    return false;
  };
  if (matches(s.actions, action) == s.not_action) return false;
  if (s.has_resource && matches(s.resources, resource) == s.not_resource) return false;
  how = Naming::everyone;
  if (s.has_principal) {
    auto n = naming(s.principals, principal);
    if (s.not_principal) {
      // Naming the account alone does not exempt its users: each exempted principal must be named itself.
      if (n == Naming::direct || n == Naming::role || n == Naming::everyone) return false;
    } else {
      // A denial for an account hits everybody in it.
      if (n == Naming::none) return false;
      how = n;
    }
  }
  for (auto& c : s.conditions)
    if (!c.holds(context)) return false;
  return true;
}

Policy::Verdict Policy::evaluate(std::string_view action, std::string_view resource,
                                 const PrincipalView& principal, const Context& context) const {
  Verdict v;
  for (auto& s : statements_) {
    if (!s.deny && v.allowed && v.naming == Naming::everyone) continue;  // nothing to win
    Naming how = Naming::none;
    if (!applies(s, action, resource, principal, context, how)) continue;
    if (s.deny) {
      v.denied = true;
      return v;
    }
    v.allowed = true;
    v.naming = std::max(v.naming, how);
  }
  return v;
}

std::vector<std::string> Policy::context_keys() const {
  std::vector<std::string> keys;
  for (auto& s : statements_)
    for (auto& c : s.conditions) keys.push_back(c.key());
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

}  // namespace nubecita::iam
