// Images: put, get, list, describe, delete; scans.
#include <algorithm>

#include "models/ecr.hpp"
#include "services/ecr/ecr.hpp"
#include "services/ecr/images.hpp"

namespace nubecita::ecr {
namespace {

std::string in_repository(const Located& at) {
  return "within the repository with name '" + at.name() + "' in the registry with id '" + at.scope.account +
         "'";
}
std::unexpected<ApiError> no_image(const Located& at, const model::ImageIdentifier& id) {
  return fail("ImageNotFoundException", "The image with imageId {imageDigest:'" +
                                            std::string(id.image_digest.value_or("null")) + "', imageTag:'" +
                                            std::string(id.image_tag.value_or("null")) +
                                            "'} does not exist " + in_repository(at));
}

model::ImageIdentifier* identifier(api::Call& call, std::string_view digest, std::string_view tag) {
  auto* id = call.make<model::ImageIdentifier>();
  if (!digest.empty()) id->image_digest = call.text(digest);
  if (!tag.empty()) id->image_tag = call.text(tag);
  return id;
}

model::Image render(api::Call& call, const Located& at, const Image& image, std::string_view tag,
                    std::string_view text) {
  model::Image out;
  out.registry_id = call.text(at.scope.account);
  out.repository_name = call.text(at.name());
  out.image_id = identifier(call, image.digest, tag);
  out.image_manifest = call.text(text);
  out.image_manifest_media_type = call.text(image.media_type);
  return out;
}

struct Failure {
  wire::Text code, reason;
};
/// The image of an id, or why there is none.
std::optional<Image> find(api::Call& call, const Located& at, const model::ImageIdentifier& id,
                          Failure& why) {
  if (!id.image_digest.has() && !id.image_tag.has()) {
    why = {"MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null"};
    return {};
  }
  if (id.image_digest.has() && !is_digest(id.image_digest.sv())) {
    why = {
        "InvalidImageDigest",
        "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"};
    return {};
  }
  auto found = resolve_image(call.tx, at.scope, at.name(), id.image_tag.sv(), id.image_digest.sv());
  if (!found) {
    const bool elsewhere = id.image_digest.has() && id.image_tag.has() &&
                           resolve_image(call.tx, at.scope, at.name(), id.image_tag.sv(), {});
    if (elsewhere)
      why = {"ImageTagDoesNotMatchDigest", "Requested image tag does not belong to the requested digest"};
    else
      why = {"ImageNotFound", "Requested image not found"};
  }
  return found;
}

model::ImageFailure failure(api::Call& call, const model::ImageIdentifier& id, const Failure& why) {
  model::ImageFailure f;
  f.image_id = identifier(call, id.image_digest.sv(), id.image_tag.sv());
  f.failure_code = why.code;
  f.failure_reason = why.reason;
  return f;
}

template <class T>
wire::List<T> to_list(api::Call& call, const std::vector<T>& v) {
  auto out = call.list<T>(v.size());
  std::copy(v.begin(), v.end(), out.begin());
  return out;
}

bool status_wanted(std::string_view filter, bool tagged) {
  return filter.empty() || filter == "ANY" || (filter == "TAGGED") == tagged;
}

// Nothing is ever archived here.
bool state_wanted(wire::Text status) { return status.empty() || status == "ACTIVE" || status == "ANY"; }

std::map<std::string, int32_t> severities(const ScanResult& r) {
  std::map<std::string, int32_t> out;
  for (auto& f : r.findings) ++out[f.severity];
  return out;
}
wire::Map<int32_t> counts(api::Call& call, const ScanResult& r) {
  auto by = severities(r);
  auto out = call.list<wire::Entry<int32_t>>(by.size());
  size_t i = 0;
  for (auto& [k, n] : by) out[i++] = {call.text(k), n};
  return out;
}

/// Absent if no scan was ever asked for. A result that is older than the last request does not count.
model::ImageScanStatus* scan_status(api::Call& call, const Located& at, const std::string& digest,
                                    std::optional<ScanResult>& result) {
  auto scan = call.tx.get<Scan>(at.scope, at.name() + "@" + digest);
  if (!scan) return nullptr;
  result = call.tx.get<ScanResult>(at.scope, at.name() + "@" + digest);
  if (result && result->requested != scan->requested) result.reset();
  auto* out = call.make<model::ImageScanStatus>();
  out->status = result ? call.text(result->status) : wire::Text("IN_PROGRESS");
  if (result && !result->description.empty()) out->description = call.text(result->description);
  return out;
}

model::ImageDetail detail(api::Call& call, const Located& at, const Image& image,
                          const std::vector<std::string>& tags) {
  model::ImageDetail d;
  d.registry_id = call.text(at.scope.account);
  d.repository_name = call.text(at.name());
  d.image_digest = call.text(image.digest);
  if (!tags.empty()) d.image_tags = call.texts(tags);
  d.image_size_in_bytes = image.size;
  d.image_pushed_at = wire::Timestamp{image.pushed};
  d.image_manifest_media_type = call.text(image.media_type);
  if (!image.artifact_type.empty()) d.artifact_media_type = call.text(image.artifact_type);
  if (!image.subject.empty()) d.subject_manifest_digest = call.text(image.subject);
  d.image_status = "ACTIVE";
  std::optional<ScanResult> result;
  d.image_scan_status = scan_status(call, at, image.digest, result);
  if (result && result->status == "COMPLETE") {
    d.image_scan_findings_summary = call.make<model::ImageScanFindingsSummary>();
    d.image_scan_findings_summary->image_scan_completed_at = wire::Timestamp{result->completed};
    d.image_scan_findings_summary->finding_severity_counts = counts(call, *result);
  }
  return d;
}

}  // namespace

Status put_image(api::Call& call, const model::PutImageRequest& in, model::PutImageResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  bool existed = false;
  TRY_LET(auto image, put_manifest(call.tx, at,
                                   {in.image_manifest.sv(), in.image_manifest_media_type.sv(),
                                    in.image_tag.sv(), in.image_digest.sv(), call.now},
                                   &existed));
  if (existed)
    return fail("ImageAlreadyExistsException", "Image with digest '" + image.digest + "' and tag '" +
                                                   std::string(in.image_tag.value_or("null")) +
                                                   "' already exists in the repository with name '" +
                                                   at.name() + "' in registry with id '" + at.scope.account +
                                                   "'");
  out.image = call.make<model::Image>();
  *out.image = render(call, at, image, in.image_tag.sv(), in.image_manifest.sv());
  return {};
}

Status batch_get_image(api::Call& call, const model::BatchGetImageRequest& in,
                       model::BatchGetImageResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  std::vector<model::Image> images;
  std::vector<model::ImageFailure> failures;
  for (auto& id : in.image_ids) {
    Failure why;
    auto image = find(call, at, id, why);
    if (image && !in.accepted_media_types.empty() &&
        std::none_of(in.accepted_media_types.begin(), in.accepted_media_types.end(),
                     [&](auto& t) { return t == image->media_type; })) {
      image.reset();
      why = {"ImageNotFound", "The image is there, but not in an accepted media type"};
    }
    auto text = image ? manifest_text(call.tx, at.scope, *image) : std::nullopt;
    if (text)
      images.push_back(render(call, at, *image, id.image_tag.sv(), *text));
    else
      failures.push_back(failure(call, id, why));
  }
  out.images = to_list(call, images);
  out.failures = to_list(call, failures);
  return {};
}

Status batch_delete_image(api::Call& call, const model::BatchDeleteImageRequest& in,
                          model::BatchDeleteImageResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  std::vector<model::ImageIdentifier> gone;
  std::vector<model::ImageFailure> failures;
  auto note = [&](std::string_view digest, std::string_view tag) {
    gone.push_back(*identifier(call, digest, tag));
  };
  // An index before the manifests that it needs, whatever the order of the request.
  std::vector<model::ImageIdentifier> order(in.image_ids.begin(), in.image_ids.end());
  for (int pass = 0; pass < 2; ++pass) {
    for (auto& id : order) {
      Failure why;
      auto image = find(call, at, id, why);
      if (!image || image->children.empty() != (pass == 1)) continue;
      auto tags = tags_by_digest(call.tx, at.scope, at.name())[image->digest];
      if (id.image_tag.has() && tags.size() > 1) {
        delete_tag(call.tx, at, api::str(id.image_tag));
        note(image->digest, id.image_tag.sv());
        continue;
      }
      if (auto needer = needed_by(list_images_of(call.tx, at.scope, at.name()), image->digest)) {
        if (id.image_tag.has()) {
          delete_tag(call.tx, at, api::str(id.image_tag));
          note(image->digest, id.image_tag.sv());
        } else {
          failures.push_back(
              failure(call, id,
                      {"ImageReferencedByManifestList",
                       call.text("Requested image referenced by manifest list: [" + *needer + "]")}));
        }
        continue;
      }
      if (tags.empty()) note(image->digest, {});
      for (auto& t : tags) note(image->digest, t);
      delete_image(call.tx, at, *image);
    }
    if (pass == 0) continue;
    for (auto& id : order) {
      Failure why;
      const bool done = std::any_of(gone.begin(), gone.end(), [&](auto& g) {
        return (id.image_tag.has() && g.image_tag == id.image_tag.sv()) ||
               (!id.image_tag.has() && g.image_digest == id.image_digest.sv());
      });
      if (!done && !find(call, at, id, why)) failures.push_back(failure(call, id, why));
    }
  }
  out.image_ids = to_list(call, gone);
  out.failures = to_list(call, failures);
  return {};
}

Status list_images(api::Call& call, const model::ListImagesRequest& in, model::ListImagesResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  const auto filter = in.filter ? in.filter->tag_status.sv() : std::string_view();
  auto tags = tags_by_digest(call.tx, at.scope, at.name());
  std::vector<std::pair<std::string, std::string>> all;  // digest, tag
  const bool active = !in.filter || state_wanted(in.filter->image_status);
  for (auto& image : list_images_of(call.tx, at.scope, at.name())) {
    if (!active) break;
    auto& own = tags[image.digest];
    if (own.empty() && status_wanted(filter, false)) all.emplace_back(image.digest, "");
    if (status_wanted(filter, true))
      for (auto& t : own) all.emplace_back(image.digest, t);
  }
  std::string next;
  TRY_LET(all, api::page(
                   std::move(all), in.next_token.sv(), static_cast<size_t>(in.max_results.value_or(100)),
                   [](auto& p) { return p.first + "@" + p.second; }, next, "InvalidParameterException"));
  out.image_ids = call.list<model::ImageIdentifier>(all.size());
  for (size_t i = 0; i < all.size(); ++i) out.image_ids[i] = *identifier(call, all[i].first, all[i].second);
  if (!next.empty()) out.next_token = call.text(next);
  return {};
}

Status describe_images(api::Call& call, const model::DescribeImagesRequest& in,
                       model::DescribeImagesResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  const auto filter = in.filter ? in.filter->tag_status.sv() : std::string_view();
  auto tags = tags_by_digest(call.tx, at.scope, at.name());
  std::vector<Image> all;
  if (in.image_ids.empty()) {
    all = list_images_of(call.tx, at.scope, at.name());
    const bool active = !in.filter || state_wanted(in.filter->image_status);
    std::erase_if(all, [&](auto& i) { return !active || !status_wanted(filter, !tags[i.digest].empty()); });
  }
  for (auto& id : in.image_ids) {
    Failure why;
    auto image = find(call, at, id, why);
    if (!image) return no_image(at, id);
    if (std::none_of(all.begin(), all.end(), [&](auto& i) { return i.digest == image->digest; }))
      all.push_back(std::move(*image));
  }
  std::string next;
  if (in.image_ids.empty()) {
    TRY_LET(all, api::page(
                     std::move(all), in.next_token.sv(), static_cast<size_t>(in.max_results.value_or(100)),
                     [](auto& i) { return i.digest; }, next, "InvalidParameterException"));
  }
  out.image_details = call.list<model::ImageDetail>(all.size());
  for (size_t i = 0; i < all.size(); ++i)
    out.image_details[i] = detail(call, at, all[i], tags[all[i].digest]);
  if (!next.empty()) out.next_token = call.text(next);
  return {};
}

Status start_image_scan(api::Call& call, const model::StartImageScanRequest& in,
                        model::StartImageScanResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  Failure why;
  auto image = find(call, at, *in.image_id, why);
  if (!image) return no_image(at, *in.image_id);
  if (call.cloud.config.image_scanner.empty())
    return fail(
        "ValidationException",
        "No image scanner is installed: set image_scanner in nubecita.json to a trivy-compatible program.");
  if (!image->children.empty())
    return fail("UnsupportedImageTypeException", "The image is an index: scan the images that it lists.");
  call.tx.put(at.scope, Scan{at.name(), image->digest, call.now});
  out.registry_id = call.text(at.scope.account);
  out.repository_name = call.text(at.name());
  out.image_id = identifier(call, image->digest, in.image_id->image_tag.sv());
  out.image_scan_status = call.make<model::ImageScanStatus>();
  out.image_scan_status->status = "IN_PROGRESS";
  return {};
}

Status describe_image_scan_findings(api::Call& call, const model::DescribeImageScanFindingsRequest& in,
                                    model::DescribeImageScanFindingsResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  Failure why;
  auto image = find(call, at, *in.image_id, why);
  if (!image) return no_image(at, *in.image_id);
  std::optional<ScanResult> result;
  auto* status = scan_status(call, at, image->digest, result);
  if (!status)
    return fail("ScanNotFoundException",
                "Image scan does not exist for the image with '" + image->digest + "' " + in_repository(at) +
                    (call.cloud.config.image_scanner.empty()
                         ? ". No image scanner is installed: set image_scanner in nubecita.json."
                         : ""));
  out.registry_id = call.text(at.scope.account);
  out.repository_name = call.text(at.name());
  out.image_id = identifier(call, image->digest, in.image_id->image_tag.sv());
  out.image_scan_status = status;
  if (!result || result->status != "COMPLETE") return {};
  std::vector<size_t> numbers(result->findings.size());
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = i;
  std::string next;
  TRY_LET(numbers,
          api::page(
              std::move(numbers), in.next_token.sv(), static_cast<size_t>(in.max_results.value_or(100)),
              [](size_t n) { return std::to_string(1'000'000'000 + n); }, next, "InvalidParameterException"));
  if (!next.empty()) out.next_token = call.text(next);
  auto* f = out.image_scan_findings = call.make<model::ImageScanFindings>();
  f->image_scan_completed_at = wire::Timestamp{result->completed};
  f->vulnerability_source_updated_at = wire::Timestamp{result->completed};
  f->finding_severity_counts = counts(call, *result);
  f->findings = call.list<model::ImageScanFinding>(numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    auto& from = result->findings[numbers[i]];
    auto& to = f->findings[i];
    to.name = call.text(from.name);
    to.severity = call.text(from.severity);
    if (!from.description.empty()) to.description = call.text(from.description);
    if (!from.uri.empty()) to.uri = call.text(from.uri);
    std::vector<model::Attribute> attributes = {{"package_name", call.text(from.package)},
                                                {"package_version", call.text(from.version)}};
    if (!from.fixed.empty()) attributes.push_back({"fixed_in_version", call.text(from.fixed)});
    to.attributes = to_list(call, attributes);
  }
  return {};
}

}  // namespace nubecita::ecr
