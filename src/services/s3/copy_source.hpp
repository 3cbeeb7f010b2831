// The source of CopyObject and UploadPartCopy. The caller's transaction.
#pragma once

#include "services/s3/access.hpp"
#include "services/s3/objects.hpp"

namespace nubecita::s3 {

struct CopyConditions {
  std::string_view source, expected_owner;
  wire::Text if_match, if_none_match;
  wire::Opt<wire::Timestamp> if_modified_since, if_unmodified_since;
};
template <class In>
CopyConditions copy_conditions(const In& in) {
  return {
      in.copy_source.sv(),          in.expected_source_bucket_owner.sv(), in.copy_source_if_match,
      in.copy_source_if_none_match, in.copy_source_if_modified_since,     in.copy_source_if_unmodified_since};
}

struct CopySource {
  std::string bucket_name, key, version;
  Bucket bucket;
  Object object;
};
/// Finds it, asks whether the caller may read it, checks the conditions. Errors: those of GetObject;
/// InvalidArgument, PreconditionFailed.
Result<CopySource> open_source(Exchange& x, const CopyConditions& conditions);
/// Tells its bucket's access log that it was read.
void log_source(Exchange& x, const CopySource& source, std::string_view operation);

}  // namespace nubecita::s3
