// Access control lists: canned ones, grant headers, documents. Pure but for the account index.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
#pragma once

#include <string_view>
#include <vector>

#include "services/s3/exchange.hpp"

namespace nubecita::s3 {

/// What a request asks for; everything empty: nothing.
struct AclRequest {
  std::string_view canned, read, write, read_acp, write_acp, full_control;
  const model::AccessControlPolicy* document = nullptr;
  bool empty() const {
    return canned.empty() && read.empty() && write.empty() && read_acp.empty() && write_acp.empty() &&
           full_control.empty() && !document;
  }
};

/// The grants. `owner`: the account that owns the bucket or object. Errors: InvalidArgument,
/// MalformedACLError, AccessControlListNotSupported (the bucket's owner owns everything), AccessDenied
/// (blocked public access), UnresolvableGrantByEmailAddress.
Result<std::vector<Grant>> make_grants(Exchange& x, const AclRequest& asked, std::string_view owner,
                                       bool object);

/// The list as documents show it; nothing granted: the owner's full control.
void show_grants(api::Call& call, const std::vector<Grant>& grants, std::string_view owner,
                 model::Owner*& out_owner, wire::List<model::Grant>& out);
model::Owner* show_owner(api::Call& call, std::string_view account);

/// The canned and header parts of any request that has them.
template <class In>
AclRequest acl_of(const In& in) {
  AclRequest a;
  a.canned = in.acl.sv();
  a.read = in.grant_read.sv();
  a.read_acp = in.grant_read_acp.sv();
  a.write_acp = in.grant_write_acp.sv();
  a.full_control = in.grant_full_control.sv();
  if constexpr (requires { in.grant_write; }) a.write = in.grant_write.sv();
  if constexpr (requires { in.access_control_policy; }) a.document = in.access_control_policy;
  return a;
}

}  // namespace nubecita::s3
