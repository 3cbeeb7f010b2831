// Versioning, encryption, object lock; and the configurations that nobody may set here, answered as AWS does
// for a bucket that has none.
#include "services/s3/access.hpp"
#include "services/s3/bucket_config.hpp"

namespace nubecita::s3 {

// --- versioning ---

Status get_bucket_versioning(api::Call& call, const model::GetBucketVersioningRequest&,
                             model::GetBucketVersioningOutput& out) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetBucketVersioning"));
  if (versioned(*x.bucket)) out.status = call.text(x.bucket->versioning);
  return {};
}
Status put_bucket_versioning(api::Call& call, const model::PutBucketVersioningRequest& in,
                             model::PutBucketVersioningResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketVersioning"));
  const auto* c = in.versioning_configuration;
  if (!c || !c->status.has()) return malformed_xml();
  if (c->mfa_delete.has() && c->mfa_delete != "Disabled") return not_implemented("MFA delete");
  if (x.bucket->lock && c->status == "Suspended")
    return fail(
        "InvalidBucketState",
        "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
        409);
  x.bucket->versioning = c->status.sv();
  x.tx.put(kEverywhere, *x.bucket);
  return {};
}

// --- encryption ---

Status get_bucket_encryption(api::Call& call, const model::GetBucketEncryptionRequest&,
                             model::GetBucketEncryptionOutput& out) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetEncryptionConfiguration"));
  if (x.bucket->encryption.empty())
    return fail(ApiError{"ServerSideEncryptionConfigurationNotFoundError",
                         404,
                         "The server side encryption configuration was not found",
                         {{"BucketName", x.bucket->name}}});
  auto* c = out.server_side_encryption_configuration = call.make<model::ServerSideEncryptionConfiguration>();
  c->rules = call.list<model::ServerSideEncryptionRule>(1);
  auto* d = c->rules[0].apply_server_side_encryption_by_default =
      call.make<model::ServerSideEncryptionByDefault>();
  d->sse_algorithm = call.text(x.bucket->encryption);
  if (!x.bucket->kms_key.empty()) d->kms_master_key_id = call.text(x.bucket->kms_key);
  c->rules[0].bucket_key_enabled = x.bucket->bucket_key;
  return {};
}
Status put_bucket_encryption(api::Call& call, const model::PutBucketEncryptionRequest& in,
                             model::PutBucketEncryptionResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutEncryptionConfiguration"));
  const auto* c = in.server_side_encryption_configuration;
  if (!c || c->rules.size() != 1) return malformed_xml();
  const auto* d = c->rules[0].apply_server_side_encryption_by_default;
  if (!d) return malformed_xml();
  const bool kms = d->sse_algorithm == "aws:kms";
  if (d->sse_algorithm != "AES256" && !kms)
    return not_implemented("the encryption " + api::str(d->sse_algorithm));
  if (!d->kms_master_key_id.empty() && !kms)
    return invalid_argument(
        "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse");
  if (c->rules[0].blocked_encryption_types) return not_implemented("BlockedEncryptionTypes");
  x.bucket->encryption = d->sse_algorithm.sv();
  x.bucket->kms_key = d->kms_master_key_id.sv();
  x.bucket->bucket_key = c->rules[0].bucket_key_enabled.value_or(false);  // shown; of use with aws:kms only
  x.tx.put(kEverywhere, *x.bucket);
  return {};
}
Status delete_bucket_encryption(api::Call& call, const model::DeleteBucketEncryptionRequest&,
                                model::DeleteBucketEncryptionResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutEncryptionConfiguration"));
  x.bucket->encryption.clear();
  x.bucket->kms_key.clear();
  x.bucket->bucket_key = false;
  x.tx.put(kEverywhere, *x.bucket);
  x.status = 204;
  return {};
}

// --- object lock ---

