// What the ECR operations and the distribution API both do with a repository's images, inside a transaction.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "services/ecr/manifest.hpp"
#include "services/ecr/records.hpp"
#include "store/store.hpp"

namespace nubecita::ecr {

std::string repository_arn(const store::Scope& scope, std::string_view name);
/// aws:ResourceTag/... and ecr:ResourceTag/... of a repository.
api::Conditions resource_tags(const Repository& repository);
/// RepositoryNotFoundException.
std::unexpected<ApiError> no_repository(const store::Scope& scope, std::string_view name);

struct Located {
  store::Scope scope;
  Repository repository;
  std::string name() const { return repository.name; }
};
/// The repository of an operation, authorized with its policy: `registry_id` may be another account's.
/// `action`: IAM's, if it is not that of the call.
Result<Located> locate(api::Call& call, wire::Text registry_id, wire::Text name,
                       std::string_view action = {});

std::vector<Image> list_images_of(store::Transaction& tx, const store::Scope& scope,
                                  const std::string& repository);
/// Digest to its tags, both sorted.
std::map<std::string, std::vector<std::string>> tags_by_digest(store::Transaction& tx,
                                                               const store::Scope& scope,
                                                               const std::string& repository);
/// By digest, by tag, or (both given) by the tag if it is on that digest.
std::optional<Image> resolve_image(store::Transaction& tx, const store::Scope& scope,
                                   const std::string& repository, std::string_view tag,
                                   std::string_view digest);
std::optional<std::string> manifest_text(store::Transaction& tx, const store::Scope& scope,
                                         const Image& image);

struct NewManifest {
  std::string_view text, media_type;
  std::string_view tag;     // may be empty
  std::string_view digest;  // the one expected; empty: sha256 of the text
  int64_t now = 0;
};
/// Stores a manifest and moves the tag to it; asks for a scan if the repository scans on push. Errors:
/// InvalidParameterException, ImageDigestDoesNotMatchException, ImageTagAlreadyExistsException,
/// LayersNotFoundException, ReferencedImagesNotFoundException. `existed` says that neither image nor tag was
/// new.
Result<Image> put_manifest(store::Transaction& tx, const Located& at, const NewManifest& in,
                           bool* existed = nullptr);

void delete_tag(store::Transaction& tx, const Located& at, const std::string& tag);
/// The manifest, its tags and scans. Its layers stay until the sweep.
void delete_image(store::Transaction& tx, const Located& at, const Image& image);
/// An index of the repository that needs the manifest, if there is one.
std::optional<std::string> needed_by(const std::vector<Image>& all, const std::string& digest);
/// Everything that belongs to the repository, and the repository.
void delete_repository_records(store::Transaction& tx, const Located& at);

/// Whether the tag may not move, by the repository's setting and its exclusions.
bool tag_is_fixed(const Repository& repository, std::string_view tag);
/// '*' stands for any run of characters.
bool wildcard_match(std::string_view pattern, std::string_view text);

}  // namespace nubecita::ecr
