// SSE-KMS: an object has a data key of a KMS key, and the keys of its blobs are sealed once more under it.
// Who reads it needs kms:Decrypt, who writes it kms:GenerateDataKey, whatever S3's own policies say.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html The caller's transaction.
#pragma once

#include <string_view>
#include <vector>

#include "services/s3/exchange.hpp"

namespace nubecita::s3 {

inline bool under_kms(const Object& o) { return o.encryption == "aws:kms"; }

/// Gives `o`, which the request makes, a data key of `asked` (an id, ARN or alias; empty: alias/aws/s3) and
/// keeps it in x.data_key. Errors: KMS.NotFoundException, KMS.DisabledException, ..., AccessDenied.
Status make_data_key(Exchange& x, std::string_view asked, Object& o);
/// The data key of an object that is there. The same errors.
Result<std::string> data_key_of(Exchange& x, const Bucket& bucket, std::string_view key, const Object& o);

/// Seals the blobs' keys; the other way round. Error InternalError: it is not the key that sealed them.
void lock_pieces(std::string_view data_key, std::vector<Piece>& pieces);
Status unlock_pieces(std::string_view data_key, std::vector<Piece>& pieces);
/// An object's pieces as Blobs reads them. Errors: those of data_key_of().
Result<std::vector<Piece>> open_pieces(Exchange& x, const Bucket& bucket, std::string_view key,
                                       const Object& o);

/// The members of an answer that tell how an object is encrypted.
template <class Out>
void show_encryption(api::Call& call, const Object& o, Out& out) {
  if (!o.encryption.empty()) out.server_side_encryption = call.text(o.encryption);
  if (!under_kms(o)) return;
  out.ssekms_key_id = call.text(o.kms_key);
  if (o.bucket_key) out.bucket_key_enabled = true;
}

}  // namespace nubecita::s3
