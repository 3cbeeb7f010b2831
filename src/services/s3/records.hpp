// What S3 keeps, with its keys. Bucket names are one name space of all accounts and regions, as on AWS, so
// all of it lives in scope "-/-"; a bucket's record says whose it is. Keys of objects are in UTF-8 order: a
// listing is a range scan.
//
//   s3.bucket   <bucket>                         Bucket
//   s3.config   <bucket>/<kind>                  an XML or JSON document as its operation takes it
//   s3.object   <bucket>/<key>                   Object: the newest version, delete markers too
//   s3.version  <bucket>/<key>\0<sort>           Object: older versions, newest first
//   s3.upload   <bucket>/<key>\0<id>             Upload
//   s3.part     <bucket>/<key>\0<id>/<number>    Part
//   s3.done     <id>                             Completed: an upload that has become an object
//   s3.manifest <id>                             Manifest: pieces and parts of objects of many parts
//   s3.bytes, s3.file, s3.shared                 blobs.hpp
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/s3/blobs.hpp"
#include "store/store.hpp"

namespace nubecita::s3 {

using Texts = std::map<std::string, std::string>;

/// Of an access control list. Type "id" (a canonical user id: an account), "group" (its URI) or "nobody": a
/// list that grants nothing, where no list at all means the owner's full control.
struct Grant {
  std::string type, grantee, permission;
  template <class A>
  void fields(A& a) {
    a("type", type)("grantee", grantee)("permission", permission);
  }
  friend bool operator==(const Grant&, const Grant&) = default;
};

struct Bucket {
  static constexpr std::string_view kTable = "s3.bucket";
  std::string name, account, region;
  int64_t created = 0;
  std::string versioning;  // "", "Enabled", "Suspended"
  std::string policy;      // JSON
  std::string ownership = "BucketOwnerEnforced";
  bool ownership_unset = false;  // there are no ownership controls: what "ObjectWriter" means
  int block = 15;                // public access block: bits of Block
  bool block_set = true;         // there is a configuration
  std::string encryption;        // of objects that say nothing: "AES256", "aws:kms" or empty
  std::string kms_key;           // as it was given; empty: alias/aws/s3
  bool bucket_key = false;
  bool lock = false;      // object lock
  std::string lock_mode;  // default retention
  int64_t lock_days = 0, lock_years = 0;
  std::vector<Grant> grants;
  // s3.config has one
  bool cors = false, website = false, lifecycle = false, notifies = false, logged = false;
  bool any_size_to_archives = false;  // lifecycle: also what is below 128 KiB goes to archives
  std::string key() const { return name; }
  // `block` and `block_set` are kept inverted: nothing stored means what a new bucket has.
  template <class A>
  void fields(A& a) {
    int unblock = 15 - block;
    bool unset = !block_set;
    a("name", name)("account", account)("region", region)("created", created)("versioning", versioning)(
        "policy", policy)("ownership", ownership)("unowned", ownership_unset)("unblock", unblock)(
        "unset", unset)("encryption", encryption)("kms_key", kms_key)("bucket_key", bucket_key)("lock", lock)(
        "lock_mode", lock_mode)("lock_days", lock_days)("lock_years", lock_years)("grants", grants)(
        "cors", cors)("website", website)("lifecycle", lifecycle)("notifies", notifies)("logged", logged)(
        "any_size_to_archives", any_size_to_archives);
    block = 15 - unblock;
    block_set = !unset;
  }
  bool enforced() const { return ownership == "BucketOwnerEnforced"; }
};
enum Block {
  kBlockPublicAcls = 1,
  kIgnorePublicAcls = 2,
  kBlockPublicPolicy = 4,
  kRestrictPublicBuckets = 8
};

/// A part of an object that was uploaded in parts.
struct PartOf {
  int number = 0;
  int64_t size = 0;
  std::string checksum;
  template <class A>
  void fields(A& a) {
    a("n", number)("size", size)("sum", checksum);
  }
};

struct Object {
  std::string version;  // its id; "null" in a bucket without versions
  std::string sort;     // newer ones are smaller
  bool marker = false;  // a delete marker
  std::string etag;     // without quotes
  int64_t size = 0, modified = 0;
  std::string account;  // the owner
  Texts headers;        // Content-Type, Cache-Control, ... by their names in answers
  Texts meta, tags;
  std::string storage_class;                       // empty: STANDARD
  int64_t restored_until = 0;                      // of an archived object
  std::string algorithm, checksum, checksum_type;  // "CRC32C", base64, "FULL_OBJECT" or "COMPOSITE"
  std::string encryption;                          // "AES256", "aws:kms", "customer" or empty
  std::string kms_key, kms_blob;                   // ARN, its data key encrypted (object_keys.hpp)
  std::string key_digest;                          // of a customer's key, with its salt
  bool bucket_key = false;
  std::string lock_mode;  // "GOVERNANCE", "COMPLIANCE"
  int64_t lock_until = 0;
  bool hold = false;
  std::vector<Grant> grants;
  std::vector<Piece> pieces;
  int part_count = 0;    // of a multipart upload
  std::string manifest;  // id of a Manifest that has pieces and parts
  template <class A>
  void fields(A& a) {
    a("version", version)("sort", sort)("marker", marker)("etag", etag)("size", size)("modified", modified)(
        "account", account)("headers", headers)("meta", meta)("tags", tags)("class", storage_class)(
        "restored", restored_until)("algorithm", algorithm)("checksum", checksum)(
        "checksum_type", checksum_type)("encryption", encryption)("kms_key", kms_key)("kms_blob", kms_blob)(
        "key_digest", key_digest)("bucket_key", bucket_key)("lock_mode", lock_mode)("lock_until", lock_until)(
        "hold", hold)("grants", grants)("pieces", pieces)("parts", part_count)("manifest", manifest);
  }
};

struct Manifest {
  std::vector<Piece> pieces;
  std::vector<PartOf> parts;
  template <class A>
  void fields(A& a) {
    a("pieces", pieces)("parts", parts);
  }
};

struct Upload {
  std::string id, key, initiator;  // initiator: ARN
  int64_t initiated = 0;
  Object object;  // what it will be
  template <class A>
  void fields(A& a) {
    a("id", id)("key", key)("initiator", initiator)("initiated", initiated)("object", object);
  }
};

/// What completing an upload was answered, for who asks again because the answer was lost.
struct Completed {
  std::string bucket, key, parts;  // parts: digest of the list that was given
  int64_t at = 0;
  Object object;  // without what no answer needs
  template <class A>
  void fields(A& a) {
    a("bucket", bucket)("key", key)("parts", parts)("at", at)("object", object);
  }
};

struct Part {
  int number = 0;
  std::string etag, checksum;
  int64_t size = 0, modified = 0;
  std::vector<Piece> pieces;
  template <class A>
  void fields(A& a) {
    a("n", number)("etag", etag)("sum", checksum)("size", size)("modified", modified)("pieces", pieces);
  }
};

inline std::string object_key(std::string_view bucket, std::string_view key) {
  return store::make_key("s3.object", kEverywhere, std::string(bucket) + "/" + std::string(key));
}
/// Of a key's older versions; of one of them with its sort.
inline std::string version_key(std::string_view bucket, std::string_view key, std::string_view sort = {}) {
  return store::make_key("s3.version", kEverywhere,
                         std::string(bucket) + "/" + std::string(key) + '\0' + std::string(sort));
}
inline std::string upload_key(std::string_view bucket, std::string_view key, std::string_view id) {
  return store::make_key("s3.upload", kEverywhere,
                         std::string(bucket) + "/" + std::string(key) + '\0' + std::string(id));
}
inline std::string part_key(std::string_view bucket, std::string_view key, std::string_view id,
                            int number = 0) {
  char digits[8] = "";
  if (number) std::snprintf(digits, sizeof digits, "%05d", number);
  return store::make_key(
      "s3.part", kEverywhere,
      std::string(bucket) + "/" + std::string(key) + '\0' + std::string(id) + "/" + digits);
}
inline std::string completed_key(std::string_view id) { return store::make_key("s3.done", kEverywhere, id); }
inline std::string config_key(std::string_view bucket, std::string_view kind) {
  return store::make_key("s3.config", kEverywhere, std::string(bucket) + "/" + std::string(kind));
}
inline std::string manifest_key(std::string_view id) {
  return store::make_key("s3.manifest", kEverywhere, id);
}

template <class R>
std::optional<R> get_record(store::Transaction& tx, const std::string& key) {
  auto bytes = tx.get(key);
  if (!bytes) return {};
  return store::decode_record<R>(*bytes);
}
template <class R>
void put_record(store::Transaction& tx, const std::string& key, const R& record) {
  tx.put(key, store::encode_record(record));
}

/// The canonical user id of an account: 64 hexadecimal digits.
std::string canonical_id(std::string_view account);

}  // namespace nubecita::s3
