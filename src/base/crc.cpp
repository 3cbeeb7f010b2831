#include "base/crc.hpp"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nubecita {
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
// x^n modulo the polynomial as a reflected 64-bit operand of a carry-less multiplication.
template <class T, uint64_t kPolynomial>
constexpr long long power_of_x(int n) {
  T a = T{1} << (sizeof(T) * 8 - 1);  // x^0
  for (; n; --n) a = a & 1 ? (a >> 1) ^ static_cast<T>(kPolynomial) : a >> 1;
  return std::bit_cast<long long>(static_cast<uint64_t>(a) << (64 - sizeof(T) * 8));
}

// Sixty-four bytes at a time by carry-less multiplication: what stands 512 (then 128) bits further on has the
// remainder of what is taken away, until sixteen bytes are left. Gopal et al., Fast CRC Computation for
// Generic Polynomials Using PCLMULQDQ Instruction, Intel 2009. Operands are reflected, so that a product is
// one power of x too high: hence the exponents.
template <class T, uint64_t kPolynomial, class Table>
__attribute__((target("pclmul,sse4.1"))) T fold(const Table& table, T crc, std::string_view s) {
  static constexpr long long k512[] = {power_of_x<T, kPolynomial>(512 + 63),
                                       power_of_x<T, kPolynomial>(512 - 1)};
  static constexpr long long k128[] = {power_of_x<T, kPolynomial>(128 + 63),
                                       power_of_x<T, kPolynomial>(128 - 1)};
  const auto* p = reinterpret_cast<const __m128i*>(s.data());
  const auto* end = p + s.size() / 64 * 4;
  const __m128i by512 = _mm_set_epi64x(k512[1], k512[0]), by128 = _mm_set_epi64x(k128[1], k128[0]);
  __m128i x[4];
  for (int i = 0; i < 4; ++i) x[i] = _mm_loadu_si128(p + i);
  x[0] = _mm_xor_si128(x[0], _mm_set_epi64x(0, static_cast<long long>(static_cast<T>(~crc))));
  for (p += 4; p != end; p += 4)
    for (int i = 0; i < 4; ++i)
      x[i] = _mm_xor_si128(
          _mm_xor_si128(_mm_clmulepi64_si128(x[i], by512, 0x00), _mm_clmulepi64_si128(x[i], by512, 0x11)),
          _mm_loadu_si128(p + i));
  for (int i = 1; i < 4; ++i)
    x[i] = _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x[i - 1], by128, 0x00),
                                       _mm_clmulepi64_si128(x[i - 1], by128, 0x11)),
                         x[i]);
  char rest[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(rest), x[3]);
  // slice() inverts what it is given: ~0 is nothing.
  crc = slice<T>(table, static_cast<T>(~T{0}), {rest, sizeof rest});
  return slice<T>(table, crc, s.substr(s.size() / 64 * 64));
}

// The same, 256 bytes at a time; its last 64 are left to fold().
template <class T, uint64_t kPolynomial, class Table>
__attribute__((target("avx512f,vpclmulqdq,pclmul,sse4.1"))) T fold_wide(const Table& table, T crc,
                                                                        std::string_view s) {
  static constexpr long long k2048[] = {power_of_x<T, kPolynomial>(2048 + 63),
                                        power_of_x<T, kPolynomial>(2048 - 1)};
  static constexpr long long k512[] = {power_of_x<T, kPolynomial>(512 + 63),
                                       power_of_x<T, kPolynomial>(512 - 1)};
  const char* p = s.data();
  const char* end = p + s.size() / 256 * 256;
  const __m512i by2048 = _mm512_set4_epi64(k2048[1], k2048[0], k2048[1], k2048[0]);
  const __m512i by512 = _mm512_set4_epi64(k512[1], k512[0], k512[1], k512[0]);
  constexpr int kXor = 0x96;  // of three, as a table of truth
  __m512i x[4];
  for (int i = 0; i < 4; ++i) x[i] = _mm512_loadu_si512(p + i * 64);
  x[0] = _mm512_xor_si512(
      x[0], _mm512_zextsi128_si512(_mm_set_epi64x(0, static_cast<long long>(static_cast<T>(~crc)))));
  for (p += 256; p != end; p += 256)
    for (int i = 0; i < 4; ++i)
      x[i] = _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(x[i], by2048, 0x00),
                                       _mm512_clmulepi64_epi128(x[i], by2048, 0x11),
                                       _mm512_loadu_si512(p + i * 64), kXor);
  for (int i = 1; i < 4; ++i)
    x[i] = _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(x[i - 1], by512, 0x00),
                                     _mm512_clmulepi64_epi128(x[i - 1], by512, 0x11), x[i], kXor);
  char rest[64];
  _mm512_storeu_si512(rest, x[3]);
  crc = fold<T, kPolynomial>(table, static_cast<T>(~T{0}), {rest, sizeof rest});
  const auto tail = s.substr(s.size() / 256 * 256);
  return tail.size() >= 128 ? fold<T, kPolynomial>(table, crc, tail) : slice<T>(table, crc, tail);
}
#endif

template <class T, uint64_t kPolynomial, class Table>
T check(const Table& table, T crc, std::string_view s) {
#if defined(__x86_64__)
  static const bool have = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  static const bool have_wide =
      have && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq");
  if (have_wide && s.size() >= 1024) return fold_wide<T, kPolynomial>(table, crc, s);
  if (have && s.size() >= 128) return fold<T, kPolynomial>(table, crc, s);
#endif
  return slice<T>(table, crc, s);
}

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

uint32_t crc32(uint32_t crc, std::string_view bytes) { return check<uint32_t, kCrc32>(t32, crc, bytes); }
uint32_t crc32c(uint32_t crc, std::string_view bytes) { return check<uint32_t, kCrc32c>(t32c, crc, bytes); }
uint64_t crc64nvme(uint64_t crc, std::string_view bytes) { return check<uint64_t, kCrc64>(t64, crc, bytes); }

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

}  // namespace nubecita
