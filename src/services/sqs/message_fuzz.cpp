// Arbitrary bytes as a stored message, a flight, a receipt handle: no crash, and what was accepted is written
// back the same.
#include <cstdlib>

#include "services/sqs/message.hpp"

using namespace nubecita::sqs;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  decode_head(bytes);
  if (auto m = decode_message(bytes)) {
    if (encode_message(*m) != bytes) std::abort();
    md5_of_attributes(m->attributes);
  }
  if (auto f = Flight::parse(bytes))
    if (!Flight::parse(f->text())) std::abort();
  if (auto r = Receipt::parse(bytes))
    if (Receipt::parse(r->text())->place != r->place) std::abort();
  return 0;
}
