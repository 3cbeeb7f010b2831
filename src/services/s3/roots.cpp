#include "services/s3/roots.hpp"

namespace nubecita::s3 {
namespace {
struct Row {
  std::string_view operation, root;
};
constexpr Row rows[] = {
    {"ListBuckets", "ListAllMyBucketsResult"},
    {"ListObjects", "ListBucketResult"},
    {"ListObjectsV2", "ListBucketResult"},
    {"ListObjectVersions", "ListVersionsResult"},
    {"CreateMultipartUpload", "InitiateMultipartUploadResult"},
    {"CompleteMultipartUpload", "CompleteMultipartUploadResult"},
    {"ListParts", "ListPartsResult"},
    {"ListMultipartUploads", "ListMultipartUploadsResult"},
    {"DeleteObjects", "DeleteResult"},
    {"GetBucketVersioning", "VersioningConfiguration"},
    {"GetBucketAcl", "AccessControlPolicy"},
    {"GetObjectAcl", "AccessControlPolicy"},
    {"GetBucketTagging", "Tagging"},
    {"GetObjectTagging", "Tagging"},
    {"GetBucketRequestPayment", "RequestPaymentConfiguration"},
    {"GetBucketAccelerateConfiguration", "AccelerateConfiguration"},
    {"GetBucketLogging", "BucketLoggingStatus"},
    {"GetObjectAttributes", "GetObjectAttributesResponse"},
};
}  // namespace

void name_root(std::string_view operation, std::string& document) {
  for (auto& r : rows) {
    if (r.operation != operation) continue;
    // "<?xml ...?>\n<Name xmlns=...>...</Name>"
    const auto open = document.find('<', document.starts_with("<?") ? 2 : 0);
    if (open == std::string::npos) return;
    const auto end = document.find_first_of(" >/", open + 1);
    const auto close = document.rfind("</");
    if (close != std::string::npos && close > open)
      document.replace(close + 2, document.size() - close - 3, r.root);
    document.replace(open + 1, end - open - 1, r.root);
    return;
  }
}

}  // namespace nubecita::s3
