#include "services/ecr/registry.hpp"

#include <charconv>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "services/ecr/registry_request.hpp"
#include "services/ecr/token.hpp"

namespace nubecita::ecr {
namespace {

constexpr std::string_view kIndex = "application/vnd.oci.image.index.v1+json";

/// One "bytes=first-last" of a file of `size` bytes. 0: no range asked (or one that we may ignore), 1: good,
/// -1: not there.
int parse_range(std::string_view text, uint64_t size, uint64_t& first, uint64_t& count) {
  if (!text.starts_with("bytes=") || text.find(',') != std::string_view::npos) return 0;
  text.remove_prefix(6);
  auto dash = text.find('-');
  if (dash == std::string_view::npos) return 0;
  auto number = [](std::string_view s, uint64_t& out) {
    auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), out);
    return ec == std::errc() && end == s.data() + s.size();
  };
  uint64_t a = 0, b = 0;
  auto from = text.substr(0, dash), to = text.substr(dash + 1);
  if (from.empty()) {  // the last b bytes
    if (!number(to, b)) return 0;
    if (b == 0 || size == 0) return -1;
    first = b > size ? 0 : size - b;
    count = size - first;
    return 1;
  }
  if (!number(from, a) || (!to.empty() && (!number(to, b) || b < a))) return 0;
  if (a >= size) return -1;
  first = a;
  count = (to.empty() || b >= size ? size - 1 : b) - a + 1;
  return 1;
}

class Later final : public http::Receiver {
 public:
  Later(std::shared_ptr<Request> r, std::move_only_function<http::Answer()> work, Pool& pool)
      : request_(std::move(r)), work_(std::move(work)), pool_(pool) {}
  bool write(std::string_view) override { return true; }
  void finish(http::Respond respond) override {
    pool_.run(
        [r = request_, work = std::move(work_), respond = std::move(respond)]() mutable { respond(work()); });
  }

 private:
  std::shared_ptr<Request> request_;
  std::move_only_function<http::Answer()> work_;
  Pool& pool_;
};

}  // namespace

std::unique_ptr<http::Receiver> Registry::Impl::later(std::shared_ptr<Request> r,
                                                      http::Answer (Impl::*work)(const Request&)) {
  return std::make_unique<Later>(r, [this, r, work] { return (this->*work)(*r); }, pool);
}

http::Answer Registry::Impl::get_manifest(const Request& r) {
  auto tx = cloud.store->begin();
  auto at = open(*tx, r, {"ecr:BatchGetImage"});
  if (!at) return refusal(at.error());
  const bool by_digest = is_digest(r.route.reference);
  auto image = resolve_image(*tx, at->scope, at->name(),
                             by_digest ? std::string_view() : std::string_view(r.route.reference),
                             by_digest ? std::string_view(r.route.reference) : std::string_view());
  auto text = image ? manifest_text(*tx, at->scope, *image) : std::nullopt;
  if (!text) return refusal(404, "MANIFEST_UNKNOWN", "Requested image not found");
  auto a = answer(200, image->digest);
  a.headers.emplace_back("Content-Type", image->media_type);
  a.headers.emplace_back("ETag", "\"" + image->digest + "\"");
  a.body = std::move(*text);
  return a;
}

