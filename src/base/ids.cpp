#include "base/ids.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace nubecita {
namespace {
constexpr char kHex[] = "0123456789abcdef";

void ask_kernel(char* out, size_t n) {
  for (size_t at = 0; at < n;) {
    auto got = getrandom(out + at, n - at, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw std::runtime_error("getrandom failed");
    }
    at += static_cast<size_t>(got);
  }
}

// Every request gets an id: a system call for each would cost more than all the rest of it here. What is
// given out is kept nowhere.
void randomize(char* out, size_t n) {
  thread_local std::array<char, 512> ahead;
  thread_local size_t left = 0;
  if (n > ahead.size() / 4) return ask_kernel(out, n);
  if (left < n) {
    ask_kernel(ahead.data(), ahead.size());
    left = ahead.size();
  }
  left -= n;
  std::memcpy(out, ahead.data() + left, n);
  OPENSSL_cleanse(ahead.data() + left, n);
}
}  // namespace

std::string random_bytes(size_t n) {
  std::string out(n, '\0');
  randomize(out.data(), n);
  return out;
}

std::string to_hex(std::string_view bytes) {
  std::string out(bytes.size() * 2, '\0');
  auto* at = out.data();
  for (unsigned char c : bytes) {
    *at++ = kHex[c >> 4];
    *at++ = kHex[c & 15];
  }
  return out;
}

std::string random_hex(size_t digits) { return to_hex(random_bytes((digits + 1) / 2)).substr(0, digits); }

std::string random_text(size_t n, std::string_view alphabet) {
  std::string out;
  const size_t limit = 256 - 256 % alphabet.size();  // no bias
  while (out.size() < n)
    for (unsigned char c : random_bytes(n))
      if (c < limit && out.size() < n) out += alphabet[c % alphabet.size()];
  return out;
}

std::string resource_id(std::string_view prefix) { return std::string(prefix) + "-0" + random_hex(16); }

std::string uuid() {
  unsigned char b[16];
  randomize(reinterpret_cast<char*>(b), sizeof b);
  b[6] = static_cast<unsigned char>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<unsigned char>((b[8] & 0x3f) | 0x80);
  std::string out(36, '-');
  auto* at = out.data();
  for (size_t i = 0; i < sizeof b; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) ++at;
    *at++ = kHex[b[i] >> 4];
    *at++ = kHex[b[i] & 15];
  }
  return out;
}

std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  int n =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(n));
  return out;
}

bool base64_decode(std::string_view text, std::string& out) {
  if (text.size() % 4) return false;
  for (char c : text)  // EVP_DecodeBlock forgives blanks at the ends; we do not
    if (static_cast<unsigned char>(c) <= ' ') return false;
  out.assign(text.size() / 4 * 3, '\0');
  int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                          reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (n < 0) return false;
  size_t size = static_cast<size_t>(n);
  if (text.ends_with("=="))
    size -= 2;
  else if (text.ends_with("="))
    size -= 1;
  out.resize(size);
  return true;
}

std::string sha256(std::string_view bytes) {
  static EVP_MD* md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  unsigned char digest[32];
  unsigned n = 0;
  if (!EVP_Digest(bytes.data(), bytes.size(), digest, &n, md, nullptr))
    throw std::runtime_error("SHA-256 failed");
  return {reinterpret_cast<char*>(digest), n};
}

}  // namespace nubecita
