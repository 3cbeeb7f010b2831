#include <cstddef>
#include <cstdint>

#include "wire/wire_fuzz_support.hpp"

// What is decoded must encode again, in every protocol.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return nubecita::wire::fuzz_body(nubecita::wire::Protocol::rest_xml,
                                   {reinterpret_cast<const char*>(data), size});
}
