// Website endpoints: a bucket's objects for browsers, with index and error documents and redirects.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html
#pragma once

#include <memory>

#include "base/config.hpp"
#include "http/message.hpp"
#include "services/s3/s3.hpp"

namespace nubecita::s3 {
/// The host is <bucket>.s3-website...
bool is_website(const Config& config, const http::Head& head);
std::unique_ptr<http::Receiver> answer_website(Front::Impl& front, http::HeadPtr head);
}  // namespace nubecita::s3
