// The names of answers' root elements, where AWS's are not those of the model. Pure.
#pragma once

#include <string>
#include <string_view>

namespace nubecita::s3 {
/// Renames the root of the operation's document.
void name_root(std::string_view operation, std::string& document);
}  // namespace nubecita::s3