http::Answer Registry::Impl::get_blob(const Request& r, bool presigned) {
  auto tx = cloud.store->begin();
  const auto& digest = r.route.reference;
  std::string repository = r.route.repository;
  if (!presigned) {
    // A client that pushes asks with HEAD what is there already: its policy may have only the action for
    // that.
    auto at = r.head->method == "HEAD" ? open(*tx, r, {"ecr:BatchCheckLayerAvailability"})
                                       : open(*tx, r, {"ecr:GetDownloadUrlForLayer"});
    if (!at && at.error().code == "AccessDenied" && r.head->method == "HEAD")
      at = open(*tx, r, {"ecr:GetDownloadUrlForLayer"});
    if (!at) return refusal(at.error());
  }
  auto layer = is_digest(digest) ? tx->get<Layer>(r.route.scope, repository + "@" + digest) : std::nullopt;
  if (!layer)
    return refusal(404, "BLOB_UNKNOWN",
                   "The layer " + digest + " is not in the repository " + repository + ".");
  uint64_t first = 0, count = static_cast<uint64_t>(layer->size);
  const int ranged = parse_range(r.head->header("range"), count, first, count);
  if (ranged < 0) {
    auto a = refusal(416, "RANGE_INVALID", "The range is outside of the layer.");
    a.headers.emplace_back("Content-Range", "bytes */" + std::to_string(layer->size));
    return a;
  }
  auto a = answer(ranged ? 206 : 200, digest);
  a.headers.emplace_back("Content-Type", "application/octet-stream");
  a.headers.emplace_back("Accept-Ranges", "bytes");
  a.headers.emplace_back("ETag", "\"" + digest + "\"");
  if (ranged)
    a.headers.emplace_back("Content-Range", "bytes " + std::to_string(first) + "-" +
                                                std::to_string(first + count - 1) + "/" +
                                                std::to_string(layer->size));
  a.file = blobs.open(digest);
  a.file_offset = first;
  a.file_size = count;
  if (a.file < 0) {
    log_error("ecr", "the file of layer {} is gone", digest);
    return refusal(500, "UNKNOWN", "The layer's file is gone from this machine: push it again.");
  }
  return a;
}

http::Answer Registry::Impl::list_tags(const Request& r) {
  auto tx = cloud.store->begin();
  auto at = open(*tx, r, {"ecr:ListImages"});
  if (!at) return refusal(at.error());
  size_t n = 1000;
  if (auto text = r.parameter("n"); !text.empty()) {
    auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (ec != std::errc() || end != text.data() + text.size())
      return refusal(400, "PAGINATION_NUMBER_INVALID", "n must be a number.");
    n = std::min<size_t>(n, 1000);
  }
  const auto last = r.parameter("last");
  json::array names;
  bool more = false;
  for (auto& t : tx->list<ImageTag>(at->scope, at->name() + "@")) {
    if (!last.empty() && t.name <= last) continue;
    if (names.size() == n) {
      more = true;
      break;
    }
    names.emplace_back(t.name);
  }
  auto a = answer(200);
  if (more && n > 0)
    a.headers.emplace_back("Link", "<" + r.path("tags/list") + "?n=" + std::to_string(n) +
                                       "&last=" + std::string(names.back().get_string()) + ">; rel=\"next\"");
  json::object o;
  o["name"] = at->name();
  o["tags"] = std::move(names);
  a.headers.emplace_back("Content-Type", "application/json");
  a.body = json::serialize(json::value(std::move(o)));
  return a;
}

http::Answer Registry::Impl::referrers(const Request& r) {
  auto tx = cloud.store->begin();
  auto at = open(*tx, r, {"ecr:BatchGetImage"});
  if (!at) return refusal(at.error());
  if (!is_digest(r.route.reference))
    return refusal(400, "DIGEST_INVALID", "Referrers are asked for by digest.");
  const auto wanted = r.parameter("artifactType");
  json::array found;
  for (auto& image : list_images_of(*tx, at->scope, at->name())) {
    if (image.subject != r.route.reference || (!wanted.empty() && image.artifact_type != wanted)) continue;
    auto text = manifest_text(*tx, at->scope, image);
    json::object d;
    d["mediaType"] = image.media_type;
    d["digest"] = image.digest;
    d["size"] = text ? static_cast<int64_t>(text->size()) : 0;
    if (!image.artifact_type.empty()) d["artifactType"] = image.artifact_type;
    if (!image.annotations.empty()) {
      json::object notes;
      for (auto& [k, v] : image.annotations) notes[k] = v;
      d["annotations"] = std::move(notes);
    }
    found.emplace_back(std::move(d));
  }
  json::object o;
  o["schemaVersion"] = 2;
  o["mediaType"] = kIndex;
  o["manifests"] = std::move(found);
  auto a = answer(200);
  a.headers.emplace_back("Content-Type", kIndex);
  if (!wanted.empty()) a.headers.emplace_back("OCI-Filters-Applied", "artifactType");
  a.body = json::serialize(json::value(std::move(o)));
  return a;
}

