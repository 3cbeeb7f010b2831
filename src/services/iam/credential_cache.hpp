// Credentials by access key, decoded, so that a signed request costs a lookup and no read of the store.
//
// Never behind: an entry counts only while no commit has touched IAM's records since it was read, and such a
// commit is counted before it is answered (store/changes.hpp). So a key that was switched off is refused
// from the moment on at which whoever did it has the answer. One per gateway, any thread; the store outlives
// it.
#pragma once

#include <atomic>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "services/iam/iam.hpp"

namespace nubecita::iam {

class CredentialCache {
 public:
  explicit CredentialCache(store::Store& store);
  /// As find_credential(); null if there is no such key.
  std::shared_ptr<const Credential> find(std::string_view access_key_id);

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  struct Entry {
    uint64_t changes;  // what the count was before the credential was read
    std::shared_ptr<const Credential> credential;
  };
  static constexpr size_t kMost = 4096;  // full: it starts anew
  store::Store& store_;
  const std::atomic<uint64_t>& changes_;
  std::shared_mutex mutex_;
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> entries_;
};

}  // namespace nubecita::iam
