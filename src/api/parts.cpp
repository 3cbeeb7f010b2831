#include "api/parts.hpp"

#include <map>
#include <mutex>
#include <shared_mutex>
#include <vector>

namespace nubecita::api {
namespace {
std::shared_mutex mutex;
std::map<std::pair<Cloud*, std::type_index>, std::shared_ptr<void>> parts;
}  // namespace

std::shared_ptr<void> find_part(Cloud& cloud, std::type_index kind,
                                const std::function<std::shared_ptr<void>()>& make) {
  const std::pair key(&cloud, kind);
  {
    std::shared_lock lock(mutex);
    if (auto it = parts.find(key); it != parts.end()) return it->second;
  }
  std::unique_lock lock(mutex);
  auto& part = parts[key];
  if (!part) part = make();
  return part;
}

void end_parts(Cloud& cloud) {
  std::vector<std::shared_ptr<void>> ended;
  std::unique_lock lock(mutex);
  for (auto it = parts.begin(); it != parts.end();) {
    if (it->first.first != &cloud) {
      ++it;
      continue;
    }
    ended.push_back(std::move(it->second));
    it = parts.erase(it);
  }
  lock.unlock();
}

}  // namespace nubecita::api
