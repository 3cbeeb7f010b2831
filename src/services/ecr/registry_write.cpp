// The distribution API: what writes. Uploads, mounts, manifests.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/ids.hpp"
#include "services/ecr/host.hpp"
#include "services/ecr/registry_request.hpp"

namespace nubecita::ecr {
namespace {

http::Answer upload_answer(const Request& r, int status, const std::string& id, int64_t received) {
  auto a = answer(status, {}, r.path("blobs/uploads/" + id));
  a.headers.emplace_back("Range", "0-" + std::to_string(std::max<int64_t>(received - 1, 0)));
  a.headers.emplace_back("Docker-Upload-UUID", id);
  return a;
}

}  // namespace

/// Appends a request's body to an upload as it comes; what the method asks for follows on the pool.
class UploadReceiver final : public http::Receiver {
 public:
  UploadReceiver(Registry::Impl& impl, std::shared_ptr<Request> r, Blobs::Busy busy, std::string id, int fd,
                 int64_t have)
      : impl_(impl),
        request_(std::move(r)),
        busy_(std::make_unique<Blobs::Busy>(std::move(busy))),
        id_(std::move(id)),
        fd_(fd),
        have_(have),
        hash_(UploadHash::of(id_)) {
    // The hash must have seen exactly what is in the file (it has not after a restart, or after a failed
    // write).
    if (hash_ && hash_->bytes() != static_cast<uint64_t>(have)) {
      hash_.reset();
      UploadHash::forget(id_);
    }
  }
  ~UploadReceiver() override {
    if (fd_ >= 0) ::close(fd_);
  }

  bool write(std::string_view part) override {
    while (!part.empty() && !error_) {
      auto n = ::write(fd_, part.data(), part.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        error_ = errno ? errno : EIO;
        break;
      }
      if (hash_) hash_->add(part.substr(0, static_cast<size_t>(n)));
      have_ += n;
      part.remove_prefix(static_cast<size_t>(n));
    }
    return !error_;
  }

  void finish(http::Respond respond) override {
    impl_.pool.run([&impl = impl_, r = request_, busy = std::move(busy_), id = id_,
                    fd = std::exchange(fd_, -1), have = have_, error = error_,
                    respond = std::move(respond)]() mutable {
      if (!error && ::fdatasync(fd)) error = errno;
      ::close(fd);
      http::Answer a;
      if (error) {
        const bool full = error == ENOSPC || error == EDQUOT;
        a = refusal(full ? 507 : 500, "UNKNOWN",
                    std::string("Cannot write the layer: ") + std::strerror(error) + ".");
      } else if (r->head->method == "PATCH") {
        a = upload_answer(*r, 202, id, have);
      } else {
        a = impl.finish_upload(*r, id, r->parameter("digest"));
      }
      busy.reset();  // before the answer: the client's next part may come at once
      respond(std::move(a));
    });
  }

