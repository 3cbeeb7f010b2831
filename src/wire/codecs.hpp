// The parts that protocol.cpp puts together: one decoder and one encoder per kind of body. Inside the wire
// room only. Decoders fill zeroed structs and check nothing but well-formedness and types; check.hpp judges
// the values.
#pragma once

#include <string>
#include <string_view>

#include "base/arena.hpp"
#include "base/result.hpp"
#include "wire/json.hpp"
#include "wire/protocol.hpp"
#include "wire/shape.hpp"

namespace nubecita::wire {

// query_decode.cpp
Status decode_form(Protocol protocol, const Shape& input, std::string_view body, Arena& arena, void* in);

// json_decode.cpp, json_encode.cpp: in wire/json.hpp, because services use them too

// xml_decode.cpp, xml_encode.cpp
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

// rest.cpp
Status decode_rest(Protocol protocol, const OperationShape& operation, const RawRequest& request,
                   Arena& arena, void* in);
void encode_rest(Protocol protocol, const ServiceShape& service, const OperationShape& operation,
                 const void* out, RawResponse& response);

}  // namespace nubecita::wire
