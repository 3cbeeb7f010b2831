// ListParts, ListMultipartUploads.
#include <algorithm>

#include "services/s3/listing.hpp"
#include "services/s3/multipart.hpp"

namespace nubecita::s3 {
namespace {
model::Initiator* show_initiator(api::Call& call, const Upload& u) {
  auto* i = call.make<model::Initiator>();
  i->id = call.text(u.initiator);
  i->display_name = call.text(u.initiator.substr(u.initiator.rfind('/') + 1));
  return i;
}
}  // namespace

Status list_parts(api::Call& call, const model::ListPartsRequest& in, model::ListPartsOutput& out) {
  auto& x = exchange(call);
  TRY_LET(auto u, open_upload(x, "s3:ListMultipartUploadParts", in.upload_id));
  TRY_LET(const auto most, page_size(in.max_parts, "max-parts"));
  const int after = in.part_number_marker.value_or(0);
  auto parts = list_of_parts(x.tx, x.bucket->name, u.key, u.id);
  std::erase_if(parts, [&](auto& p) { return p.number <= after; });
  out.is_truncated = parts.size() > most;
  if (parts.size() > most) parts.resize(most);
  out.bucket = call.text(x.bucket->name);
  out.key = call.text(u.key);
  out.upload_id = call.text(u.id);
  out.part_number_marker = after;
  out.next_part_number_marker = parts.empty() ? 0 : parts.back().number;
  out.max_parts = static_cast<int32_t>(most);
  out.storage_class =
      u.object.storage_class.empty() ? wire::Text("STANDARD") : call.text(u.object.storage_class);
  out.owner = show_owner(call, u.object.account);
  out.initiator = show_initiator(call, u);
  if (!u.object.algorithm.empty()) {
    out.checksum_algorithm = call.text(u.object.algorithm);
    out.checksum_type = call.text(u.object.checksum_type);
  }
  out.parts = call.list<model::Part>(parts.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    auto& p = out.parts[i];
    p.part_number = parts[i].number;
    p.last_modified = wire::Timestamp{parts[i].modified};
    p.e_tag = call.text(quoted(parts[i].etag));
    p.size = parts[i].size;
    if (!parts[i].checksum.empty()) show_checksum(call, u.object.algorithm, parts[i].checksum, p);
  }
  return {};
}

Status list_multipart_uploads(api::Call& call, const model::ListMultipartUploadsRequest& in,
                              model::ListMultipartUploadsOutput& out) {
  auto& x = exchange(call);
  TRY(open_bucket(x, "s3:ListBucketMultipartUploads", list_conditions(in.prefix, in.delimiter, {})));
  TRY_LET(const bool url, wants_url(in.encoding_type));
  TRY_LET(const auto most, page_size(in.max_uploads, "max-uploads"));
  std::vector<model::MultipartUpload> items;
  auto show = [&](const Upload& u) {
    model::MultipartUpload m;
    m.key = shown(call, u.key, url);
    m.upload_id = call.text(u.id);
    m.initiated = wire::Timestamp{u.initiated};
    m.storage_class =
        u.object.storage_class.empty() ? wire::Text("STANDARD") : call.text(u.object.storage_class);
    m.owner = show_owner(call, u.object.account);
    m.initiator = show_initiator(call, u);
    if (!u.object.algorithm.empty()) {
      m.checksum_algorithm = call.text(u.object.algorithm);
      m.checksum_type = call.text(u.object.checksum_type);
    }
    items.push_back(m);
  };
  ListQuery q{x.bucket->name, api::str(in.prefix), api::str(in.delimiter), api::str(in.key_marker), most};
  std::string last_id;
  bool more = false;
  // The rest of the marker's own key, if the page before ended within it.
  if (!in.upload_id_marker.empty() && !q.after.empty()) {
    const auto from = upload_key(q.bucket, q.after, in.upload_id_marker) + '\0';
    x.tx.scan(upload_key(q.bucket, q.after, {}), from, [&](std::string_view, std::string_view v) {
      if (items.size() == most) return !(more = true);
      const auto u = store::decode_record<Upload>(v);
      show(u);
      last_id = u.id;
      return true;
    });
  }
  ListPage page;
  page.last = q.after;
  if (!more) {
    q.most = most - items.size();
    auto rest = walk(x.tx, "s3.upload", q, [&](std::string_view name, std::string_view v) {
      if (!name.data()) return true;
      const auto u = store::decode_record<Upload>(v);
      show(u);
      last_id = u.id;
      return true;
    });
    if (rest.last.empty()) rest.last = page.last;
    page = std::move(rest);
  }
  more = more || page.truncated;
  if (!page.prefixes.empty() && page.last == page.prefixes.back()) last_id.clear();
  out.bucket = call.text(x.bucket->name);
  out.prefix = shown(call, in.prefix, url);
  out.key_marker = shown(call, in.key_marker, url);
  out.upload_id_marker = call.text(in.upload_id_marker);
  out.max_uploads = static_cast<int32_t>(most);
  out.is_truncated = more;
  if (!in.delimiter.empty()) out.delimiter = shown(call, in.delimiter, url);
  if (url) out.encoding_type = "url";
  out.next_key_marker = shown(call, more ? page.last : std::string(), url);
  out.next_upload_id_marker = call.text(more ? last_id : std::string());
  out.uploads = call.list<model::MultipartUpload>(items.size());
  std::copy(items.begin(), items.end(), out.uploads.begin());
  show_prefixes(call, page, url, out);
  return {};
}

}  // namespace nubecita::s3
