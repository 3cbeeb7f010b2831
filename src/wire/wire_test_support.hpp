// For the tests of this room: the tiny model (testdata/tiny.json) and short ways to decode and encode with
// it.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "models/tiny.hpp"
#include "wire/protocol.hpp"

namespace nubecita::tiny::model::tables {
extern const wire::ServiceShape service;
extern const std::span<const wire::OperationShape> all_operations;
}  // namespace nubecita::tiny::model::tables

namespace nubecita::wire {

inline const OperationShape& tiny_operation(std::string_view name) {
  for (const auto& op : tiny::model::tables::all_operations)
    if (op.name == name) return op;
  throw std::runtime_error("no such operation in tiny.json");
}

template <class In>
struct Decoded {
  Arena arena;
  In* in = arena.make<In>();
  Status status;

  Decoded(Protocol protocol, std::string_view operation, const RawRequest& request) {
    status = decode(protocol, tiny::model::tables::service, tiny_operation(operation), request, arena, in);
  }
  Decoded(Protocol protocol, std::string_view operation, std::string_view body)
      : Decoded(protocol, operation, RawRequest{"POST", "/", "", {}, body}) {}

  In* operator->() const { return in; }
  std::string error() const { return status ? "" : status.error().code + ": " + status.error().message; }
};

template <class Out>
RawResponse encoded(Protocol protocol, std::string_view operation, const Out& out) {
  RawResponse response;
  encode(protocol, tiny::model::tables::service, tiny_operation(operation), &out, "id-1", response);
  return response;
}

inline RawResponse encoded_error(Protocol protocol, const ApiError& error) {
  RawResponse response;
  encode_error(protocol, tiny::model::tables::service, error, "id-1", response);
  return response;
}

inline std::string header_of(const RawResponse& r, std::string_view name) {
  for (auto& [k, v] : r.headers)
    if (k == name) return v;
  return "";
}

}  // namespace nubecita::wire
