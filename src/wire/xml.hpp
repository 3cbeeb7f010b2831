// XML documents of the compiled models: what rest-xml bodies are, and what S3 keeps of its configurations.
// Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/arena.hpp"
#include "base/result.hpp"
#include "wire/shape.hpp"

namespace nubecita::wire {

/// Reads one element as a value. No DTD, no entities but the five, at most 64 levels. Error code
/// MalformedXML.
Status decode_xml(const Shape& shape, std::string_view body, Arena& arena, void* value);
/// The members of a structure that live in the body, each as an element.
void encode_xml_members(std::string& out, Protocol protocol, const Shape& shape, const void* structure);
/// A structure as one element, with its attributes and name space.
void encode_xml_element(std::string& out, Protocol protocol, std::string_view name,
                        std::string_view name_space, const Shape& shape, const void* structure);
void append_xml_text(std::string& out, std::string_view text);
void append_xml_tag(std::string& out, std::string_view name, std::string_view text);

}  // namespace nubecita::wire
