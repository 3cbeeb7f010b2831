// Objects and their versions: what the operations on them share. The caller's transaction.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/s3/exchange.hpp"

namespace nubecita::s3 {

/// The newest version, which may be a delete marker. For who only looks, shared by all who do; for who will
/// change it.
std::shared_ptr<const Object> look_newest(store::Transaction& tx, std::string_view bucket,
                                          std::string_view key);
std::optional<Object> find_newest(store::Transaction& tx, std::string_view bucket, std::string_view key);
struct Found {
  Object object;
  bool newest = false;
};
std::optional<Found> find_version(store::Transaction& tx, std::string_view bucket, std::string_view key,
                                  std::string_view version);
/// The version that a request means, or the newest one. Never null. Errors: NoSuchKey, NoSuchVersion,
/// MethodNotAllowed (a delete marker by its id); AccessDenied instead of NoSuchKey for who may not list. Asks
/// for `action`, or for `version_action` when the request names a version.
Result<std::shared_ptr<const Object>> look_version(Exchange& x, std::string_view version,
                                                   std::string_view action, std::string_view version_action);
/// The same for who will change it.
Result<Found> open_version(Exchange& x, std::string_view version, std::string_view action,
                           std::string_view version_action);

/// Makes `object` the newest version of its key, as the bucket's versioning wants it.
void put_newest(Exchange& x, const Bucket& bucket, std::string_view key, Object& object);
/// Writes a changed record where it is.
void put_again(store::Transaction& tx, std::string_view bucket, std::string_view key, const Found& found);
/// Removes one version for good.
void erase_version(Exchange& x, std::string_view bucket, std::string_view key, const Found& found);
/// Without a version: a delete marker, or the object is gone. `marker`: set if one was made.
void erase_newest(Exchange& x, const Bucket& bucket, std::string_view key, std::optional<Object>& marker);

std::vector<Piece> pieces_of(store::Transaction& tx, const Object& object);
std::vector<PartOf> parts_of(store::Transaction& tx, const Object& object);
/// Its bytes are no longer needed by it.
void release_bytes(Exchange& x, const Object& object);

/// If-Match and If-None-Match of writes. Errors: PreconditionFailed, NoSuchKey, NotImplemented.
Status check_write(const std::optional<Object>& newest, wire::Text if_match, wire::Text if_none_match,
                   std::string_view key);

/// "a=b&c=d" of the header x-amz-tagging. Errors: InvalidTag, InvalidArgument.
Result<Texts> parse_tag_header(std::string_view text);
Status check_tags(const Texts& tags, size_t most);
/// Tags of a document, checked.
Result<Texts> tags_of(const wire::List<model::Tag>& list, size_t most);
api::Conditions tag_conditions(const Texts& tags);
wire::List<model::Tag> tag_list(api::Call& call, const Texts& tags);

/// Retention and legal hold stand against deleting. Error AccessDenied.
Status check_lock(Exchange& x, const Object& object, bool bypass, std::string_view key);

inline bool versioned(const Bucket& b) { return !b.versioning.empty(); }

}  // namespace nubecita::s3
