#include <cstddef>
#include <cstdint>

#include "wire/wire_fuzz_support.hpp"

// Lines: path, query, one header's value; then the body.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nubecita::wire;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  auto line = [&] {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return text;
  };
  RawRequest request;
  request.method = "PUT";
  request.path = line();
  request.query = line();
  const auto value = line();
  request.headers = {{"If-Modified-Since", value}, {"Content-Length", value}, {"x-amz-meta-a", value}};
  request.body = rest;
  (void)route_score(fuzz_operation("PutObject"), request);
  return fuzz_request(Protocol::rest_xml, "PutObject", request);
}
