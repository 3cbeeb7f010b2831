// Text of users inside HAProxy's configuration: quoted, so that no value can become a directive. Pure
// functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nubecita::host {

/// One word of the configuration, whatever `text` holds; '%' is left alone. Error "ProxyFailed" for control
/// characters, which no quoting lets through.
Result<std::string> quoted(std::string_view text);
/// The same for places where HAProxy expands %[...]: '%' stands for itself.
Result<std::string> quoted_literal(std::string_view text);
/// A pattern with * (any characters) and ? (exactly one) as a regular expression for the whole value. `any`
/// is what a wildcard stands for, "." or a class such as "[^&]".
std::string wildcard_regex(std::string_view pattern, std::string_view any = ".", bool anchored = true);
inline bool has_wildcard(std::string_view pattern) {
  return pattern.find_first_of("*?") != std::string_view::npos;
}
/// Turns #{host} #{path} #{query} #{port} #{protocol} of a redirect into HAProxy's log format; other text is
/// literal.
std::string redirect_format(std::string_view text);

}  // namespace nubecita::host
