// What a request says of the object that it makes: headers, metadata, tags, encryption, retention, access
// control list. PutObject, CopyObject and CreateMultipartUpload say it alike.
#pragma once

#include "services/s3/access.hpp"
#include "services/s3/acl.hpp"
#include "services/s3/objects.hpp"

namespace nubecita::s3 {

struct NewObject {
  std::string_view cache_control, content_disposition, content_encoding, content_language, content_type,
      expires;
  std::string_view redirect, encryption, kms_key, storage_class, tagging, lock_mode, hold;
  const wire::Map<wire::Text>* metadata = nullptr;
  int64_t lock_until = 0;
  std::optional<bool> bucket_key;
  bool tags_given = false;
  AclRequest acl;
};

/// Also asks for s3:PutObject, and for what tags, retention, hold and lists need beside it.
/// Errors: AccessDenied, InvalidArgument, InvalidRequest, MetadataTooLarge, NotImplemented, ...
Status describe_new(Exchange& x, const NewObject& asked, Object& o);

template <class In>
NewObject new_object(const In& in) {
  NewObject n;
  n.cache_control = in.cache_control.sv();
  n.content_disposition = in.content_disposition.sv();
  n.content_encoding = in.content_encoding.sv();
  n.content_language = in.content_language.sv();
  n.content_type = in.content_type.sv();
  n.expires = in.expires.sv();
  n.redirect = in.website_redirect_location.sv();
  n.encryption = in.server_side_encryption.sv();
  n.kms_key = in.ssekms_key_id.sv();
  if (in.bucket_key_enabled.has()) n.bucket_key = *in.bucket_key_enabled;
  n.storage_class = in.storage_class.sv();
  n.tagging = in.tagging.sv();
  n.tags_given = in.tagging.has();
  n.lock_mode = in.object_lock_mode.sv();
  n.hold = in.object_lock_legal_hold_status.sv();
  n.lock_until = in.object_lock_retain_until_date.value_or({}).ms;
  n.metadata = &in.metadata;
  n.acl = acl_of(in);
  return n;
}

/// The version's id in answers of buckets that have versions.
template <class Out>
void show_version(Exchange& x, const Bucket& bucket, const Object& o, Out& out) {
  if (versioned(bucket)) out.version_id = x.text(o.version);
}
/// The same of a version that was just made: none where versioning is suspended, though it can be read as
/// "null". https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html#API_PutObject_Examples
template <class Out>
void show_new_version(Exchange& x, const Bucket& bucket, const Object& o, Out& out) {
  if (bucket.versioning == "Enabled") out.version_id = x.text(o.version);
}
/// The checksum's member of an answer.
template <class Out>
void show_checksum(api::Call& call, std::string_view algorithm, std::string_view value, Out& out) {
  if (algorithm == "CRC32") out.checksum_crc32 = call.text(value);
  if (algorithm == "CRC32C") out.checksum_crc32_c = call.text(value);
  if (algorithm == "CRC64NVME") out.checksum_crc64_nvme = call.text(value);
  if (algorithm == "SHA1") out.checksum_sha1 = call.text(value);
  if (algorithm == "SHA256") out.checksum_sha256 = call.text(value);
}

}  // namespace nubecita::s3
