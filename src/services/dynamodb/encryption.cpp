#include "services/dynamodb/encryption.hpp"

#include <stdexcept>

#include "api/parts.hpp"
#include "base/ids.hpp"
#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/value.hpp"

namespace nubecita::dynamodb {
namespace {

constexpr size_t kOverhead = 1 + 12 + 16;  // the mark, nonce and tag

kms::Context context_of(const store::Scope& scope, const std::string& table) {
  return {{"aws:dynamodb:tableName", table}, {"aws:dynamodb:subscriberId", scope.account}};
}
std::string bound_to(const std::string& table) { return "dynamodb/" + table; }

/// For what lies in `scope`.
kms::Asker caller(api::Call& call, store::Scope scope) {
  return {.cloud = call.cloud,
          .tx = call.tx,
          .principal = call.principal,
          .scope = std::move(scope),
          .via = "dynamodb." + call.region + ".amazonaws.com",
          .conditions = call.request_conditions.get(),
          .now = call.now};
}
kms::Asker ourselves(api::Cloud& cloud, store::Transaction& tx, store::Scope scope, int64_t now = 0) {
  return {.cloud = cloud,
          .tx = tx,
          .principal = kms::ourselves(),
          .scope = std::move(scope),
          .via = {},
          .conditions = {},
          .now = now};
}

std::unexpected<ApiError> kms_error(ApiError e) {
  if (e.status >= 500) return fail(std::move(e));
  if (e.code.starts_with("AccessDenied"))
    return fail("AccessDeniedException", "KMS key access denied error: " + e.message);
  return fail(
      "InaccessibleEncryptionCredentialsException",
      "The table's KMS key cannot be used: " + (e.message.empty() ? "it does not exist." : e.message));
}

/// Of a table, a stream, a backup: what was sealed for the table `name`.
Result<std::string> unwrap(const kms::Asker& asker, const std::string& name, const std::string& kms_key,
                           const std::string& data_key) {
  if (data_key.empty()) return std::string();
  if (kms_key.empty()) return api::part<kms::Vault>(asker.cloud).unlock(data_key, bound_to(name));
  auto plain = kms::decrypt(asker, data_key, context_of(asker.scope, name));
  if (!plain) return kms_error(plain.error());
  return plain;
}

Status open(const kms::Asker& asker, const TableInfo& table) {
  if (table.data_key.empty()) return {};
  if (!table.plain_key.known()) {
    TRY_LET(auto key, unwrap(asker, table.name, table.kms_key, table.data_key));
    table.plain_key.set(std::move(key));
    return {};
  }
  if (table.kms_key.empty()) return {};
  auto may = kms::may_use(asker, table.kms_key, {"Decrypt"}, context_of(asker.scope, table.name));
  if (!may) return kms_error(may.error());
  return {};
}

}  // namespace

std::string seal_value(std::string_view key, std::string_view plain, std::string_view place) {
  if (key.empty()) return std::string(plain);
  return '\0' + kms::seal(key, plain, place);
}

std::string open_value(std::string_view key, std::string_view stored, std::string_view place) {
  if (!is_sealed(stored)) return std::string(stored);
  auto plain = key.empty() ? Result<std::string>(fail("", "")) : kms::unseal(key, stored.substr(1), place);
  if (!plain) throw std::runtime_error("an encrypted item cannot be opened: it was changed on the disk");
  return std::move(*plain);
}

size_t stored_size(std::string_view stored) {
  return is_sealed(stored) ? stored.size() - std::min(stored.size(), kOverhead) : item_size(stored);
}

Status open_table(api::Call& call, const TableInfo& table) {
  if (table.data_key.empty()) return {};
  return open(caller(call, table.scope), table);
}

Status open_table(api::Cloud& cloud, store::Transaction& tx, const TableInfo& table) {
  if (table.data_key.empty()) return {};
  return open(ourselves(cloud, tx, table.scope), table);
}

Result<std::string> open_stream_key(api::Call& call, const Stream& stream) {
  return unwrap(caller(call, call.scope()), stream.table, stream.kms_key, stream.data_key);
}

Result<std::string> data_key_of(api::Call& call, const Table& table) {
  return unwrap(caller(call, call.scope()), table.name, table.kms_key, table.data_key);
}

Status wrap_data_key(api::Call& call, Table& table, std::string_view data_key) {
  if (table.kms_key.empty()) {
    TRY_LET(table.data_key, api::part<kms::Vault>(call.cloud).lock(data_key, bound_to(table.name)));
    return {};
  }
  auto sealed = kms::encrypt(ourselves(call.cloud, call.tx, call.scope(), call.now), table.kms_key, data_key,
                             context_of(call.scope(), table.name));
  if (!sealed) return kms_error(sealed.error());
  table.data_key = std::move(sealed->blob);
  return {};
}

Status change_encryption(api::Call& call, const model::SSESpecification& asked, Table& table,
                         std::string_view data_key) {
  const std::string wrong = "One or more parameter values were invalid: ";
  if (!asked.enabled.value_or(false)) {
    if (asked.kms_master_key_id.has() || asked.sse_type.has())
      return invalid(wrong + "SSEType and KMSMasterKeyId can be given only when SSESpecification is enabled");
    table.kms_key.clear();
    // What is sealed stays so, under the key that stands in for the one that AWS owns.
    return data_key.empty() ? Status() : wrap_data_key(call, table, data_key);
  }
  if (asked.sse_type.has() && asked.sse_type != "KMS")
    return invalid(wrong + "SSEType " + api::str(asked.sse_type) + " is not supported");
  const auto name =
      asked.kms_master_key_id.has() ? asked.kms_master_key_id.sv() : std::string_view("alias/aws/dynamodb");
  auto asker = caller(call, call.scope());
  asker.conditions.push_back({"kms:GrantIsForAWSResource", {"true"}});
  auto key = kms::may_use(asker, name, {"DescribeKey", "CreateGrant"}, context_of(call.scope(), table.name));
  if (!key) {
    if (key.error().code.starts_with("AccessDenied")) return kms_error(key.error());
    return invalid(wrong + "KMS validation error: " + key.error().message);
  }
  table.kms_key = *key;
  if (!data_key.empty()) return wrap_data_key(call, table, data_key);
  table.sealing = true;
  return wrap_data_key(call, table, random_bytes(32));
}

model::SSEDescription* describe_encryption(api::Call& call, const Table& table, bool& accessible) {
  accessible = true;
  if (table.kms_key.empty()) return nullptr;
  const auto us = ourselves(call.cloud, call.tx, call.scope());
  accessible = kms::may_use(us, table.kms_key, {}, {}).has_value();
  auto* d = call.make<model::SSEDescription>();
  d->status = table.sealing ? wire::Text("UPDATING") : wire::Text("ENABLED");
  d->sse_type = "KMS";
  d->kms_master_key_arn = call.text(table.kms_key);
  return d;
}

}  // namespace nubecita::dynamodb
