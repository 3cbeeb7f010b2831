#include "services/s3/objects.hpp"

#include <chrono>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "http/message.hpp"
#include "services/s3/access.hpp"

namespace nubecita::s3 {
namespace {

// Newer versions sort first: the time left until the end of time, then chance. It is the version's id, too.
std::string new_sort(const std::optional<Object>& newest) {
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count();
  uint64_t left = ~static_cast<uint64_t>(ns);
  if (newest && newest->sort.size() >= 16) {
    const auto before = std::stoull(newest->sort.substr(0, 16), nullptr, 16);
    if (left >= before) left = before - 1;  // the clock went back
  }
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(left));
  return hex + random_hex(16);
}

void erase_manifest(Exchange& x, const Object& o) {
  if (!o.manifest.empty()) x.tx.erase(manifest_key(o.manifest));
}

}  // namespace

std::shared_ptr<const Object> look_newest(store::Transaction& tx, std::string_view bucket,
                                          std::string_view key) {
  return tx.shared<Object>(object_key(bucket, key), [](std::string_view bytes) {
    return std::make_shared<const Object>(store::decode_record<Object>(bytes));
  });
}

std::optional<Object> find_newest(store::Transaction& tx, std::string_view bucket, std::string_view key) {
  return get_record<Object>(tx, object_key(bucket, key));
}

std::optional<Found> find_version(store::Transaction& tx, std::string_view bucket, std::string_view key,
                                  std::string_view version) {
  auto newest = find_newest(tx, bucket, key);
  if (newest && newest->version == version) return Found{std::move(*newest), true};
  if (version != "null") {
    auto older = get_record<Object>(tx, version_key(bucket, key, version));
    if (!older) return {};
    return Found{std::move(*older), false};
  }
  std::optional<Found> found;
  const auto prefix = version_key(bucket, key);
  tx.scan(prefix, {}, [&](std::string_view, std::string_view value) {
    auto o = store::decode_record<Object>(value);
    if (o.version != "null") return true;
    found = Found{std::move(o), false};
    return false;
  });
  return found;
}

namespace {

struct Seen {
  std::shared_ptr<const Object> object;  // null: there is none
  bool newest = false;
};

Seen look(store::Transaction& tx, std::string_view bucket, std::string_view key, std::string_view version) {
  if (version.empty()) return {look_newest(tx, bucket, key), true};
  auto found = find_version(tx, bucket, key, version);
  if (!found) return {};
  return {std::make_shared<const Object>(std::move(found->object)), found->newest};
}

Result<Seen> open_seen(Exchange& x, std::string_view version, std::string_view action,
                       std::string_view version_action) {
  TRY(x.find_bucket());
  const auto& key = x.target.key;
  auto seen = look(x.tx, x.bucket->name, key, version);
  const auto* o = seen.object.get();
  api::Conditions conditions;
  if (!version.empty()) conditions.push_back({"s3:VersionId", {std::string(version)}});
  // What is not there has no access control list that could let anybody in: who may list is told.
  const bool missing = !o || (o->marker && version.empty());
  if (!missing || x.bucket->enforced() || !may_list(x, *x.bucket))
    TRY(open_object(x, version.empty() ? action : version_action, o, conditions));
  if (o && o->marker) {
    x.headers.emplace_back("x-amz-delete-marker", "true");
    x.headers.emplace_back("x-amz-version-id", o->version);
    if (!version.empty()) {
      x.headers.emplace_back("Last-Modified", http_date(o->modified));
      x.headers.emplace_back("Allow", "DELETE");
      return fail(ApiError{"MethodNotAllowed",
                           405,
                           "The specified method is not allowed against this resource.",
                           {{"ResourceType", "DeleteMarker"}}});
    }
  }
  if (!o || o->marker) {
    if (!may_list(x, *x.bucket)) return access_denied();
    if (version.empty()) return no_such_key(key);
    return no_such_version(key, version);
  }
  return seen;
}

}  // namespace

Result<std::shared_ptr<const Object>> look_version(Exchange& x, std::string_view version,
                                                   std::string_view action, std::string_view version_action) {
  TRY_LET(auto seen, open_seen(x, version, action, version_action));
  return std::move(seen.object);
}

Result<Found> open_version(Exchange& x, std::string_view version, std::string_view action,
                           std::string_view version_action) {
  TRY_LET(auto seen, open_seen(x, version, action, version_action));
  return Found{*seen.object, seen.newest};
}

std::vector<Piece> pieces_of(store::Transaction& tx, const Object& o) {
  if (o.manifest.empty()) return o.pieces;
  auto manifest = get_record<Manifest>(tx, manifest_key(o.manifest));
  return manifest ? std::move(manifest->pieces) : std::vector<Piece>();
}
std::vector<PartOf> parts_of(store::Transaction& tx, const Object& o) {
  if (o.manifest.empty()) return {};
  auto manifest = get_record<Manifest>(tx, manifest_key(o.manifest));
  return manifest ? std::move(manifest->parts) : std::vector<PartOf>();
}

void release_bytes(Exchange& x, const Object& o) {
  Blobs::release(x.tx, pieces_of(x.tx, o), x.doomed);
  erase_manifest(x, o);
}

