// Lifecycle policies: which images a policy expires.
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace nubecita::ecr {

struct LifecycleRule {
  int priority = 0;
  enum class Status { tagged, untagged, any } status = Status::any;
  std::vector<std::string> prefixes, patterns;  // of tagged: the image needs a tag for each of them
  bool by_count = false;                        // imageCountMoreThan, or else sinceImagePushed
  int64_t number = 0;                           // images, or days
};

/// Sorted by priority. Error InvalidParameterException that says what is wrong, in AWS's words where known.
Result<std::vector<LifecycleRule>> parse_lifecycle(std::string_view text);

struct LifecycleImage {
  std::string digest;
  std::vector<std::string> tags;
  int64_t pushed = 0;   // ms
  bool needed = false;  // by an index: never expires by itself
};
struct Expiry {
  size_t image;  // index into the list
  int priority;  // of the rule
};
/// The images to expire now, in the order of the list.
std::vector<Expiry> evaluate_lifecycle(const std::vector<LifecycleRule>& rules,
                                       const std::vector<LifecycleImage>& images, int64_t now);

}  // namespace nubecita::ecr
