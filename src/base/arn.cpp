#include "base/arn.hpp"

namespace nubecita {

std::optional<Arn> Arn::parse(std::string_view text) {
  if (text.size() > 2048 || !text.starts_with("arn:")) return {};
  std::string_view parts[5];
  size_t at = 4;
  for (int i = 0; i < 4; ++i) {
    auto colon = text.find(':', at);
    if (colon == std::string_view::npos) return {};
    parts[i] = text.substr(at, colon - at);
    at = colon + 1;
  }
  parts[4] = text.substr(at);
  if (parts[0].empty() || parts[1].empty() || parts[4].empty()) return {};
  return Arn{std::string(parts[0]), std::string(parts[1]), std::string(parts[2]), std::string(parts[3]),
             std::string(parts[4])};
}

std::string Arn::str() const {
  return "arn:" + partition + ":" + service + ":" + region + ":" + account + ":" + resource;
}

}  // namespace nubecita
