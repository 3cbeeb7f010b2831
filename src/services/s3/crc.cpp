#include "services/s3/crc.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nubecita::s3 {
namespace {

// Reflected polynomials.
constexpr uint64_t kCrc32 = 0xedb88320u, kCrc32c = 0x82f63b78u, kCrc64 = 0x9a6c9329ac4bc9b5u;

template <class T, uint64_t kPolynomial>
struct Tables {
  std::array<std::array<T, 256>, 8> t;
  constexpr Tables() : t() {
    for (unsigned i = 0; i < 256; ++i) {
      T c = i;
      for (int k = 0; k < 8; ++k) c = c & 1 ? (c >> 1) ^ static_cast<T>(kPolynomial) : c >> 1;
      t[0][i] = c;
    }
    for (unsigned i = 0; i < 256; ++i)
      for (unsigned k = 1; k < 8; ++k) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 255];
  }
};
constexpr Tables<uint32_t, kCrc32> t32;
constexpr Tables<uint32_t, kCrc32c> t32c;
constexpr Tables<uint64_t, kCrc64> t64;

// Eight bytes at a time (Intel's slicing-by-8).
template <class T, class Table>
T slice(const Table& table, T crc, std::string_view s) {
  const auto& t = table.t;
  crc = ~crc;
  const char* p = s.data();
  size_t n = s.size();
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t v;
    std::memcpy(&v, p, 8);
    v ^= crc;
    crc = t[7][v & 255] ^ t[6][(v >> 8) & 255] ^ t[5][(v >> 16) & 255] ^ t[4][(v >> 24) & 255] ^
          t[3][(v >> 32) & 255] ^ t[2][(v >> 40) & 255] ^ t[1][(v >> 48) & 255] ^ t[0][v >> 56];
  }
  for (; n; --n, ++p) crc = (crc >> 8) ^ t[0][(crc ^ static_cast<unsigned char>(*p)) & 255];
  return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t hardware_crc32c(uint32_t crc, std::string_view s) {
  uint64_t c = static_cast<uint32_t>(~crc);
  const char* p = s.data();
  size_t n = s.size();
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t v;
    std::memcpy(&v, p, 8);
    c = _mm_crc32_u64(c, v);
  }
  for (; n; --n, ++p) c = _mm_crc32_u8(static_cast<uint32_t>(c), static_cast<unsigned char>(*p));
  return ~static_cast<uint32_t>(c);
}
bool have_instruction() {
  static const bool have = __builtin_cpu_supports("sse4.2");
  return have;
}
#endif

// a * b modulo the polynomial, bits reflected: the highest bit is x^0.
uint64_t multiply(uint64_t a, uint64_t b, uint64_t polynomial, int width) {
  uint64_t product = 0;
  for (uint64_t m = uint64_t{1} << (width - 1); m; m >>= 1) {
    if (a & m) product ^= b;
    b = b & 1 ? (b >> 1) ^ polynomial : b >> 1;
  }
  return product;
}

}  // namespace

uint32_t crc32(uint32_t crc, std::string_view bytes) { return slice(t32, crc, bytes); }
uint32_t crc32c(uint32_t crc, std::string_view bytes) {
#if defined(__x86_64__)
  if (have_instruction()) return hardware_crc32c(crc, bytes);
#endif
  return slice(t32c, crc, bytes);
}
uint64_t crc64nvme(uint64_t crc, std::string_view bytes) { return slice(t64, crc, bytes); }

uint64_t crc_combine(Crc kind, uint64_t a, uint64_t b, uint64_t b_size) {
  const int width = kind == Crc::crc64nvme ? 64 : 32;
  const uint64_t polynomial = kind == Crc::crc32 ? kCrc32 : kind == Crc::crc32c ? kCrc32c : kCrc64;
  // x^(8 * b_size), by squaring.
  uint64_t power = uint64_t{1} << (width - 1), base = uint64_t{1} << (width - 9);
  for (uint64_t n = b_size; n; n >>= 1) {
    if (n & 1) power = multiply(power, base, polynomial, width);
    base = multiply(base, base, polynomial, width);
  }
  return multiply(power, a, polynomial, width) ^ b;
}

}  // namespace nubecita::s3
