// CreateKey, DescribeKey, ListKeys, EnableKey, DisableKey, UpdateKeyDescription, ScheduleKeyDeletion,
// CancelKeyDeletion, tags.
#include "models/kms.hpp"
#include "services/iam/iam.hpp"
#include "services/kms/keys.hpp"
#include "services/kms/paging.hpp"
#include "services/kms/policy_check.hpp"

namespace nubecita::kms {
namespace {

constexpr int64_t kDay = 86'400'000;
constexpr size_t kMostTags = 50;

Status check_tag(const model::Tag& t) {
  if (t.tag_key.sv().starts_with("aws:"))
    return fail("TagException", "The tag key " + api::str(t.tag_key) + " is reserved: it begins with aws:.");
  return {};
}

Status check_kind(const model::CreateKeyRequest& in) {
  const auto spec = in.key_spec.has() ? in.key_spec : in.customer_master_key_spec;
  if (spec.has() && spec != kAlgorithm)
    return fail("UnsupportedOperationException",
                "The key spec " + api::str(spec) + " is not served by nubecita; SYMMETRIC_DEFAULT is.");
  if (in.key_usage.has() && in.key_usage != "ENCRYPT_DECRYPT")
    return fail("UnsupportedOperationException", "The key usage " + api::str(in.key_usage) +
                                                     " is not served by nubecita; ENCRYPT_DECRYPT is.");
  if (in.origin.has() && in.origin != "AWS_KMS")
    return fail("UnsupportedOperationException",
                "The origin " + api::str(in.origin) + " is not served by nubecita; AWS_KMS is.");
  return {};
}

model::KeyMetadata* describe(api::Call& call, const Located& at) {
  auto* m = call.make<model::KeyMetadata>();
  m->aws_account_id = call.text(at.scope.account);
  m->key_id = call.text(at.key.id);
  m->arn = call.text(at.arn());
  m->creation_date = wire::Timestamp{at.key.created};
  m->enabled = key_state(at.key) == "Enabled";
  m->description = call.text(at.key.description);
  m->key_usage = "ENCRYPT_DECRYPT";
  m->key_state = call.text(key_state(at.key));
  if (at.key.delete_at) m->deletion_date = wire::Timestamp{at.key.delete_at};
  m->origin = "AWS_KMS";
  m->key_manager = call.text(at.key.of_aws ? "AWS" : "CUSTOMER");
  m->customer_master_key_spec = m->key_spec = call.text(kAlgorithm);
  m->encryption_algorithms = call.texts({std::string(kAlgorithm)});
  m->multi_region = false;
  m->current_key_material_id = call.text(at.key.materials.back().id);
  return m;
}

}  // namespace

Status create_key(api::Call& call, const model::CreateKeyRequest& in, model::CreateKeyResponse& out) {
  TRY(call.authorize("*"));
  TRY(check_kind(in));
  TRY_LET(auto key, new_key(call.cloud, call.scope(), call.now));
  key.description = api::str(in.description);
  for (auto& t : in.tags) {
    TRY(check_tag(t));
    key.tags[api::str(t.tag_key)] = api::str(t.tag_value);
  }
  if (key.tags.size() > kMostTags) return fail("TagException", "Too many tags");
  Located at{call.scope(), std::move(key), {}};
  if (!in.policy.empty()) {
    TRY(check_policy(call, at, in.policy, in.bypass_policy_lockout_safety_check.value_or(false)));
    at.key.policy = api::str(in.policy);
  }
  call.tx.put(at.scope, at.key);
  out.key_metadata = describe(call, at);
  return {};
}

Status describe_key(api::Call& call, const model::DescribeKeyRequest& in, model::DescribeKeyResponse& out) {
  constexpr std::string_view of_aws = "alias/aws/";
  const auto arn_prefix = call.arn("kms", of_aws);
  if (in.key_id.sv().starts_with(of_aws) || in.key_id.sv().starts_with(arn_prefix))
    TRY(resolve(asker_of(call), in.key_id));  // makes the AWS managed key
  TRY_LET(auto at, locate(call, in.key_id, Names::aliases_too));
  out.key_metadata = describe(call, at);
  return {};
}

Status list_keys(api::Call& call, const model::ListKeysRequest& in, model::ListKeysResponse& out) {
  TRY(call.authorize("*"));
  TRY_LET(auto keys,
          one_page(call.tx.list<Key>(call.scope()), in, out, call, 1000, [](const Key& k) { return k.id; }));
  out.keys = call.list<model::KeyListEntry>(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    out.keys[i].key_id = call.text(keys[i].id);
    out.keys[i].key_arn = call.text(call.arn("kms", "key/" + keys[i].id));
  }
  return {};
}

Status enable_key(api::Call& call, const model::EnableKeyRequest& in, model::EnableKeyResponse&) {
  TRY_LET(auto at, locate_own(call, in.key_id));
  at.key.disabled = false;
  call.tx.put(at.scope, at.key);
  return {};
}

Status disable_key(api::Call& call, const model::DisableKeyRequest& in, model::DisableKeyResponse&) {
  TRY_LET(auto at, locate_own(call, in.key_id));
  at.key.disabled = true;
  call.tx.put(at.scope, at.key);
  return {};
}

Status update_key_description(api::Call& call, const model::UpdateKeyDescriptionRequest& in,
                              model::UpdateKeyDescriptionResponse&) {
  TRY_LET(auto at, locate_own(call, in.key_id));
  at.key.description = api::str(in.description);
  call.tx.put(at.scope, at.key);
  return {};
}

Status schedule_key_deletion(api::Call& call, const model::ScheduleKeyDeletionRequest& in,
                             model::ScheduleKeyDeletionResponse& out) {
  TRY_LET(auto at, locate_own(call, in.key_id));
  const auto days = in.pending_window_in_days.value_or(30);
  if (days < 7 || days > 30)
    return fail("ValidationException",
                "The waiting time of " + std::to_string(days) + " days is not possible: 7 to 30 days.");
  at.key.pending_days = days;
  at.key.delete_at = call.now + days * kDay;
  call.tx.put(at.scope, at.key);
  out.key_id = call.text(at.arn());
  out.deletion_date = wire::Timestamp{at.key.delete_at};
  out.key_state = "PendingDeletion";
  out.pending_window_in_days = days;
  return {};
}

Status cancel_key_deletion(api::Call& call, const model::CancelKeyDeletionRequest& in,
                           model::CancelKeyDeletionResponse& out) {
  TRY_LET(auto at, locate_own(call, in.key_id));
  if (!at.key.delete_at) return fail("KMSInvalidStateException", at.arn() + " is not pending deletion.");
  at.key.delete_at = 0;
  at.key.pending_days = 0;
  at.key.disabled = true;
  call.tx.put(at.scope, at.key);
  out.key_id = call.text(at.arn());
  return {};
}

Status tag_resource(api::Call& call, const model::TagResourceRequest& in, model::TagResourceResponse&) {
  TRY_LET(auto at, locate_own(call, in.key_id));
  for (auto& t : in.tags) {
    TRY(check_tag(t));
    at.key.tags[api::str(t.tag_key)] = api::str(t.tag_value);
  }
  if (at.key.tags.size() > kMostTags) return fail("TagException", "Too many tags");
  call.tx.put(at.scope, at.key);
  return {};
}

Status untag_resource(api::Call& call, const model::UntagResourceRequest& in, model::UntagResourceResponse&) {
  TRY_LET(auto at, locate_own(call, in.key_id));
  for (auto& k : in.tag_keys) at.key.tags.erase(api::str(k));
  call.tx.put(at.scope, at.key);
  return {};
}

Status list_resource_tags(api::Call& call, const model::ListResourceTagsRequest& in,
                          model::ListResourceTagsResponse& out) {
  TRY_LET(auto at, locate(call, in.key_id));
  std::vector<std::pair<std::string, std::string>> all(at.key.tags.begin(), at.key.tags.end());
  TRY_LET(auto tags, one_page(std::move(all), in, out, call, 50, [](auto& t) { return t.first; }));
  out.tags = call.list<model::Tag>(tags.size());
  for (size_t i = 0; i < tags.size(); ++i)
    out.tags[i] = {call.text(tags[i].first), call.text(tags[i].second)};
  return {};
}

}  // namespace nubecita::kms
