// GetObject and HeadObject.
#include "base/clock.hpp"
#include "services/s3/new_object.hpp"
#include "services/s3/object_keys.hpp"
#include "services/s3/range.hpp"
#include "services/s3/storage_class.hpp"

namespace nubecita::s3 {
namespace {

// Seconds are what headers can say.
int64_t seconds(int64_t ms) { return ms / 1000; }

std::unexpected<ApiError> not_modified(Exchange& x, const Object& o) {
  x.headers.emplace_back("ETag", quoted(o.etag));
  x.headers.emplace_back("Last-Modified", http_date(o.modified));
  return fail("NotModified", "Not Modified", 304);
}

bool names(std::string_view list, std::string_view etag) {
  if (list == "*") return true;
  while (!list.empty()) {
    auto part = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), part.size() + 1));
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (unquoted(part) == etag) return true;
  }
  return false;
}

// RFC 7232, section 6: ETags win over dates.
template <class In>
Status check_read(Exchange& x, const In& in, const Object& o) {
  if (in.if_match.has()) {
    if (!names(in.if_match, o.etag)) return precondition_failed("If-Match");
  } else if (in.if_unmodified_since.has() && seconds(o.modified) > seconds((*in.if_unmodified_since).ms)) {
    return precondition_failed("If-Unmodified-Since");
  }
  if (in.if_none_match.has()) {
    if (names(in.if_none_match, o.etag)) return not_modified(x, o);
  } else if (in.if_modified_since.has() && seconds(o.modified) <= seconds((*in.if_modified_since).ms)) {
    return not_modified(x, o);
  }
  return {};
}

template <class Out>
void show_headers(Exchange& x, const Object& o, Out& out) {
  auto text = [&](const char* name) {
    auto it = o.headers.find(name);
    return it == o.headers.end() ? wire::Text() : x.text(it->second);
  };
  out.cache_control = text("Cache-Control");
  out.content_disposition = text("Content-Disposition");
  out.content_encoding = text("Content-Encoding");
  out.content_language = text("Content-Language");
  out.content_type = text("Content-Type");
  if (!out.content_type.has()) out.content_type = "binary/octet-stream";
  out.expires = text("Expires");
  out.website_redirect_location = text("x-amz-website-redirect-location");
  if (!o.meta.empty()) out.metadata = x.map(o.meta);
}

// response-content-type=... and its kin; only of signed requests.
template <class In, class Out>
Status override_headers(Exchange& x, const In& in, Out& out) {
  const bool any = in.response_cache_control.has() || in.response_content_disposition.has() ||
                   in.response_content_encoding.has() || in.response_content_language.has() ||
                   in.response_content_type.has() || in.response_expires.has();
  if (!any) return {};
  if (x.claim.anonymous())
    return invalid_request("Request specific response headers cannot be used for anonymous GET requests.");
  if (in.response_cache_control.has()) out.cache_control = in.response_cache_control;
  if (in.response_content_disposition.has()) out.content_disposition = in.response_content_disposition;
  if (in.response_content_encoding.has()) out.content_encoding = in.response_content_encoding;
  if (in.response_content_language.has()) out.content_language = in.response_content_language;
  if (in.response_content_type.has()) out.content_type = in.response_content_type;
  if (in.response_expires.has()) out.expires = x.text(http_date((*in.response_expires).ms));
  return {};
}

template <class Out>
void show_object(Exchange& x, const Object& o, Out& out) {
  out.accept_ranges = "bytes";
  out.last_modified = wire::Timestamp{o.modified};
  out.e_tag = x.text(quoted(o.etag));
  show_encryption(x, o, out);
  if (!o.storage_class.empty()) out.storage_class = x.text(o.storage_class);
  if (o.restored_until > x.now)
    out.restore = x.text(R"(ongoing-request="false", expiry-date=")" + http_date(o.restored_until) + '"');
  if (!o.tags.empty()) out.tag_count = static_cast<int32_t>(o.tags.size());
  if (!o.lock_mode.empty()) {
    out.object_lock_mode = x.text(o.lock_mode);
    out.object_lock_retain_until_date = wire::Timestamp{o.lock_until};
  }
  if (x.bucket->lock && o.hold) out.object_lock_legal_hold_status = "ON";
  show_headers(x, o, out);
  show_version(x, *x.bucket, o, out);
}

