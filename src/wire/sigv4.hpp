// AWS Signature Version 4: what a request claims (parse_signature), and whether its claim holds
// (verify_signature). From the Authorization header or, presigned, from the query. Finding the key and
// deciding what it may do is the caller's. Any thread; derived signing keys are cached per thread.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "wire/protocol.hpp"

namespace nubecita::wire {

/// Error codes differ by the service's protocol (s3: AWS's REST XML of S3).
enum class SignatureErrors { query, ec2, json, s3 };

enum class Payload {
  absent,                      // no x-amz-content-sha256: the hash of the body that came is what was signed
  hashed,                      // x-amz-content-sha256 is a SHA-256 in hex, which the body must have
  unsigned_payload,            // UNSIGNED-PAYLOAD
  streaming_signed,            // STREAMING-AWS4-HMAC-SHA256-PAYLOAD
  streaming_signed_trailer,    // STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER
  streaming_unsigned_trailer,  // STREAMING-UNSIGNED-PAYLOAD-TRAILER
};

/// What the request claims. Text is copied, so that it may outlive the request.
struct SignedRequest {
  bool presigned = false;
  std::string access_key, date /*YYYYMMDD*/, region, service;
  std::string amz_date;        // YYYYMMDDTHHMMSSZ, as signed
  std::string signed_headers;  // "host;x-amz-date", sorted
  std::string signature;       // 64 hexadecimal digits
  std::string session_token;
  int64_t time_ms = 0;
  int64_t expires_s = 0;  // presigned: 1..604800
  Payload payload = Payload::absent;
  std::string payload_hash;  // x-amz-content-sha256 as sent; empty if absent
};

/// True if the request carries anything that looks like a signature.
bool has_signature(const RawRequest& request);

/// Takes the signature's parts from the header or the query. Only their form is looked at: `check_claim`
/// next. Errors (in the `query` style): MissingAuthenticationToken (no signature), IncompleteSignature
/// (malformed; the message names the part).
Result<SignedRequest> parse_signature(const RawRequest& request, SignatureErrors errors);

/// What can be said without the secret, in AWS's order: the time first, then the scope's date, the
/// signature's form, and the headers that must be signed. Errors (in the `query` style):
/// SignatureDoesNotMatch ("Signature expired: ...", 15 minutes of skew; of a presigned request past its time
/// in S3: AccessDenied), IncompleteSignature.
Status check_claim(const RawRequest& request, const SignedRequest& claim, int64_t now_ms,
                   SignatureErrors errors);

/// Checks the signature of a claim that `check_claim` let pass. `body_hash`: SHA-256 of the body in hex; may
/// be empty (body not there yet) if the claim has a payload hash or kind of its own: then the caller compares
/// payload_hash with the body when it has come. Errors (in the `query` style): SignatureDoesNotMatch, with
/// the canonical request in its message.
Status verify_signature(const RawRequest& request, const SignedRequest& claim, std::string_view secret,
                        std::string_view body_hash, SignatureErrors errors);

/// Code and message for a key that is not known, or whose session token is not (they look alike, as with
/// AWS).
ApiError unknown_key(SignatureErrors errors);
/// Code and message for a session token that has run out.
ApiError expired_token(SignatureErrors errors);

/// The canonical request of a claim, as the specification has it. For messages and tests.
std::string canonical_request(const RawRequest& request, const SignedRequest& claim,
                              std::string_view payload_hash);

/// Signs as a client would: answers the headers to add (x-amz-date, Authorization, and x-amz-security-token
/// if given). `request.headers` must have host and every header to be signed.
std::vector<std::pair<std::string, std::string>> sign(const RawRequest& request, std::string_view access_key,
                                                      std::string_view secret, std::string_view token,
                                                      std::string_view region, std::string_view service,
                                                      int64_t now_ms);

/// SHA-256 in lower-case hex; quicker than to_hex(sha256()) for small inputs.
std::string sha256_hex(std::string_view bytes);

}  // namespace nubecita::wire
