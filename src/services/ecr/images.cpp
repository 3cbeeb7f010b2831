#include "services/ecr/images.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include "base/arn.hpp"
#include "base/ids.hpp"

namespace nubecita::ecr {
namespace {

std::string digest_of(std::string_view text, std::string_view algorithm) {
  if (algorithm != "sha512") return "sha256:" + to_hex(sha256(text));
  unsigned char out[64];
  unsigned n = 0;
  EVP_Digest(text.data(), text.size(), out, &n, EVP_sha512(), nullptr);
  return "sha512:" + to_hex({reinterpret_cast<char*>(out), n});
}

std::unexpected<ApiError> no_layers(const std::vector<std::string>& missing, const Located& at) {
  std::string all;
  for (auto& d : missing) all += (all.empty() ? "" : ", ") + d;
  return fail("LayersNotFoundException", "The specified layers [" + all +
                                             "] do not exist in the repository with name '" + at.name() +
                                             "' in registry with id '" + at.scope.account + "'");
}

Status check_references(store::Transaction& tx, const Located& at, const Manifest& m) {
  std::vector<std::string> missing;
  for (auto& b : m.blobs)
    if (!b.elsewhere && !tx.get<Layer>(at.scope, at.name() + "@" + b.digest)) missing.push_back(b.digest);
  if (!missing.empty()) return no_layers(missing, at);
  for (auto& c : m.children)
    if (!tx.get<Image>(at.scope, at.name() + "@" + c.digest)) missing.push_back(c.digest);
  if (missing.empty()) return {};
  return fail("ReferencedImagesNotFoundException",
              "Images with digests '" + missing[0] +
                  "' required for pushing image into repository with name '" + at.name() +
                  "' in the registry with id '" + at.scope.account + "' do not exist");
}

void erase_range(store::Transaction& tx, std::string_view table, const store::Scope& scope,
                 const std::string& prefix) {
  std::vector<std::string> keys;
  tx.scan(store::make_key(table, scope, prefix), {}, [&](std::string_view key, std::string_view) {
    keys.emplace_back(key);
    return true;
  });
  for (auto& k : keys) tx.erase(k);
}

}  // namespace

std::string repository_arn(const store::Scope& scope, std::string_view name) {
  return arn("ecr", scope.region, scope.account, "repository/" + std::string(name));
}

api::Conditions resource_tags(const Repository& repository) {
  api::Conditions out;
  for (auto& t : repository.tags) {
    out.emplace_back("aws:ResourceTag/" + t.key, std::vector{t.value});
    out.emplace_back("ecr:ResourceTag/" + t.key, std::vector{t.value});
  }
  return out;
}

std::unexpected<ApiError> no_repository(const store::Scope& scope, std::string_view name) {
  return fail("RepositoryNotFoundException", "The repository with name '" + std::string(name) +
                                                 "' does not exist in the registry with id '" +
                                                 scope.account + "'");
}

Result<Located> locate(api::Call& call, wire::Text registry_id, wire::Text name, std::string_view action) {
  store::Scope scope{std::string(registry_id.value_or(call.account)), call.region};
  auto repository = call.tx.get<Repository>(scope, name.sv());
  TRY(call.authorize(repository_arn(scope, name.sv()),
                     repository ? resource_tags(*repository) : api::Conditions(), action,
                     repository ? std::string_view(repository->policy) : std::string_view(), scope.account));
  if (!repository) return no_repository(scope, name.sv());
  return Located{std::move(scope), std::move(*repository)};
}

std::vector<Image> list_images_of(store::Transaction& tx, const store::Scope& scope,
                                  const std::string& repository) {
  return tx.list<Image>(scope, repository + "@");
}

std::map<std::string, std::vector<std::string>> tags_by_digest(store::Transaction& tx,
                                                               const store::Scope& scope,
                                                               const std::string& repository) {
  std::map<std::string, std::vector<std::string>> out;
  for (auto& t : tx.list<ImageTag>(scope, repository + "@")) out[t.digest].push_back(t.name);
  return out;
}

std::optional<Image> resolve_image(store::Transaction& tx, const store::Scope& scope,
                                   const std::string& repository, std::string_view tag,
                                   std::string_view digest) {
  std::string wanted(digest);
  if (!tag.empty()) {
    auto t = tx.get<ImageTag>(scope, repository + "@" + std::string(tag));
    if (!t || (!wanted.empty() && wanted != t->digest)) return {};
    wanted = t->digest;
  }
  if (wanted.empty()) return {};
  return tx.get<Image>(scope, repository + "@" + wanted);
}

std::optional<std::string> manifest_text(store::Transaction& tx, const store::Scope& scope,
                                         const Image& image) {
  return tx.get(store::make_key(Image::kManifestTable, scope, image.key()));
}

Result<Image> put_manifest(store::Transaction& tx, const Located& at, const NewManifest& in, bool* existed) {
  if (!in.tag.empty() && !is_tag(in.tag))
    return fail(
        "InvalidParameterException",
        "Invalid parameter at 'imageTag' failed to satisfy constraint: 'must satisfy regular expression "
        "'[a-zA-Z0-9-_.]+' and be at most 300 characters long'");
  auto manifest = parse_manifest(in.text, in.media_type);
  if (!manifest)
    return fail("InvalidParameterException",
                "Invalid parameter at 'ImageManifest' failed to satisfy constraint: '" +
                    manifest.error().message + "'");
  auto& m = *manifest;
  const auto digest = digest_of(in.text, in.digest.substr(0, in.digest.find(':')));
  if (!in.digest.empty() && in.digest != digest)
    return fail("ImageDigestDoesNotMatchException",
                "The manifest has the digest '" + digest + "', not '" + std::string(in.digest) + "'");
  TRY(check_references(tx, at, m));

  std::optional<ImageTag> old_tag;
  if (!in.tag.empty()) {
    old_tag = tx.get<ImageTag>(at.scope, at.name() + "@" + std::string(in.tag));
    if (old_tag && old_tag->digest != digest && tag_is_fixed(at.repository, in.tag))
      return fail("ImageTagAlreadyExistsException",
                  "The image tag '" + std::string(in.tag) + "' already exists in the '" + at.name() +
                      "' repository and cannot be overwritten because the tag is immutable.");
  }
  auto old = tx.get<Image>(at.scope, at.name() + "@" + digest);
  if (existed) *existed = old && (in.tag.empty() || (old_tag && old_tag->digest == digest));
  Image image;
  if (old) {
    image = *old;
  } else {
    image.repository = at.name();
    image.digest = digest;
    image.media_type = m.media_type;
    image.artifact_type = m.artifact_type;
    image.size = m.size();
    image.pushed = in.now;
    for (auto& b : m.blobs) {
      if (b.elsewhere) continue;
      image.layers.push_back(b.digest);
    }
    for (auto& c : m.children) {
      image.children.push_back(c.digest);
      if (auto child = tx.get<Image>(at.scope, at.name() + "@" + c.digest)) image.size += child->size;
    }
    image.subject = m.subject.digest;
    image.annotations = m.annotations;
    tx.put(at.scope, image);
    tx.put(store::make_key(Image::kManifestTable, at.scope, image.key()), std::string(in.text));
    if (at.repository.scan_on_push && !m.is_index) tx.put(at.scope, Scan{at.name(), digest, in.now});
  }
  if (!in.tag.empty() && !(old_tag && old_tag->digest == digest))
    tx.put(at.scope, ImageTag{at.name(), std::string(in.tag), digest});
  return image;
}

void delete_tag(store::Transaction& tx, const Located& at, const std::string& tag) {
  tx.erase<ImageTag>(at.scope, at.name() + "@" + tag);
}

void delete_image(store::Transaction& tx, const Located& at, const Image& image) {
  for (auto& t : tx.list<ImageTag>(at.scope, at.name() + "@"))
    if (t.digest == image.digest) tx.erase<ImageTag>(at.scope, t.key());
  tx.erase<Image>(at.scope, image.key());
  tx.erase(store::make_key(Image::kManifestTable, at.scope, image.key()));
  tx.erase<Scan>(at.scope, image.key());
  tx.erase<ScanResult>(at.scope, image.key());
}

std::optional<std::string> needed_by(const std::vector<Image>& all, const std::string& digest) {
  for (auto& i : all)
    if (std::find(i.children.begin(), i.children.end(), digest) != i.children.end()) return i.digest;
  return {};
}

void delete_repository_records(store::Transaction& tx, const Located& at) {
  for (auto table : {Layer::kTable, Image::kTable, Image::kManifestTable, ImageTag::kTable, Upload::kTable,
                     Scan::kTable, ScanResult::kTable})
    erase_range(tx, table, at.scope, at.name() + "@");
  tx.erase<Preview>(at.scope, at.name());
  tx.erase<LifecycleRun>(at.scope, at.name());
  tx.erase<Repository>(at.scope, at.name());
}

bool wildcard_match(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool tag_is_fixed(const Repository& repository, std::string_view tag) {
  const bool excluded = std::any_of(repository.excluded.begin(), repository.excluded.end(),
                                    [&](auto& e) { return wildcard_match(e, tag); });
  return repository.immutable != excluded;
}

}  // namespace nubecita::ecr
