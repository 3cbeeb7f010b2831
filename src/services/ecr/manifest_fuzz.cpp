// Arbitrary text as a manifest: no crash, and what was accepted refers only to well-formed digests.
#include <cstdlib>

#include "services/ecr/manifest.hpp"

using namespace nubecita::ecr;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  for (std::string_view type : {"", "application/vnd.oci.image.manifest.v1+json",
                                "application/vnd.docker.distribution.manifest.list.v2+json; q=1"}) {
    auto m = parse_manifest(text, type);
    if (!m) continue;
    for (auto& b : m->blobs)
      if (!is_digest(b.digest) || b.size < 0) std::abort();
    for (auto& c : m->children)
      if (!is_digest(c.digest)) std::abort();
    if (m->size() < 0 || m->is_index == !m->blobs.empty()) std::abort();
  }
  is_tag(text);
  is_repository_name(text);
  return 0;
}
