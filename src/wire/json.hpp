// A generated struct as JSON and back, by its descriptor: the bodies of the JSON protocols, and how a service
// may keep what a client sent (an ECS task definition). Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/arena.hpp"
#include "base/result.hpp"
#include "wire/shape.hpp"

namespace nubecita::wire {

/// Which of the outermost structure's members: REST puts some into headers and the URI instead.
enum class Members { all, of_body };
/// An empty body stands for {}. Error code SerializationException.
Status decode_json(const Shape& shape, std::string_view body, Members members, Arena& arena, void* value);
void encode_json(std::string& out, const Shape& shape, Members members, const void* value);
void append_json_text(std::string& out, std::string_view text);

}  // namespace nubecita::wire
