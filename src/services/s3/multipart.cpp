// CreateMultipartUpload, UploadPart, UploadPartCopy, AbortMultipartUpload.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
#include "services/s3/multipart.hpp"

#include <algorithm>
#include <charconv>

#include "base/ids.hpp"
#include "services/s3/copy_source.hpp"
#include "services/s3/object_keys.hpp"

namespace nubecita::s3 {

namespace {
std::optional<Upload> read_upload(Exchange& x, std::string_view id) {
  if (id.empty()) return {};
  return get_record<Upload>(x.tx, upload_key(x.target.bucket, x.target.key, id));
}
}  // namespace

Result<Upload> find_upload(Exchange& x, std::string_view id) {
  auto upload = read_upload(x, id);
  if (!upload) return no_such_upload(id);
  return std::move(*upload);
}

Result<Upload> open_upload(Exchange& x, std::string_view action, std::string_view id) {
  TRY(x.find_bucket());
  auto upload = read_upload(x, id);
  TRY(check_upload(x, action, upload ? std::string_view(upload->initiator) : ""));
  if (!upload) return no_such_upload(id);
  return std::move(*upload);
}

std::vector<Part> list_of_parts(store::Transaction& tx, std::string_view bucket, std::string_view key,
                                std::string_view id) {
  std::vector<Part> parts;
  tx.scan(part_key(bucket, key, id), {}, [&](std::string_view, std::string_view v) {
    parts.push_back(store::decode_record<Part>(v));
    return true;
  });
  return parts;
}

void abort_upload(store::Transaction& tx, std::string_view bucket, const Upload& upload,
                  std::vector<std::string>& doomed) {
  for (auto& part : list_of_parts(tx, bucket, upload.key, upload.id)) {
    Blobs::release(tx, part.pieces, doomed);
    tx.erase(part_key(bucket, upload.key, upload.id, part.number));
  }
  tx.erase(upload_key(bucket, upload.key, upload.id));
}

Status create_multipart_upload(api::Call& call, const model::CreateMultipartUploadRequest& in,
                               model::CreateMultipartUploadOutput& out) {
  auto& x = exchange(call);
  Upload u;
  TRY(describe_new(x, new_object(in), u.object));
  if (in.checksum_algorithm.has()) {
    auto algorithm = parse_algorithm(in.checksum_algorithm);
    if (!algorithm) return not_implemented("the checksum algorithm " + api::str(in.checksum_algorithm));
    u.object.algorithm = name_of(*algorithm);
    u.object.checksum_type = *algorithm == Algorithm::crc64nvme ? "FULL_OBJECT" : "COMPOSITE";
    if (in.checksum_type.has()) {
      if ((in.checksum_type == "FULL_OBJECT" && !is_crc(*algorithm)) ||
          (in.checksum_type == "COMPOSITE" && *algorithm == Algorithm::crc64nvme))
        return invalid_request("The " + api::str(in.checksum_type) +
                               " checksum type cannot be used with the " + u.object.algorithm +
                               " checksum algorithm.");
      u.object.checksum_type = in.checksum_type.sv();
    }
    out.checksum_algorithm = call.text(u.object.algorithm);
    out.checksum_type = call.text(u.object.checksum_type);
  } else if (in.checksum_type.has()) {
    return invalid_request(
        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
  }
  u.id = x.blobs.new_id() + random_text(24, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
  u.key = x.target.key;
  u.initiator = x.principal.arn;
  u.initiated = x.now;
  put_record(x.tx, upload_key(x.bucket->name, u.key, u.id), u);
  out.bucket = call.text(x.bucket->name);
  out.key = call.text(u.key);
  out.upload_id = call.text(u.id);
  show_encryption(x, u.object, out);
  return {};
}

namespace {

Status check_number(int32_t number) {
  if (number < 1 || number > kMostParts)
    return invalid_argument("Part number must be an integer between 1 and 10000, inclusive", "partNumber",
                            std::to_string(number));
  return {};
}

Status lock_part(Exchange& x, const Upload& u, Part& part) {
  auto data_key = data_key_of(x, *x.bucket, u.key, u.object);
  if (!data_key && u.object.encryption == kCustomer && data_key.error().code == "AccessDenied")
    return invalid_request(
        "The provided encryption parameters did not match the ones that the upload was initiated with.");
  if (!data_key) return fail(data_key.error());
  if (!data_key->empty()) lock_pieces(*data_key, part.pieces);
  return {};
}

void put_part(Exchange& x, const Upload& u, const Part& part) {
  const auto key = part_key(x.bucket->name, u.key, u.id, part.number);
  if (auto before = get_record<Part>(x.tx, key)) Blobs::release(x.tx, before->pieces, x.doomed);
  put_record(x.tx, key, part);
}

}  // namespace

Status upload_part(api::Call& call, const model::UploadPartRequest& in, model::UploadPartOutput& out) {
  auto& x = exchange(call);
  TRY(open_object(x, "s3:PutObject"));
  TRY(check_number(in.part_number.value_or(0)));
  TRY_LET(auto u, find_upload(x, in.upload_id));
  auto& intake = *x.intake;
  if (!u.object.algorithm.empty() && intake.algorithm() != Algorithm::none &&
      name_of(intake.algorithm()) != u.object.algorithm)
    return invalid_request("Checksum Type mismatch occurred, expected checksum Type: " + u.object.algorithm +
                           ", actual checksum Type: " + std::string(name_of(intake.algorithm())));
  Part part;
  part.number = *in.part_number;
  part.etag = intake.md5();
  part.size = intake.size();
  part.modified = x.now;
  if (part.size) part.pieces = {intake.blob().put(x.tx)};
  TRY(lock_part(x, u, part));
  if (intake.algorithm() != Algorithm::none) {
    part.checksum = intake.checksum();
    if (u.object.algorithm.empty()) part.checksum.clear();  // the upload has none
    show_checksum(call, name_of(intake.algorithm()), intake.checksum(), out);
  }
  put_part(x, u, part);
  out.e_tag = call.text(quoted(part.etag));
  show_encryption(x, u.object, out);
  return {};
}

namespace {
// "bytes=first-last", both needed.
Result<std::pair<int64_t, int64_t>> copy_range(std::string_view text, int64_t size) {
  auto bad = [&] {
    return invalid_argument(
        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and "
        "last are the zero-based offsets of the first and last bytes to copy",
        "x-amz-copy-source-range", std::string(text));
  };
  if (!text.starts_with("bytes=")) return bad();
  auto rest = text.substr(6);
  const auto dash = rest.find('-');
  if (dash == std::string_view::npos) return bad();
  int64_t first = 0, last = 0;
  const auto a = rest.substr(0, dash), b = rest.substr(dash + 1);
  auto [ea, ca] = std::from_chars(a.data(), a.data() + a.size(), first);
  auto [eb, cb] = std::from_chars(b.data(), b.data() + b.size(), last);
  if (ca != std::errc() || cb != std::errc() || ea != a.data() + a.size() || eb != b.data() + b.size() ||
      first < 0 || last < first)
    return bad();
  if (last >= size)
    return fail(
        ApiError{"InvalidRange",
                 416,
                 "The requested range is not satisfiable",
                 {{"RangeRequested", std::string(text)}, {"ActualObjectSize", std::to_string(size)}}});
  return std::pair{first, last - first + 1};
}
}  // namespace

Status upload_part_copy(api::Call& call, const model::UploadPartCopyRequest& in,
                        model::UploadPartCopyOutput& out) {
  auto& x = exchange(call);
  TRY(open_object(x, "s3:PutObject"));
  TRY(check_number(in.part_number.value_or(0)));
  TRY_LET(auto u, find_upload(x, in.upload_id));
  TRY_LET(auto source, open_source(x, copy_conditions(in)));
  int64_t offset = 0, size = source.object.size;
  if (in.copy_source_range.has()) {
    TRY_LET(auto range, copy_range(in.copy_source_range, size));
    offset = range.first;
    size = range.second;
  }
  if (size > kLargestPut)
    return invalid_request(
        "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120");
  TRY_LET(auto pieces, open_pieces(x, source.bucket, source.key, source.object, kSourceCustomerHeaders));
  pieces = slice(pieces, offset, size);
  // The bytes are shared if they are encrypted as the upload wants them; they are read for their ETag.
  const bool share = source.object.encryption.empty() == u.object.encryption.empty();
  const auto algorithm = parse_algorithm(u.object.algorithm).value_or(Algorithm::none);
  Blobs::Reader reader(x.blobs, x.tx, pieces);
  if (!reader.good()) return fail("ReadAgain", "The source has just been replaced.", 503);
  Digester md5_hash(Digester::Kind::md5);
  Checksum sum(algorithm);
  auto copy =
      share ? nullptr : std::make_unique<Intake>(x.blobs, !u.object.encryption.empty(), Algorithm::none);
  std::string bytes;
  for (int64_t done = 0; done < size; done += static_cast<int64_t>(bytes.size())) {
    if (!reader.next(bytes)) return fail("InternalError", "The source cannot be read.", 500);
    md5_hash.add(bytes);
    sum.add(bytes);
    if (copy && !copy->write(bytes)) break;
  }
  Part part;
  part.number = *in.part_number;
  part.size = size;
  part.modified = x.now;
  part.etag = to_hex(md5_hash.finish());
  part.checksum = sum.finish();
  if (copy) {
    TRY(copy->finish());
    TRY(copy->blob().sync());
    if (size) part.pieces = {copy->blob().put(x.tx)};
    x.made.push_back(std::move(copy));
  } else {
    Blobs::need(x.tx, pieces);
    part.pieces = std::move(pieces);
  }
  TRY(lock_part(x, u, part));
  put_part(x, u, part);
  log_source(x, source, "REST.COPY.PART_GET");
  auto* result = call.make<model::CopyPartResult>();
  result->e_tag = call.text(quoted(part.etag));
  result->last_modified = wire::Timestamp{x.now};
  if (!part.checksum.empty()) show_checksum(call, u.object.algorithm, part.checksum, *result);
  out.copy_part_result = result;
  if (versioned(source.bucket)) out.copy_source_version_id = call.text(source.object.version);
  show_encryption(x, u.object, out);
  return {};
}

Status abort_multipart_upload(api::Call& call, const model::AbortMultipartUploadRequest& in,
                              model::AbortMultipartUploadOutput&) {
  auto& x = exchange(call);
  TRY_LET(auto u, open_upload(x, "s3:AbortMultipartUpload", in.upload_id));
  abort_upload(x.tx, x.bucket->name, u, x.doomed);
  return {};
}

}  // namespace nubecita::s3
