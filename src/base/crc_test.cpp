#include "base/crc.hpp"

#include <gtest/gtest.h>

#include "base/ids.hpp"

namespace nubecita {
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

TEST(Crc, LongTextsHaveTheCheckOfTheirPieces) {
  std::string text(2500, '\0');
  for (unsigned i = 0, x = 1; i < text.size(); ++i)
    text[i] = static_cast<char>((x = x * 1103515245 + 12345) >> 16);
  const std::string_view all = text;
  for (size_t from : {0, 1, 7})
    for (size_t size = 0; from + size <= all.size(); size += size < 1000 ? 1 : 7) {
      const auto whole = all.substr(from, size);
      uint32_t a = 0, b = 0;
      uint64_t c = 0;
      for (auto rest = whole; !rest.empty(); rest.remove_prefix(std::min<size_t>(rest.size(), 100))) {
        const auto piece = rest.substr(0, 100);  // too short for the quick way
        a = crc32(a, piece), b = crc32c(b, piece), c = crc64nvme(c, piece);
      }
      ASSERT_EQ(crc32(0, whole), a) << size;
      ASSERT_EQ(crc32c(0, whole), b) << size;
      ASSERT_EQ(crc64nvme(0, whole), c) << size;
      const auto head = whole.substr(0, size / 3), tail = whole.substr(size / 3);
      ASSERT_EQ(crc64nvme(crc64nvme(0, head), tail), c) << size;
    }
}

}  // namespace
}  // namespace nubecita
