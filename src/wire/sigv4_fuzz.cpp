// Arbitrary request lines, headers and bodies through the signature's parser and the canonical request.
#include <cstdint>

#include "wire/sigv4.hpp"

using namespace nubecita::wire;

static void check(const RawRequest& r, SignatureErrors e) {
  auto claim = parse_signature(r, e);
  if (claim && check_claim(r, *claim, claim->time_ms, e))
    (void)verify_signature(r, *claim, "secret", sha256_hex(r.body), e);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  auto line = [&] {
    auto end = rest.find('\n');
    auto out = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return out;
  };
  RawRequest r;
  r.method = "POST";
  r.path = line();
  r.query = line();
  r.headers.emplace_back("host", "h");
  r.headers.emplace_back("authorization", line());
  r.headers.emplace_back("x-amz-date", line());
  r.headers.emplace_back("x-amz-content-sha256", line());
  r.body = rest;
  for (auto e : {SignatureErrors::query, SignatureErrors::s3}) {
    check(r, e);
    auto bare = r;
    bare.headers.erase(bare.headers.begin() + 1);
    check(bare, e);
  }
  return 0;
}
