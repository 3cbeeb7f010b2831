#include "services/iam/credential_cache.hpp"

#include <mutex>

#include "store/changes.hpp"

namespace nubecita::iam {

CredentialCache::CredentialCache(store::Store& store)
    : store_(store), changes_(store::changes(store, "iam.")) {}

std::shared_ptr<const Credential> CredentialCache::find(std::string_view id) {
  const uint64_t changes =
      changes_;  // before the read: a commit in between makes the entry useless, not wrong
  {
    std::shared_lock lock(mutex_);
    if (auto it = entries_.find(id); it != entries_.end() && it->second.changes == changes)
      return it->second.credential;
  }
  auto found = find_credential(*store_.begin(), id);
  if (!found) return nullptr;
  auto credential = std::make_shared<const Credential>(std::move(*found));
  std::unique_lock lock(mutex_);
  if (entries_.size() >= kMost) entries_.clear();
  entries_.insert_or_assign(std::string(id), Entry{changes, credential});
  return credential;
}

}  // namespace nubecita::iam
