// The policy of a browser's form. Pure.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nubecita::s3 {

struct FormLimits {
  int64_t least = 0, most = INT64_MAX;  // bytes of the file
};
/// `document`: decoded. Every field must be allowed by a condition. Errors: InvalidPolicyDocument,
/// AccessDenied.
Result<FormLimits> check_form_policy(std::string_view document,
                                     const std::map<std::string, std::string>& fields,
                                     std::string_view bucket, int64_t now);

}  // namespace nubecita::s3
