// DeleteObject, DeleteObjects.
#include "services/s3/access.hpp"
#include "services/s3/notify.hpp"
#include "services/s3/objects.hpp"

namespace nubecita::s3 {
namespace {

struct Deleted {
  std::string version;  // what is gone, or the marker that was made
  bool marker = false;
  int64_t size = -1;  // of the bytes that are gone; -1: none are
};

Result<Deleted> delete_one(Exchange& x, const std::string& key, std::string_view version, bool bypass,
                           wire::Text if_match) {
  const auto& bucket = *x.bucket;
  Deleted d;
  if (version.empty()) {
    auto newest = find_newest(x.tx, bucket.name, key);
    TRY(check_object(x, bucket, key, "s3:DeleteObject", newest ? &*newest : nullptr));
    if (if_match.has()) {
      const bool there = newest && !newest->marker;
      if (!there) return no_such_key(key);
      if (if_match.sv() != "*" && unquoted(if_match) != newest->etag) return precondition_failed("If-Match");
    }
    std::optional<Object> marker;
    erase_newest(x, bucket, key, marker);
    if (marker) {
      d = {marker->version, true};
      notify(x, "ObjectRemoved:DeleteMarkerCreated", key, *marker);
    } else if (newest) {
      d.size = newest->size;
      notify(x, "ObjectRemoved:Delete", key, {});
    }
    return d;
  }
  auto found = find_version(x.tx, bucket.name, key, version);
  TRY(check_object(x, bucket, key, "s3:DeleteObjectVersion", found ? &found->object : nullptr,
                   {{"s3:VersionId", {std::string(version)}}}));
  if (found && if_match.has() && if_match.sv() != "*" && unquoted(if_match) != found->object.etag)
    return precondition_failed("If-Match");
  d.version = version;
  if (!found) return d;
  TRY(check_lock(x, found->object, bypass, key));
  d.marker = found->object.marker;
  if (!d.marker) d.size = found->object.size;
  erase_version(x, bucket.name, key, *found);
  Object gone;
  gone.version = version;
  notify(x, "ObjectRemoved:Delete", key, gone);
  return d;
}

}  // namespace

Status delete_object(api::Call& call, const model::DeleteObjectRequest& in, model::DeleteObjectOutput& out) {
  auto& x = exchange(call);
  TRY(x.find_bucket());
  TRY_LET(auto d, delete_one(x, x.target.key, in.version_id, in.bypass_governance_retention.value_or(false),
                             in.if_match));
  if (!d.version.empty() && versioned(*x.bucket)) out.version_id = call.text(d.version);
  if (d.marker) out.delete_marker = true;
  return {};
}

Status delete_objects(api::Call& call, const model::DeleteObjectsRequest& in,
                      model::DeleteObjectsOutput& out) {
  auto& x = exchange(call);
  TRY(x.find_bucket());
  if (!in.delete_ || in.delete_->objects.empty() || in.delete_->objects.size() > 1000) return malformed_xml();
  const bool quiet = in.delete_->quiet.value_or(false);
  std::vector<model::DeletedObject> deleted;
  std::vector<model::Error> errors;
  for (auto& item : in.delete_->objects) {
    const auto key = api::str(item.key);
    auto d =
        item.last_modified_time.has() || item.size.has()
            ? fail("NotImplemented", "LastModifiedTime and Size are not served.", 501)
            : delete_one(x, key, item.version_id, in.bypass_governance_retention.value_or(false), item.e_tag);
    if (!d && d.error().code == "NoSuchKey" && !item.e_tag.has()) d = Deleted{};
    if (x.bucket->logged)
      x.logged_parts.push_back({.bucket = {},
                                .operation = "BATCH.DELETE.OBJECT",
                                .key = key,
                                .version = api::str(item.version_id),
                                .error = d ? "" : d.error().code,
                                .status = d ? 204 : status_of(d.error()),
                                .size = d ? d->size : -1});
    if (!d) {
      errors.push_back({item.key, item.version_id, call.text(d.error().code), call.text(d.error().message)});
      continue;
    }
    model::DeletedObject one;
    one.key = item.key;
    if (!item.version_id.empty()) one.version_id = item.version_id;
    if (d->marker) {
      one.delete_marker = true;
      one.delete_marker_version_id = call.text(d->version);
    }
    if (!quiet) deleted.push_back(one);
  }
  // Each key is answered for itself, so refusals are part of a success.
  call.authorize_nothing();
  out.deleted = call.list<model::DeletedObject>(deleted.size());
  std::copy(deleted.begin(), deleted.end(), out.deleted.begin());
  out.errors = call.list<model::Error>(errors.size());
  std::copy(errors.begin(), errors.end(), out.errors.begin());
  return {};
}

}  // namespace nubecita::s3
