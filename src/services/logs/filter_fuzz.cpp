#include <cstddef>
#include <cstdint>
#include <string_view>

#include "services/logs/filter.hpp"

// The pattern is what stands before the first line end, the message what follows.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto end = text.find('\n');
  auto filter = nubecita::logs::Filter::parse(text.substr(0, end));
  if (filter && end != std::string_view::npos) (void)filter->matches(text.substr(end + 1));
  return 0;
}