struct Extent {
  int64_t offset = 0, size = 0;
  bool part = false;     // of the object
  std::string checksum;  // of a part of a multipart upload
};

template <class In, class Out>
Result<Extent> extent(Exchange& x, const In& in, const Object& o, Out& out) {
  Extent e{0, o.size, false, {}};
  if (in.part_number.has()) {
    if (in.range.has())
      return invalid_request("Cannot specify both Range header and partNumber query parameter");
    const auto number = *in.part_number;
    const auto parts = parts_of(x.tx, o);
    const int32_t count = o.part_count ? o.part_count : 1;
    if (number < 1 || number > count)
      return fail(ApiError{
          "InvalidPartNumber",
          416,
          "The requested partnumber is not satisfiable",
          {{"ActualPartCount", std::to_string(count)}, {"PartNumberRequested", std::to_string(number)}}});
    if (o.part_count) {
      out.parts_count = count;
      for (int i = 0; i < number - 1; ++i) e.offset += parts[static_cast<size_t>(i)].size;
      e.size = parts[static_cast<size_t>(number - 1)].size;
      e.checksum = parts[static_cast<size_t>(number - 1)].checksum;
    }
    e.part = true;
  } else if (auto range = parse_range(in.range, o.size)) {
    if (!range->satisfiable) {
      x.headers.emplace_back("Content-Range", "bytes */" + std::to_string(o.size));
      return fail(ApiError{
          "InvalidRange",
          416,
          "The requested range is not satisfiable",
          {{"RangeRequested", std::string(in.range.sv())}, {"ActualObjectSize", std::to_string(o.size)}}});
    }
    e = {range->first, range->last - range->first + 1, true, {}};
  }
  if (e.part) {
    x.status = 206;
    out.content_range = x.text("bytes " + std::to_string(e.offset) + "-" +
                               std::to_string(e.offset + e.size - 1) + "/" + std::to_string(o.size));
  }
  return e;
}

template <class In, class Out>
Result<std::pair<std::shared_ptr<const Object>, Extent>> look(Exchange& x, const In& in, Out& out) {
  TRY_LET(auto found, look_version(x, in.version_id, "s3:GetObject", "s3:GetObjectVersion"));
  const auto& o = *found;
  x.object_size = o.size;
  TRY(check_customer_key(x, o));
  TRY(check_read(x, in, o));
  show_object(x, o, out);
  TRY(override_headers(x, in, out));
  TRY_LET(auto e, extent(x, in, o, out));
  // A part is answered with its own, which the client can compare with the bytes that it gets.
  const bool whole = !e.part || e.size == o.size;
  const auto& checksum = e.checksum.empty() && whole ? o.checksum : e.checksum;
  if (in.checksum_mode == "ENABLED" && !checksum.empty()) {
    show_checksum(x, o.algorithm, checksum, out);
    out.checksum_type = x.text(o.checksum_type);
  }
  return std::pair{std::move(found), e};
}

}  // namespace

Status get_object(api::Call& call, const model::GetObjectRequest& in, model::GetObjectOutput& out) {
  auto& x = exchange(call);
  TRY_LET(auto found, look(x, in, out));
  const auto& o = *found.first;
  const auto& e = found.second;
  if (archived(o, x.now))
    return invalid_object_state("The operation is not valid for the object's storage class", o.storage_class);
  if (e.size == 0) return {};
  TRY_LET(auto pieces, open_pieces(x, *x.bucket, x.target.key, o));
  if (e.part) pieces = slice(pieces, e.offset, e.size);
  auto reader = std::make_unique<Blobs::Reader>(x.blobs, x.tx, std::move(pieces));
  if (!reader->good()) return fail("ReadAgain", "The object has just been replaced.", 503);
  if (!reader->begin(!x.tls))
    return fail("InternalError", "We encountered an internal error. Please try again.", 500);
  x.source = std::move(reader);
  x.source_size = static_cast<uint64_t>(e.size);
  return {};
}

Status head_object(api::Call& call, const model::HeadObjectRequest& in, model::HeadObjectOutput& out) {
  auto& x = exchange(call);
  TRY_LET(auto found, look(x, in, out));
  out.content_length = found.second.size;
  return {};
}

}  // namespace nubecita::s3
