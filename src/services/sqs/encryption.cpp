#include "services/sqs/encryption.hpp"

#include "api/parts.hpp"
#include "base/ids.hpp"

namespace nubecita::sqs {
namespace {

constexpr int64_t kOwnKeyLife = 3'600'000;
constexpr size_t kMostKept = 10'000;
constexpr std::string_view kOwnContext = "sqs";

kms::Context context_of(const std::string& queue_arn) { return {{"aws:sqs:arn", queue_arn}}; }

std::unexpected<ApiError> kms_error(ApiError e) {
  if (e.status >= 500) return fail(std::move(e));
  const auto code = e.code.starts_with("AccessDenied")     ? "KmsAccessDenied"
                    : e.code == "DisabledException"        ? "KmsDisabled"
                    : e.code == "KMSInvalidStateException" ? "KmsInvalidState"
                                                           : "KmsNotFound";
  return fail(code, e.message.empty() ? "The KMS key of this data does not exist." : e.message);
}

}  // namespace

void seal(Message& m, const SealingKey& key) {
  m.sealed.key = key.sealed;
  m.sealed.queue = key.queue;
  m.sealed.bytes = kms::seal(key.plain, encode_contents(m), m.id);
  clear_contents(m);
}

Result<SealingKeyPtr> SealingKeys::own(int64_t now) {
  std::lock_guard lock(mutex_);
  if (own_.until <= now) {
    SealingKey fresh;
    fresh.plain = random_bytes(32);
    TRY_LET(fresh.sealed, api::part<kms::Vault>(cloud_).lock(fresh.plain, kOwnContext));
    own_ = {std::make_shared<const SealingKey>(std::move(fresh)), now + kOwnKeyLife};
  }
  return own_.key;
}

Result<SealingKeyPtr> SealingKeys::key_for(const View& queue, const AskerOf& sender, int64_t now) {
  const auto& s = queue.settings;
  if (s.kms_key.empty()) {
    if (!s.managed_encryption) return SealingKeyPtr();
    return own(now);
  }
  const auto asker = sender();
  const auto context = context_of(queue.arn());
  auto arn = kms::may_use(asker, s.kms_key, {"GenerateDataKey", "Decrypt"}, context);
  if (!arn) return kms_error(arn.error());
  {
    std::lock_guard lock(mutex_);
    if (auto it = kept_.find(queue.queue.id);
        it != kept_.end() && it->second.key->kms_key == *arn && it->second.until > now)
      return it->second.key;
  }
  auto made = kms::generate_data_key(asker, s.kms_key, context);
  if (!made) return kms_error(made.error());
  return std::make_shared<const SealingKey>(
      SealingKey{std::move(made->plain), std::move(made->blob), queue.arn(), std::move(made->key_arn)});
}

Result<std::string> SealingKeys::open_own(const std::string& sealed) {
  {
    std::lock_guard lock(mutex_);
    if (own_.key && own_.key->sealed == sealed) return own_.key->plain;
  }
  return api::part<kms::Vault>(cloud_).unlock(sealed, kOwnContext);
}

void SealingKeys::keep(const View& queue, const SealingKeyPtr& key, int64_t now) {
  if (key->kms_key.empty()) return;
  std::lock_guard lock(mutex_);
  auto& kept = kept_[queue.queue.id];
  if (kept.key == key) return;
  kept = {key, now + queue.settings.key_reuse_ms};
  if (kept_.size() > kMostKept) kept_.clear();
}

Status Unsealing::open(Message& m) {
  if (m.sealed.bytes.empty()) return {};
  auto it = opened_.find(m.sealed.key);
  if (it == opened_.end()) {
    auto plain = m.sealed.queue.empty() ? api::part<SealingKeys>(cloud_).open_own(m.sealed.key)
                                        : kms::decrypt(receiver_(), m.sealed.key, context_of(m.sealed.queue));
    if (!plain) return kms_error(plain.error());
    it = opened_.emplace(m.sealed.key, std::move(*plain)).first;
  }
  auto contents = kms::unseal(it->second, m.sealed.bytes, m.id);
  if (!contents || !decode_contents(*contents, m))
    return fail("InternalFailure", "A stored message cannot be opened: it was changed on the disk.", 500);
  m.sealed = {};
  return {};
}

AskerOf asker_for(api::Call& call, const View& queue) {
  return [&call, &queue] {
    return kms::Asker{.cloud = call.cloud,
                      .tx = call.tx,
                      .principal = call.principal,
                      .scope = queue.scope,
                      .via = "sqs." + queue.scope.region + ".amazonaws.com",
                      .conditions = call.request_conditions.get(),
                      .now = call.now};
  };
}

}  // namespace nubecita::sqs
