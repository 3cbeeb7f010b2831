// The AWS wire protocols, each one generic decoder and encoder that walks the compiled model's descriptors
// (wire/shape.hpp). The protocol belongs to the request, not to the service. Pure functions, any thread.
// https://smithy.io/2.0/aws/protocols/index.html
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.hpp"
#include "base/result.hpp"
#include "wire/shape.hpp"

namespace nubecita::wire {

/// What a decoder needs of an HTTP request. Views must outlive the decoded struct (decoded text may alias
/// them).
struct RawRequest {
  std::string_view method, path, query;  // path and query as sent, still percent-encoded
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  std::string_view body;
  std::string_view header(std::string_view name) const;  // without case; empty if absent
};
struct RawResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

/// Query protocols: the value of a top-level form member (Action, Version), percent-decoded into the arena.
std::string_view form_value(std::string_view body, std::string_view name, Arena& arena);

/// REST: how well a request fits an operation's method and URI: -1 not at all; of those that fit, the highest
/// is meant.
int route_score(const OperationShape& operation, const RawRequest& request);

/// Fills `in` (zeroed, of the operation's input type). Errors: the protocol's own codes for malformed input
/// and for missing required members; an error naming the member for a refused one (see models/*.ops).
Status decode(Protocol protocol, const ServiceShape& service, const OperationShape& operation,
              const RawRequest& request, Arena& arena, void* in);
void encode(Protocol protocol, const ServiceShape& service, const OperationShape& operation, const void* out,
            std::string_view request_id, RawResponse& response);
void encode_error(Protocol protocol, const ServiceShape& service, const ApiError& error,
                  std::string_view request_id, RawResponse& response);

}  // namespace nubecita::wire
