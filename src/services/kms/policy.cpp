// GetKeyPolicy, PutKeyPolicy, ListKeyPolicies.
#include "models/kms.hpp"
#include "services/iam/iam.hpp"
#include "services/kms/keys.hpp"
#include "services/kms/policy_check.hpp"

namespace nubecita::kms {

Status check_policy(api::Call& call, const Located& at, std::string_view policy, bool bypass) {
  if (auto good = iam::check_resource_policy(policy); !good)
    return fail("MalformedPolicyDocumentException", good.error().message);
  if (bypass) return {};
  auto future = at;
  future.key.policy = std::string(policy);
  if (!check_allowed(asker_of(call), future, "PutKeyPolicy", {}))
    return fail("MalformedPolicyDocumentException",
                "The new key policy will not allow you to update the key policy in the future.");
  return {};
}

namespace {
Status check_name(wire::Text name) {
  if (name.has() && name != "default") return fail("NotFoundException", "No such policy exists");
  return {};
}
}  // namespace

Status get_key_policy(api::Call& call, const model::GetKeyPolicyRequest& in,
                      model::GetKeyPolicyResponse& out) {
  TRY_LET(auto at, locate(call, in.key_id));
  TRY(check_name(in.policy_name));
  out.policy = call.text(at.key.policy);
  out.policy_name = "default";
  return {};
}

Status put_key_policy(api::Call& call, const model::PutKeyPolicyRequest& in, model::PutKeyPolicyResponse&) {
  TRY_LET(auto at, locate_own(call, in.key_id));
  TRY(check_name(in.policy_name));
  TRY(check_policy(call, at, in.policy, in.bypass_policy_lockout_safety_check.value_or(false)));
  at.key.policy = api::str(in.policy);
  call.tx.put(at.scope, at.key);
  return {};
}

Status list_key_policies(api::Call& call, const model::ListKeyPoliciesRequest& in,
                         model::ListKeyPoliciesResponse& out) {
  TRY(locate(call, in.key_id));
  out.policy_names = call.texts({"default"});
  out.truncated = false;
  return {};
}

}  // namespace nubecita::kms
