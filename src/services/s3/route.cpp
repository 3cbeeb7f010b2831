#include "services/s3/route.hpp"

#include <algorithm>
#include <array>

#include "models/s3.hpp"
#include "services/s3/errors.hpp"

namespace nubecita::s3 {
namespace {

struct Row {
  std::string_view method;
  bool key;
  std::string_view parameter;  // what the query must have; rows with one are looked at first
  std::string_view operation;
};

// Subresources of buckets and objects. A row without an operation: S3 has it, we do not serve it.
constexpr Row rows[] = {
    {"GET", false, "location", "GetBucketLocation"},
    {"GET", false, "versioning", "GetBucketVersioning"},
    {"PUT", false, "versioning", "PutBucketVersioning"},
    {"GET", false, "versions", "ListObjectVersions"},
    {"GET", false, "uploads", "ListMultipartUploads"},
    {"POST", false, "delete", "DeleteObjects"},
    {"GET", false, "policy", "GetBucketPolicy"},
    {"PUT", false, "policy", "PutBucketPolicy"},
    {"DELETE", false, "policy", "DeleteBucketPolicy"},
    {"GET", false, "policyStatus", "GetBucketPolicyStatus"},
    {"GET", false, "publicAccessBlock", "GetPublicAccessBlock"},
    {"PUT", false, "publicAccessBlock", "PutPublicAccessBlock"},
    {"DELETE", false, "publicAccessBlock", "DeletePublicAccessBlock"},
    {"GET", false, "ownershipControls", "GetBucketOwnershipControls"},
    {"PUT", false, "ownershipControls", "PutBucketOwnershipControls"},
    {"DELETE", false, "ownershipControls", "DeleteBucketOwnershipControls"},
    {"GET", false, "acl", "GetBucketAcl"},
    {"PUT", false, "acl", "PutBucketAcl"},
    {"GET", false, "tagging", "GetBucketTagging"},
    {"PUT", false, "tagging", "PutBucketTagging"},
    {"DELETE", false, "tagging", "DeleteBucketTagging"},
    {"GET", false, "cors", "GetBucketCors"},
    {"PUT", false, "cors", "PutBucketCors"},
    {"DELETE", false, "cors", "DeleteBucketCors"},
    {"GET", false, "lifecycle", "GetBucketLifecycleConfiguration"},
    {"PUT", false, "lifecycle", "PutBucketLifecycleConfiguration"},
    {"DELETE", false, "lifecycle", "DeleteBucketLifecycle"},
    {"GET", false, "website", "GetBucketWebsite"},
    {"PUT", false, "website", "PutBucketWebsite"},
    {"DELETE", false, "website", "DeleteBucketWebsite"},
    {"GET", false, "encryption", "GetBucketEncryption"},
    {"PUT", false, "encryption", "PutBucketEncryption"},
    {"DELETE", false, "encryption", "DeleteBucketEncryption"},
    {"GET", false, "object-lock", "GetObjectLockConfiguration"},
    {"PUT", false, "object-lock", "PutObjectLockConfiguration"},
    {"GET", false, "accelerate", "GetBucketAccelerateConfiguration"},
    {"PUT", false, "accelerate", "PutBucketAccelerateConfiguration"},
    {"GET", false, "logging", "GetBucketLogging"},
    {"PUT", false, "logging", "PutBucketLogging"},
    {"GET", false, "replication", "GetBucketReplication"},
    {"DELETE", false, "replication", "DeleteBucketReplication"},
    {"PUT", false, "replication", {}},
    {"GET", false, "requestPayment", "GetBucketRequestPayment"},
    {"PUT", false, "requestPayment", "PutBucketRequestPayment"},
    {"GET", false, "notification", "GetBucketNotificationConfiguration"},
    {"PUT", false, "notification", "PutBucketNotificationConfiguration"},
    {"GET", false, "list-type", "ListObjectsV2"},
    {"POST", true, "restore", "RestoreObject"},
    {"POST", true, "uploads", "CreateMultipartUpload"},
    {"POST", true, "uploadId", "CompleteMultipartUpload"},
    {"DELETE", true, "uploadId", "AbortMultipartUpload"},
    {"GET", true, "uploadId", "ListParts"},
    {"PUT", true, "uploadId", "UploadPart"},
    {"PUT", true, "partNumber", "UploadPart"},
    {"GET", true, "attributes", "GetObjectAttributes"},
    {"GET", true, "tagging", "GetObjectTagging"},
    {"PUT", true, "tagging", "PutObjectTagging"},
    {"DELETE", true, "tagging", "DeleteObjectTagging"},
    {"GET", true, "acl", "GetObjectAcl"},
    {"PUT", true, "acl", "PutObjectAcl"},
    {"GET", true, "retention", "GetObjectRetention"},
    {"PUT", true, "retention", "PutObjectRetention"},
    {"GET", true, "legal-hold", "GetObjectLegalHold"},
    {"PUT", true, "legal-hold", "PutObjectLegalHold"},
};

// With any method: subresources that S3 has and we do not.
constexpr std::string_view elsewhere[] = {"analytics",
                                          "inventory",
                                          "metrics",
                                          "intelligent-tiering",
                                          "metadataTable",
                                          "metadataConfiguration",
                                          "metadataInventoryTable",
                                          "metadataJournalTable",
                                          "metadataAnnotationTable",
                                          "session",
                                          "abac",
                                          "select",
                                          "restore",
                                          "torrent",
                                          "renameObject",
                                          "annotation",
                                          "append",
                                          "encryption"};

constexpr Row plain[] = {
    {"GET", false, {}, "ListObjects"}, {"PUT", false, {}, "CreateBucket"},
    {"HEAD", false, {}, "HeadBucket"}, {"DELETE", false, {}, "DeleteBucket"},
    {"GET", true, {}, "GetObject"},    {"HEAD", true, {}, "HeadObject"},
    {"PUT", true, {}, "PutObject"},    {"DELETE", true, {}, "DeleteObject"},
};

const api::Operation* by_name(std::string_view name) {
  const auto all = service().operations;
  auto it = std::ranges::lower_bound(all, name, {}, [](const api::Operation& o) { return o.shape->name; });
  return it != all.end() && it->shape->name == name && it->handler ? &*it : nullptr;
}

Result<const api::Operation*> served(std::string_view name, std::string_view what) {
  auto* found = name.empty() ? nullptr : by_name(name);
  if (!found) return not_implemented(what);
  return found;
}

}  // namespace

bool has_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    auto part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (part.substr(0, part.find('=')) == name) return true;
  }
  return false;
}

Result<const api::Operation*> find_operation(const Target& target, const http::Head& head) {
  const bool key = !target.key.empty();
  if (target.bucket.empty()) {
    if (head.method == "GET") return served("ListBuckets", "ListBuckets");
    return fail("MethodNotAllowed", "The specified method is not allowed against this resource.", 405);
  }
  const bool copies = !head.header("x-amz-copy-source").empty();
  if (!head.query.empty()) {
    for (auto& r : rows) {
      if (r.method != head.method || r.key != key || !has_parameter(head.query, r.parameter)) continue;
      if (r.operation == "UploadPart" && copies) return served("UploadPartCopy", r.parameter);
      return served(r.operation, r.parameter);
    }
    for (auto name : elsewhere)
      if (has_parameter(head.query, name)) return not_implemented(name);
  }
  for (auto& r : plain) {
    if (r.method != head.method || r.key != key) continue;
    return served(r.operation == "PutObject" && copies ? "CopyObject" : r.operation, r.operation);
  }
  return fail(ApiError{"MethodNotAllowed",
                       405,
                       "The specified method is not allowed against this resource.",
                       {{"Method", std::string(head.method)}}});
}

}  // namespace nubecita::s3
