// Finding keys by what requests name them by, asking who may, using their material. Inside the KMS service
// only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/call.hpp"
#include "api/parts.hpp"
#include "services/kms/kms.hpp"
#include "services/kms/records.hpp"

namespace nubecita::kms {

struct Located {
  store::Scope scope;
  Key key;
  std::string alias;  // by which it was named; empty: by id or ARN
  std::string arn() const;
};

enum class Names { ids_only, aliases_too };

/// Nothing is asked of anybody yet. Errors: NotFoundException, InvalidArnException.
Result<Located> find_key(store::Transaction& tx, const store::Scope& scope, std::string_view name,
                         Names names);
/// The key's policy, grants (for `operation`, "Decrypt", in that context) and the principal's policies.
/// Error AccessDenied.
Status check_allowed(const Asker& asker, const Located& key, std::string_view operation,
                     const Context& context);
/// Enabled, or DisabledException, KMSInvalidStateException.
Status check_usable(const Located& key);
/// The bytes of a generation (empty: the last).
Result<std::string> material_of(api::Cloud& cloud, const Located& key, std::string_view id);
Result<Material> new_material(api::Cloud& cloud, const std::string& key_id, int64_t now, bool on_demand);
Result<Key> new_key(api::Cloud& cloud, const store::Scope& scope, int64_t now);
std::string default_policy(std::string_view account);
/// Of an AWS managed key: everybody in the account may use it, through its service only.
std::string managed_policy(std::string_view account, std::string_view region, std::string_view service);
std::string key_state(const Key& key);

Asker asker_of(api::Call& call);
/// For operations on one key: finds it and asks for "kms:<the call's operation>".
Result<Located> locate(api::Call& call, wire::Text name, Names names = Names::ids_only);
/// The same for operations that AWS refuses on its own keys and on keys pending deletion.
Result<Located> locate_own(api::Call& call, wire::Text name);
Context context_of(const wire::Map<wire::Text>& map);
/// Error DryRunOperationException if that is what was asked for.
Status check_dry_run(wire::Opt<bool> dry_run);

constexpr std::string_view kAlgorithm = "SYMMETRIC_DEFAULT";

}  // namespace nubecita::kms
