// The arithmetic of Signature V4: hashes, the derived key, the canonical request. For sigv4.cpp, and for S3's
// signed chunks and forms. Any thread; contexts and derived keys are kept per thread.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "wire/sigv4.hpp"

namespace nubecita::wire {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

using Digest = std::array<char, 32>;
inline std::string_view view(const Digest& d) { return {d.data(), d.size()}; }
Digest sha256_digest(std::string_view bytes);
Digest hmac_sha256(std::string_view key, std::string_view message);
/// 64 lower-case hexadecimal digits.
void hex_of(const Digest& d, char* out);
/// In constant time.
bool same_bytes(std::string_view a, std::string_view b);

/// The value of a hexadecimal digit, or -1.
int hex_digit(char c);
/// `name` is in lower case; the sent one may not be.
bool same_name(std::string_view sent, std::string_view name);

Digest signing_key(std::string_view access_key, std::string_view secret, std::string_view date,
                   std::string_view region, std::string_view service);
void build_canonical(std::string& out, const RawRequest& r, const SignedRequest& c,
                     std::string_view payload_hash);
void string_to_sign(std::string& out, std::string_view canonical, const SignedRequest& c);

}  // namespace nubecita::wire
