// ListObjects, ListObjectsV2, ListObjectVersions.
#include "base/ids.hpp"
#include "services/s3/access.hpp"
#include "services/s3/acl.hpp"
#include "services/s3/listing.hpp"
#include "services/s3/objects.hpp"

namespace nubecita::s3 {
namespace {

/// What a listing shows of an Object: a page decodes a thousand.
struct Line {
  bool marker = false;
  std::string version, etag, account, storage_class, algorithm, checksum_type;
  int64_t size = 0, modified = 0;
  template <class A>
  void fields(A& a) {
    a("marker", marker)("version", version)("etag", etag)("size", size)("modified", modified)(
        "account", account)("class", storage_class)("algorithm", algorithm)("checksum_type", checksum_type);
  }
};

void show_checksums(api::Call& call, const Line& o, wire::List<wire::Text>& algorithms, wire::Text& type) {
  if (o.algorithm.empty()) return;
  algorithms = call.list<wire::Text>(1);
  algorithms[0] = call.text(o.algorithm);
  type = call.text(o.checksum_type);
}

struct Listed {
  ListPage page;
  std::vector<model::Object> items;
};

Listed list(api::Call& call, const ListQuery& q, bool url, bool owner) {
  Listed l;
  l.page = walk(call.tx, "s3.object", q, [&](std::string_view name, std::string_view value) {
    // Delete markers say so early in their record; the others need not be read to be counted.
    if (!name.data()) return store::record_json(value).find("\"marker\":true") == std::string_view::npos;
    const auto o = store::decode_record<Line>(value);
    if (o.marker) return false;
    model::Object item;
    item.key = shown(call, name, url);
    item.last_modified = wire::Timestamp{o.modified};
    item.e_tag = call.text(quoted(o.etag));
    item.size = o.size;
    item.storage_class = o.storage_class.empty() ? wire::Text("STANDARD") : call.text(o.storage_class);
    show_checksums(call, o, item.checksum_algorithm, item.checksum_type);
    if (owner) item.owner = show_owner(call, o.account);
    l.items.push_back(item);
    return true;
  });
  return l;
}

template <class Out>
void show_items(api::Call& call, const Listed& l, bool url, Out& out) {
  out.contents = call.list<model::Object>(l.items.size());
  std::copy(l.items.begin(), l.items.end(), out.contents.begin());
  show_prefixes(call, l.page, url, out);
  out.is_truncated = l.page.truncated;
}

}  // namespace

Status list_objects(api::Call& call, const model::ListObjectsRequest& in, model::ListObjectsOutput& out) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:ListBucket", list_conditions(in.prefix, in.delimiter, in.max_keys)));
  TRY_LET(const bool url, wants_url(in.encoding_type));
  TRY_LET(const auto most, page_size(in.max_keys, "max-keys"));
  const ListQuery q{x.bucket->name, api::str(in.prefix), api::str(in.delimiter), api::str(in.marker), most};
  const auto l = list(call, q, url, true);
  show_items(call, l, url, out);
  out.name = call.text(q.bucket);
  out.prefix = shown(call, q.prefix, url);
  out.marker = shown(call, q.after, url);
  out.max_keys = static_cast<int32_t>(most);
  if (in.delimiter.has() && !in.delimiter.empty()) out.delimiter = shown(call, q.delimiter, url);
  if (url) out.encoding_type = "url";
  if (l.page.truncated && !q.delimiter.empty()) out.next_marker = shown(call, l.page.last, url);
  return {};
}

Status list_objects_v2(api::Call& call, const model::ListObjectsV2Request& in,
                       model::ListObjectsV2Output& out) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:ListBucket", list_conditions(in.prefix, in.delimiter, in.max_keys)));
  TRY_LET(const bool url, wants_url(in.encoding_type));
  TRY_LET(const auto most, page_size(in.max_keys, "max-keys"));
  if (!in.optional_object_attributes.empty()) return not_implemented("x-amz-optional-object-attributes");
  ListQuery q{x.bucket->name, api::str(in.prefix), api::str(in.delimiter), api::str(in.start_after), most};
  if (in.continuation_token.has()) {
    auto token = api::decode_token(in.continuation_token, "InvalidArgument");
    if (!token) return invalid_argument("The continuation token provided is incorrect", "continuation-token");
    q.after = *token;
    out.continuation_token = in.continuation_token;
  }
  const auto l = list(call, q, url, in.fetch_owner.value_or(false));
  show_items(call, l, url, out);
  out.name = call.text(q.bucket);
  out.prefix = shown(call, q.prefix, url);
  out.max_keys = static_cast<int32_t>(most);
  out.key_count = static_cast<int32_t>(l.page.count);
  if (in.delimiter.has() && !in.delimiter.empty()) out.delimiter = shown(call, q.delimiter, url);
  if (in.start_after.has()) out.start_after = shown(call, in.start_after, url);
  if (url) out.encoding_type = "url";
  if (l.page.truncated) out.next_continuation_token = call.text(api::encode_token(l.page.last));
  return {};
}

