// May the caller? IAM, the bucket's policy, public access block and access control lists put together into
// one question to the policy engine.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-s3-evaluates-access-control.html The caller's
// transaction.
#pragma once

#include <string_view>

#include "services/s3/exchange.hpp"

namespace nubecita::s3 {

/// Finds the bucket and asks for `action` on it. Errors: NoSuchBucket, AccessDenied.
Status open_bucket(Exchange& x, std::string_view action, const api::Conditions& conditions = {});
/// Finds the bucket and asks for `action` on the request's object; `object`: its record, if it is there.
Status open_object(Exchange& x, std::string_view action, const Object* object = nullptr,
                   const api::Conditions& conditions = {});
/// Asks for `action` on an upload to the request's key that `initiator` (an ARN; empty: nobody) began in the
/// found bucket: to his account it is open as if the bucket's policy said so, whatever that leaves out.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions
Status check_upload(Exchange& x, std::string_view action, std::string_view initiator);
/// The same of another bucket and key (copies, batches).
Status check_object(Exchange& x, const Bucket& bucket, std::string_view key, std::string_view action,
                    const Object* object, const api::Conditions& conditions = {});
/// Whether the caller may list the bucket: who may not is not told that a key is missing.
bool may_list(Exchange& x, const Bucket& bucket);

/// The policy lets everybody in (AWS's meaning of "public").
bool is_public_policy(std::string_view document);
/// They grant something to everybody, or to everybody who has an account.
bool is_public(const std::vector<Grant>& grants);

}  // namespace nubecita::s3
