#include "base/cidr.hpp"

#include <arpa/inet.h>

#include <cstring>

namespace nubecita {
namespace {

/// A decimal number of one to three digits without leading zeros, at most `limit`; -1 otherwise.
int small_number(std::string_view s, int limit) {
  if (s.empty() || s.size() > 3 || (s.size() > 1 && s[0] == '0')) return -1;
  int v = 0;
  for (char c : s) {
    if (c < '0' || c > '9') return -1;
    v = v * 10 + (c - '0');
  }
  return v <= limit ? v : -1;
}

bool parse_ipv6(std::string_view text, std::array<uint8_t, 16>& out) {
  char buffer[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos) return false;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = 0;
  return inet_pton(AF_INET6, buffer, out.data()) == 1;
}

}  // namespace

std::optional<uint32_t> parse_ipv4(std::string_view text) {
  uint32_t out = 0;
  for (int part = 0; part < 4; ++part) {
    auto dot = part < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return {};
    int v = small_number(text.substr(0, dot), 255);
    if (v < 0) return {};
    out = out << 8 | static_cast<uint32_t>(v);
    if (part < 3) text.remove_prefix(dot + 1);
  }
  return out;
}

std::string ipv4_text(uint32_t a) {
  return std::to_string(a >> 24) + "." + std::to_string(a >> 16 & 255) + "." + std::to_string(a >> 8 & 255) +
         "." + std::to_string(a & 255);
}

Cidr Cidr::v4(uint32_t address, int bits) {
  Cidr c;
  for (int i = 0; i < 4; ++i)
    c.bytes_[static_cast<size_t>(i)] = static_cast<uint8_t>(address >> (24 - 8 * i));
  c.bits_ = bits;
  return c;
}

std::optional<Cidr> Cidr::parse_address(std::string_view text) {
  if (auto a = parse_ipv4(text)) return v4(*a, 32);
  Cidr c;
  if (!parse_ipv6(text, c.bytes_)) return {};
  c.v6_ = true;
  c.bits_ = 128;
  return c;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  auto slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  auto c = parse_address(text.substr(0, slash));
  if (!c) return {};
  int bits = small_number(text.substr(slash + 1), c->v6_ ? 128 : 32);
  if (bits < 0) return {};
  c->bits_ = bits;
  return c;
}

std::optional<Cidr> Cidr::parse_either(std::string_view text) {
  return text.find('/') == std::string_view::npos ? parse_address(text) : parse(text);
}

Cidr Cidr::canonical() const {
  Cidr c = *this;
  const int width = v6_ ? 16 : 4;
  for (int i = 0; i < width; ++i) {
    int keep = bits_ - 8 * i;  // bits of this byte that belong to the network
    if (keep >= 8) continue;
    c.bytes_[static_cast<size_t>(i)] &= keep <= 0 ? 0 : static_cast<uint8_t>(0xff << (8 - keep));
  }
  return c;
}

bool Cidr::contains(const Cidr& other) const {
  if (v6_ != other.v6_ || other.bits_ < bits_) return false;
  Cidr cut = other;
  cut.bits_ = bits_;
  return cut.canonical().bytes_ == canonical().bytes_;
}

uint32_t Cidr::v4() const {
  return uint32_t{bytes_[0]} << 24 | uint32_t{bytes_[1]} << 16 | uint32_t{bytes_[2]} << 8 | bytes_[3];
}

std::string Cidr::address() const {
  if (!v6_) return ipv4_text(v4());
  char buffer[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, bytes_.data(), buffer, sizeof buffer);
  return buffer;
}

std::string Cidr::str() const { return address() + "/" + std::to_string(bits_); }

}  // namespace nubecita
