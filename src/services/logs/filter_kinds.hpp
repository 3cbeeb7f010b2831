// The two structured kinds of filter patterns. Inside the logs service only.
#pragma once

#include <memory>
#include <string_view>

#include "services/logs/filter.hpp"

namespace nubecita::logs {

Result<std::shared_ptr<const Filter::Impl>> parse_json_filter(std::string_view pattern);
Result<std::shared_ptr<const Filter::Impl>> parse_fields_filter(std::string_view pattern);

}  // namespace nubecita::logs
