// For the fuzz targets of this room: decode with the tiny model, and encode what came.
#pragma once

#include <algorithm>
#include <span>
#include <stdexcept>

#include "models/tiny.hpp"
#include "wire/codecs.hpp"
#include "wire/protocol.hpp"

namespace nubecita::tiny::model::tables {
extern const wire::ServiceShape service;
extern const std::span<const wire::OperationShape> all_operations;
}  // namespace nubecita::tiny::model::tables

namespace nubecita::wire {

inline const OperationShape& fuzz_operation(std::string_view name) {
  return *std::ranges::find(tiny::model::tables::all_operations, name, &OperationShape::name);
}

inline int fuzz_request(Protocol protocol, std::string_view name, const RawRequest& request) {
  Arena arena;
  const auto& op = fuzz_operation(name);
  const auto& service = tiny::model::tables::service;
  void* in = arena.allocate(op.input->size);
  auto status = decode(protocol, service, op, request, arena, in);
  // The checks have seen it whole or said why not; either way it can be written.
  std::string json, xml;
  encode_json(json, *op.input, Members::all, in);
  encode_xml_members(xml, Protocol::ec2, *op.input, in);
  if (status) {
    void* again = arena.allocate(op.input->size);
    if (!decode_json(*op.input, json, Members::all, arena, again)) __builtin_trap();
  } else {
    RawResponse response;
    encode_error(protocol, service, status.error(), "id", response);
  }
  return 0;
}

inline int fuzz_body(Protocol protocol, std::string_view body) {
  RawRequest request;
  request.method = "POST";
  request.path = "/";
  request.body = body;
  return fuzz_request(protocol, "MakeThing", request);
}

}  // namespace nubecita::wire
