// Objects under keys that S3 does not have: those of KMS (SSE-KMS) and those that come with each request
// (SSE-C). Such an object has a data key, and the keys of its blobs are sealed once more under it. Under KMS,
// who reads needs kms:Decrypt, who writes kms:GenerateDataKey, whatever S3's own policies say; a customer's
// key is the data key, and only a salted digest of it is kept, to tell a wrong one.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
// The caller's transaction.
#pragma once

#include <string_view>
#include <vector>

#include "services/s3/exchange.hpp"

namespace nubecita::s3 {

constexpr std::string_view kKms = "aws:kms", kCustomer = "customer";  // as Object::encryption
constexpr std::string_view kCustomerHeaders = "x-amz-server-side-encryption-customer-",
                           kSourceCustomerHeaders = "x-amz-copy-source-server-side-encryption-customer-";

inline bool has_data_key(const Object& o) { return o.encryption == kKms || o.encryption == kCustomer; }
/// The request brings a customer's key, or a part of what belongs to one.
bool brings_key(const http::Head& head, std::string_view headers = kCustomerHeaders);

/// Gives `o`, which the request makes, a data key of `asked` (an id, ARN or alias; empty: alias/aws/s3) and
/// keeps it in x.data_key. Errors: KMS.NotFoundException, KMS.DisabledException, ..., AccessDenied.
Status make_kms_key(Exchange& x, std::string_view asked, Object& o);
/// The same with the request's own key. Errors: InvalidArgument, InvalidEncryptionAlgorithmError.
Status take_customer_key(Exchange& x, Object& o);

/// The data key of an object that is there; empty if it has none. `headers`: where a customer's key is.
/// Errors: those of above, InvalidRequest (no key where one is needed, or the other way round), AccessDenied
/// (another key).
Result<std::string> data_key_of(Exchange& x, const Bucket& bucket, std::string_view key, const Object& o,
                                std::string_view headers = kCustomerHeaders);
/// Whether the request brings what a customer's object needs, for answers that need no bytes.
Status check_customer_key(const Exchange& x, const Object& o, std::string_view headers = kCustomerHeaders);

/// Seals the blobs' keys.
void lock_pieces(std::string_view data_key, std::vector<Piece>& pieces);
/// An object's pieces as Blobs reads them. Errors: those of data_key_of().
Result<std::vector<Piece>> open_pieces(Exchange& x, const Bucket& bucket, std::string_view key,
                                       const Object& o, std::string_view headers = kCustomerHeaders);

/// The members of an answer that tell how an object is encrypted.
template <class Out>
void show_encryption(const Exchange& x, const Object& o, Out& out) {
  if (o.encryption == kCustomer) {
    if constexpr (requires { out.sse_customer_key_md5; }) {  // not of CompleteMultipartUpload
      out.sse_customer_algorithm = "AES256";
      out.sse_customer_key_md5 =
          wire::Text::view(x.arena.copy(x.head.header("x-amz-server-side-encryption-customer-key-md5")));
    }
    return;
  }
  if (!o.encryption.empty()) out.server_side_encryption = wire::Text::view(x.arena.copy(o.encryption));
  if (o.encryption != kKms) return;
  out.ssekms_key_id = wire::Text::view(x.arena.copy(o.kms_key));
  if (o.bucket_key) out.bucket_key_enabled = true;
}

}  // namespace nubecita::s3
