// S3's errors, with the status that AWS gives them. Pure functions.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nubecita::s3 {

using Failure = std::unexpected<ApiError>;

/// The HTTP status that it is answered with.
inline int status_of(const ApiError& error) { return error.code == "AccessDenied" ? 403 : error.status; }
inline Failure access_denied(std::string message = "Access Denied") {
  return fail("AccessDenied", std::move(message), 403);
}
inline Failure invalid_argument(std::string message, std::string name = {}, std::string value = {}) {
  ApiError e{"InvalidArgument", 400, std::move(message), {}};
  if (!name.empty()) e.fields = {{"ArgumentName", std::move(name)}, {"ArgumentValue", std::move(value)}};
  return fail(std::move(e));
}
inline Failure invalid_request(std::string message) {
  return fail("InvalidRequest", std::move(message), 400);
}
inline Failure not_implemented(std::string_view what) {
  return fail("NotImplemented",
              "A header or operation you provided implies functionality that is not implemented: " +
                  std::string(what) + " is not served by nubecita.",
              501);
}
inline Failure malformed_xml() {
  return fail("MalformedXML",
              "The XML you provided was not well-formed or did not validate against our published schema",
              400);
}
inline Failure no_such_bucket(std::string_view bucket) {
  return fail(ApiError{
      "NoSuchBucket", 404, "The specified bucket does not exist", {{"BucketName", std::string(bucket)}}});
}
inline Failure no_such_key(std::string_view key) {
  return fail(ApiError{"NoSuchKey", 404, "The specified key does not exist.", {{"Key", std::string(key)}}});
}
inline Failure no_such_version(std::string_view key, std::string_view version) {
  return fail(ApiError{"NoSuchVersion",
                       404,
                       "The specified version does not exist.",
                       {{"Key", std::string(key)}, {"VersionId", std::string(version)}}});
}
inline Failure invalid_object_state(std::string message, std::string_view storage_class) {
  return fail(ApiError{"InvalidObjectState",
                       403,
                       std::move(message),
                       {{"StorageClass", storage_class.empty() ? "STANDARD" : std::string(storage_class)}}});
}
inline Failure no_such_upload(std::string_view id) {
  return fail(
      ApiError{"NoSuchUpload",
               404,
               "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
               "been aborted or completed.",
               {{"UploadId", std::string(id)}}});
}
inline Failure precondition_failed(std::string_view condition) {
  return fail(ApiError{"PreconditionFailed",
                       412,
                       "At least one of the pre-conditions you specified did not hold",
                       {{"Condition", std::string(condition)}}});
}
inline Failure bad_digest() {
  return fail("BadDigest", "The Content-MD5 you specified did not match what we received.", 400);
}
inline Failure bad_checksum(std::string_view algorithm) {
  return fail("BadDigest",
              "The " + std::string(algorithm) + " you specified did not match the calculated checksum.", 400);
}

}  // namespace nubecita::s3
