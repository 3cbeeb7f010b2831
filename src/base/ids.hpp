// Identifiers as AWS shapes them, from the kernel's random source. Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nubecita {

/// `n` bytes of cryptographic randomness.
std::string random_bytes(size_t n);
/// `digits` lower-case hexadecimal digits.
std::string random_hex(size_t digits);
/// `n` characters of `alphabet`, uniformly.
std::string random_text(size_t n, std::string_view alphabet);
/// "vpc-0f3a..." : prefix, a dash, 17 hexadecimal digits beginning with 0, as EC2 has them.
std::string resource_id(std::string_view prefix);
/// A random (version 4) UUID.
std::string uuid();

std::string to_hex(std::string_view bytes);
std::string base64(std::string_view bytes);
/// Strict: nothing on bad characters or padding.
bool base64_decode(std::string_view text, std::string& out);
/// SHA-256, as bytes.
std::string sha256(std::string_view bytes);

}  // namespace nubecita
