#include "services/sns/encryption.hpp"

#include "base/arn.hpp"

namespace nubecita::sns {
namespace {

kms::Context context_of(const std::string& topic_arn) { return {{"aws:sns:topicArn", topic_arn}}; }

std::unexpected<ApiError> kms_error(ApiError e) {
  if (e.status >= 500) return fail(std::move(e));
  const auto code = e.code.starts_with("AccessDenied")     ? "KMSAccessDenied"
                    : e.code == "DisabledException"        ? "KMSDisabled"
                    : e.code == "KMSInvalidStateException" ? "KMSInvalidState"
                                                           : "KMSNotFound";
  return fail(code, e.message.empty() ? "The KMS key of this data does not exist." : e.message);
}

}  // namespace

Result<std::optional<kms::DataKey>> data_key_for(const Located& topic, kms::Asker asker) {
  auto key = topic.topic.attributes.find("KmsMasterKeyId");
  if (key == topic.topic.attributes.end()) return std::nullopt;
  asker.scope = topic.scope;
  if (asker.service.empty()) asker.via = "sns." + topic.scope.region + ".amazonaws.com";
  const auto context = context_of(topic.arn());
  // Decrypt, too: AWS checks a new data key before it uses it.
  auto may = kms::may_use(asker, key->second, {"GenerateDataKey", "Decrypt"}, context);
  if (!may) return kms_error(may.error());
  auto made = kms::generate_data_key(asker, key->second, context);
  if (!made) return kms_error(made.error());
  return std::move(*made);
}

void seal(Delivery& d, const kms::DataKey& key) {
  d.data_key = key.blob;
  d.body = kms::seal(key.plain, d.body, d.id);
}

Result<std::string> opened_body(api::Cloud& cloud, store::Transaction& tx, const store::Scope& scope,
                                const Delivery& d, int64_t now) {
  if (d.data_key.empty()) return d.body;
  const auto topic =
      arn("sns", scope.region, scope.account, d.subscription.substr(0, d.subscription.find(':')));
  const kms::Asker us{
      .cloud = cloud, .tx = tx, .principal = kms::ourselves(), .scope = scope, .via = {}, .now = now};
  auto key = kms::decrypt(us, d.data_key, context_of(topic));
  if (!key) return kms_error(key.error());
  return kms::unseal(*key, d.body, d.id);
}

}  // namespace nubecita::sns
