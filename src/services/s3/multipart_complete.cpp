// CompleteMultipartUpload: the parts' bytes become the object's; nothing is copied.
#include <algorithm>
#include <map>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "services/s3/multipart.hpp"
#include "services/s3/notify.hpp"
#include "services/s3/object_keys.hpp"

namespace nubecita::s3 {
namespace {

std::string_view given_checksum(const model::CompletedPart& p, std::string_view algorithm) {
  if (algorithm == "CRC32") return p.checksum_crc32;
  if (algorithm == "CRC32C") return p.checksum_crc32_c;
  if (algorithm == "CRC64NVME") return p.checksum_crc64_nvme;
  if (algorithm == "SHA1") return p.checksum_sha1;
  if (algorithm == "SHA256") return p.checksum_sha256;
  return {};
}
std::string_view whole_checksum(const model::CompleteMultipartUploadRequest& in, std::string_view algorithm) {
  if (algorithm == "CRC32") return in.checksum_crc32;
  if (algorithm == "CRC32C") return in.checksum_crc32_c;
  if (algorithm == "CRC64NVME") return in.checksum_crc64_nvme;
  if (algorithm == "SHA1") return in.checksum_sha1;
  if (algorithm == "SHA256") return in.checksum_sha256;
  return {};
}

Failure invalid_part(std::string_view upload, const model::CompletedPart& p) {
  return fail(ApiError{
      "InvalidPart",
      400,
      "One or more of the specified parts could not be found. The part may not have been uploaded, or "
      "the specified entity tag may not match the part's entity tag.",
      {{"UploadId", std::string(upload)},
       {"PartNumber", std::to_string(p.part_number.value_or(0))},
       {"ETag", std::string(p.e_tag.sv())}}});
}

/// The parts that the client lists, checked.
Result<std::vector<Part>> chosen(Exchange& x, const Upload& u,
                                 const model::CompleteMultipartUploadRequest& in) {
  if (!in.multipart_upload || in.multipart_upload->parts.empty()) return malformed_xml();
  std::map<int, Part> there;
  for (auto& p : list_of_parts(x.tx, x.bucket->name, u.key, u.id)) there.emplace(p.number, std::move(p));
  std::vector<Part> out;
  const auto& list = in.multipart_upload->parts;
  for (size_t i = 1; i < list.size(); ++i)
    if (list[i].part_number.value_or(0) <= list[i - 1].part_number.value_or(0))
      return fail("InvalidPartOrder",
                  "The list of parts was not in ascending order. Parts must be ordered by part number.", 400);
  for (size_t i = 0; i < list.size(); ++i) {
    const int number = list[i].part_number.value_or(0);
    auto it = there.find(number);
    if (it == there.end() || unquoted(list[i].e_tag) != it->second.etag) return invalid_part(u.id, list[i]);
    const auto sum = given_checksum(list[i], u.object.algorithm);
    if (!sum.empty() && sum != it->second.checksum) return invalid_part(u.id, list[i]);
    if (sum.empty() && u.object.checksum_type == "COMPOSITE" && !u.object.algorithm.empty())
      return invalid_request(
          "The upload was created using a " + u.object.algorithm +
          " checksum. The complete request must include the checksum for each part. It was missing "
          "for part " +
          std::to_string(number) + " in the request.");
    if (i + 1 < list.size() && it->second.size < kSmallestPart)
      return fail(ApiError{"EntityTooSmall",
                           400,
                           "Your proposed upload is smaller than the minimum allowed size",
                           {{"ProposedSize", std::to_string(it->second.size)},
                            {"MinSizeAllowed", std::to_string(kSmallestPart)},
                            {"PartNumber", std::to_string(number)},
                            {"ETag", it->second.etag}}});
    out.push_back(it->second);
  }
  return out;
}

std::string composite(Algorithm a, const std::vector<Part>& parts) {
  Checksum all(a);
  for (auto& p : parts) all.add(checksum_bytes(a, p.checksum).value_or(""));
  return all.finish() + "-" + std::to_string(parts.size());
}

/// What tells one list of parts from another.
std::string digest_of(const model::CompleteMultipartUploadRequest& in) {
  std::string list;
  if (in.multipart_upload)
    for (auto& p : in.multipart_upload->parts)
      list.append(std::to_string(p.part_number.value_or(0))).append(":").append(unquoted(p.e_tag)) += ' ';
  return to_hex(md5(list));
}

constexpr int64_t kRemembered = 24 * 3'600'000;

void remember(Exchange& x, const Upload& u, std::string parts, const Object& o) {
  Completed c{x.bucket->name, u.key, std::move(parts), x.now, {}};
  auto& kept = c.object;
  kept.version = o.version;
  kept.etag = o.etag;
  kept.algorithm = o.algorithm;
  kept.checksum = o.checksum;
  kept.checksum_type = o.checksum_type;
  kept.encryption = o.encryption;
  kept.kms_key = o.kms_key;
  kept.bucket_key = o.bucket_key;
  put_record(x.tx, completed_key(u.id), c);
}

void show_completed(Exchange& x, const Object& o, model::CompleteMultipartUploadOutput& out) {
  out.bucket = x.text(x.bucket->name);
  out.key = x.text(x.target.key);
  out.e_tag = x.text(quoted(o.etag));
  const auto scheme = x.head.tls ? "https://" : "http://";
  out.location = x.text(scheme + std::string(x.head.header("host")) +
                        (x.target.virtual_host ? std::string(x.head.path) : x.target.path));
  if (!o.checksum.empty()) {
    show_checksum(x, o.algorithm, o.checksum, out);
    out.checksum_type = x.text(o.checksum_type);
  }
  show_encryption(x, o, out);
  show_new_version(x, *x.bucket, o, out);
}

Status sum_up(Object& o, const std::vector<Part>& parts) {
  const auto a = parse_algorithm(o.algorithm).value_or(Algorithm::none);
  if (a == Algorithm::none) return {};
  for (auto& p : parts)
    if (p.checksum.empty())
      return invalid_request("Part " + std::to_string(p.number) + " was uploaded without the " + o.algorithm +
                             " checksum that the upload was created with.");
  if (o.checksum_type == "COMPOSITE") {
    o.checksum = composite(a, parts);
    return {};
  }
  o.checksum = parts[0].checksum;
  for (size_t i = 1; i < parts.size(); ++i)
    o.checksum = combine(a, o.checksum, parts[i].checksum, static_cast<uint64_t>(parts[i].size));
  return {};
}

}  // namespace

Status complete_multipart_upload(api::Call& call, const model::CompleteMultipartUploadRequest& in,
                                 model::CompleteMultipartUploadOutput& out) {
  auto& x = exchange(call);
  TRY(open_object(x, "s3:PutObject"));
  auto upload = find_upload(x, in.upload_id);
  if (!upload) {
    auto done = get_record<Completed>(x.tx, completed_key(in.upload_id));
    if (!done || done->bucket != x.bucket->name || done->key != x.target.key || done->parts != digest_of(in))
      return fail(std::move(upload.error()));
    show_completed(x, done->object, out);
    return {};
  }
  const auto& u = *upload;
  TRY_LET(auto parts, chosen(x, u, in));
  if (in.if_match.has() || in.if_none_match.has())
    TRY(check_write(find_newest(x.tx, x.bucket->name, u.key), in.if_match, in.if_none_match, u.key));
  Object o = u.object;
  TRY(sum_up(o, parts));
  if (in.checksum_type.has() && in.checksum_type.sv() != o.checksum_type)
    return invalid_request("The upload was created using the " +
                           (o.checksum_type.empty() ? "default" : o.checksum_type) + " checksum mode.");
  if (auto sum = whole_checksum(in, o.algorithm);
      !sum.empty() && sum != o.checksum && sum != o.checksum.substr(0, o.checksum.rfind('-')))
    return bad_checksum(o.algorithm);
  std::string digests;
  Manifest manifest;
  for (auto& p : parts) {
    std::string bytes;
    for (size_t i = 0; i + 1 < p.etag.size(); i += 2)
      bytes += static_cast<char>(std::stoi(p.etag.substr(i, 2), nullptr, 16));
    digests += bytes;
    o.size += p.size;
    manifest.pieces.insert(manifest.pieces.end(), p.pieces.begin(), p.pieces.end());
    manifest.parts.push_back({p.number, p.size, p.checksum});
  }
  if (in.mpu_object_size.has() && *in.mpu_object_size != o.size)
    return invalid_request("The provided 'x-amz-mp-object-size' header does not match what was computed.");
  o.etag = to_hex(md5(digests)) + "-" + std::to_string(parts.size());
  o.part_count = static_cast<int>(parts.size());
  o.manifest = x.blobs.new_id();
  o.modified = x.now;
  put_record(x.tx, manifest_key(o.manifest), manifest);
  // What was uploaded and not listed goes; what was listed keeps its bytes for the object.
  for (auto& p : list_of_parts(x.tx, x.bucket->name, u.key, u.id)) {
    if (std::ranges::none_of(parts, [&](auto& c) { return c.number == p.number; }))
      Blobs::release(x.tx, p.pieces, x.doomed);
    x.tx.erase(part_key(x.bucket->name, u.key, u.id, p.number));
  }
  x.tx.erase(upload_key(x.bucket->name, u.key, u.id));
  put_newest(x, *x.bucket, u.key, o);
  notify(x, "ObjectCreated:CompleteMultipartUpload", u.key, o);
  remember(x, u, digest_of(in), o);
  show_completed(x, o, out);
  return {};
}

void forget_completed(store::Store& store, int64_t now) {
  std::vector<std::string> old;
  store.begin()->scan(completed_key({}), {}, [&](std::string_view key, std::string_view value) {
    if (store::decode_record<Completed>(value).at + kRemembered < now) old.emplace_back(key);
    return true;
  });
  if (old.empty()) return;
  auto done = store.transact([&](store::Transaction& tx) -> Status {  // writes only: nobody conflicts with it
    for (auto& key : old) tx.erase(key);
    return {};
  });
  if (!done) log_warning("s3", "forgetting completed uploads: {}", done.error().message);
}

}  // namespace nubecita::s3
