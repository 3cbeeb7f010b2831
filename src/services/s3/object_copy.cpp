// CopyObject: the copy shares the source's bytes, whatever their size. Only another checksum, or encryption
// where there was none or the other way round, has them read and written anew.
#include "http/message.hpp"
#include "services/s3/copy_source.hpp"
#include "services/s3/new_object.hpp"
#include "services/s3/notify.hpp"
#include "services/s3/object_keys.hpp"
#include "services/s3/storage_class.hpp"

namespace nubecita::s3 {
namespace {

bool is_date_before(int64_t a, int64_t b) { return a / 1000 < b / 1000; }

/// Writes the source's bytes to a blob of their own.
Result<Intake*> rewrite(Exchange& x, const std::vector<Piece>& pieces, int64_t size, bool encrypt,
                        Algorithm algorithm) {
  Blobs::Reader reader(x.blobs, x.tx, pieces);
  if (!reader.good()) return fail("ReadAgain", "The source has just been replaced.", 503);
  auto intake = std::make_unique<Intake>(x.blobs, encrypt, algorithm);
  std::string part;
  for (int64_t done = 0; done < size; done += static_cast<int64_t>(part.size())) {
    if (!reader.next(part)) return fail("InternalError", "The source cannot be read.", 500);
    if (!intake->write(part)) break;
  }
  TRY(intake->finish());
  TRY(intake->blob().sync());
  x.made.push_back(std::move(intake));
  return x.made.back().get();
}

}  // namespace

Result<CopySource> open_source(Exchange& x, const CopyConditions& c) {
  auto text = c.source;
  CopySource s;
  if (const auto at = text.find("?versionId="); at != std::string_view::npos) {
    s.version = http::percent_decode(text.substr(at + 11));
    text = text.substr(0, at);
  }
  auto path = http::percent_decode(text);
  if (path.starts_with('/')) path.erase(0, 1);
  if (path.starts_with("arn:")) return not_implemented("a copy source that is an ARN");
  const auto slash = path.find('/');
  if (slash == std::string::npos || slash + 1 == path.size())
    return invalid_argument("Invalid copy source object key", "x-amz-copy-source", std::string(c.source));
  s.bucket_name = path.substr(0, slash);
  s.key = path.substr(slash + 1);
  auto bucket = x.tx.get<Bucket>(kEverywhere, s.bucket_name);
  if (!bucket) return no_such_bucket(s.bucket_name);
  if (!c.expected_owner.empty() && c.expected_owner != bucket->account) return access_denied();
  s.bucket = std::move(*bucket);
  std::optional<Found> found;
  if (s.version.empty()) {
    if (auto newest = find_newest(x.tx, s.bucket_name, s.key)) found = Found{std::move(*newest), true};
  } else {
    found = find_version(x.tx, s.bucket_name, s.key, s.version);
  }
  TRY(check_object(x, s.bucket, s.key, s.version.empty() ? "s3:GetObject" : "s3:GetObjectVersion",
                   found ? &found->object : nullptr));
  if (!found || found->object.marker) {
    if (!may_list(x, s.bucket)) return access_denied();
    if (found && !s.version.empty())
      return invalid_request(
          "The source of a copy request may not specifically refer to a delete marker by version id.");
    return s.version.empty() ? no_such_key(s.key) : no_such_version(s.key, s.version);
  }
  s.object = std::move(found->object);
  const auto& o = s.object;
  if (archived(o, x.now))
    return fail("ObjectNotInActiveTierError",
                "The source object of the COPY operation is not in the active tier and is only stored in "
                "Amazon S3 Glacier.",
                403);
  if (c.if_match.has() && c.if_match.sv() != "*" && unquoted(c.if_match) != o.etag)
    return precondition_failed("x-amz-copy-source-If-Match");
  if (c.if_none_match.has() && (c.if_none_match.sv() == "*" || unquoted(c.if_none_match) == o.etag))
    return precondition_failed("x-amz-copy-source-If-None-Match");
  if (c.if_unmodified_since.has() && !c.if_match.has() &&
      is_date_before((*c.if_unmodified_since).ms, o.modified))
    return precondition_failed("x-amz-copy-source-If-Unmodified-Since");
  if (c.if_modified_since.has() && !c.if_none_match.has() &&
      !is_date_before((*c.if_modified_since).ms, o.modified))
    return precondition_failed("x-amz-copy-source-If-Modified-Since");
  return s;
}

void log_source(Exchange& x, const CopySource& s, std::string_view operation) {
  if (!s.bucket.logged) return;
  x.logged_parts.push_back({.bucket = s.bucket,
                            .operation = operation,
                            .key = s.key,
                            .version = s.version,
                            .error = {},
                            .status = 200,
                            .size = s.object.size});
}

Status copy_object(api::Call& call, const model::CopyObjectRequest& in, model::CopyObjectOutput& out) {
  auto& x = exchange(call);
  TRY(x.find_bucket());
  TRY_LET(auto source, open_source(x, copy_conditions(in)));
  const bool replace = in.metadata_directive == "REPLACE";
  Object o;
  TRY(describe_new(x, new_object(in), o));
  TRY(check_write(find_newest(x.tx, x.bucket->name, x.target.key), in.if_match, in.if_none_match,
                  x.target.key));
  const auto& from = source.object;
  const bool itself =
      source.bucket_name == x.bucket->name && source.key == x.target.key && source.version.empty();
  if (itself && !replace && o.storage_class == from.storage_class && o.encryption == from.encryption &&
      o.kms_key == from.kms_key && o.encryption != kCustomer && !in.website_redirect_location.has() &&
      in.tagging_directive != "REPLACE" && in.checksum_algorithm.empty())
    return invalid_request(
        "This copy request is illegal because it is trying to copy an object to itself without "
        "changing the object's metadata, storage class, website redirect location or encryption "
        "attributes.");
  if (!replace) {
    auto redirect = o.headers["x-amz-website-redirect-location"];
    o.headers = from.headers;
    o.headers.erase("x-amz-website-redirect-location");
    if (!redirect.empty()) o.headers["x-amz-website-redirect-location"] = redirect;
    o.meta = from.meta;
  }
  if (in.tagging_directive != "REPLACE") {
    if (!from.tags.empty())
      TRY(check_object(x, source.bucket, source.key,
                       source.version.empty() ? "s3:GetObjectTagging" : "s3:GetObjectVersionTagging", &from));
    o.tags = from.tags;
  }
  Algorithm algorithm = Algorithm::none;
  if (in.checksum_algorithm.has()) {
    auto parsed = parse_algorithm(in.checksum_algorithm);
    if (!parsed) return not_implemented("the checksum algorithm " + api::str(in.checksum_algorithm));
    algorithm = *parsed;
  }
  o.size = from.size;
  o.etag = from.etag;
  o.algorithm = from.algorithm;
  o.checksum = from.checksum;
  o.checksum_type = from.checksum_type;
  TRY_LET(auto pieces, open_pieces(x, source.bucket, source.key, from, kSourceCustomerHeaders));
  const bool anew = (algorithm != Algorithm::none && name_of(algorithm) != from.algorithm) ||
                    o.encryption.empty() != from.encryption.empty() || from.checksum_type == "COMPOSITE";
  if (anew) {
    TRY_LET(auto* made, rewrite(x, pieces, from.size, !o.encryption.empty(),
                                algorithm != Algorithm::none
                                    ? algorithm
                                    : parse_algorithm(from.algorithm).value_or(Algorithm::none)));
    o.etag = made->md5();
    o.algorithm = name_of(made->algorithm());
    o.checksum = made->checksum();
    o.checksum_type = o.algorithm.empty() ? "" : "FULL_OBJECT";
    if (o.size) o.pieces = {made->blob().put(x.tx)};
    if (has_data_key(o)) lock_pieces(x.data_key, o.pieces);
  } else {
    Blobs::need(x.tx, pieces);
    if (has_data_key(o)) lock_pieces(x.data_key, pieces);
    if (from.manifest.empty()) {
      o.pieces = pieces;
    } else {  // it is one object now, of as many pieces
      o.manifest = x.blobs.new_id();
      put_record(x.tx, manifest_key(o.manifest), Manifest{pieces, {}});
    }
  }
  put_newest(x, *x.bucket, x.target.key, o);
  log_source(x, source, "REST.COPY.OBJECT_GET");
  notify(x, "ObjectCreated:Copy", x.target.key, o);
  auto* result = call.make<model::CopyObjectResult>();
  result->e_tag = call.text(quoted(o.etag));
  result->last_modified = wire::Timestamp{o.modified};
  if (!o.checksum.empty()) {
    show_checksum(call, o.algorithm, o.checksum, *result);
    result->checksum_type = call.text(o.checksum_type);
  }
  out.copy_object_result = result;
  show_encryption(x, o, out);
  if (versioned(source.bucket)) out.copy_source_version_id = call.text(from.version);
  show_new_version(x, *x.bucket, o, out);
  return {};
}

}  // namespace nubecita::s3
