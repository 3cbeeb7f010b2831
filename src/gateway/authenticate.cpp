#include "gateway/authenticate.hpp"

#include <openssl/crypto.h>

namespace nubecita::gateway {

wire::SignatureErrors signature_errors(wire::Protocol protocol) {
  switch (protocol) {
    case wire::Protocol::ec2:
      return wire::SignatureErrors::ec2;
    case wire::Protocol::query:
      return wire::SignatureErrors::query;
    case wire::Protocol::rest_xml:
      return wire::SignatureErrors::s3;
    default:
      return wire::SignatureErrors::json;
  }
}

bool is_region(std::string_view name) {
  if (name.size() < 8 || name.size() > 32 || name.back() < '0' || name.back() > '9') return false;
  size_t dashes = 0;
  for (char c : name) {
    if (c == '-')
      ++dashes;
    else if ((c < 'a' || c > 'z') && (c < '0' || c > '9'))
      return false;
  }
  return dashes >= 2 && name.front() != '-' && name[name.size() - 2] == '-';
}

namespace {
ApiError signature_error(wire::SignatureErrors errors, std::string message) {
  switch (errors) {
    case wire::SignatureErrors::ec2:
      return {"AuthFailure", 401, std::move(message), {}};
    case wire::SignatureErrors::json:
      return {"InvalidSignatureException", 400, std::move(message), {}};
    default:
      return {"SignatureDoesNotMatch", 403, std::move(message), {}};
  }
}
}  // namespace

Result<Caller> authenticate(iam::CredentialCache& credentials, const wire::RawRequest& request,
                            const wire::SignedRequest& claim, std::string_view expected_service, int64_t now,
                            wire::SignatureErrors errors) {
  TRY(wire::check_claim(request, claim, now, errors));
  if (!expected_service.empty() && claim.service != expected_service)
    return fail(signature_error(
        errors, "Credential should be scoped to correct service: '" + std::string(expected_service) + "'."));
  if (!is_region(claim.region))
    return fail(signature_error(
        errors, "Credential should be scoped to a valid region, not '" + claim.region + "'."));
  auto credential = credentials.find(claim.access_key);
  if (!credential || !credential->active) return fail(wire::unknown_key(errors));
  const bool same_token = credential->session_token.size() == claim.session_token.size() &&
                          CRYPTO_memcmp(credential->session_token.data(), claim.session_token.data(),
                                        claim.session_token.size()) == 0;
  if (!same_token) return fail(wire::unknown_key(errors));
  const auto hash = wire::sha256_hex(request.body);
  if (!claim.payload_hash.empty() && claim.payload == wire::Payload::hashed && claim.payload_hash != hash)
    return fail(signature_error(
        errors, "The body of the request is not the one that was signed (x-amz-content-sha256)."));
  TRY(wire::verify_signature(request, claim, credential->secret, hash, errors));
  if (credential->expires_ms && now >= credential->expires_ms) return fail(wire::expired_token(errors));
  return Caller{{credential, &credential->principal}, claim.region};
}

Caller nobody(std::string_view host, std::string_view home_region) {
  static const auto principal = std::make_shared<const api::Principal>();
  const auto dot = host.find('.');
  const auto label = dot == std::string_view::npos ? std::string_view()
                                                   : host.substr(dot + 1, host.find('.', dot + 1) - dot - 1);
  return {principal, std::string(is_region(label) ? label : home_region)};
}

}  // namespace nubecita::gateway
