#include "services/s3/identity.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "services/iam/credential_cache.hpp"
#include "services/s3/errors.hpp"
#include "services/s3/route.hpp"
#include "wire/sigv4_canonical.hpp"

namespace nubecita::s3 {
namespace {

constexpr auto kStyle = wire::SignatureErrors::s3;
constexpr int64_t kSkewMs = 15 * 60 * 1000;

Failure mismatch() {
  return fail(
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your key and "
      "signing method.",
      403);
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// The key's owner, if the key is good and the token its own.
Result<std::shared_ptr<const iam::Credential>> find(iam::CredentialCache& credentials, std::string_view key,
                                                    std::string_view token) {
  auto credential = credentials.find(key);
  // Without its token a session's key is none.
  if (!credential || !credential->active || (token.empty() && !credential->session_token.empty()))
    return fail(wire::unknown_key(kStyle));
  if (!same_secret(credential->session_token, token))
    return fail("InvalidToken", "The provided token is malformed or otherwise invalid.", 400);
  return credential;
}
Status check_expiry(const iam::Credential& c, int64_t now) {
  if (c.expires_ms && now >= c.expires_ms) return fail(wire::expired_token(kStyle));
  return {};
}

Claim make_claim(const iam::Credential& c, std::string_view method, std::string_view version) {
  Claim out;
  out.principal = c.principal;
  out.secret = c.secret;
  out.method = method;
  out.version = version;
  out.region = "us-east-1";
  return out;
}

Result<Claim> identify_v4(iam::CredentialCache& credentials, const http::Head& head, int64_t now) {
  const wire::RawRequest raw{head.method, head.path, head.query, head.headers, {}};
  TRY_LET(auto v4, wire::parse_signature(raw, kStyle));
  TRY(wire::check_claim(raw, v4, now, kStyle));
  if (v4.service != "s3")
    return fail(v4.presigned ? "AuthorizationQueryParametersError" : "AuthorizationHeaderMalformed",
                "The credential is scoped to the service '" + v4.service + "', expecting 's3'.", 400);
  if (v4.payload == wire::Payload::absent)
    return invalid_request("Missing required header for this request: x-amz-content-sha256");
  // Whoever holds a presigned URL must not add what changes its meaning (a copy's source, a list of grants).
  const auto listed = ";" + v4.signed_headers + ";";
  for (auto& [name, value] : head.headers)
    if (name.starts_with("x-amz-") && name != "x-amz-content-sha256" &&
        listed.find(";" + std::string(name) + ";") == std::string::npos)
      return fail(ApiError{"AccessDenied",
                           403,
                           "There were headers present in the request which were not signed",
                           {{"HeadersNotSigned", std::string(name)}}});
  TRY_LET(auto credential, find(credentials, v4.access_key, v4.session_token));
  TRY(wire::verify_signature(raw, v4, credential->secret, {}, kStyle));
  TRY(check_expiry(*credential, now));
  auto claim =
      make_claim(*credential, v4.presigned ? "REST-QUERY-STRING" : "REST-HEADER", "AWS4-HMAC-SHA256");
  claim.region = v4.region;
  claim.v4 = std::move(v4);
  return claim;
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html
std::string text_of_v2(const http::Head& head, std::string_view path, std::string_view date) {
  std::string out(head.method);
  out.append("\n").append(head.header("content-md5")).append("\n").append(head.header("content-type"));
  out.append("\n").append(date).append("\n");
  std::map<std::string, std::string> amz;
  for (auto& [n, v] : head.headers)
    if (n.starts_with("x-amz-")) {
      auto& at = amz[std::string(n)];
      at += (at.empty() ? "" : ",") + std::string(v);
    }
  for (auto& [n, v] : amz) out.append(n).append(":").append(v).append("\n");
  out.append(path.empty() ? "/" : path);
  static constexpr std::string_view signed_parameters[] = {"accelerate",
                                                           "acl",
                                                           "cors",
                                                           "delete",
                                                           "encryption",
                                                           "legal-hold",
                                                           "lifecycle",
                                                           "location",
                                                           "logging",
                                                           "notification",
                                                           "object-lock",
                                                           "partNumber",
                                                           "policy",
                                                           "policyStatus",
                                                           "publicAccessBlock",
                                                           "replication",
                                                           "requestPayment",
                                                           "response-cache-control",
                                                           "response-content-disposition",
                                                           "response-content-encoding",
                                                           "response-content-language",
                                                           "response-content-type",
                                                           "response-expires",
                                                           "restore",
                                                           "retention",
                                                           "tagging",
                                                           "torrent",
                                                           "uploadId",
                                                           "uploads",
                                                           "versionId",
                                                           "versioning",
                                                           "versions",
                                                           "website"};
  char separator = '?';
  for (auto name : signed_parameters) {
    if (!has_parameter(head.query, name)) continue;
    std::string value;
    http::query_value(head.query, name, value);
    out.append(1, std::exchange(separator, '&')).append(name);
    if (!value.empty()) out.append("=").append(value);
  }
  return out;
}

Result<Claim> identify_v2(iam::CredentialCache& credentials, const http::Head& head, const Target& target,
                          int64_t now) {
  std::string key, signature, token(head.header("x-amz-security-token")), date(head.header("date"));
  const auto authorization = head.header("authorization");
  const bool in_query = authorization.empty();
  if (in_query) {
    std::string expires;
    http::query_value(head.query, "AWSAccessKeyId", key);
    http::query_value(head.query, "Signature", signature);
    http::query_value(head.query, "Expires", expires);
    http::query_value(head.query, "x-amz-security-token", token);
    int64_t until = 0;
    auto [end, ec] = std::from_chars(expires.data(), expires.data() + expires.size(), until);
    if (ec != std::errc() || end != expires.data() + expires.size() || signature.empty())
      return access_denied(
          "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters");
    if (now / 1000 > until) return access_denied("Request has expired");
    date = expires;
  } else {
    const auto colon = authorization.find(':');
    if (colon == std::string_view::npos || colon <= 4)
      return invalid_argument("AWS authorization header is invalid. Expected AwsAccessKeyId:signature");
    key = authorization.substr(4, colon - 4);
    signature = authorization.substr(colon + 1);
    // It counts instead of Date even if it says nothing.
    const bool amz = std::ranges::any_of(head.headers, [](auto& h) { return h.first == "x-amz-date"; });
    auto sent = parse_time(amz ? head.header("x-amz-date") : std::string_view(date));
    if (!sent || *sent < 0)
      return access_denied("AWS authentication requires a valid Date or x-amz-date header");
    if (std::abs(*sent - now) > kSkewMs)
      return fail("RequestTimeTooSkewed",
                  "The difference between the request time and the current time is too large.", 403);
    if (amz) date.clear();
  }
  // What this signature does not cover could be added by anybody.
  for (auto name : {"attributes", "ownershipControls"})
    if (has_parameter(head.query, name)) return not_implemented("Signature V2 for this operation");
  TRY_LET(auto credential, find(credentials, key, token));
  auto signs = [&](std::string_view path) {
    return same_secret(sign_v2(credential->secret, text_of_v2(head, path, date)), signature);
  };
  // Some clients ask for /bucket and sign /bucket/: both name the bucket.
  const bool whole_bucket = !target.bucket.empty() && target.key.empty() && !target.path.ends_with('/');
  if (!signs(target.path) && !(whole_bucket && signs(target.path + "/"))) return mismatch();
  TRY(check_expiry(*credential, now));
  auto claim = make_claim(*credential, in_query ? "REST-QUERY-STRING" : "REST-HEADER", "AWS");
  claim.v4.payload = wire::Payload::unsigned_payload;
  return claim;
}

}  // namespace

std::string sign_v2(std::string_view secret, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &n);
  return base64({reinterpret_cast<char*>(out), n});
}

Result<Claim> identify(iam::CredentialCache& credentials, const http::Head& head, const Target& target,
                       int64_t now) {
  const auto authorization = head.header("authorization");
  if (authorization.starts_with("AWS ") ||
      (authorization.empty() && has_parameter(head.query, "AWSAccessKeyId")))
    return identify_v2(credentials, head, target, now);
  const wire::RawRequest raw{head.method, head.path, head.query, head.headers, {}};
  if (!authorization.empty() || wire::has_signature(raw)) return identify_v4(credentials, head, now);
  Claim nobody;
  nobody.region = "us-east-1";
  nobody.v4.payload = wire::Payload::unsigned_payload;
  if (head.header("x-amz-content-sha256") == "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    nobody.v4.payload = wire::Payload::streaming_unsigned_trailer;
  return nobody;
}

Result<Claim> identify_form(iam::CredentialCache& credentials, const FormClaim& form, int64_t now) {
  if (form.algorithm.empty()) {
    TRY_LET(auto credential, find(credentials, form.credential, form.token));
    if (!same_secret(sign_v2(credential->secret, form.policy), form.signature)) return mismatch();
    TRY(check_expiry(*credential, now));
    return make_claim(*credential, "POST", "AWS");
  }
  if (form.algorithm != wire::kAlgorithm)
    return invalid_argument("x-amz-algorithm only supports \"AWS4-HMAC-SHA256\"", "x-amz-algorithm",
                            form.algorithm);
  std::vector<std::string> parts(1);
  for (char c : form.credential) {
    if (c == '/')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  if (parts.size() != 5 || parts[3] != "s3" || parts[4] != "aws4_request")
    return invalid_argument("The credential must be KEY/DATE/REGION/s3/aws4_request", "x-amz-credential",
                            form.credential);
  TRY_LET(auto credential, find(credentials, parts[0], form.token));
  const auto key = wire::signing_key(parts[0], credential->secret, parts[1], parts[2], parts[3]);
  char hex[64];
  wire::hex_of(wire::hmac_sha256(wire::view(key), form.policy), hex);
  if (!same_secret({hex, sizeof hex}, form.signature)) return mismatch();
  TRY(check_expiry(*credential, now));
  auto claim = make_claim(*credential, "POST", "AWS4-HMAC-SHA256");
  claim.region = parts[2];
  return claim;
}

}  // namespace nubecita::s3