 private:
  Registry::Impl& impl_;
  std::shared_ptr<Request> request_;
  std::unique_ptr<Blobs::Busy> busy_;
  std::string id_;
  int fd_;
  int64_t have_;
  int error_ = 0;
  std::shared_ptr<UploadHash> hash_;
};

// POST …/blobs/uploads/: a mount, a whole blob at once, or a new session.
std::unique_ptr<http::Receiver> Registry::Impl::begin_upload(std::shared_ptr<Request> r) {
  auto digest = r->parameter("digest");
  const bool whole = !digest.empty();
  {
    auto tx = cloud.store->begin();
    auto at =
        whole ? open(*tx, *r, {"ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload"})
              : open(*tx, *r, {"ecr:InitiateLayerUpload"});
    if (!at) return http::answer_with(refusal(at.error()));
  }
  if (!whole) return later(r, &Impl::new_upload);
  if (!is_digest(digest))
    return http::answer_with(refusal(400, "DIGEST_INVALID", "digest must be sha256:... or sha512:..."));
  // The session's record is not needed: nobody but this request knows its name.
  auto id = uuid();
  if (auto started = blobs.start(id); !started) return http::answer_with(refusal(started.error()));
  return std::make_unique<UploadReceiver>(*this, r, Blobs::Busy::claim(id), id, blobs.open_upload(id), 0);
}

http::Answer Registry::Impl::new_upload(const Request& r) {
  if (auto mounted = mount(r)) return std::move(*mounted);
  Upload u{r.route.repository, uuid(), r.now};
  if (auto started = blobs.start(u.id); !started) return refusal(started.error());
  auto stored = cloud.store->transact([&](store::Transaction& tx) -> Status {
    if (!tx.get<Repository>(r.route.scope, r.route.repository))
      return no_repository(r.route.scope, r.route.repository);
    tx.put(r.route.scope, u);
    return {};
  });
  if (!stored) {
    blobs.discard(u.id);
    return refusal(stored.error());
  }
  return upload_answer(r, 202, u.id, 0);
}

// Nothing if the blob cannot be mounted: then the client gets a session, as the specification wants it.
std::optional<http::Answer> Registry::Impl::mount(const Request& r) {
  auto digest = r.parameter("mount"), from = r.parameter("from");
  // Named by the path, the other repository is too.
  std::string_view rest = from;
  if (auto scope = take_scope_prefix(rest);
      scope && scope->account == r.route.scope.account && scope->region == r.route.scope.region)
    from = std::string(rest);
  if (!is_digest(digest) || !is_repository_name(from)) return {};
  auto hold = Blobs::hold(digest);
  auto done = cloud.store->transact([&](store::Transaction& tx) -> Status {
    TRY_LET(auto target, open(tx, r, {"ecr:InitiateLayerUpload"}));
    TRY_LET(auto source, open(tx, r, {"ecr:GetDownloadUrlForLayer"}, from));
    auto layer = tx.get<Layer>(source.scope, from + "@" + digest);
    if (!layer || blobs.size(digest) < 0)
      return fail("LayerNotFound", "The layer is not in that repository.");
    tx.put(target.scope, Layer{target.name(), digest, layer->size, r.now});
    return {};
  });
  if (!done) return {};
  return answer(201, digest, r.path("blobs/" + digest));
}

std::unique_ptr<http::Receiver> Registry::Impl::upload_receiver(std::shared_ptr<Request> r) {
  const auto& id = r->route.reference;
  const bool last = r->head->method == "PUT";
  {
    auto tx = cloud.store->begin();
    auto at = last ? open(*tx, *r, {"ecr:UploadLayerPart", "ecr:CompleteLayerUpload"})
                   : open(*tx, *r, {"ecr:UploadLayerPart"});
    if (!at) return http::answer_with(refusal(at.error()));
    if (!tx->get<Upload>(at->scope, at->name() + "@" + id))
      return http::answer_with(refusal(404, "BLOB_UPLOAD_UNKNOWN", "There is no such upload."));
  }
  if (last && !is_digest(r->parameter("digest")))
    return http::answer_with(
        refusal(400, "DIGEST_INVALID", "The digest of the blob is needed: ?digest=sha256:..."));
  auto busy = Blobs::Busy::claim(id);
  if (!busy)
    return http::answer_with(
        refusal(409, "BLOB_UPLOAD_INVALID", "Another request is writing to this upload."));
  const auto have = blobs.received(id);
  int fd = have < 0 ? -1 : blobs.open_upload(id);
  if (fd < 0)
    return http::answer_with(
        refusal(404, "BLOB_UPLOAD_UNKNOWN", "The upload has no bytes any more: begin again."));
  if (auto range = r->head->header("content-range"); !range.empty()) {
    if (range.starts_with("bytes ")) range.remove_prefix(6);
    int64_t first = -1;
    std::from_chars(range.data(), range.data() + range.size(), first);
    if (first != have) {
      ::close(fd);
      auto a =
          refusal(416, "BLOB_UPLOAD_INVALID", "The upload continues at byte " + std::to_string(have) + ".");
      a.headers.emplace_back("Range", "0-" + std::to_string(std::max<int64_t>(have - 1, 0)));
      a.headers.emplace_back("Location", r->path("blobs/uploads/" + id));
      return http::answer_with(std::move(a));
    }
  }
  return std::make_unique<UploadReceiver>(*this, r, std::move(busy), id, fd, have);
}

http::Answer Registry::Impl::finish_upload(const Request& r, const std::string& id,
                                           const std::string& digest) {
  auto hold = Blobs::hold(digest);  // until the commit: the sweep must not see the file without its record
  auto size = blobs.finish(id, digest);
  if (!size) {
    if (size.error().code == "InvalidDigest" && r.route.kind == Route::uploads) blobs.discard(id);
    return refusal(size.error());
  }
  auto done = cloud.store->transact([&](store::Transaction& tx) -> Status {
    if (!tx.get<Repository>(r.route.scope, r.route.repository))
      return no_repository(r.route.scope, r.route.repository);
    tx.put(r.route.scope, Layer{r.route.repository, digest, *size, r.now});
    tx.erase<Upload>(r.route.scope, r.route.repository + "@" + id);
    return {};
  });
  if (!done) return refusal(done.error());
  return answer(201, digest, r.path("blobs/" + digest));
}

http::Answer Registry::Impl::delete_upload(const Request& r) {
  auto busy = Blobs::Busy::claim(r.route.reference);
  if (!busy) return refusal(409, "BLOB_UPLOAD_INVALID", "Another request is writing to this upload.");
  auto done = cloud.store->transact([&](store::Transaction& tx) -> Status {
    TRY_LET(auto at, open(tx, r, {"ecr:InitiateLayerUpload"}));
    if (!tx.get<Upload>(at.scope, at.name() + "@" + r.route.reference))
      return fail("UploadNotFoundException", "There is no such upload.");
    tx.erase<Upload>(at.scope, at.name() + "@" + r.route.reference);
    return {};
  });
  if (!done) return refusal(done.error());
  blobs.discard(r.route.reference);
  return answer(204);
}

std::unique_ptr<http::Receiver> Registry::Impl::put_manifest_receiver(std::shared_ptr<Request> r) {
  {
    auto tx = cloud.store->begin();
    if (auto at = open(*tx, *r, {"ecr:PutImage"}); !at) return http::answer_with(refusal(at.error()));
  }
  auto store_it = [this, r](std::string body, http::Respond respond) {
    pool.run([this, r, body = std::move(body), respond = std::move(respond)]() mutable {
      const bool by_digest = r->route.reference.find(':') != std::string::npos;
      Image image;
      auto done = cloud.store->transact([&](store::Transaction& tx) -> Status {
        TRY_LET(auto at, open(tx, *r, {"ecr:PutImage"}));
        TRY_LET(image, put_manifest(
                           tx, at,
                           {body, r->head->header("content-type"),
                            by_digest ? std::string_view() : std::string_view(r->route.reference),
                            by_digest ? std::string_view(r->route.reference) : std::string_view(), r->now}));
        return {};
      });
      if (!done) return respond(refusal(done.error()));
      auto a = answer(201, image.digest, r->path("manifests/" + image.digest));
      if (!image.subject.empty()) a.headers.emplace_back("OCI-Subject", image.subject);
      respond(std::move(a));
    });
  };
  return http::collect(kMaxManifest, std::move(store_it),
                       [] { return refusal(413, "MANIFEST_INVALID", "A manifest may have at most 4 MiB."); });
}

http::Answer Registry::Impl::delete_manifest(const Request& r) {
  auto done = cloud.store->transact([&](store::Transaction& tx) -> Status {
    TRY_LET(auto at, open(tx, r, {"ecr:BatchDeleteImage"}));
    const auto& reference = r.route.reference;
    const bool by_digest = is_digest(reference);
    auto image = by_digest ? resolve_image(tx, at.scope, at.name(), {}, reference)
                           : resolve_image(tx, at.scope, at.name(), reference, {});
    if (!image) return fail("ImageNotFoundException", "Requested image not found");
    if (!by_digest) {
      delete_tag(tx, at, reference);
      return {};
    }
    if (auto needer = needed_by(list_images_of(tx, at.scope, at.name()), image->digest))
      return fail("ImageReferencedByManifestList",
                  "The image is listed by the index " + *needer + ": delete that first.");
    delete_image(tx, at, *image);
    return {};
  });
  if (!done) return refusal(done.error());
  return answer(202);
}

}  // namespace nubecita::ecr
