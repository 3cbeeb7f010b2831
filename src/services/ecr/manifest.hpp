// What a manifest says: its kind, what it refers to. Docker image manifest v2 schema 2 and list, OCI image
// manifest and index (https://github.com/opencontainers/image-spec). Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace nubecita::ecr {

struct Descriptor {
  std::string media_type, digest;
  int64_t size = 0;
  bool elsewhere = false;  // a foreign layer: its bytes are at its urls
};

struct Manifest {
  std::string media_type, artifact_type;
  bool is_index = false;
  std::vector<Descriptor> blobs;     // configuration first, then layers
  std::vector<Descriptor> children;  // of an index
  Descriptor subject;                // digest empty: none
  std::map<std::string, std::string> annotations;
  int64_t size() const;  // bytes of the blobs
};

constexpr size_t kMaxManifest = 4 << 20;

/// `media_type`: what the client says it is; empty: what the manifest says itself. Error "InvalidManifest"
/// with the place that is wrong.
Result<Manifest> parse_manifest(std::string_view text, std::string_view media_type);

/// "sha256:" and 64, or "sha512:" and 128, lower-case hexadecimal digits.
bool is_digest(std::string_view text);
/// [A-Za-z0-9_][A-Za-z0-9._-]{0,127}; ECR allows 300.
bool is_tag(std::string_view text);
/// ECR's grammar of repository names, 2 to 256 characters.
bool is_repository_name(std::string_view text);

}  // namespace nubecita::ecr
