// Uploads by browsers: POST of a form to a bucket. It becomes a PutObject whose headers are the form's
// fields. https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
#pragma once

#include <memory>

#include "base/config.hpp"
#include "http/message.hpp"
#include "services/s3/s3.hpp"

namespace nubecita::s3 {
bool is_form(const Config& config, const http::Head& head);
std::unique_ptr<http::Receiver> receive_form(Front::Impl& front, http::HeadPtr head);
}  // namespace nubecita::s3
