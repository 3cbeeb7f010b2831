#include "services/s3/chunked.hpp"

#include <gtest/gtest.h>

#include "base/ids.hpp"
#include "wire/sigv4_canonical.hpp"

namespace nubecita::s3 {
namespace {

std::string code(const Status& s) { return s ? "ok" : s.error().code; }

// AWS's own example of signed chunks: 66,560 times 'a' in chunks of 65,536.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
ChunkedDecoder::Signing example() {
  const auto key = wire::signing_key("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                     "20130524", "us-east-1", "s3");
  return {std::string(wire::view(key)), "20130524T000000Z", "20130524/us-east-1/s3/aws4_request",
          "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"};
}
const std::string kExample =
    "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" +
    std::string(65'536, 'a') +
    "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" +
    std::string(1024, 'a') +
    "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";

struct Decoded {
  std::string data;
  Status state;
  std::map<std::string, std::string> trailers;
};
Decoded decode(std::optional<ChunkedDecoder::Signing> signing, bool trailer, std::string_view text,
               size_t step) {
  Decoded d;
  ChunkedDecoder decoder(std::move(signing), trailer, [&](std::string_view part) {
    d.data += part;
    return Status();
  });
  for (; d.state && !text.empty(); text.remove_prefix(std::min(step, text.size())))
    d.state = decoder.write(text.substr(0, step));
  if (d.state) d.state = decoder.finish();
  d.trailers = decoder.trailers();
  return d;
}

TEST(Chunked, AwsExampleInAnyPieces) {
  for (size_t step : {1u, 7u, 1000u, 100'000u}) {
    auto d = decode(example(), false, kExample, step);
    EXPECT_EQ(code(d.state), "ok");
    EXPECT_EQ(d.data, std::string(66'560, 'a'));
  }
}

TEST(Chunked, AForgedChunkIsRefused) {
  auto text = kExample;
  text[200] = 'b';
  EXPECT_EQ(code(decode(example(), false, text, 4096).state), "SignatureDoesNotMatch");
  text = kExample;
  text.erase(text.rfind("\r\n400;"), 2 + 86 + 1024 + 2);  // a chunk left out
  EXPECT_NE(code(decode(example(), false, text, 4096).state), "ok");
  auto other = example();
  other.seed[0] = '5';
  EXPECT_EQ(code(decode(other, false, kExample, 4096).state), "SignatureDoesNotMatch");
}

TEST(Chunked, UnsignedWithTrailer) {
  auto d = decode({}, true, "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n", 3);
  EXPECT_EQ(code(d.state), "ok");
  EXPECT_EQ(d.data, "hello world");
  EXPECT_EQ(d.trailers["x-amz-checksum-crc32"], "DUoRhQ==");
}

TEST(Chunked, CutOffIsIncomplete) {
  const std::string whole = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
  for (size_t n = 0; n < 12; ++n)
    EXPECT_EQ(code(decode({}, true, whole.substr(0, n), 5).state), "IncompleteBody") << n;
  EXPECT_EQ(code(decode(example(), false, kExample.substr(0, kExample.size() - 90), 4096).state),
            "IncompleteBody");
}

TEST(Chunked, MalformedIsRefused) {
  for (const char* text : {"x\r\nhello\r\n", "-1\r\n", "5;no\r\nhello!!\r\n", "5\r\nhelloXX\r\n0\r\n\r\n",
                           "ffffffffffffffffff\r\n", "0\r\nno colon here\r\n\r\n"})
    EXPECT_EQ(code(decode({}, true, text, 100).state), "InvalidRequest") << text;
  EXPECT_EQ(code(decode({}, true, std::string(10'000, '1'), 100).state), "InvalidRequest");
}

}  // namespace
}  // namespace nubecita::s3