http::Answer Registry::Impl::upload_status(const Request& r) {
  auto tx = cloud.store->begin();
  auto at = open(*tx, r, {"ecr:UploadLayerPart"});
  if (!at) return refusal(at.error());
  auto u = tx->get<Upload>(at->scope, at->name() + "@" + r.route.reference);
  auto have = u ? blobs.received(u->id) : -1;
  if (have < 0) return refusal(404, "BLOB_UPLOAD_UNKNOWN", "There is no such upload.");
  auto a = answer(204, {}, r.path("blobs/uploads/" + r.route.reference));
  a.headers.emplace_back("Range", "0-" + std::to_string(std::max<int64_t>(have - 1, 0)));
  a.headers.emplace_back("Docker-Upload-UUID", r.route.reference);
  return a;
}

Registry::Registry(api::Cloud& cloud) : impl_(std::make_unique<Impl>(cloud)) {}
Registry::~Registry() = default;

bool Registry::claims(const http::Head& head) {
  return (head.path == "/v2" || head.path.starts_with("/v2/")) &&
         !head.header("authorization").starts_with("AWS4-");
}

std::unique_ptr<http::Receiver> Registry::begin(http::HeadPtr head) {
  auto& impl = *impl_;
  auto r = std::make_shared<Request>();
  r->head = std::move(head);
  r->now = now_ms();
  r->route = parse_route(impl.cloud.config, *r->head);
  const auto method = r->head->method;
  const bool reads = method == "GET" || method == "HEAD";
  auto tx = impl.cloud.store->begin();

  std::string expires, signature;
  if (reads && r->route.kind == Route::blob && http::query_value(r->head->query, "signature", signature) &&
      http::query_value(r->head->query, "expires", expires)) {
    if (!check_download(*tx, r->route.scope, r->route.repository, r->route.reference, expires, signature,
                        r->now))
      return http::answer_with(refusal(403, "DENIED", "The download URL is not valid or has expired."));
    return http::answer_with(impl.get_blob(*r, true));
  }

  auto who = impl.authenticate(*tx, *r->head, r->now);
  if (!who) {
    auto a = refusal(who.error());
    a.headers.emplace_back("WWW-Authenticate",
                           std::string("Basic realm=\"") + (r->head->tls ? "https://" : "http://") +
                               std::string(r->head->header("host")) + "/\",service=\"ecr.amazonaws.com\"");
    return http::answer_with(std::move(a));
  }
  r->principal = std::move(*who);
  tx.reset();

  switch (r->route.kind) {
    case Route::ping: {
      auto a = answer(200);
      a.headers.emplace_back("Content-Type", "application/json");
      a.body = "{}";
      return http::answer_with(std::move(a));
    }
    case Route::manifest:
      if (reads) return impl.later(r, &Impl::get_manifest);
      if (method == "PUT") return impl.put_manifest_receiver(r);
      if (method == "DELETE") return impl.later(r, &Impl::delete_manifest);
      break;
    case Route::blob:
      if (reads)
        return std::make_unique<Later>(r, [&impl, r] { return impl.get_blob(*r, false); }, impl.pool);
      break;
    case Route::uploads:
      if (method == "POST") return impl.begin_upload(r);
      break;
    case Route::upload:
      if (reads) return impl.later(r, &Impl::upload_status);
      if (method == "PATCH" || method == "PUT") return impl.upload_receiver(r);
      if (method == "DELETE") return impl.later(r, &Impl::delete_upload);
      break;
    case Route::tags:
      if (reads) return impl.later(r, &Impl::list_tags);
      break;
    case Route::referrers:
      if (reads) return impl.later(r, &Impl::referrers);
      break;
    case Route::unknown:
      return http::answer_with(refusal(404, "NAME_UNKNOWN",
                                       "There is nothing at this path: use the registry's host name, or "
                                       "/v2/<account>/<region>/<repository>/..."));
  }
  return http::answer_with(refusal(405, "UNSUPPORTED", "The registry does not serve this method here."));
}

}  // namespace nubecita::ecr
