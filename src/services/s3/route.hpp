// Which operation a request means: method, whether it names a bucket and a key, and the query's parameters.
// Pure function, any thread.
#pragma once

#include <string_view>

#include "api/service.hpp"
#include "base/result.hpp"
#include "http/message.hpp"
#include "services/s3/target.hpp"

namespace nubecita::s3 {

/// Errors: NotImplemented (an operation of S3 that is not served), MethodNotAllowed.
Result<const api::Operation*> find_operation(const Target& target, const http::Head& head);

/// Whether the query has the parameter (with or without a value).
bool has_parameter(std::string_view query, std::string_view name);

}  // namespace nubecita::s3