void put_newest(Exchange& x, const Bucket& bucket, std::string_view key, Object& object) {
  auto& tx = x.tx;
  auto newest = find_newest(tx, bucket.name, key);
  object.sort = new_sort(newest);
  object.version = bucket.versioning == "Enabled" ? object.sort : "null";
  if (object.version == "null") {
    // It takes the place of the version without an id.
    std::optional<Found> replaced;
    if (newest && newest->version == "null")
      replaced = Found{*newest, true};
    else if (newest)
      replaced = find_version(tx, bucket.name, key, "null");
    if (replaced) release_bytes(x, replaced->object);
    if (replaced && !replaced->newest) tx.erase(version_key(bucket.name, key, replaced->object.sort));
    if (replaced && replaced->newest) newest.reset();
  }
  if (newest) put_record(tx, version_key(bucket.name, key, newest->sort), *newest);
  put_record(tx, object_key(bucket.name, key), object);
}

void put_again(store::Transaction& tx, std::string_view bucket, std::string_view key, const Found& found) {
  put_record(tx, found.newest ? object_key(bucket, key) : version_key(bucket, key, found.object.sort),
             found.object);
}

void erase_version(Exchange& x, std::string_view bucket, std::string_view key, const Found& found) {
  auto& tx = x.tx;
  release_bytes(x, found.object);
  if (!found.newest) return tx.erase(version_key(bucket, key, found.object.sort));
  // The next older one is the newest now.
  std::string older_key, older;
  tx.scan(version_key(bucket, key), {}, [&](std::string_view k, std::string_view v) {
    older_key = k;
    older = v;
    return false;
  });
  if (older_key.empty()) return tx.erase(object_key(bucket, key));
  tx.erase(older_key);
  tx.put(object_key(bucket, key), std::move(older));
}

void erase_newest(Exchange& x, const Bucket& bucket, std::string_view key, std::optional<Object>& marker) {
  if (!versioned(bucket)) {
    auto newest = find_newest(x.tx, bucket.name, key);
    if (newest) erase_version(x, bucket.name, key, {std::move(*newest), true});
    return;
  }
  marker.emplace();
  marker->marker = true;
  marker->modified = x.now;
  marker->account = bucket.account;
  put_newest(x, bucket, key, *marker);
}

Status check_write(const std::optional<Object>& newest, wire::Text if_match, wire::Text if_none_match,
                   std::string_view key) {
  const bool there = newest && !newest->marker;
  if (if_none_match.has()) {
    if (if_none_match.sv() != "*") return not_implemented("If-None-Match with a value other than *");
    if (there) return precondition_failed("If-None-Match");
  }
  if (if_match.has()) {
    if (!there) return no_such_key(key);
    if (if_match.sv() != "*" && unquoted(if_match) != newest->etag) return precondition_failed("If-Match");
  }
  return {};
}

Status check_tags(const Texts& tags, size_t most) {
  if (tags.size() > most)
    return fail(
        "BadRequest",
        most == 10 ? "Object tags cannot be greater than 10" : "Bucket tag count cannot be greater than 50",
        400);
  for (auto& [k, v] : tags) {
    if (k.empty() || k.size() > 128)
      return fail("InvalidTag", "The TagKey you have provided is invalid", 400);
    if (v.size() > 256) return fail("InvalidTag", "The TagValue you have provided is invalid", 400);
    if (k.starts_with("aws:"))
      return fail("InvalidTag", "System tags cannot be added/updated by requester", 400);
  }
  return {};
}

Result<Texts> tags_of(const wire::List<model::Tag>& list, size_t most) {
  Texts tags;
  for (auto& t : list)
    if (!tags.emplace(t.key.sv(), t.value.sv()).second)
      return fail("InvalidTag", "Cannot provide multiple Tags with the same key", 400);
  TRY(check_tags(tags, most));
  return tags;
}

Result<Texts> parse_tag_header(std::string_view text) {
  Texts tags;
  while (!text.empty()) {
    auto part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (part.empty()) continue;
    const auto eq = part.find('=');
    auto value =
        eq == std::string_view::npos ? std::string() : http::percent_decode(part.substr(eq + 1), true);
    if (!tags.emplace(http::percent_decode(part.substr(0, eq), true), std::move(value)).second)
      return invalid_argument(
          "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters "
          "without tag name duplicates.");
  }
  TRY(check_tags(tags, 10));
  return tags;
}

api::Conditions tag_conditions(const Texts& tags) {
  api::Conditions c;
  std::vector<std::string> keys;
  for (auto& [k, v] : tags) {
    c.push_back({"s3:RequestObjectTag/" + k, {v}});
    keys.push_back(k);
  }
  if (!keys.empty()) c.push_back({"s3:RequestObjectTagKeys", keys});
  return c;
}

wire::List<model::Tag> tag_list(api::Call& call, const Texts& tags) {
  auto list = call.list<model::Tag>(tags.size());
  size_t i = 0;
  for (auto& [k, v] : tags) {
    list[i].key = call.text(k);
    list[i++].value = call.text(v);
  }
  return list;
}

Status check_lock(Exchange& x, const Object& o, bool bypass, std::string_view key) {
  if (o.hold) return access_denied("Access Denied because object protected by object lock.");
  if (o.lock_until <= x.now) return {};
  if (o.lock_mode == "GOVERNANCE" && bypass &&
      check_object(x, *x.bucket, key, "s3:BypassGovernanceRetention", &o))
    return {};
  return access_denied("Access Denied because object protected by object lock.");
}

std::string quoted(std::string_view etag) { return "\"" + std::string(etag) + "\""; }
std::string_view unquoted(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') return etag.substr(1, etag.size() - 2);
  return etag;
}

}  // namespace nubecita::s3
