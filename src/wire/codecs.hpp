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
#include "wire/xml.hpp"

namespace nubecita::wire {

// query_decode.cpp
Status decode_form(Protocol protocol, const Shape& input, std::string_view body, Arena& arena, void* in);

// json_decode.cpp, json_encode.cpp: in wire/json.hpp, because services use them too

// xml_decode.cpp, xml_encode.cpp: in wire/xml.hpp, because services use them too

// rest.cpp
Status decode_rest(Protocol protocol, const OperationShape& operation, const RawRequest& request,
                   Arena& arena, void* in);
void encode_rest(Protocol protocol, const ServiceShape& service, const OperationShape& operation,
                 const void* out, RawResponse& response);

}  // namespace nubecita::wire
