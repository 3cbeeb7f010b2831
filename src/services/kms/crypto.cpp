// Encrypt, Decrypt, ReEncrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, GenerateRandom; and the same
// for other services.
#include "base/ids.hpp"
#include "models/kms.hpp"
#include "services/kms/keys.hpp"

namespace nubecita::kms {
namespace {

constexpr size_t kMostPlain = 4096;

/// The key for somebody who may `operation` with it, usable.
Result<Located> usable(const Asker& asker, std::string_view name, std::string_view operation,
                       const Context& context) {
  TRY_LET(auto at, find_key(asker.tx, asker.scope, name, Names::aliases_too));
  TRY(check_allowed(asker, at, operation, context));
  TRY(check_usable(at));
  return at;
}

Result<Encrypted> encrypt_with(api::Cloud& cloud, const Located& at, std::string_view plain,
                               const Context& context) {
  Blob blob;
  blob.account = at.scope.account;
  blob.region = at.scope.region;
  blob.key_id = at.key.id;
  blob.material = at.key.materials.back().id;
  TRY_LET(auto key, material_of(cloud, at, {}));
  blob.sealed = seal(key, plain, blob.head() + canonical(context));
  return Encrypted{blob.text(), at.arn(), blob.material};
}

struct Opened {
  std::string plain, key_arn, material;
};
/// `named`: what the caller says the key is; empty: whatever the ciphertext says.
Result<Opened> open_blob(const Asker& asker, std::string_view bytes, std::string_view named,
                         std::string_view operation, const Context& context) {
  TRY_LET(auto blob, Blob::parse(bytes));
  if (blob.region != asker.scope.region) return fail("InvalidCiphertextException", "");
  auto found = find_key(asker.tx, {blob.account, blob.region}, blob.key_id, Names::ids_only);
  if (!found) return fail("InvalidCiphertextException", "");
  if (!named.empty()) {
    TRY_LET(auto meant, find_key(asker.tx, asker.scope, named, Names::aliases_too));
    TRY(check_allowed(asker, meant, operation, context));
    if (meant.key.id != found->key.id)
      return fail("IncorrectKeyException",
                  "The key ID in the request does not identify a CMK that can perform this operation.");
    found = std::move(meant);
  } else {
    TRY(check_allowed(asker, *found, operation, context));
  }
  TRY(check_usable(*found));
  TRY_LET(auto key, material_of(asker.cloud, *found, blob.material));
  TRY_LET(auto plain, unseal(key, blob.sealed, blob.head() + canonical(context)));
  return Opened{std::move(plain), found->arn(), blob.material};
}

Status check_algorithm(wire::Text algorithm) {
  if (algorithm.has() && algorithm != kAlgorithm)
    return fail("InvalidKeyUsageException", "The algorithm " + api::str(algorithm) +
                                                " is not the one of symmetric keys, SYMMETRIC_DEFAULT.");
  return {};
}

template <class In>
Result<size_t> data_key_size(const In& in) {
  if (in.key_spec.has() == in.number_of_bytes.has())
    return fail("ValidationException", "Please specify either number of bytes or key spec.");
  if (in.key_spec.has()) return in.key_spec == "AES_128" ? size_t{16} : size_t{32};
  if (*in.number_of_bytes < 1 || *in.number_of_bytes > 1024)
    return fail(
        "ValidationException",
        "1 validation error detected: Value '" + std::to_string(*in.number_of_bytes) +
            "' at 'numberOfBytes' failed to satisfy constraint: Member must have value between 1 and 1024");
  return static_cast<size_t>(*in.number_of_bytes);
}

template <class In, class Out>
Status data_key(api::Call& call, const In& in, Out& out, std::string& plain) {
  const auto context = context_of(in.encryption_context);
  TRY_LET(auto at, usable(asker_of(call), in.key_id, call.operation, context));
  call.authorize_nothing();
  TRY_LET(auto size, data_key_size(in));
  TRY(check_dry_run(in.dry_run));
  plain = random_bytes(size);
  TRY_LET(auto sealed, encrypt_with(call.cloud, at, plain, context));
  out.ciphertext_blob = call.text(sealed.blob);
  out.key_id = call.text(sealed.key_arn);
  out.key_material_id = call.text(sealed.material);
  return {};
}

}  // namespace

// ---- For other services

Result<std::string> resolve(const Asker& asker, std::string_view name) {
  constexpr std::string_view of_aws = "alias/aws/";
  auto alias = name;
  if (name.starts_with("arn:") && name.find(":alias/aws/") != std::string_view::npos)
    alias = name.substr(name.find(":alias/aws/") + 1);
  if (alias.starts_with(of_aws) && !asker.tx.get<Alias>(asker.scope, alias)) {
    TRY_LET(auto key, new_key(asker.cloud, asker.scope, asker.now));
    key.of_aws = true;
    key.rotates = true;
    key.next_rotation = asker.now + int64_t{365} * 86'400'000;
    const auto service = alias.substr(of_aws.size());
    key.description = "Default key that protects data of " + std::string(service);
    key.policy = managed_policy(asker.scope.account, asker.scope.region, service);
    asker.tx.put(asker.scope, key);
    asker.tx.put(asker.scope, Alias{std::string(alias), key.id, asker.now, asker.now});
  }
  TRY_LET(auto at, find_key(asker.tx, asker.scope, name, Names::aliases_too));
  return at.arn();
}

Result<Encrypted> encrypt(const Asker& asker, std::string_view key, std::string_view plain,
                          const Context& context) {
  TRY_LET(auto at, usable(asker, key, "Encrypt", context));
  return encrypt_with(asker.cloud, at, plain, context);
}

const api::Principal& ourselves() {
  static const auto us = [] {
    api::Principal p;
    p.kind = api::Principal::Kind::system;
    return p;
  }();
  return us;
}

Result<std::string> may_use(const Asker& asker, std::string_view key,
                            std::initializer_list<std::string_view> operations, const Context& context) {
  TRY(resolve(asker, key));
  TRY_LET(auto at, find_key(asker.tx, asker.scope, key, Names::aliases_too));
  for (auto operation : operations) TRY(check_allowed(asker, at, operation, context));
  TRY(check_usable(at));
  return at.arn();
}

Result<DataKey> generate_data_key(const Asker& asker, std::string_view key, const Context& context) {
  TRY(resolve(asker, key));
  TRY_LET(auto at, usable(asker, key, "GenerateDataKey", context));
  DataKey out;
  out.plain = random_bytes(32);
  TRY_LET(auto sealed, encrypt_with(asker.cloud, at, out.plain, context));
  out.blob = std::move(sealed.blob);
  out.key_arn = std::move(sealed.key_arn);
  out.material = std::move(sealed.material);
  return out;
}

Result<std::string> decrypt(const Asker& asker, std::string_view blob, const Context& context) {
  TRY_LET(auto opened, open_blob(asker, blob, {}, "Decrypt", context));
  return std::move(opened.plain);
}

// ---- Operations

Status encrypt(api::Call& call, const model::EncryptRequest& in, model::EncryptResponse& out) {
  const auto context = context_of(in.encryption_context);
  TRY_LET(auto at, usable(asker_of(call), in.key_id, "Encrypt", context));
  call.authorize_nothing();
  TRY(check_algorithm(in.encryption_algorithm));
  if (in.plaintext.empty() || in.plaintext.size() > kMostPlain)
    return fail("ValidationException",
                std::string("1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
                            "Member must have length ") +
                    (in.plaintext.empty() ? "greater than or equal to 1" : "less than or equal to 4096"));
  TRY(check_dry_run(in.dry_run));
  TRY_LET(auto sealed, encrypt_with(call.cloud, at, in.plaintext, context));
  out.ciphertext_blob = call.text(sealed.blob);
  out.key_id = call.text(sealed.key_arn);
  out.encryption_algorithm = call.text(kAlgorithm);
  return {};
}

Status decrypt(api::Call& call, const model::DecryptRequest& in, model::DecryptResponse& out) {
  TRY_LET(auto opened, open_blob(asker_of(call), in.ciphertext_blob, in.key_id, "Decrypt",
                                 context_of(in.encryption_context)));
  call.authorize_nothing();
  TRY(check_algorithm(in.encryption_algorithm));
  TRY(check_dry_run(in.dry_run));
  out.plaintext = call.text(opened.plain);
  out.key_id = call.text(opened.key_arn);
  out.key_material_id = call.text(opened.material);
  out.encryption_algorithm = call.text(kAlgorithm);
  return {};
}

Status re_encrypt(api::Call& call, const model::ReEncryptRequest& in, model::ReEncryptResponse& out) {
  const auto asker = asker_of(call);
  TRY_LET(auto opened, open_blob(asker, in.ciphertext_blob, in.source_key_id, "ReEncryptFrom",
                                 context_of(in.source_encryption_context)));
  const auto context = context_of(in.destination_encryption_context);
  TRY_LET(auto to, usable(asker, in.destination_key_id, "ReEncryptTo", context));
  call.authorize_nothing();
  TRY(check_algorithm(in.source_encryption_algorithm));
  TRY(check_algorithm(in.destination_encryption_algorithm));
  TRY(check_dry_run(in.dry_run));
  TRY_LET(auto sealed, encrypt_with(call.cloud, to, opened.plain, context));
  out.ciphertext_blob = call.text(sealed.blob);
  out.source_key_id = call.text(opened.key_arn);
  out.key_id = call.text(sealed.key_arn);
  out.source_key_material_id = call.text(opened.material);
  out.destination_key_material_id = call.text(sealed.material);
  out.source_encryption_algorithm = out.destination_encryption_algorithm = call.text(kAlgorithm);
  return {};
}

Status generate_data_key(api::Call& call, const model::GenerateDataKeyRequest& in,
                         model::GenerateDataKeyResponse& out) {
  std::string plain;
  TRY(data_key(call, in, out, plain));
  out.plaintext = call.text(plain);
  return {};
}

Status generate_data_key_without_plaintext(api::Call& call,
                                           const model::GenerateDataKeyWithoutPlaintextRequest& in,
                                           model::GenerateDataKeyWithoutPlaintextResponse& out) {
  std::string plain;
  return data_key(call, in, out, plain);
}

Status generate_random(api::Call& call, const model::GenerateRandomRequest& in,
                       model::GenerateRandomResponse& out) {
  TRY(call.authorize("*"));
  if (!in.number_of_bytes.has()) return fail("ValidationException", "NumberOfBytes is required.");
  out.plaintext = call.text(random_bytes(static_cast<size_t>(*in.number_of_bytes)));
  return {};
}

}  // namespace nubecita::kms
