// What AWS checks of a decoded input before the operation sees it: required members, constraints of the
// model, and our own refusals (models/*.ops). Pure function, any thread.
#pragma once

#include "base/result.hpp"
#include "wire/protocol.hpp"

namespace nubecita::wire {

/// Errors, by protocol:
///   ec2, and query services that follow it (RDS): MissingParameter, InvalidParameterValue
///   others: ValidationError (query) or ValidationException (JSON, REST), or the service's own code, with
///   AWS's text
///     "2 validation errors detected: Value ... at '...' failed to satisfy constraint: ...; ..."
///   refused members: UnsupportedOperation (ec2), InvalidParameterValue (query), or the service's own code
Status check_input(Protocol protocol, const ServiceShape& service, const Shape& input, const void* in);

/// Does it ask for anything? Absent, "", false, 0, and lists and structures of nothing else do not.
bool asks_for_something(const Member& member, const void* slot);

}  // namespace nubecita::wire
