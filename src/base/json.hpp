// JSON for the services: Boost.JSON under short names. Heavy: include it from .cpp files, not from headers.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nubecita::json {

using boost::json::array;
using boost::json::object;
using boost::json::serialize;
using boost::json::value;

/// Parses one complete document of at most `max_depth` nested levels; the error's message says where it
/// broke. Code "MalformedInput", for the caller to translate.
Result<value> parse(std::string_view text, size_t max_depth = 64);

/// The text of member `name`, or `otherwise` if it is absent or no string.
std::string text_or(const object& o, std::string_view name, std::string_view otherwise = {});
/// The whole number of member `name`, or `otherwise`.
int64_t int_or(const object& o, std::string_view name, int64_t otherwise = 0);
bool bool_or(const object& o, std::string_view name, bool otherwise = false);
const object* object_at(const object& o, std::string_view name);
const array* array_at(const object& o, std::string_view name);

}  // namespace nubecita::json
