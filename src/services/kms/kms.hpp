// What other services may ask of KMS: encrypting under a user's key for somebody who may use it. All
// functions work inside the caller's transaction and ask the key's policy, grants and the principal's
// policies. Any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "api/call.hpp"
#include "api/service.hpp"
#include "base/result.hpp"
#include "services/kms/vault.hpp"

namespace nubecita::kms {

const api::Service& service();
/// Rotates keys whose time has come and deletes those whose waiting time is over.
void add_controllers(api::Cloud& cloud);

/// Who wants the cryptography done.
struct Asker {
  api::Cloud& cloud;
  store::Transaction& tx;
  const api::Principal& principal;
  store::Scope scope;               // where key ids and aliases are looked up
  std::string via;                  // "sqs.us-east-1.amazonaws.com": a service on the principal's behalf
  api::Conditions conditions = {};  // of the request
  int64_t now = 0;
  std::string service = {};  // "sns.amazonaws.com": a service that asks for itself, `principal` is nobody
};

/// nubecita itself, for what was allowed when it was asked for: only the key's state is looked at.
const api::Principal& ourselves();

struct Encrypted {
  std::string blob, key_arn, material;
};
struct DataKey {
  std::string plain;  // 32 bytes
  std::string blob, key_arn, material;
};
/// `key`: an id, an ARN, an alias or an alias's ARN. "alias/aws/<service>" is made when it is first used.
/// Errors: NotFoundException, DisabledException, KMSInvalidStateException, AccessDenied.
Result<Encrypted> encrypt(const Asker& asker, std::string_view key, std::string_view plain,
                          const Context& context);
/// For data keys that are used again: may `operations` ("Decrypt", ...) be done with the key, and is it
/// usable? The key's ARN. Errors as above.
Result<std::string> may_use(const Asker& asker, std::string_view key,
                            std::initializer_list<std::string_view> operations, const Context& context);
Result<DataKey> generate_data_key(const Asker& asker, std::string_view key, const Context& context);
/// Errors as above, and InvalidCiphertextException.
Result<std::string> decrypt(const Asker& asker, std::string_view blob, const Context& context);
/// The ARN of a key that `key` names. Errors: NotFoundException.
Result<std::string> resolve(const Asker& asker, std::string_view key);

}  // namespace nubecita::kms
