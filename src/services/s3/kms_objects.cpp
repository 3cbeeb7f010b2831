#include "services/s3/kms_objects.hpp"

#include "services/kms/kms.hpp"
#include "services/s3/objects.hpp"

namespace nubecita::s3 {
namespace {

/// With a bucket key the context names the bucket, so that one grant or policy fits all of its objects.
kms::Context context_of(const Bucket& bucket, std::string_view key, const Object& o) {
  std::string arn = "arn:aws:s3:::" + bucket.name;
  if (!o.bucket_key) arn.append("/").append(key);
  return {{"aws:s3:arn", std::move(arn)}};
}

kms::Asker asker(const Exchange& x, const Bucket& bucket) {
  return {.cloud = x.cloud,
          .tx = x.tx,
          .principal = x.principal,
          .scope = {x.principal.account, bucket.region},
          .via = "s3." + bucket.region + ".amazonaws.com",
          .conditions = x.request_conditions,
          .now = x.now};
}

Failure kms_error(ApiError e) {
  if (e.code == "AccessDenied" || e.code == "AccessDeniedException") return access_denied(e.message);
  return fail("KMS." + e.code, e.message, e.status >= 500 ? e.status : 400);
}

// Who is asked for must be somebody whose signature cannot be taken from the request.
Status check_signature(const Exchange& x) {
  if (x.claim.version == "AWS4-HMAC-SHA256") return {};
  return invalid_argument(
      "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.",
      "Authorization");
}

}  // namespace

Status make_data_key(Exchange& x, std::string_view asked, Object& o) {
  TRY(check_signature(x));
  auto made = kms::generate_data_key(asker(x, *x.bucket), asked.empty() ? "alias/aws/s3" : asked,
                                     context_of(*x.bucket, x.target.key, o));
  if (!made) return kms_error(made.error());
  o.kms_key = made->key_arn;
  o.kms_blob = made->blob;
  x.data_key = std::move(made->plain);
  return {};
}

Result<std::string> data_key_of(Exchange& x, const Bucket& bucket, std::string_view key, const Object& o) {
  TRY(check_signature(x));
  auto plain = kms::decrypt(asker(x, bucket), o.kms_blob, context_of(bucket, key, o));
  if (!plain) return kms_error(plain.error());
  return plain;
}

void lock_pieces(std::string_view data_key, std::vector<Piece>& pieces) {
  for (auto& p : pieces) p.key = kms::seal(data_key, p.key, p.id);
}

Status unlock_pieces(std::string_view data_key, std::vector<Piece>& pieces) {
  for (auto& p : pieces) {
    auto key = kms::unseal(data_key, p.key, p.id);
    if (!key) return fail("InternalError", "The object's data key is not the one that sealed it.", 500);
    p.key = std::move(*key);
  }
  return {};
}

Result<std::vector<Piece>> open_pieces(Exchange& x, const Bucket& bucket, std::string_view key,
                                       const Object& o) {
  auto pieces = pieces_of(x.tx, o);
  if (under_kms(o)) {
    TRY_LET(auto data_key, data_key_of(x, bucket, key, o));
    TRY(unlock_pieces(data_key, pieces));
  }
  return pieces;
}

}  // namespace nubecita::s3