namespace {

struct VersionPage {
  std::vector<model::ObjectVersion> versions;
  std::vector<model::DeleteMarkerEntry> markers;
};

void show_one(api::Call& call, std::string_view name, const Line& o, bool newest, bool url,
              VersionPage& page) {
  if (o.marker) {
    model::DeleteMarkerEntry m;
    m.key = shown(call, name, url);
    m.version_id = call.text(o.version);
    m.is_latest = newest;
    m.last_modified = wire::Timestamp{o.modified};
    m.owner = show_owner(call, o.account);
    page.markers.push_back(m);
    return;
  }
  model::ObjectVersion v;
  v.key = shown(call, name, url);
  v.version_id = call.text(o.version);
  v.is_latest = newest;
  v.last_modified = wire::Timestamp{o.modified};
  v.e_tag = call.text(quoted(o.etag));
  v.size = o.size;
  v.storage_class = o.storage_class.empty() ? wire::Text("STANDARD") : call.text(o.storage_class);
  show_checksums(call, o, v.checksum_algorithm, v.checksum_type);
  v.owner = show_owner(call, o.account);
  page.versions.push_back(v);
}

}  // namespace

Status list_object_versions(api::Call& call, const model::ListObjectVersionsRequest& in,
                            model::ListObjectVersionsOutput& out) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:ListBucketVersions", list_conditions(in.prefix, in.delimiter, in.max_keys)));
  TRY_LET(const bool url, wants_url(in.encoding_type));
  TRY_LET(const auto most, page_size(in.max_keys, "max-keys"));
  if (in.version_id_marker.has() && !in.version_id_marker.empty() && in.key_marker.empty())
    return invalid_argument("A version-id marker cannot be specified without a key marker.",
                            "version-id-marker", std::string(in.version_id_marker.sv()));
  ListQuery q{x.bucket->name, api::str(in.prefix), api::str(in.delimiter), api::str(in.key_marker), most};
  VersionPage shown_page;
  size_t count = 0;
  bool full = false;
  std::string last_version;
  std::string last_key;
  // One key's versions, newest first; `resume`: those after this one. False: the page is full and there is
  // more.
  auto one_key = [&](std::string_view name, const Line& newest, std::string_view resume) {
    bool skipping = !resume.empty();
    auto take = [&](const Line& o, bool is_newest) {
      if (skipping) {
        skipping = o.version != resume;
        return true;
      }
      if (count == most) return !(full = true);
      show_one(call, name, o, is_newest, url, shown_page);
      last_key = name;
      last_version = o.version;
      ++count;
      return true;
    };
    if (!take(newest, true)) return;
    x.tx.scan(version_key(q.bucket, name), {}, [&](std::string_view, std::string_view v) {
      return take(store::decode_record<Line>(v), false);
    });
  };
  if (!in.version_id_marker.empty())
    if (auto newest = get_record<Line>(x.tx, object_key(q.bucket, q.after)))
      one_key(q.after, *newest, in.version_id_marker);
  // Keys are walked one by one; the page is full when its versions are.
  ListPage page;
  while (!full) {
    q.most = 1;
    std::optional<Line> newest;
    std::string name;
    auto step = walk(x.tx, "s3.object", q, [&](std::string_view n, std::string_view v) {
      if (n.data()) {
        name = n;
        newest = store::decode_record<Line>(v);
      }
      return true;
    });
    if (step.count == 0) break;
    if (count == most) {
      full = true;
      break;
    }
    q.after = step.last;
    if (newest) {
      one_key(name, *newest, {});
    } else {
      page.prefixes.push_back(step.last);
      last_key = step.last;
      last_version.clear();
      ++count;
    }
    if (!step.truncated) break;
  }
  if (most == 0) full = false;
  out.name = call.text(x.bucket->name);
  out.prefix = shown(call, q.prefix, url);
  out.key_marker = shown(call, in.key_marker, url);
  out.version_id_marker = call.text(in.version_id_marker);
  out.max_keys = static_cast<int32_t>(most);
  if (!q.delimiter.empty()) out.delimiter = shown(call, q.delimiter, url);
  if (url) out.encoding_type = "url";
  out.is_truncated = full;
  if (full) {
    out.next_key_marker = shown(call, last_key, url);
    if (!last_version.empty()) out.next_version_id_marker = call.text(last_version);
  }
  out.versions = call.list<model::ObjectVersion>(shown_page.versions.size());
  std::copy(shown_page.versions.begin(), shown_page.versions.end(), out.versions.begin());
  out.delete_markers = call.list<model::DeleteMarkerEntry>(shown_page.markers.size());
  std::copy(shown_page.markers.begin(), shown_page.markers.end(), out.delete_markers.begin());
  show_prefixes(call, page, url, out);
  return {};
}

}  // namespace nubecita::s3
