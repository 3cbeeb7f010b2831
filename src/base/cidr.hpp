// IP addresses and CIDR blocks, IPv4 and IPv6. Strict text forms: four decimal parts without leading zeros
// and blanks, RFC 4291 for IPv6, prefix lengths without sign or leading zeros. Values only, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nubecita {

class Cidr {
 public:
  /// "10.0.0.0/16", "2001:db8::/32"; host bits may be set (see canonical()). Nothing on any other text.
  static std::optional<Cidr> parse(std::string_view text);
  /// A bare address as its /32 or /128.
  static std::optional<Cidr> parse_address(std::string_view text);
  /// Either of the two.
  static std::optional<Cidr> parse_either(std::string_view text);
  static Cidr v4(uint32_t address, int bits);

  bool is_v6() const { return v6_; }
  int bits() const { return bits_; }  // prefix length
  bool has_host_bits() const { return !(canonical() == *this); }
  Cidr canonical() const;       // host bits cleared
  std::string str() const;      // "10.0.0.0/16"
  std::string address() const;  // "10.0.0.0": the address part as given
  /// Every address of `other` is in this block. Never across families.
  bool contains(const Cidr& other) const;
  bool overlaps(const Cidr& other) const { return contains(other) || other.contains(*this); }

  // IPv4 only.
  uint32_t v4() const;  // the address part, host byte order
  uint32_t first() const { return canonical().v4(); }
  uint32_t last() const { return first() + static_cast<uint32_t>(size() - 1); }
  uint64_t size() const { return uint64_t{1} << (32 - bits_); }

  friend bool operator==(const Cidr&, const Cidr&) = default;

 private:
  std::array<uint8_t, 16> bytes_{};  // IPv4 in the first four
  int bits_ = 0;
  bool v6_ = false;
};

/// "10.0.0.5" of 0x0a000005.
std::string ipv4_text(uint32_t address);
std::optional<uint32_t> parse_ipv4(std::string_view text);

}  // namespace nubecita
