// The words that may not stand as attribute names in expressions. Any thread.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
#pragma once

#include <string_view>

namespace nubecita::dynamodb {

/// In any case.
bool is_reserved_word(std::string_view word);

}  // namespace nubecita::dynamodb
