// Text that can be taken as it is, eight bytes at a time: what encoders and readers of JSON and XML spend
// most of their time on. Pure, any thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace nubecita {

enum class Beyond { pass, stop };  // bytes from 0x80 on

/// How many bytes at the begin of `text` are no control characters (below 0x20), none of kSpecial, and, if
/// kBeyond is `stop`, ASCII.
template <Beyond kBeyond, char... kSpecial>
size_t plain_run(std::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHigh = kOnes << 7;
  // A byte below n (at most 0x80) borrows into its highest bit. Whether there is one is exact, where is not.
  constexpr auto below = [](uint64_t v, uint64_t n) { return (v - kOnes * n) & ~v & kHigh; };
  size_t i = 0;
  for (; text.size() - i >= 8; i += 8) {
    uint64_t v;
    std::memcpy(&v, text.data() + i, 8);
    uint64_t found = below(v, 0x20);
    ((found |= below(v ^ kOnes * static_cast<unsigned char>(kSpecial), 1)), ...);
    if constexpr (kBeyond == Beyond::stop) found |= v & kHigh;
    if (found) break;
  }
  for (; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || ((text[i] == kSpecial) || ...) || (kBeyond == Beyond::stop && c >= 0x80)) break;
  }
  return i;
}

}  // namespace nubecita
