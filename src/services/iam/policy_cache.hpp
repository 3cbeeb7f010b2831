// Compiled policies by their text, so that a request costs lookups and not parsing. Bounded: when it is full
// it starts anew, because a working set that large does not exist here. One per process, any thread.
#pragma once

#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "services/iam/policy.hpp"

namespace nubecita::iam {

class PolicyCache {
 public:
  static PolicyCache& instance();
  /// Null when the document does not parse (it was checked when it was stored, so only after a change of
  /// grammar).
  std::shared_ptr<const Policy> get(std::string_view document, PolicyKind kind);

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
    size_t operator()(const std::string& s) const { return std::hash<std::string_view>{}(s); }
  };
  using Map = std::unordered_map<std::string, std::shared_ptr<const Policy>, Hash, std::equal_to<>>;
  static constexpr size_t kMost = 4096;
  std::shared_mutex mutex_;
  Map maps_[3];  // by kind
};

}  // namespace nubecita::iam
