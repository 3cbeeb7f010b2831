// A filter policy, a NUL and a message: no crash, and the same answer twice.
#include <cstdlib>

#include "services/sns/filter.hpp"

using namespace nubecita::sns;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto nul = text.find('\0');
  const auto policy = text.substr(0, nul), body = nul == text.npos ? text : text.substr(nul + 1);
  for (bool nested : {false, true}) {
    auto p = FilterPolicy::parse(policy, nested);
    if (!p) continue;
    const std::vector<MessageAttribute> attributes{{"a", "String.Array", std::string(body)},
                                                   {"b", "Number", std::string(body)}};
    if (p->wants(attributes) != p->wants(attributes) || p->wants_body(body) != p->wants_body(body))
      std::abort();
  }
  return 0;
}
