// What others may ask of IAM: who owns an access key, whether a principal may do a thing, credentials for a
// role, the accounts of the installation, certificates for HTTPS listeners. Functions work inside the
// caller's transaction unless they take the Store. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "api/service.hpp"
#include "base/result.hpp"
#include "services/iam/records.hpp"
#include "store/store.hpp"

namespace nubecita::iam {

const api::Service& service();

// ---- Credentials: for the gateway

struct Credential {
  std::string secret;
  api::Principal principal;
  std::string session_token;  // empty: a long-lived key, whose requests carry no token
  int64_t expires_ms = 0;     // 0: never
  bool active = true;         // false: switched off by UpdateAccessKey
};
/// Whose key it is; nothing if there is no such key (or its session is long over). One read of the store. The
/// caller verifies the signature with `secret` (SignatureDoesNotMatch), compares the token
/// (InvalidClientTokenId), `active` (InvalidClientTokenId) and the expiry (ExpiredToken).
std::optional<Credential> find_credential(store::Transaction& tx, std::string_view access_key_id);

// ---- Authorization: for the gateway and every service

/// Evaluates identity policies, permission boundary, session policies and the resource's policy as
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html says. The error
/// has the neutral code "AccessDenied", status 403: the gateway gives it the service's own
/// (UnauthorizedOperation for EC2, AccessDeniedException for JSON services). Conditions of the principal
/// (aws:username, aws:PrincipalTag/..., ...), aws:CurrentTime and aws:ResourceAccount are added here; those
/// of the request must be in the question.
class PolicyAuthorizer : public api::Authorizer {
 public:
  PolicyAuthorizer();
  ~PolicyAuthorizer() override;
  Status check(store::Transaction& tx, const Question& question) override;
};

/// iam:PassRole on the role with iam:PassedToService, e.g. "ecs-tasks.amazonaws.com": every operation that
/// takes a role calls it. Errors: AccessDenied; InvalidParameterException when `role_arn` is not the ARN of a
/// role.
Status check_pass_role(api::Call& call, std::string_view role_arn, std::string_view service_principal);

// ---- Roles

std::optional<Role> find_role(store::Transaction& tx, std::string_view role_arn);
/// Of an instance profile, by ARN, with its account.
std::optional<InstanceProfile> find_instance_profile(store::Transaction& tx, std::string_view arn);
/// Makes sure that a service-linked role of this account is there, e.g. "ecs.amazonaws.com"; answers its ARN.
Result<std::string> ensure_service_linked_role(store::Transaction& tx, std::string_view account,
                                               std::string_view service_principal, int64_t now);

struct TemporaryCredentials {
  std::string access_key_id, secret, session_token;
  int64_t expires_ms = 0;
  std::string principal_arn, principal_id;  // "arn:aws:sts::1:assumed-role/r/session", "AROA...:session"
};
/// Credentials of a role of `account` without asking its trust policy (the caller has). Errors: NoSuchEntity.
Result<TemporaryCredentials> issue_role_session(store::Transaction& tx, std::string_view account,
                                                std::string_view role_arn, std::string_view session_name,
                                                int64_t duration_s, std::string_view session_policy = {});
/// Credentials of a role for one of our services, e.g. "ecs-tasks.amazonaws.com" for a task role, if the
/// role's trust policy lets that service assume it. Errors: NoSuchEntity, AccessDenied.
Result<TemporaryCredentials> issue_service_session(store::Transaction& tx, std::string_view account,
                                                   std::string_view role_arn,
                                                   std::string_view service_principal,
                                                   std::string_view session_name, int64_t duration_s);
/// Whether the role's trust policy lets that service assume it. Errors: NoSuchEntity, AccessDenied.
Status check_service_trust(store::Transaction& tx, std::string_view role_arn,
                           std::string_view service_principal);

// ---- Accounts: for `nubecita init`

struct Bootstrap {
  std::string account, access_key_id, secret;
};
/// The first call on a store makes the management account (`account_id`, or a random one if that is empty)
/// with user "administrator" (AdministratorAccess) and an access key; later calls answer the same.
/// access_key_id is empty if that key has been deleted since. Errors: ValidationError (not twelve digits).
Result<Bootstrap> bootstrap(store::Store& store, std::string_view account_id = {});
/// A further account with an administrator of its own. Errors: EntityAlreadyExists (the name),
/// ValidationError.
Result<Bootstrap> create_account(store::Store& store, std::string_view name);
std::vector<Account> list_accounts(store::Transaction& tx);
/// Makes a key, puts it and the user's record.
AccessKey new_access_key(store::Transaction& tx, std::string_view account, User& user, int64_t now);

// ---- Server certificates: for HTTPS listeners

/// By ARN, in that account.
std::optional<ServerCertificate> find_server_certificate(store::Transaction& tx, std::string_view account,
                                                         std::string_view arn);
/// Whoever uses a certificate says so by its own ARN (of the listener), so that it cannot be deleted
/// meanwhile.
void use_server_certificate(store::Transaction& tx, std::string_view account, std::string_view arn,
                            std::string_view user);
void release_server_certificate(store::Transaction& tx, std::string_view account, std::string_view arn,
                                std::string_view user);

// ---- Policy documents of other services (ECR repository policies, ...)

/// Checks the grammar of a resource policy. Error MalformedPolicyDocument with AWS's text, for the caller to
/// translate.
Status check_resource_policy(std::string_view document);

}  // namespace nubecita::iam
