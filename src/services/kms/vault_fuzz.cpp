// Arbitrary bytes as a ciphertext: no crash, what parses is written back the same, and nothing that we have
// not sealed is opened.
#include <cstdlib>

#include "services/kms/vault.hpp"

using namespace nubecita::kms;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string key(32, 'k');
  auto b = Blob::parse(bytes);
  if (!b) return 0;
  if (b->text() != bytes) std::abort();
  if (unseal(key, b->sealed, b->head())) std::abort();
  return 0;
}
