// Who asks S3: Signature V4 in the Authorization header or the query, Signature V2 (old presigned URLs and
// browser forms), or nobody. The body is checked when it has come (intake.hpp). Any thread.
#pragma once

#include <string>
#include <string_view>

#include "api/call.hpp"
#include "base/result.hpp"
#include "http/message.hpp"
#include "services/iam/credential_cache.hpp"
#include "services/s3/target.hpp"
#include "wire/sigv4.hpp"

namespace nubecita::s3 {

struct Claim {
  api::Principal principal;  // anonymous unless signed
  std::string region;
  std::string secret;                     // of the key, for signatures of chunks
  wire::SignedRequest v4;                 // its payload says what the body is
  std::string_view method = "anonymous";  // s3:authType: REST-HEADER, REST-QUERY-STRING, POST
  std::string_view version;               // s3:signatureversion: "AWS4-HMAC-SHA256", "AWS"
  bool anonymous() const { return principal.kind == api::Principal::Kind::anonymous; }
};

Result<Claim> identify(iam::CredentialCache& credentials, const http::Head& head, const Target& target,
                       int64_t now);

/// Of a browser form: `signature` over the text of the policy. `credential` is V4's scope or, for V2, the
/// key.
struct FormClaim {
  std::string algorithm, credential, date, signature, token, policy;
};
Result<Claim> identify_form(iam::CredentialCache& credentials, const FormClaim& form, int64_t now);

/// HMAC-SHA1 in base64, as Signature V2 has it. For tests too.
std::string sign_v2(std::string_view secret, std::string_view text);

}  // namespace nubecita::s3
