// What S3 does to a bucket by itself: expiring objects, delivering logs. Transactions of its own; may wait.
#pragma once

#include <functional>
#include <string_view>

#include "services/s3/exchange.hpp"

namespace nubecita::s3 {

/// Runs `work` with an exchange of nobody's, whose bucket has been found, and commits what it did; again
/// after a conflict. `request_id`: as events of what it does tell it.
/// Errors: NoSuchBucket, those of `work` (nothing is changed then) and of the store.
Status do_ourselves(api::Cloud& cloud, Blobs& blobs, std::string_view bucket, std::string_view request_id,
                    int64_t now, const std::function<Status(Exchange&)>& work);

}  // namespace nubecita::s3
