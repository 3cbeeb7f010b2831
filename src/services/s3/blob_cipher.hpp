// AES-256-CTR of blobs: any position can be reached. One owner, one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nubecita::s3 {

/// Bytes of a key.
constexpr size_t kKeySize = 32;

class Ctr {
 public:
  /// `key` is used for one blob only, so the counter begins with zero.
  Ctr(std::string_view key, int64_t position);
  ~Ctr();
  Ctr(const Ctr&) = delete;
  Ctr& operator=(const Ctr&) = delete;
  void apply(const char* in, char* out, size_t n);

 private:
  void* context_;
};

}  // namespace nubecita::s3
