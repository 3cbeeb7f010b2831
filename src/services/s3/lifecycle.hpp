// Lifecycle rules, applied. Works in transactions of its own; may wait.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html
#pragma once

#include <cstdint>

#include "api/call.hpp"
#include "services/s3/blobs.hpp"

namespace nubecita::s3 {

/// Expires and moves what is due at `now` in all buckets, and tells who wants to know.
void apply_lifecycle(api::Cloud& cloud, Blobs& blobs, int64_t now);
/// When something of that age is due: the midnight (UTC) after so many days, as AWS counts.
int64_t due(int64_t since, int64_t days);

}  // namespace nubecita::s3
