#include "services/s3/checksum.hpp"

#include <gtest/gtest.h>

#include "base/ids.hpp"

namespace nubecita::s3 {
namespace {

TEST(Checksum, AsInHeaders) {
  Checksum c(Algorithm::crc32);
  c.add("hello");
  c.add(" world");
  EXPECT_EQ(c.finish(), "DUoRhQ==");
  Checksum s(Algorithm::sha256);
  s.add("");
  EXPECT_EQ(s.finish(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  EXPECT_FALSE(checksum_bytes(Algorithm::crc32, "abc"));
  EXPECT_FALSE(checksum_bytes(Algorithm::crc32, "47DEQpj8HBSa"));
  EXPECT_EQ(algorithm_of_header("x-amz-checksum-sha1"), Algorithm::sha1);
  EXPECT_FALSE(parse_algorithm("XXHASH64"));
}

}  // namespace
}  // namespace nubecita::s3
