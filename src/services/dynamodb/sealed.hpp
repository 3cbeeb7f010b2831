// Values as the store has them: an item's bytes (value.hpp), or sealed. Which, the first byte tells: items
// never begin with a zero. A sealed value is bound to its place below the table's or index's prefix. Pure
// functions, any thread.
#pragma once

#include <string>
#include <string_view>

namespace nubecita::dynamodb {

inline bool is_sealed(std::string_view stored) { return stored.starts_with('\0'); }
/// `key` empty: the plain bytes themselves.
std::string seal_value(std::string_view key, std::string_view plain, std::string_view place);
/// Throws std::runtime_error if it was not sealed so, as reading from a broken disk does.
std::string open_value(std::string_view key, std::string_view stored, std::string_view place);
/// Bytes as AWS counts an item; of a sealed one, as they are stored.
size_t stored_size(std::string_view stored);

}  // namespace nubecita::dynamodb
