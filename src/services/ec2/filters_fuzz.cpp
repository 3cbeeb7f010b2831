// The wildcard matcher against any pattern and text: no crash, a text matches itself when its wildcards are
// escaped, and "*" around a pattern never loses a match.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "services/ec2/filters.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using nubecita::ec2::wildcard_match;
  std::string_view all(reinterpret_cast<const char*>(data), size);
  const auto half = size / 2;
  const auto pattern = all.substr(0, half), text = all.substr(half);
  const bool matched = wildcard_match(pattern, text);
  const bool open_end = pattern.ends_with('\\');  // "\*" would be another pattern
  if (matched && !open_end && !wildcard_match("*" + std::string(pattern) + "*", text)) std::abort();
  std::string escaped;
  for (char c : text) {
    if (c == '*' || c == '?' || c == '\\') escaped += '\\';
    escaped += c;
  }
  if (!wildcard_match(escaped, text)) std::abort();
  return 0;
}
