// Repositories: create, describe, delete, their settings and tags.
#include <algorithm>

#include "base/arn.hpp"
#include "models/ecr.hpp"
#include "services/ecr/ecr.hpp"
#include "services/ecr/images.hpp"

namespace nubecita::ecr {
namespace {

std::unexpected<ApiError> invalid(const std::string& what, const std::string& constraint) {
  return fail("InvalidParameterException",
              "Invalid parameter at '" + what + "' failed to satisfy constraint: '" + constraint + "'");
}

std::string_view mutability(const Repository& r) {
  if (r.excluded.empty()) return r.immutable ? "IMMUTABLE" : "MUTABLE";
  return r.immutable ? "IMMUTABLE_WITH_EXCLUSION" : "MUTABLE_WITH_EXCLUSION";
}

wire::List<model::ImageTagMutabilityExclusionFilter> exclusions(api::Call& call, const Repository& r) {
  if (r.excluded.empty()) return {};
  auto out = call.list<model::ImageTagMutabilityExclusionFilter>(r.excluded.size());
  for (size_t i = 0; i < r.excluded.size(); ++i) out[i] = {"WILDCARD", call.text(r.excluded[i])};
  return out;
}

Status set_mutability(Repository& r, wire::Text wanted,
                      const wire::List<model::ImageTagMutabilityExclusionFilter>& filters) {
  const auto text = wanted.value_or("MUTABLE");
  const bool with = text.ends_with("_WITH_EXCLUSION");
  if (with == filters.empty())
    return invalid("imageTagMutabilityExclusionFilters", with ? "must not be empty for " + std::string(text)
                                                              : "must be empty for " + std::string(text));
  if (filters.size() > 5) return invalid("imageTagMutabilityExclusionFilters", "must have at most 5 members");
  r.immutable = text.starts_with("IMMUTABLE");
  r.excluded.clear();
  for (auto& f : filters) r.excluded.push_back(api::str(f.filter));
  return {};
}

Status check_tags(const std::vector<Tag>& tags) {
  if (tags.size() > 50) return fail("TooManyTagsException", "A repository can have at most 50 tags.");
  for (auto& t : tags) {
    if (t.key.empty() || t.key.size() > 128 || t.value.size() > 256)
      return fail("InvalidTagParameterException", "Tag keys have 1 to 128 characters, values at most 256.");
    if (t.key.starts_with("aws:"))
      return fail("InvalidTagParameterException", "Tag keys must not begin with 'aws:'.");
  }
  return {};
}

void merge(std::vector<Tag>& tags, const wire::List<model::Tag>& more) {
  for (auto& t : more) {
    auto it = std::find_if(tags.begin(), tags.end(), [&](auto& have) { return have.key == t.key.sv(); });
    if (it != tags.end())
      it->value = api::str(t.value);
    else
      tags.push_back({api::str(t.key), api::str(t.value)});
  }
  std::sort(tags.begin(), tags.end(), [](auto& a, auto& b) { return a.key < b.key; });
}

api::Conditions request_tags(const wire::List<model::Tag>& tags) {
  api::Conditions out;
  std::vector<std::string> keys;
  for (auto& t : tags) {
    out.emplace_back("aws:RequestTag/" + api::str(t.key), std::vector{api::str(t.value)});
    keys.push_back(api::str(t.key));
  }
  if (!keys.empty()) out.emplace_back("aws:TagKeys", std::move(keys));
  return out;
}

model::Repository* render(api::Call& call, const store::Scope& scope, const Repository& r) {
  auto* out = call.make<model::Repository>();
  out->repository_arn = call.text(repository_arn(scope, r.name));
  out->registry_id = call.text(scope.account);
  out->repository_name = call.text(r.name);
  out->repository_uri =
      call.text(registry_host(call.cloud.config, scope.account, scope.region) + "/" + r.name);
  out->created_at = wire::Timestamp{r.created};
  out->image_tag_mutability = call.text(mutability(r));
  out->image_tag_mutability_exclusion_filters = exclusions(call, r);
  out->image_scanning_configuration = call.make<model::ImageScanningConfiguration>();
  out->image_scanning_configuration->scan_on_push = r.scan_on_push;
  out->encryption_configuration = call.make<model::EncryptionConfiguration>();
  out->encryption_configuration->encryption_type = "AES256";
  return out;
}

struct Tagged {
  store::Scope scope;
  Repository repository;
};
Result<Tagged> by_arn(api::Call& call, wire::Text text, const api::Conditions& more = {}) {
  auto a = Arn::parse(text.sv());
  if (!a || a->service != "ecr" || !a->resource.starts_with("repository/"))
    return invalid("resourceArn", "must be the ARN of a repository");
  store::Scope scope{a->account, a->region};
  auto repository = call.tx.get<Repository>(scope, a->resource.substr(11));
  api::Conditions conditions = repository ? resource_tags(*repository) : api::Conditions();
  conditions.insert(conditions.end(), more.begin(), more.end());
  TRY(call.authorize(text.sv(), conditions, {},
                     repository ? std::string_view(repository->policy) : std::string_view(), scope.account));
  if (!repository || scope.region != call.region) return no_repository(scope, a->resource.substr(11));
  return Tagged{std::move(scope), std::move(*repository)};
}

}  // namespace

Status create_repository(api::Call& call, const model::CreateRepositoryRequest& in,
                         model::CreateRepositoryResponse& out) {
  auto scope = call.scope();
  TRY(call.authorize(repository_arn(scope, in.repository_name.sv()), request_tags(in.tags)));
  if (in.registry_id.has() && !(in.registry_id == call.account))
    return invalid("registryId", "must be the caller's own registry");
  if (!is_repository_name(in.repository_name.sv()))
    return invalid(
        "repositoryName",
        "must satisfy regular expression '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*' "
        "and have 2 to 256 characters");
  if (in.encryption_configuration && (!(in.encryption_configuration->encryption_type == "AES256") ||
                                      !in.encryption_configuration->kms_key.empty()))
    return invalid("encryptionConfiguration",
                   "only AES256 is served: this installation has no KMS for registries");
  Repository r;
  r.name = api::str(in.repository_name);
  r.created = call.now;
  TRY(set_mutability(r, in.image_tag_mutability, in.image_tag_mutability_exclusion_filters));
  r.scan_on_push =
      in.image_scanning_configuration && in.image_scanning_configuration->scan_on_push.value_or(false);
  merge(r.tags, in.tags);
  TRY(check_tags(r.tags));
  if (call.tx.get<Repository>(scope, r.name))
    return fail("RepositoryAlreadyExistsException", "The repository with name '" + r.name +
                                                        "' already exists in the registry with id '" +
                                                        scope.account + "'");
  call.tx.put(scope, r);
  out.repository = render(call, scope, r);
  return {};
}

Status describe_repositories(api::Call& call, const model::DescribeRepositoriesRequest& in,
                             model::DescribeRepositoriesResponse& out) {
  store::Scope scope{std::string(in.registry_id.value_or(call.account)), call.region};
  std::vector<Repository> found;
  if (in.repository_names.empty()) {
    TRY(call.authorize(arn("ecr", scope.region, scope.account, "repository/*"), {}, {}, {}, scope.account));
    std::string next;
    TRY_LET(found, api::page(
                       call.tx.list<Repository>(scope), in.next_token.sv(),
                       static_cast<size_t>(in.max_results.value_or(100)), [](auto& r) { return r.name; },
                       next, "InvalidParameterException"));
    if (!next.empty()) out.next_token = call.text(next);
  } else {
    if (in.next_token.has() || in.max_results.has())
      return invalid("repositoryNames", "cannot be used together with nextToken or maxResults");
    for (auto& name : in.repository_names) {
      TRY_LET(auto at, locate(call, in.registry_id, name));
      found.push_back(std::move(at.repository));
    }
  }
  out.repositories = call.list<model::Repository>(found.size());
  for (size_t i = 0; i < found.size(); ++i) out.repositories[i] = *render(call, scope, found[i]);
  return {};
}

Status delete_repository(api::Call& call, const model::DeleteRepositoryRequest& in,
                         model::DeleteRepositoryResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  bool empty = true;
  call.tx.scan(store::make_key(Image::kTable, at.scope, at.name() + "@"), {},
               [&](std::string_view, std::string_view) { return empty = false; });
  if (!empty && !in.force.value_or(false))
    return fail("RepositoryNotEmptyException", "The repository with name '" + at.name() +
                                                   "' in registry with id '" + at.scope.account +
                                                   "' cannot be deleted because it still contains images");
  delete_repository_records(call.tx, at);
  out.repository = render(call, at.scope, at.repository);
  return {};
}

Status put_image_tag_mutability(api::Call& call, const model::PutImageTagMutabilityRequest& in,
                                model::PutImageTagMutabilityResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  TRY(set_mutability(at.repository, in.image_tag_mutability, in.image_tag_mutability_exclusion_filters));
  call.tx.put(at.scope, at.repository);
  out.registry_id = call.text(at.scope.account);
  out.repository_name = in.repository_name;
  out.image_tag_mutability = call.text(mutability(at.repository));
  out.image_tag_mutability_exclusion_filters = exclusions(call, at.repository);
  return {};
}

Status put_image_scanning_configuration(api::Call& call,
                                        const model::PutImageScanningConfigurationRequest& in,
                                        model::PutImageScanningConfigurationResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  at.repository.scan_on_push = in.image_scanning_configuration->scan_on_push.value_or(false);
  call.tx.put(at.scope, at.repository);
  out.registry_id = call.text(at.scope.account);
  out.repository_name = in.repository_name;
  out.image_scanning_configuration = call.make<model::ImageScanningConfiguration>();
  out.image_scanning_configuration->scan_on_push = at.repository.scan_on_push;
  return {};
}

Status tag_resource(api::Call& call, const model::TagResourceRequest& in, model::TagResourceResponse&) {
  TRY_LET(auto at, by_arn(call, in.resource_arn, request_tags(in.tags)));
  merge(at.repository.tags, in.tags);
  TRY(check_tags(at.repository.tags));
  call.tx.put(at.scope, at.repository);
  return {};
}

Status untag_resource(api::Call& call, const model::UntagResourceRequest& in, model::UntagResourceResponse&) {
  TRY_LET(auto at, by_arn(call, in.resource_arn, {{"aws:TagKeys", api::strings(in.tag_keys)}}));
  for (auto& key : in.tag_keys) std::erase_if(at.repository.tags, [&](auto& t) { return t.key == key.sv(); });
  call.tx.put(at.scope, at.repository);
  return {};
}

Status list_tags_for_resource(api::Call& call, const model::ListTagsForResourceRequest& in,
                              model::ListTagsForResourceResponse& out) {
  TRY_LET(auto at, by_arn(call, in.resource_arn));
  out.tags = call.list<model::Tag>(at.repository.tags.size());
  for (size_t i = 0; i < at.repository.tags.size(); ++i)
    out.tags[i] = {call.text(at.repository.tags[i].key), call.text(at.repository.tags[i].value)};
  return {};
}

}  // namespace nubecita::ecr
