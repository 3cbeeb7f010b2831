// How a request names a security group: by id, or by name in the default VPC.
#pragma once

#include "services/ec2/access.hpp"

namespace nubecita::ec2 {

/// The group, authorized for the call's action. Errors: InvalidGroupId.Malformed, InvalidGroup.NotFound,
/// VPCIdNotSpecified.
Result<SecurityGroup> need_group(Call& call, wire::Text id, wire::Text name);

}  // namespace nubecita::ec2
