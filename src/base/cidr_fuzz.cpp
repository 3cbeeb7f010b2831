// Whatever parses prints back to something that parses to the same value, and its canonical form contains it.
#include <cstdlib>

#include "base/cidr.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using nubecita::Cidr;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto c = Cidr::parse_either(text)) {
    auto again = Cidr::parse(c->str());
    if (!again || !(*again == *c)) std::abort();
    if (!c->canonical().contains(*c) || c->canonical().has_host_bits()) std::abort();
    if (!c->is_v6() && c->first() > c->last()) std::abort();
  }
  return 0;
}
