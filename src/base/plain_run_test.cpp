#include "base/plain_run.hpp"

#include <gtest/gtest.h>

#include <string>

namespace nubecita {
namespace {

TEST(PlainRun, EndsAtTheFirstByteThatIsNotPlain) {
  constexpr auto json = plain_run<Beyond::pass, '"', '\\'>;
  constexpr auto ascii = plain_run<Beyond::stop, '"', '\\'>;
  for (int c = 0; c < 256; ++c)
    for (size_t size = 0; size < 40; ++size)
      for (size_t at = 0; at < size; ++at) {
        std::string text(size, 'x');
        text[at] = static_cast<char>(c);
        const bool special = c < 0x20 || c == '"' || c == '\\';
        ASSERT_EQ(json(text), special ? at : size) << c << " at " << at << " of " << size;
        ASSERT_EQ(ascii(text), special || c >= 0x80 ? at : size) << c << " at " << at << " of " << size;
      }
}

TEST(PlainRun, NeighboursDoNotMatter) {
  // Bytes whose neighbours would be taken for special ones by a borrow.
  for (std::string_view text :
       {"\x80\x9f\xa0\xff\x7f  !", "        ", "\xff\xff\xff\xff\xff\xff\xff\xff", "#!#!#!#!"})
    EXPECT_EQ((plain_run<Beyond::pass, '"'>(text)), text.size());
  EXPECT_EQ((plain_run<Beyond::pass, '"'>(std::string_view("abcdefg\x1f", 8))), 7u);
}

}  // namespace
}  // namespace nubecita
