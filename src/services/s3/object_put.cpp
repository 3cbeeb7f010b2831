#include "services/s3/new_object.hpp"
#include "services/s3/notify.hpp"
#include "services/s3/object_keys.hpp"

namespace nubecita::s3 {

Status put_object(api::Call& call, const model::PutObjectRequest& in, model::PutObjectOutput& out) {
  auto& x = exchange(call);
  Object o;
  TRY(describe_new(x, new_object(in), o));
  if (x.bucket->lock && (!o.lock_mode.empty() || o.hold) && in.content_md5.empty() &&
      x.intake->algorithm() == Algorithm::none)
    return invalid_request(
        "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock "
        "parameters");
  if (in.if_match.has() || in.if_none_match.has())
    TRY(check_write(find_newest(x.tx, x.bucket->name, x.target.key), in.if_match, in.if_none_match,
                    x.target.key));
  auto& intake = *x.intake;
  x.object_size = o.size = intake.size();
  o.etag = intake.md5();
  if (intake.algorithm() != Algorithm::none) {
    o.algorithm = name_of(intake.algorithm());
    o.checksum = intake.checksum();
    o.checksum_type = "FULL_OBJECT";
    show_checksum(call, o.algorithm, o.checksum, out);
    out.checksum_type = "FULL_OBJECT";
  }
  if (o.size) o.pieces = {intake.blob().put(x.tx)};
  if (has_data_key(o)) lock_pieces(x.data_key, o.pieces);
  put_newest(x, *x.bucket, x.target.key, o);
  notify(x, x.claim.method == "POST" ? "ObjectCreated:Post" : "ObjectCreated:Put", x.target.key, o);
  out.e_tag = call.text(quoted(o.etag));
  show_encryption(x, o, out);
  show_new_version(x, *x.bucket, o, out);
  return {};
}

}  // namespace nubecita::s3
