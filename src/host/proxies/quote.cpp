#include "host/proxies/quote.hpp"

#include <array>
#include <utility>

namespace nubecita::host {

Result<std::string> quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return fail("ProxyFailed", "a value for the load balancer holds a control character");
    if (c == '"' || c == '\\' || c == '$') out += '\\';
    out += c;
  }
  return out + '"';
}

Result<std::string> quoted_literal(std::string_view text) {
  std::string doubled;
  for (char c : text) {
    doubled += c;
    if (c == '%') doubled += '%';
  }
  return quoted(doubled);
}

std::string wildcard_regex(std::string_view pattern, std::string_view any, bool anchored) {
  std::string out = anchored ? "^" : "";
  for (size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '*') {
      if (i > 0 && pattern[i - 1] == '*') continue;  // "**" is "*"
      out.append(any).append("*");
    } else if (c == '?') {
      out.append(any);
    } else {
      if (std::string_view("\\^$.|()[]{}+/-").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  if (anchored) out += '$';
  return out;
}

std::string redirect_format(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kParts = {{
      {"#{host}", "%[var(txn.host)]"},
      {"#{path}", "%[var(txn.path)]"},
      {"#{query}", "%[query]"},
      {"#{port}", "%[var(txn.port)]"},
      {"#{protocol}", "%[var(txn.proto)]"},
  }};
  std::string out;
  while (!text.empty()) {
    bool found = false;
    for (auto& [name, format] : kParts)
      if (text.starts_with(name)) {
        out += format;
        text.remove_prefix(name.size());
        found = true;
        break;
      }
    if (found) continue;
    out += text[0];
    if (text[0] == '%') out += '%';
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace nubecita::host
