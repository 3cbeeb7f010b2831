// Request bodies that clients have compressed (Content-Encoding). Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nubecita::gateway {

/// `body` as it was before: `encoding` is gzip or deflate. InternalServerError, as AWS has it, for any other
/// encoding and for what is damaged; RequestEntityTooLarge (413) beyond `most` bytes.
Result<std::string> inflate_body(std::string_view encoding, std::string_view body, size_t most);

}  // namespace nubecita::gateway