Status get_object_lock_configuration(api::Call& call, const model::GetObjectLockConfigurationRequest&,
                                     model::GetObjectLockConfigurationOutput& out) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetBucketObjectLockConfiguration"));
  const auto& b = *x.bucket;
  if (!b.lock)
    return fail(ApiError{"ObjectLockConfigurationNotFoundError",
                         404,
                         "Object Lock configuration does not exist for this bucket",
                         {{"BucketName", b.name}}});
  auto* c = out.object_lock_configuration = call.make<model::ObjectLockConfiguration>();
  c->object_lock_enabled = "Enabled";
  if (!b.lock_mode.empty()) {
    c->rule = call.make<model::ObjectLockRule>();
    auto* d = c->rule->default_retention = call.make<model::DefaultRetention>();
    d->mode = call.text(b.lock_mode);
    if (b.lock_days) d->days = static_cast<int32_t>(b.lock_days);
    if (b.lock_years) d->years = static_cast<int32_t>(b.lock_years);
  }
  return {};
}
Status put_object_lock_configuration(api::Call& call, const model::PutObjectLockConfigurationRequest& in,
                                     model::PutObjectLockConfigurationOutput&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketObjectLockConfiguration"));
  auto& b = *x.bucket;
  const auto* c = in.object_lock_configuration;
  if (!c || (c->object_lock_enabled.has() && c->object_lock_enabled != "Enabled")) return malformed_xml();
  if (b.versioning != "Enabled")
    return fail("InvalidBucketState",
                "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration", 409);
  std::string mode;
  int64_t days = 0, years = 0;
  if (c->rule) {
    const auto* d = c->rule->default_retention;
    if (!d || d->days.has() == d->years.has()) return malformed_xml();
    if (d->default_event_hold) return not_implemented("DefaultEventHold");
    if (d->mode != "GOVERNANCE" && d->mode != "COMPLIANCE") return malformed_xml();
    mode = d->mode.sv();
    days = d->days.value_or(0);
    years = d->years.value_or(0);
    if (days < 0 || years < 0 || days + years == 0)
      return invalid_argument("Default retention period must be a positive integer value.",
                              d->days.has() ? "Days" : "Years", std::to_string(days + years));
    if (days > 36500 || years > 100) return invalid_argument("Default retention period too large");
  }
  b.lock = true;
  b.lock_mode = mode;
  b.lock_days = days;
  b.lock_years = years;
  x.tx.put(kEverywhere, b);
  return {};
}

// --- answered as AWS does where there is none ---

Status get_bucket_accelerate_configuration(api::Call& call,
                                           const model::GetBucketAccelerateConfigurationRequest&,
                                           model::GetBucketAccelerateConfigurationOutput&) {
  return open_bucket(exchange(call), "s3:GetAccelerateConfiguration");
}
Status put_bucket_accelerate_configuration(api::Call& call,
                                           const model::PutBucketAccelerateConfigurationRequest& in,
                                           model::PutBucketAccelerateConfigurationResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutAccelerateConfiguration"));
  if (!in.accelerate_configuration || in.accelerate_configuration->status != "Suspended")
    return not_implemented("transfer acceleration");
  return {};  // what it is
}
Status get_bucket_replication(api::Call& call, const model::GetBucketReplicationRequest&,
                              model::GetBucketReplicationOutput&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:GetReplicationConfiguration"));
  return fail(ApiError{"ReplicationConfigurationNotFoundError",
                       404,
                       "The replication configuration was not found",
                       {{"BucketName", x.bucket->name}}});
}
Status delete_bucket_replication(api::Call& call, const model::DeleteBucketReplicationRequest&,
                                 model::DeleteBucketReplicationResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutReplicationConfiguration"));
  x.status = 204;
  return {};
}
Status get_bucket_request_payment(api::Call& call, const model::GetBucketRequestPaymentRequest&,
                                  model::GetBucketRequestPaymentOutput& out) {
  out.payer = "BucketOwner";
  return open_bucket(exchange(call), "s3:GetBucketRequestPayment");
}
Status put_bucket_request_payment(api::Call& call, const model::PutBucketRequestPaymentRequest& in,
                                  model::PutBucketRequestPaymentResponse&) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:PutBucketRequestPayment"));
  if (!in.request_payment_configuration) return malformed_xml();
  if (in.request_payment_configuration->payer != "BucketOwner") return not_implemented("requester pays");
  return {};
}

}  // namespace nubecita::s3
