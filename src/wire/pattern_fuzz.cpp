#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/pattern.hpp"

// The pattern is what stands before the first line end, the text what follows.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const auto end = all.find('\n');
  if (end != std::string_view::npos)
    (void)nubecita::wire::matches_pattern(all.substr(0, end), all.substr(end + 1));
  return 0;
}
