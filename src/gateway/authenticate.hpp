// Who asks: the signature of a request, checked against the key in the store. Any thread.
#pragma once

#include <memory>

#include "api/call.hpp"
#include "base/result.hpp"
#include "services/iam/credential_cache.hpp"
#include "wire/protocol.hpp"
#include "wire/sigv4.hpp"

namespace nubecita::gateway {

struct Caller {
  std::shared_ptr<const api::Principal> principal;
  std::string region;
};

/// The caller, or AWS's error in the words of the service's protocol. `claim` has been parsed from `request`.
Result<Caller> authenticate(iam::CredentialCache& credentials, const wire::RawRequest& request,
                            const wire::SignedRequest& claim, std::string_view expected_service, int64_t now,
                            wire::SignatureErrors errors);

/// Who asks without a signature, for services that serve them (api::Service::anonymous): nobody, in the
/// region of `host` ("sqs.eu-west-1.amazonaws.com") or in `home_region`.
Caller nobody(std::string_view host, std::string_view home_region);

wire::SignatureErrors signature_errors(wire::Protocol protocol);

/// "us-east-1", "ap-southeast-7", "us-gov-west-1", ...: the shape of AWS's region names.
bool is_region(std::string_view name);

}  // namespace nubecita::gateway
