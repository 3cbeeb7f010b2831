#include "api/call.hpp"

#include "base/arn.hpp"
#include "base/ids.hpp"

namespace nubecita::api {

Status Call::authorize(std::string_view resource, const Conditions& conditions, std::string_view action,
                       std::string_view resource_policy, std::string_view resource_account) {
  std::string full_action(action);
  if (full_action.empty()) full_action.append(service).append(":").append(operation);
  auto allowed = cloud.authorizer->check(
      tx, {principal, full_action, resource, request_conditions, conditions, resource_policy,
           resource_account.empty() ? std::string_view(account) : resource_account});
  if (allowed) authorized_ = true;
  return allowed;
}

std::string Call::arn(std::string_view arn_service, std::string_view resource) const {
  return nubecita::arn(arn_service, region, account, resource);
}

// A page token is "1:" and the last id, in base64: opaque to clients, checkable by us.
std::string encode_token(std::string_view id) { return base64("1:" + std::string(id)); }

Result<std::string> decode_token(std::string_view token, std::string_view bad_token_code) {
  std::string raw;
  if (!base64_decode(token, raw) || !raw.starts_with("1:"))
    return fail(bad_token_code,
                "The pagination token is not valid: use the one of the previous answer unchanged.");
  return raw.substr(2);
}

}  // namespace nubecita::api
