// Multipart uploads: what their operations share. The caller's transaction.
#pragma once

#include "services/s3/new_object.hpp"

namespace nubecita::s3 {

constexpr int64_t kSmallestPart = int64_t{5} << 20;
constexpr int kMostParts = 10'000;

/// Of the request's key. Error NoSuchUpload.
Result<Upload> find_upload(Exchange& x, std::string_view id);
/// Finds the bucket and the upload and asks for `action`, which who began the upload may. Errors:
/// NoSuchBucket, AccessDenied, NoSuchUpload.
Result<Upload> open_upload(Exchange& x, std::string_view action, std::string_view id);
/// In the order of their numbers.
std::vector<Part> list_of_parts(store::Transaction& tx, std::string_view bucket, std::string_view key,
                                std::string_view id);
/// Forgets completed uploads after a day, in a transaction of its own.
void forget_completed(store::Store& store, int64_t now);
/// The upload and its parts are gone; their bytes too.
void abort_upload(store::Transaction& tx, std::string_view bucket, const Upload& upload,
                  std::vector<std::string>& doomed);

}  // namespace nubecita::s3
