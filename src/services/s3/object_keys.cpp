#include "services/s3/object_keys.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "services/kms/kms.hpp"
#include "services/s3/blob_cipher.hpp"
#include "services/s3/objects.hpp"

namespace nubecita::s3 {
namespace {

/// With a bucket key the context names the bucket, so that one grant or policy fits all of its objects.
kms::Context context_of(const Bucket& bucket, std::string_view key, const Object& o) {
  return {{"aws:s3:arn", o.bucket_key ? bucket_arn(bucket.name) : object_arn(bucket.name, key)}};
}

kms::Asker asker(const Exchange& x, const Bucket& bucket) {
  return {.cloud = x.cloud,
          .tx = x.tx,
          .principal = x.principal,
          .scope = {x.principal.account, bucket.region},
          .via = "s3." + bucket.region + ".amazonaws.com",
          .conditions = x.request_conditions.get(),
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

constexpr size_t kSalt = 16;

/// What is kept of a customer's key.
std::string digest_of(std::string_view key, std::string_view salt) {
  return std::string(salt) + sha256(std::string(salt).append(key));
}

Result<std::string> customer_key(const http::Head& head, std::string_view headers) {
  auto header = [&](const char* name) { return head.header(std::string(headers) + name); };
  const auto algorithm = header("algorithm"), text = header("key"), sum = header("key-md5");
  auto missing = [](const char* what) {
    return invalid_argument(
        "Requests specifying Server Side Encryption with Customer provided keys must provide " +
        std::string(what));
  };
  if (algorithm.empty()) return missing("a valid encryption algorithm.");
  if (algorithm != "AES256")
    return fail("InvalidEncryptionAlgorithmError",
                "The encryption request that you specified is not valid. The valid value is AES256.", 400);
  if (text.empty()) return missing("an appropriate secret key.");
  if (sum.empty()) return missing("the client calculated MD5 of the secret key.");
  std::string key;
  if (!base64_decode(text, key) || key.size() != kKeySize)
    return invalid_argument("The secret key was invalid for the specified algorithm.");
  if (base64(md5(key)) != sum)
    return invalid_argument("The calculated MD5 hash of the key did not match the hash that was provided.");
  return key;
}

}  // namespace

bool brings_key(const http::Head& head, std::string_view headers) {
  return std::ranges::any_of(head.headers, [&](auto& h) {
    const std::string_view name = h.first;
    if (!name.starts_with(headers) || h.second.empty()) return false;
    const auto what = name.substr(headers.size());
    return what == "algorithm" || what == "key" || what == "key-md5";
  });
}

Status take_customer_key(Exchange& x, Object& o) {
  TRY_LET(x.data_key, customer_key(x.head, kCustomerHeaders));
  o.encryption = kCustomer;
  o.key_digest = digest_of(x.data_key, random_bytes(kSalt));
  return {};
}

Status check_customer_key(const Exchange& x, const Object& o, std::string_view headers) {
  const bool brought = brings_key(x.head, headers);
  if (o.encryption != kCustomer) {
    if (brought) return invalid_request("The encryption parameters are not applicable to this object.");
    return {};
  }
  if (!brought)
    return invalid_request(
        "The object was stored using a form of Server Side Encryption. The correct parameters must be "
        "provided to "
        "retrieve the object.");
  TRY_LET(auto key, customer_key(x.head, headers));
  if (digest_of(key, std::string_view(o.key_digest).substr(0, kSalt)) != o.key_digest)
    return access_denied("The provided key is not the one that the object was stored with.");
  return {};
}

Status make_kms_key(Exchange& x, std::string_view asked, Object& o) {
  TRY(check_signature(x));
  auto made = kms::generate_data_key(asker(x, *x.bucket), asked.empty() ? "alias/aws/s3" : asked,
                                     context_of(*x.bucket, x.target.key, o));
  if (!made) return kms_error(made.error());
  o.kms_key = made->key_arn;
  o.kms_blob = made->blob;
  x.data_key = std::move(made->plain);
  return {};
}

Result<std::string> data_key_of(Exchange& x, const Bucket& bucket, std::string_view key, const Object& o,
                                std::string_view headers) {
  TRY(check_customer_key(x, o, headers));
  if (o.encryption == kCustomer) return customer_key(x.head, headers);
  if (o.encryption != kKms) return std::string();
  TRY(check_signature(x));
  auto plain = kms::decrypt(asker(x, bucket), o.kms_blob, context_of(bucket, key, o));
  if (!plain) return kms_error(plain.error());
  return plain;
}

void lock_pieces(std::string_view data_key, std::vector<Piece>& pieces) {
  for (auto& p : pieces) p.key = kms::seal(data_key, p.key, p.id);
}

Result<std::vector<Piece>> open_pieces(Exchange& x, const Bucket& bucket, std::string_view key,
                                       const Object& o, std::string_view headers) {
  auto pieces = pieces_of(x.tx, o);
  TRY_LET(auto data_key, data_key_of(x, bucket, key, o, headers));
  if (data_key.empty()) return pieces;
  for (auto& p : pieces) {
    auto plain = kms::unseal(data_key, p.key, p.id);
    if (!plain) return fail("InternalError", "The object's data key is not the one that sealed it.", 500);
    p.key = std::move(*plain);
  }
  return pieces;
}

}  // namespace nubecita::s3
