// The installation's key and the AES-256-GCM that everything here rests on. The key is 32 random bytes in
// <data>/kms/installation.key (mode 0600), made at first use; it is read into memory and never leaves the
// file otherwise. Without that file nothing that KMS has encrypted can be read again: back it up apart from
// the store. One per process (api::part<Vault>). Any thread.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "api/cloud.hpp"
#include "base/result.hpp"

namespace nubecita::kms {

using Context = std::map<std::string, std::string>;

/// A fresh nonce of 12 bytes, the ciphertext, a tag of 16 bytes. `key` has 32 bytes.
std::string seal(std::string_view key, std::string_view plain, std::string_view authenticated);
/// Nothing but the error InvalidCiphertextException if it was not sealed so.
Result<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view authenticated);

class Vault {
 public:
  explicit Vault(api::Cloud& cloud) : cloud_(cloud) {}
  /// Key material for the store, bound to the key and generation that it is of, and back.
  Result<std::string> lock(std::string_view material, std::string_view bound_to);
  Result<std::string> unlock(std::string_view sealed, std::string_view bound_to);

 private:
  Result<std::string> installation_key();
  api::Cloud& cloud_;
  std::mutex mutex_;
  std::string key_;
};

/// What a ciphertext says about itself. Everything before `sealed` is authenticated with it.
struct Blob {
  std::string account, region, key_id, material;
  std::string sealed;
  std::string head() const;
  std::string text() const { return head() + sealed; }
  static Result<Blob> parse(std::string_view bytes);
};
/// What an encryption context contributes to the authenticated data: the same for the same pairs in any
/// order.
std::string canonical(const Context& context);

}  // namespace nubecita::kms
