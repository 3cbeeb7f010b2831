// The checksums that clients send and ask for: x-amz-checksum-crc32, -crc32c, -crc64nvme, -sha1, -sha256, and
// MD5 for ETags. One owner, one thread.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace nubecita::s3 {

enum class Algorithm { none, crc32, crc32c, crc64nvme, sha1, sha256 };
/// "CRC32C" -> crc32c; nothing for what is not served.
std::optional<Algorithm> parse_algorithm(std::string_view name);
/// "x-amz-checksum-crc32c" -> crc32c; nothing for another header.
std::optional<Algorithm> algorithm_of_header(std::string_view lower_name);
std::string_view name_of(Algorithm a);
/// A whole object's check can be had from those of its parts.
inline bool is_crc(Algorithm a) {
  return a == Algorithm::crc32 || a == Algorithm::crc32c || a == Algorithm::crc64nvme;
}
/// Bytes of a value.
size_t size_of(Algorithm a);

/// Hashes what it is given.
class Digester {
 public:
  enum class Kind { md5, sha1, sha256 };
  explicit Digester(Kind kind);
  ~Digester();
  Digester(Digester&& o) noexcept;
  Digester& operator=(Digester&&) = delete;
  void add(std::string_view bytes);
  /// As bytes. Once.
  std::string finish();

 private:
  void* context_;
};

class Checksum {
 public:
  explicit Checksum(Algorithm a);
  Algorithm algorithm() const { return algorithm_; }
  void add(std::string_view bytes);
  /// Base64, as in the header. Once.
  std::string finish();

 private:
  Algorithm algorithm_;
  uint64_t crc_ = 0;
  std::optional<Digester> digest_;
};

std::string crc_text(Algorithm a, uint64_t value);
/// Nothing if it is not base64 of the right size.
std::optional<std::string> checksum_bytes(Algorithm a, std::string_view base64_text);
/// Of the concatenation, from the parts' (base64) and the second's size; only for CRCs.
std::string combine(Algorithm a, std::string_view first, std::string_view second, uint64_t second_size);

std::string md5(std::string_view bytes);

}  // namespace nubecita::s3
