#include "gateway/inflate.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

namespace nubecita::gateway {
namespace {

std::string squeezed(std::string_view text, int bits) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 100, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(out.size() - z.avail_out);
  deflateEnd(&z);
  return out;
}

TEST(Inflate, BringsBackWhatWasCompressed) {
  const std::string text(100'000, 'x');
  EXPECT_EQ(inflate_body("gzip", squeezed(text, 31), 200'000), text);
  EXPECT_EQ(inflate_body("deflate", squeezed(text, 15), 200'000), text);
  EXPECT_EQ(inflate_body("gzip", squeezed("a", 31) + squeezed("b", 31), 100), "ab");
}

TEST(Inflate, RefusesWhatIsDamagedOrTooLarge) {
  const std::string good = squeezed("hello", 31);
  for (const auto& bad :
       {std::string(), std::string("plain"), good.substr(0, good.size() - 1), good + "junk"})
    EXPECT_EQ(inflate_body("gzip", bad, 1000).error().status, 500) << bad.size();
  EXPECT_EQ(inflate_body("br", good, 1000).error().status, 500);
  EXPECT_EQ(inflate_body("gzip", squeezed(std::string(1'000'000, 'x'), 31), 1000).error().status, 413);
}

}  // namespace
}  // namespace nubecita::gateway
