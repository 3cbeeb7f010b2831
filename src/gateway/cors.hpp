// Cross-origin requests of pages in browsers. AWS's APIs let pages of every origin ask and read the answers
// (a request is worth its signature; no cookie speaks for anybody); S3 has a configuration for each bucket
// instead. Pure. https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/cors.html
#pragma once

#include <optional>

#include "http/message.hpp"

namespace nubecita::gateway {

/// The answer to a preflight (OPTIONS with Origin): what it asks for is allowed. Nothing of other requests.
std::optional<http::Answer> answer_preflight(const http::Head& head);
/// Adds what a browser wants to see in the answer to a request with Origin.
void allow_origin(const http::Head& head, http::Answer& answer);

}  // namespace nubecita::gateway
