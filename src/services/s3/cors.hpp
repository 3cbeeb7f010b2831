// Cross-origin resource sharing: preflight requests, and the headers on answers.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.hpp"
#include "services/s3/s3.hpp"
#include "store/store.hpp"

namespace nubecita::s3 {

using Headers = std::vector<std::pair<std::string, std::string>>;
/// Those that the bucket's first matching rule gives; nothing: none matches. `requested_headers`: of a
/// preflight.
std::optional<Headers> cors_headers(store::Transaction& tx, std::string_view bucket, std::string_view origin,
                                    std::string_view method, std::string_view requested_headers,
                                    bool preflight);
std::unique_ptr<http::Receiver> answer_preflight(Front::Impl& front, http::HeadPtr head);

}  // namespace nubecita::s3
