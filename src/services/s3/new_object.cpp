#include "services/s3/new_object.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "services/s3/object_keys.hpp"

namespace nubecita::s3 {
namespace {

constexpr size_t kMostMetadata = 2048;

void header(Object& o, const char* name, std::string_view value) {
  if (!value.empty()) o.headers[name] = value;
}

// "aws-chunked" is of the way here, not of the object.
std::string without_chunked(std::string_view text) {
  std::string out;
  if (text.find("aws-chunked") == std::string_view::npos) return std::string(text);  // as it was written
  while (!text.empty()) {
    auto part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    while (part.starts_with(' ')) part.remove_prefix(1);
    if (part == "aws-chunked" || part.empty()) continue;
    out += (out.empty() ? "" : ",") + std::string(part);
  }
  return out;
}

// Headers are Latin-1 to S3, and values outside of ASCII come back as RFC 2047 encodes them.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
std::string as_ascii(std::string_view value) {
  std::string utf8;
  for (unsigned char c : value) {
    if (c >= 0x80) utf8 += static_cast<char>(0xc0 | c >> 6);
    utf8 += static_cast<char>(c < 0x80 ? c : 0x80 | (c & 0x3f));
  }
  return utf8.size() == value.size() ? std::string(value) : "=?UTF-8?B?" + base64(utf8) + "?=";
}

Status metadata(const wire::Map<wire::Text>& given, Object& o) {
  size_t size = 0;
  for (auto& [name, value] : given) {
    std::string lower(name.sv());
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    size += lower.size() + value.size();
    o.meta[lower] = as_ascii(value);
  }
  if (size > kMostMetadata)
    return fail(
        ApiError{"MetadataTooLarge",
                 400,
                 "Your metadata headers exceed the maximum allowed metadata size",
                 {{"Size", std::to_string(size)}, {"MaxSizeAllowed", std::to_string(kMostMetadata)}}});
  return {};
}

Status storage_class(std::string_view name, Object& o) {
  static constexpr std::string_view known[] = {"STANDARD",   "REDUCED_REDUNDANCY",  "STANDARD_IA",
                                               "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR",
                                               "GLACIER",    "DEEP_ARCHIVE"};
  if (name.empty() || name == "STANDARD") return {};
  if (name == "OUTPOSTS" || name == "SNOW" || name == "EXPRESS_ONEZONE")
    return not_implemented("the storage class " + std::string(name));
  if (std::ranges::find(known, name) == std::end(known))
    return fail("InvalidStorageClass", "The storage class you specified is not valid", 400);
  o.storage_class = name;
  return {};
}

Status retention(Exchange& x, const NewObject& n, Object& o) {
  const auto& b = *x.bucket;
  const bool asked = !n.lock_mode.empty() || n.lock_until || !n.hold.empty();
  if (asked && !b.lock) return invalid_request("Bucket is missing Object Lock Configuration");
  if (n.lock_mode.empty() != (n.lock_until == 0))
    return invalid_argument(
        "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied");
  if (!n.lock_mode.empty()) {
    if (n.lock_mode != "GOVERNANCE" && n.lock_mode != "COMPLIANCE")
      return invalid_argument("Unknown wormMode directive");
    if (n.lock_until <= x.now) return invalid_argument("The retain until date must be in the future!");
    TRY(open_object(x, "s3:PutObjectRetention"));
    o.lock_mode = n.lock_mode;
    o.lock_until = n.lock_until;
  } else if (!b.lock_mode.empty()) {
    o.lock_mode = b.lock_mode;
    o.lock_until = x.now + (b.lock_days + b.lock_years * 365) * 86'400'000;
  }
  if (!n.hold.empty()) {
    if (n.hold != "ON" && n.hold != "OFF")
      return invalid_argument("Legal Hold must be either of 'ON' or 'OFF'");
    TRY(open_object(x, "s3:PutObjectLegalHold"));
    o.hold = n.hold == "ON";
  }
  return {};
}

Status encryption(Exchange& x, const NewObject& n, Object& o) {
  if (brings_key(x.head)) {
    if (!n.encryption.empty())
      return invalid_argument(
          "Server Side Encryption with Customer provided key is incompatible with the encryption method "
          "specified",
          "x-amz-server-side-encryption", std::string(n.encryption));
    return take_customer_key(x, o);
  }
  if (n.encryption.starts_with("aws:") && n.encryption != "aws:kms")
    return not_implemented("the encryption " + std::string(n.encryption));
  if (!n.encryption.empty() && n.encryption != "AES256" && n.encryption != "aws:kms")
    return fail("InvalidEncryptionAlgorithmError",
                "The encryption request that you specified is not valid. The valid value is AES256.", 400);
  if (!n.kms_key.empty() && n.encryption != "aws:kms")
    return invalid_argument(
        "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : "
        "aws:kms",
        "x-amz-server-side-encryption", std::string(n.encryption));
  o.encryption = !n.encryption.empty() ? std::string(n.encryption) : x.bucket->encryption;
  if (o.encryption != kKms) return {};
  o.bucket_key = n.bucket_key.value_or(x.bucket->bucket_key);
  return make_kms_key(x, !n.kms_key.empty() ? n.kms_key : x.bucket->kms_key, o);
}

}  // namespace

Status describe_new(Exchange& x, const NewObject& n, Object& o) {
  Texts tags;
  if (n.tags_given) {
    TRY_LET(tags, parse_tag_header(n.tagging));
  }
  TRY(open_object(x, "s3:PutObject", nullptr, tag_conditions(tags)));
  if (!tags.empty()) TRY(open_object(x, "s3:PutObjectTagging", nullptr, tag_conditions(tags)));
  o.tags = std::move(tags);
  header(o, "Cache-Control", n.cache_control);
  header(o, "Content-Disposition", n.content_disposition);
  header(o, "Content-Encoding", without_chunked(n.content_encoding));
  header(o, "Content-Language", n.content_language);
  header(o, "Content-Type", n.content_type);
  header(o, "Expires", n.expires);
  if (!n.redirect.empty() && !n.redirect.starts_with('/') && !n.redirect.starts_with("http://") &&
      !n.redirect.starts_with("https://"))
    return fail("InvalidRedirectLocation",
                "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.", 400);
  header(o, "x-amz-website-redirect-location", n.redirect);
  if (n.metadata) TRY(metadata(*n.metadata, o));
  TRY(storage_class(n.storage_class, o));
  TRY(encryption(x, n, o));
  TRY(retention(x, n, o));
  // With ACLs switched off everything is the bucket owner's.
  const bool handed_over =
      x.bucket->ownership == "BucketOwnerPreferred" && n.acl.canned == "bucket-owner-full-control";
  o.account =
      x.bucket->enforced() || handed_over || x.claim.anonymous() ? x.bucket->account : x.principal.account;
  if (!n.acl.empty()) {
    TRY(open_object(x, "s3:PutObjectAcl"));
    TRY_LET(o.grants, make_grants(x, n.acl, o.account, true));
  }
  o.modified = x.now;
  return {};
}

}  // namespace nubecita::s3
