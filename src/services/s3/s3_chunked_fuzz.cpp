// Arbitrary bytes as an aws-chunked body: no crash, and however they are cut the same comes out.
#include <cstdint>
#include <cstdlib>

#include "services/s3/chunked.hpp"

using namespace nubecita;
using namespace nubecita::s3;

namespace {
std::pair<bool, std::string> run(std::string_view text, bool is_signed, bool trailer, size_t step) {
  std::string data;
  std::optional<ChunkedDecoder::Signing> signing;
  if (is_signed)
    signing = {std::string(32, 'k'), "20260101T000000Z", "20260101/r/s3/aws4_request", std::string(64, '0')};
  ChunkedDecoder d(std::move(signing), trailer, [&](std::string_view part) {
    data += part;
    return Status();
  });
  Status state;
  for (; state && !text.empty(); text.remove_prefix(std::min(step, text.size())))
    state = d.write(text.substr(0, step));
  if (state) state = d.finish();
  return {state.has_value(), state ? data : std::string()};
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  for (bool is_signed : {false, true})
    for (bool trailer : {false, true})
      if (run(text, is_signed, trailer, size + 1) != run(text, is_signed, trailer, 1)) std::abort();
  return 0;
}
