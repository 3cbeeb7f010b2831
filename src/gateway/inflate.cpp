#include "gateway/inflate.hpp"

#include <zlib.h>

namespace nubecita::gateway {

Result<std::string> inflate_body(std::string_view encoding, std::string_view body, size_t most) {
  if (encoding != "gzip" && encoding != "deflate")
    return fail("InternalServerError", "The Content-Encoding " + std::string(encoding) + " is not supported.",
                500);
  auto damaged = [] { return fail("InternalServerError", "The compressed request body is damaged.", 500); };
  std::string out;
  do {  // a gzip body may be several in a row
    z_stream z{};
    if (inflateInit2(&z, encoding == "gzip" ? 16 + MAX_WBITS : MAX_WBITS) != Z_OK) return damaged();
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));  // zlib's own type; it is only read
    z.avail_in = static_cast<uInt>(body.size());
    int status = Z_OK;
    while (status == Z_OK && out.size() <= most) {
      char piece[16384];
      z.next_out = reinterpret_cast<Bytef*>(piece);
      z.avail_out = sizeof piece;
      status = inflate(&z, Z_NO_FLUSH);
      out.append(piece, sizeof piece - z.avail_out);
    }
    body.remove_prefix(body.size() - z.avail_in);
    inflateEnd(&z);
    if (out.size() > most)
      return fail("RequestEntityTooLarge", "The request body is too large when decompressed.", 413);
    if (status != Z_STREAM_END) return damaged();
  } while (!body.empty());
  return out;
}

}  // namespace nubecita::gateway
