// Questions about credentials, and sessions of users: GetCallerIdentity, GetAccessKeyInfo, GetSessionToken.
#include "models/sts.hpp"
#include "services/iam/sessions.hpp"
#include "services/sts/answers.hpp"

namespace nubecita::sts {

using api::Principal;

// Nothing can forbid it, as on AWS: it tells only what the caller's credentials already say.
Status get_caller_identity(Call& call, const model::GetCallerIdentityRequest&,
                           model::GetCallerIdentityResponse& out) {
  if (call.principal.kind == Principal::Kind::anonymous || call.principal.kind == Principal::Kind::system)
    return fail("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
  call.authorize_nothing();
  out.user_id = call.text(call.principal.id);
  out.account = call.text(call.principal.account);
  out.arn = call.text(call.principal.arn);
  return {};
}

Status get_access_key_info(Call& call, const model::GetAccessKeyInfoRequest& in,
                           model::GetAccessKeyInfoResponse& out) {
  TRY(call.authorize("*"));
  auto credential = iam::find_credential(call.tx, in.access_key_id);
  if (!credential)
    return fail("ValidationError", "Access key ID " + api::str(in.access_key_id) + " does not exist.");
  out.account = call.text(credential->principal.account);
  return {};
}

Status get_session_token(Call& call, const model::GetSessionTokenRequest& in,
                         model::GetSessionTokenResponse& out) {
  const auto& who = call.principal;
  if (who.token_issued_ms != 0 || who.kind == Principal::Kind::role)
    return fail("AccessDenied", "Cannot call GetSessionToken with session credentials", 403);
  if (who.kind != Principal::Kind::user && who.kind != Principal::Kind::root)
    return fail("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
  call.authorize_nothing();  // the session can do at most what the user can
  const bool root = who.kind == Principal::Kind::root;
  TRY_LET(auto seconds, duration(in.duration_seconds, root ? 3600 : 43200, root ? 3600 : 129600));
  iam::Session s;
  s.kind = root ? "root" : "user";
  s.account = who.account;
  s.name = who.name;
  s.principal_arn = who.arn;
  s.principal_id = who.id;
  auto issued = iam::start_session(call.tx, std::move(s), call.now, seconds);
  out.credentials = answer(call, issued);
  return {};
}

}  // namespace nubecita::sts
