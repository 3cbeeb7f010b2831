#include "services/s3/checksum.hpp"

#include <gtest/gtest.h>

#include "base/ids.hpp"
#include "services/s3/crc.hpp"

namespace nubecita::s3 {
namespace {

// The check values of the catalogue of parametrised CRC algorithms.
TEST(Crc, CheckValues) {
  EXPECT_EQ(crc32(0, "123456789"), 0xcbf43926u);
  EXPECT_EQ(crc32c(0, "123456789"), 0xe3069283u);
  EXPECT_EQ(crc64nvme(0, "123456789"), 0xae8b14860a799888u);
}

TEST(Crc, PartsMakeTheWhole) {
  const std::string a = random_bytes(1000), b = random_bytes(777), both = a + b;
  EXPECT_EQ(crc32(crc32(0, a), b), crc32(0, both));
  EXPECT_EQ(crc_combine(Crc::crc32, crc32(0, a), crc32(0, b), b.size()), crc32(0, both));
  EXPECT_EQ(crc_combine(Crc::crc32c, crc32c(0, a), crc32c(0, b), b.size()), crc32c(0, both));
  EXPECT_EQ(crc_combine(Crc::crc64nvme, crc64nvme(0, a), crc64nvme(0, b), b.size()), crc64nvme(0, both));
  EXPECT_EQ(crc_combine(Crc::crc64nvme, crc64nvme(0, a), crc64nvme(0, ""), 0), crc64nvme(0, a));
}

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
