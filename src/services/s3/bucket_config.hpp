// What the operations on a bucket's configurations share. The caller's transaction.
#pragma once

#include "services/s3/access.hpp"
#include "services/s3/objects.hpp"

namespace nubecita::s3 {
void put_bucket_tags(Exchange& x, std::string_view bucket, const Texts& tags);
/// Of a bucket's lifecycle configuration. Errors: MalformedXML, InvalidArgument, InvalidRequest,
/// NotImplemented.
Status check_lifecycle(api::Call& call, model::BucketLifecycleConfiguration& configuration);
Status check_website(const model::WebsiteConfiguration& configuration);
Status check_cors(const model::CORSConfiguration& configuration);
}  // namespace nubecita::s3
