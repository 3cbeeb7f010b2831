#include "wire/sigv4.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/clock.hpp"
#include "wire/sigv4_canonical.hpp"

namespace nubecita::wire {
namespace {

constexpr int64_t kSkewMs = 15 * 60 * 1000;
using Errors = SignatureErrors;

// --- errors, as each kind of service spells them ---

std::unexpected<ApiError> missing(Errors e) {
  if (e == Errors::s3) return fail("AccessDenied", "Access Denied", 403);
  if (e == Errors::json) return fail("MissingAuthenticationTokenException", "Missing Authentication Token");
  return fail("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
}
std::unexpected<ApiError> incomplete(Errors e, std::string message) {
  if (e == Errors::s3) return fail("AuthorizationHeaderMalformed", std::move(message));
  if (e == Errors::json) return fail("IncompleteSignatureException", std::move(message));
  return fail("IncompleteSignature", std::move(message));
}
std::unexpected<ApiError> mismatch(Errors e, std::string message) {
  if (e == Errors::json) return fail("InvalidSignatureException", std::move(message));
  return fail("SignatureDoesNotMatch", std::move(message), 403);
}
std::unexpected<ApiError> bad_time(Errors e, std::string message) {
  if (e == Errors::s3)
    return fail("RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.", 403);
  if (e == Errors::ec2) return fail("RequestExpired", "Request has expired. " + message);
  return mismatch(e, std::move(message));
}

// --- parsing ---

bool is_hash(std::string_view s) {
  if (s.size() != 64) return false;
  for (char c : s)
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  return true;
}

Payload payload_kind(std::string_view v) {
  if (v.empty()) return Payload::absent;
  if (v == "UNSIGNED-PAYLOAD") return Payload::unsigned_payload;
  if (v == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") return Payload::streaming_signed;
  if (v == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") return Payload::streaming_signed_trailer;
  if (v == "STREAMING-UNSIGNED-PAYLOAD-TRAILER") return Payload::streaming_unsigned_trailer;
  return Payload::hashed;
}

Status parse_credential(std::string_view text, SignedRequest& out, Errors e) {
  // The access key comes first and may hold no slash; the last four parts are fixed.
  std::vector<std::string_view> parts;
  for (auto rest = text;;) {
    auto slash = rest.find('/');
    parts.push_back(rest.substr(0, slash));
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (parts.size() != 5)
    return incomplete(e,
                      "Credential must have exactly 5 slash-delimited elements, e.g. "
                      "keyid/date/region/service/term, got '" +
                          std::string(text) + "'");
  if (parts[0].empty() || parts[2].empty() || parts[3].empty())
    return incomplete(
        e, "Credential must name an access key, a region and a service, got '" + std::string(text) + "'");
  if (parts[4] != "aws4_request")
    return mismatch(e, "Credential should be scoped with a valid terminator: 'aws4_request', not '" +
                           std::string(parts[4]) + "'.");
  out.access_key = parts[0];
  out.date = parts[1];
  out.region = parts[2];
  out.service = parts[3];
  return {};
}

bool is_listed(std::string_view name, std::string_view list) {
  while (!list.empty()) {
    const auto entry = list.substr(0, list.find(';'));
    if (entry == name) return true;
    list.remove_prefix(std::min(list.size(), entry.size() + 1));
  }
  return false;
}

Status check_signed_headers(const RawRequest& request, const SignedRequest& c, Errors e) {
  bool host = false;
  std::string_view last;
  for (auto rest = std::string_view(c.signed_headers); !rest.empty();) {
    auto name = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    for (char ch : name)
      if (ch >= 'A' && ch <= 'Z')
        return incomplete(e, "SignedHeaders must be in lower case: '" + c.signed_headers + "'.");
    if (name <= last)
      return incomplete(e, "SignedHeaders must be sorted and without repeats: '" + c.signed_headers + "'.");
    last = name;
    host |= name == "host";
  }
  if (!host) return mismatch(e, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  // What changes the meaning of a request must be under its signature.
  for (auto& [n, v] : request.headers) {
    for (std::string_view must : {"x-amz-date", "x-amz-target", "x-amz-security-token"}) {
      if (same_name(n, must) && !is_listed(must, c.signed_headers))
        return mismatch(e, "'" + std::string(must) + "' must be a 'SignedHeader' in the AWS Authorization.");
    }
  }
  return {};
}

Result<SignedRequest> finish_parse(SignedRequest c, Errors e) {
  auto time = parse_time(c.amz_date);
  if (c.amz_date.size() != 16 || !time)
    return incomplete(e, "Date must be in ISO-8601 'basic format'. Got '" + c.amz_date +
                             "'. See http://en.wikipedia.org/wiki/ISO_8601");
  c.time_ms = *time;
  return c;
}

std::string basic_format(int64_t ms) {
  std::string out;
  for (char ch : iso8601(ms))
    if (ch != '-' && ch != ':') out += ch;
  return out;
}

Result<SignedRequest> parse_header(const RawRequest& request, std::string_view authorization, Errors e) {
  SignedRequest c;
  authorization.remove_prefix(kAlgorithm.size());
  std::string_view credential, headers, signature;
  // AWS takes spaces without commas, too.
  for (;;) {
    authorization.remove_prefix(std::min(authorization.size(), authorization.find_first_not_of(", ")));
    if (authorization.empty()) break;
    const auto part = authorization.substr(0, authorization.find_first_of(", "));
    authorization.remove_prefix(part.size());
    auto eq = part.find('=');
    if (eq == std::string_view::npos)
      return incomplete(e, "'" + std::string(part) +
                               "' not a valid key=value pair (missing equal-sign) in Authorization header.");
    auto name = part.substr(0, eq), value = part.substr(eq + 1);
    if (name == "Credential") credential = value;
    if (name == "SignedHeaders") headers = value;
    if (name == "Signature") signature = value;
  }
  auto need = [](std::string_view v, const char* name) {
    return v.empty() ? std::string("Authorization header requires '") + name + "' parameter. "
                     : std::string();
  };
  std::string absent =
      need(credential, "Credential") + need(signature, "Signature") + need(headers, "SignedHeaders");
  auto date = request.header("x-amz-date");
  auto plain_date = request.header("date");
  if (date.empty() && plain_date.empty())
    absent += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  if (!absent.empty()) return incomplete(e, absent.substr(0, absent.size() - 1));
  TRY(parse_credential(credential, c, e));
  c.signed_headers = headers;
  c.signature = signature;
  c.amz_date = date;
  if (date.empty()) {
    auto t = parse_time(plain_date);
    c.amz_date = t ? basic_format(*t) : std::string(plain_date);
  }
  c.session_token = request.header("x-amz-security-token");
  c.payload_hash = request.header("x-amz-content-sha256");
  c.payload = payload_kind(c.payload_hash);
  if (c.payload == Payload::hashed && !is_hash(c.payload_hash))
    return fail(e == Errors::s3 ? "InvalidArgument" : "SignatureDoesNotMatch",
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING kind, or a valid sha256 value.");
  return finish_parse(std::move(c), e);
}

std::string decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::optional<std::string> parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    auto part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    auto eq = part.find('=');
    if (part.substr(0, eq) == name)
      return eq == std::string_view::npos ? std::string() : decoded(part.substr(eq + 1));
  }
  return {};
}

Result<SignedRequest> parse_presigned(const RawRequest& request, Errors e) {
  SignedRequest c;
  c.presigned = true;
  auto get = [&](std::string_view name) { return parameter(request.query, name).value_or(""); };
  if (auto a = get("X-Amz-Algorithm"); a != kAlgorithm)
    return incomplete(e, "Unsupported AWS 'algorithm': '" + a + "' (must be 'AWS4-HMAC-SHA256').");
  std::string absent;
  for (const char* name : {"X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature"})
    if (get(name).empty()) absent += std::string("AWS query-string parameters must include '") + name + "'. ";
  if (!absent.empty()) return incomplete(e, absent + "Re-examine the query-string parameters.");
  TRY(parse_credential(get("X-Amz-Credential"), c, e));
  c.amz_date = get("X-Amz-Date");
  c.signed_headers = get("X-Amz-SignedHeaders");
  c.signature = get("X-Amz-Signature");
  c.session_token = get("X-Amz-Security-Token");
  // Only S3 insists on an expiry; the others (sts) have 15 minutes.
  auto expires = get("X-Amz-Expires");
  c.expires_s = 900;
  if (!expires.empty() || e == Errors::s3) {
    auto [end, ec] = std::from_chars(expires.data(), expires.data() + expires.size(), c.expires_s);
    if (ec != std::errc() || end != expires.data() + expires.size() || c.expires_s < 1 ||
        c.expires_s > 604800)
      return fail(e == Errors::s3 ? "AuthorizationQueryParametersError" : "IncompleteSignature",
                  "X-Amz-Expires must be a number of seconds between 1 and 604800.");
  }
  // The hash is in a header, or (as some clients send it) a parameter; S3's presigned requests sign none.
  c.payload_hash = request.header("x-amz-content-sha256");
  if (c.payload_hash.empty()) c.payload_hash = get("X-Amz-Content-Sha256");
  if (c.payload_hash.empty() && c.service == "s3") c.payload_hash = "UNSIGNED-PAYLOAD";
  c.payload = payload_kind(c.payload_hash);
  if (c.payload == Payload::hashed && !is_hash(c.payload_hash))
    return incomplete(e, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value.");
  return finish_parse(std::move(c), e);
}

std::string compact(int64_t ms) { return basic_format(ms); }

Status check_time(const SignedRequest& c, int64_t now, Errors e) {
  if (c.presigned) {
    if (c.time_ms > now + kSkewMs) {
      if (e == Errors::s3) return fail("AccessDenied", "Request is not yet valid", 403);
      return bad_time(e, "Signature not yet current: " + c.amz_date + " is still later than " +
                             compact(now + kSkewMs) + " (" + compact(now) + " + 15 min.)");
    }
    if (now <= c.time_ms + c.expires_s * 1000) return {};
    if (e == Errors::s3) return fail("AccessDenied", "Request has expired", 403);
    return bad_time(e, "Signature expired: " + compact(c.time_ms + c.expires_s * 1000) +
                           " is now earlier than " + compact(now) + ".");
  }
  if (c.time_ms < now - kSkewMs)
    return bad_time(e, "Signature expired: " + c.amz_date + " is now earlier than " + compact(now - kSkewMs) +
                           " (" + compact(now) + " - 15 min.)");
  if (c.time_ms > now + kSkewMs)
    return bad_time(e, "Signature not yet current: " + c.amz_date + " is still later than " +
                           compact(now + kSkewMs) + " (" + compact(now) + " + 15 min.)");
  return {};
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  std::string out(64, '\0');
  hex_of(sha256_digest(bytes), out.data());
  return out;
}

bool has_signature(const RawRequest& request) {
  return request.header("authorization").starts_with(kAlgorithm) ||
         parameter(request.query, "X-Amz-Algorithm").has_value() ||
         parameter(request.query, "X-Amz-Signature").has_value();
}

Result<SignedRequest> parse_signature(const RawRequest& request, SignatureErrors errors) {
  auto authorization = request.header("authorization");
  const bool in_query = parameter(request.query, "X-Amz-Algorithm").has_value() ||
                        parameter(request.query, "X-Amz-Signature").has_value();
  if (!authorization.empty()) {
    if (in_query && errors == Errors::s3)
      return fail("InvalidArgument",
                  "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
                  "query string parameter or the Authorization header should be specified");
    if (!authorization.starts_with(kAlgorithm) ||
        (authorization.size() > kAlgorithm.size() && authorization[kAlgorithm.size()] != ' '))
      return incomplete(errors, "Unsupported authorization: this server takes AWS4-HMAC-SHA256.");
    return parse_header(request, authorization, errors);
  }
  if (in_query) return parse_presigned(request, errors);
  return missing(errors);
}

std::string canonical_request(const RawRequest& request, const SignedRequest& claim,
                              std::string_view payload_hash) {
  std::string out;
  build_canonical(out, request, claim, payload_hash);
  return out;
}

Status check_claim(const RawRequest& request, const SignedRequest& claim, int64_t now_ms,
                   SignatureErrors errors) {
  TRY(check_time(claim, now_ms, errors));
  if (const auto date = claim.amz_date.substr(0, 8); date != claim.date)
    return mismatch(
        errors,
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" +
            claim.date + "' != '" + date + "', from '" + claim.amz_date + "'.");
  if (!is_hash(claim.signature)) return incomplete(errors, "The signature must be 64 hexadecimal digits.");
  return check_signed_headers(request, claim, errors);
}

Status verify_signature(const RawRequest& request, const SignedRequest& claim, std::string_view secret,
                        std::string_view body_hash, SignatureErrors errors) {
  std::string_view payload =
      claim.payload == Payload::absent ? body_hash : std::string_view(claim.payload_hash);
  if (payload.empty())
    return mismatch(errors, "The request's body was not hashed, so its signature cannot be checked.");
  thread_local std::string canonical, to_sign;
  build_canonical(canonical, request, claim, payload);
  string_to_sign(to_sign, canonical, claim);
  auto key = signing_key(claim.access_key, secret, claim.date, claim.region, claim.service);
  char expected[64];
  hex_of(hmac_sha256(view(key), to_sign), expected);
  const bool good = same_bytes({expected, sizeof expected}, claim.signature);
  if (good &&
      (claim.payload != Payload::hashed || body_hash.empty() || same_bytes(body_hash, claim.payload_hash)))
    return {};
  if (good) {
    if (errors == Errors::s3)
      return fail("XAmzContentSHA256Mismatch",
                  "The provided 'x-amz-content-sha256' header does not match what was computed.");
    return mismatch(errors, "The request's body does not match its 'x-amz-content-sha256' header.");
  }
  if (errors == Errors::ec2)
    return fail("AuthFailure", "AWS was not able to validate the provided access credentials", 401);
  std::string message =
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
      "Access Key and signing method. "
      "Consult the service documentation for details.";
  if (errors != Errors::s3)
    message += "\n\nThe Canonical String for this request should have been\n'" + canonical +
               "'\n\nThe String-to-Sign should have been\n'" + to_sign + "'\n";
  return mismatch(errors, std::move(message));
}

ApiError unknown_key(SignatureErrors e) {
  switch (e) {
    case Errors::s3:
      return {
          "InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.", {}};
    case Errors::json:
      return {
          "UnrecognizedClientException", 400, "The security token included in the request is invalid.", {}};
    case Errors::ec2:
      return {"AuthFailure", 401, "AWS was not able to validate the provided access credentials", {}};
    case Errors::query:
      break;
  }
  return {"InvalidClientTokenId", 403, "The security token included in the request is invalid.", {}};
}

ApiError expired_token(SignatureErrors e) {
  switch (e) {
    case Errors::s3:
      return {"ExpiredToken", 400, "The provided token has expired.", {}};
    case Errors::json:
      return {"ExpiredTokenException", 400, "The security token included in the request is expired", {}};
    case Errors::ec2:
      return {"RequestExpired", 400, "Request has expired.", {}};
    case Errors::query:
      break;
  }
  return {"ExpiredToken", 403, "The security token included in the request is expired", {}};
}

std::vector<std::pair<std::string, std::string>> sign(const RawRequest& request, std::string_view access_key,
                                                      std::string_view secret, std::string_view token,
                                                      std::string_view region, std::string_view service,
                                                      int64_t now_ms) {
  SignedRequest c;
  c.access_key = access_key;
  c.amz_date = basic_format(now_ms);
  c.date = c.amz_date.substr(0, 8);
  c.region = region;
  c.service = service;
  std::vector<std::pair<std::string, std::string>> added = {{"x-amz-date", c.amz_date}};
  if (!token.empty()) added.emplace_back("x-amz-security-token", token);
  RawRequest whole = request;
  for (auto& [n, v] : added) whole.headers.emplace_back(n, v);
  std::vector<std::string> names;
  for (auto& [n, v] : whole.headers) {
    std::string lower(n);
    for (char& ch : lower)
      if (ch >= 'A' && ch <= 'Z') ch = static_cast<char>(ch + 32);
    names.push_back(std::move(lower));
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (auto& n : names) c.signed_headers += (c.signed_headers.empty() ? "" : ";") + n;
  auto payload = request.header("x-amz-content-sha256");
  std::string canonical, to_sign;
  build_canonical(canonical, whole, c, payload.empty() ? sha256_hex(request.body) : std::string(payload));
  string_to_sign(to_sign, canonical, c);
  auto key = signing_key(access_key, secret, c.date, region, service);
  auto signature = hmac_sha256(view(key), to_sign);
  std::string hex(64, '\0');
  hex_of(signature, hex.data());
  added.emplace_back("Authorization", std::string(kAlgorithm) + " Credential=" + c.access_key + "/" + c.date +
                                          "/" + c.region + "/" + c.service + "/aws4_request, SignedHeaders=" +
                                          c.signed_headers + ", Signature=" + hex);
  return added;
}

}  // namespace nubecita::wire
