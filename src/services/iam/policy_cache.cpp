#include "services/iam/policy_cache.hpp"

#include <mutex>

namespace nubecita::iam {

PolicyCache& PolicyCache::instance() {
  static PolicyCache cache;
  return cache;
}

std::shared_ptr<const Policy> PolicyCache::get(std::string_view document, PolicyKind kind) {
  auto& map = maps_[static_cast<size_t>(kind)];
  {
    std::shared_lock lock(mutex_);
    if (auto it = map.find(document); it != map.end()) return it->second;
  }
  auto parsed = Policy::parse(document, kind);
  auto policy = parsed ? *parsed : nullptr;
  std::unique_lock lock(mutex_);
  if (map.size() >= kMost) map.clear();
  map.emplace(std::string(document), policy);
  return policy;
}

}  // namespace nubecita::iam
