// How a service presents itself to the gateway: its compiled model and one function per served operation. The
// model compiler writes the tables (see codegen/README.md); services only define the functions.
#pragma once

#include <span>
#include <string_view>

#include "api/call.hpp"
#include "base/result.hpp"
#include "wire/shape.hpp"

namespace nubecita::api {

using Handler = Status (*)(Call& call, const void* in, void* out);

struct Operation {
  const wire::OperationShape* shape;  // name, HTTP binding, input and output
  Handler handler;                    // null: AWS has it, we do not serve it
};

struct Service {
  const wire::ServiceShape* shape;  // endpoint prefix, target prefix, protocol(s), API version, error traits
  std::span<const Operation> operations;  // sorted by name
  std::string_view iam_prefix;            // "ec2", "elasticloadbalancing", ...
  bool global = false;                    // resources live in region "global" (IAM)
  bool anonymous = false;  // unsigned requests are nobody's, whom a resource's policy may let in (SQS)
  std::string_view path_parameter;  // what a query's path stands for, if it is not given: "QueueUrl"
};

}  // namespace nubecita::api
