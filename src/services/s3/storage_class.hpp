// Storage classes. All bytes lie on the same disk; what is kept of a class is what it means for who reads:
// objects in archives must be restored first, and lifecycle rules move objects in one direction only. Pure.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html
#pragma once

#include <cstdint>
#include <string_view>

#include "services/s3/records.hpp"

namespace nubecita::s3 {

/// GLACIER or DEEP_ARCHIVE.
bool is_archive(std::string_view storage_class);
/// In an archive, without a restored copy at `now`: its bytes may not be read.
bool archived(const Object& object, int64_t now);
/// Whether lifecycle rules may move an object from one class (empty: STANDARD) to another.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
bool may_move(std::string_view from, std::string_view to);

}  // namespace nubecita::s3
