// RestoreObject: a copy of an archived object that may be read for some days. It is there at once.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html
#include "services/s3/lifecycle.hpp"
#include "services/s3/notify.hpp"
#include "services/s3/objects.hpp"
#include "services/s3/storage_class.hpp"

namespace nubecita::s3 {

Status restore_object(api::Call& call, const model::RestoreObjectRequest& in, model::RestoreObjectOutput&) {
  auto& x = exchange(call);
  TRY_LET(auto found, open_version(x, in.version_id, "s3:RestoreObject", "s3:RestoreObject"));
  auto& o = found.object;
  const auto* asked = in.restore_request;
  if (!asked || !asked->days.has()) return malformed_xml();
  if (*asked->days < 1) return invalid_argument("'Days' for a restore must be a positive integer");
  if (!is_archive(o.storage_class))
    return invalid_object_state("Restore is not allowed for the object's current storage class",
                                o.storage_class);
  const auto tier = asked->glacier_job_parameters ? asked->glacier_job_parameters->tier : asked->tier;
  if (tier == "Expedited" && o.storage_class == "DEEP_ARCHIVE")
    return invalid_argument("Retrieval option is not supported by this storage class");
  const bool again = !archived(o, x.now);
  o.restored_until = due(x.now, *asked->days);
  put_again(x.tx, x.bucket->name, x.target.key, found);
  x.status = again ? 200 : 202;
  if (again) return {};
  notify(x, "ObjectRestore:Post", x.target.key, o);
  notify(x, "ObjectRestore:Completed", x.target.key, o);
  return {};
}

}  // namespace nubecita::s3
