// Layers by the ECR operations (clients mostly use the distribution API, registry.cpp). The bytes go to files
// before the commit: running again after a conflict finds them there and does no harm.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/ids.hpp"
#include "models/ecr.hpp"
#include "services/ecr/blobs.hpp"
#include "services/ecr/ecr.hpp"
#include "services/ecr/images.hpp"
#include "services/ecr/token.hpp"

namespace nubecita::ecr {
namespace {

constexpr int64_t kPart = 10 << 20;

Result<Upload> find_upload(api::Call& call, const Located& at, wire::Text id) {
  auto u = call.tx.get<Upload>(at.scope, at.name() + "@" + api::str(id));
  if (!u)
    return fail("UploadNotFoundException", "The specified upload '" + api::str(id) +
                                               "' does not exist in the repository with name '" + at.name() +
                                               "' in registry with id '" + at.scope.account + "'");
  return *u;
}

std::unexpected<ApiError> server_error(ApiError e) {
  return fail("ServerException", std::move(e.message), 500);
}

}  // namespace

Status batch_check_layer_availability(api::Call& call, const model::BatchCheckLayerAvailabilityRequest& in,
                                      model::BatchCheckLayerAvailabilityResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  std::vector<model::Layer> layers;
  std::vector<model::LayerFailure> failures;
  for (auto& digest : in.layer_digests) {
    if (!is_digest(digest.sv())) {
      failures.push_back({digest, "InvalidLayerDigest", "Invalid layer digest"});
      continue;
    }
    auto layer = call.tx.get<Layer>(at.scope, at.name() + "@" + api::str(digest));
    model::Layer l;
    l.layer_digest = digest;
    l.layer_availability = layer ? wire::Text("AVAILABLE") : wire::Text("UNAVAILABLE");
    if (layer) l.layer_size = layer->size;
    layers.push_back(l);
  }
  out.layers = call.list<model::Layer>(layers.size());
  std::copy(layers.begin(), layers.end(), out.layers.begin());
  out.failures = call.list<model::LayerFailure>(failures.size());
  std::copy(failures.begin(), failures.end(), out.failures.begin());
  return {};
}

Status get_download_url_for_layer(api::Call& call, const model::GetDownloadUrlForLayerRequest& in,
                                  model::GetDownloadUrlForLayerResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  auto digest = api::str(in.layer_digest);
  if (!call.tx.get<Layer>(at.scope, at.name() + "@" + digest))
    return fail("LayersNotFoundException", "The specified layer '" + digest +
                                               "' does not exist in the repository with name '" + at.name() +
                                               "' in registry with id '" + at.scope.account + "'");
  auto signature = sign_download(call.tx, at.scope, at.name(), digest, call.now + 3600 * 1000);
  out.download_url = call.text((call.tls ? "https://" : "http://") +
                               registry_host(call.cloud.config, at.scope.account, at.scope.region) + "/v2/" +
                               at.name() + "/blobs/" + digest + "?" + signature);
  out.layer_digest = in.layer_digest;
  return {};
}

Status initiate_layer_upload(api::Call& call, const model::InitiateLayerUploadRequest& in,
                             model::InitiateLayerUploadResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  Upload u{at.name(), uuid(), call.now};
  if (auto started = Blobs(call.cloud.config).start(u.id); !started) return server_error(started.error());
  call.tx.put(at.scope, u);
  out.upload_id = call.text(u.id);
  out.part_size = kPart;
  return {};
}

Status upload_layer_part(api::Call& call, const model::UploadLayerPartRequest& in,
                         model::UploadLayerPartResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  TRY_LET(auto u, find_upload(call, at, in.upload_id));
  const auto first = in.part_first_byte.value_or(0), last = in.part_last_byte.value_or(0);
  const auto bytes = in.layer_part_blob.sv();
  if (first < 0 || last - first + 1 != static_cast<int64_t>(bytes.size()))
    return fail("InvalidParameterException",
                "Invalid parameter at 'partLastByte' failed to satisfy constraint: 'must agree with the size "
                "of the part'");
  Blobs blobs(call.cloud.config);
  auto busy = Blobs::Busy::claim(u.id);
  const auto have = blobs.received(u.id);
  // A part that has come already may come again (a client's retry): the same bytes at the same place.
  if (!busy || have < 0 || first > have)
    return fail("InvalidLayerPartException", "The layer part upload '" + u.id +
                                                 "' does not continue at byte " +
                                                 std::to_string(std::max<int64_t>(have, 0)) + ".");
  int fd = ::open((call.cloud.config.data_dir + "/blobs/uploads/" + u.id).c_str(), O_WRONLY | O_CLOEXEC);
  bool good = fd >= 0;
  for (size_t at_byte = 0; good && at_byte < bytes.size();) {
    auto n =
        ::pwrite(fd, bytes.data() + at_byte, bytes.size() - at_byte, first + static_cast<int64_t>(at_byte));
    if (n <= 0)
      good = false;
    else
      at_byte += static_cast<size_t>(n);
  }
  good = good && !::fdatasync(fd);
  int why = errno;
  if (fd >= 0) ::close(fd);
  UploadHash::forget(u.id);  // the bytes did not pass through it
  if (!good) return fail("ServerException", std::string("Cannot write the part: ") + std::strerror(why), 500);
  out.registry_id = call.text(at.scope.account);
  out.repository_name = call.text(at.name());
  out.upload_id = in.upload_id;
  out.last_byte_received = last;
  return {};
}

Status complete_layer_upload(api::Call& call, const model::CompleteLayerUploadRequest& in,
                             model::CompleteLayerUploadResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  std::string digest(in.layer_digests[0].sv());
  if (in.layer_digests.size() != 1 || !is_digest(digest))
    return fail("InvalidParameterException",
                "Invalid parameter at 'layerDigests' failed to satisfy constraint: 'must be one digest of "
                "sha256 or sha512'");
  Blobs blobs(call.cloud.config);
  auto name_it = [&] {
    out.registry_id = call.text(at.scope.account);
    out.repository_name = call.text(at.name());
    out.upload_id = in.upload_id;
    out.layer_digest = call.text(digest);
  };
  TRY_LET(auto u, find_upload(call, at, in.upload_id));
  if (call.tx.get<Layer>(at.scope, at.name() + "@" + digest))
    return fail("LayerAlreadyExistsException", "The layer with digest '" + digest +
                                                   "' already exists in the repository with name '" +
                                                   at.name() + "'");
  auto have = blobs.received(u.id);
  if (have == 0) return fail("EmptyUploadException", "The upload '" + u.id + "' has no parts.");
  int64_t size = 0;
  if (have < 0) {  // moved by the first try of this very operation
    size = Blobs::finished_as(u.id) == digest ? blobs.size(digest) : -1;
    if (size < 0) return fail("UploadNotFoundException", "The upload '" + u.id + "' has no bytes any more.");
  } else {
    auto hold = Blobs::hold(digest);
    auto done = blobs.finish(u.id, digest);
    if (!done)
      return done.error().code == "InvalidDigest" ? fail("InvalidLayerException", done.error().message)
                                                  : server_error(done.error());
    size = *done;
  }
  call.tx.put(at.scope, Layer{at.name(), digest, size, call.now});
  call.tx.erase<Upload>(at.scope, u.key());
  name_it();
  return {};
}

}  // namespace nubecita::ecr
