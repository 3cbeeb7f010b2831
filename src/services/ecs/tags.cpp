// Tags of clusters, services, tasks and task definitions, by ARN.
#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "base/arn.hpp"
#include "services/ecs/common.hpp"

namespace nubecita::ecs {

namespace {

/// Answers whether it changed them.
using Change = std::function<Result<bool>(std::vector<TagRecord>& tags)>;

template <class R>
Status change_record(Call& call, std::optional<R> record, std::string_view missing_code,
                     std::string_view full, const std::vector<TagRecord>& request_tags,
                     const Change& change) {
  TRY(call.authorize(full, tag_conditions(request_tags, record ? record->tags : std::vector<TagRecord>{})));
  if (!record) return fail(missing_code, "The specified resource was not found: " + std::string(full));
  TRY_LET(bool changed, change(record->tags));
  if (changed) call.tx.put(call.scope(), *record);
  return {};
}

/// Finds what the ARN names and gives its tags to `change`; what comes out is stored.
Status with_tags(Call& call, std::string_view text, const std::vector<TagRecord>& request_tags,
                 const Change& change) {
  auto a = Arn::parse(text);
  if (!a || a->service != "ecs")
    return fail("InvalidParameterException", fmt::format("Invalid ARN: {}", text));
  if (a->account != call.account || a->region != call.region)
    return fail("InvalidParameterException", "The ARN names another account or region.");
  const size_t slash = a->resource.find('/');
  const std::string kind = a->resource.substr(0, slash);
  const std::string id = slash == std::string::npos ? "" : a->resource.substr(slash + 1);
  if (kind == "cluster")
    return change_record(call, call.tx.get<Cluster>(call.scope(), id), "ClusterNotFoundException", text,
                         request_tags, change);
  if (kind == "service")
    return change_record(call, call.tx.get<Service>(call.scope(), id), "ServiceNotFoundException", text,
                         request_tags, change);
  if (kind == "task")
    return change_record(call, call.tx.get<Task>(call.scope(), id), "InvalidParameterException", text,
                         request_tags, change);
  if (kind == "task-definition") {
    auto d = need_definition(call.tx, call.scope(), id);
    return change_record(call, d ? std::optional<Definition>(*d) : std::nullopt, "InvalidParameterException",
                         text, request_tags, change);
  }
  return fail("InvalidParameterException", fmt::format("{} have no tags", kind));
}

}  // namespace

Status tag_resource(Call& call, const model::TagResourceRequest& in, model::TagResourceResponse&) {
  TRY_LET(auto added, read_tags(in.tags));
  return with_tags(call, in.resource_arn, added, [&](std::vector<TagRecord>& tags) -> Result<bool> {
    for (const auto& t : added) {
      auto old = std::find_if(tags.begin(), tags.end(), [&](const TagRecord& o) { return o.name == t.name; });
      if (old != tags.end())
        old->value = t.value;
      else
        tags.push_back(t);
    }
    if (tags.size() > 50) return fail("InvalidParameterException", "The maximum number of tags is 50.");
    return true;
  });
}

Status untag_resource(Call& call, const model::UntagResourceRequest& in, model::UntagResourceResponse&) {
  auto keys = api::strings(in.tag_keys);
  return with_tags(call, in.resource_arn, {}, [&](std::vector<TagRecord>& tags) -> Result<bool> {
    std::erase_if(
        tags, [&](const TagRecord& t) { return std::find(keys.begin(), keys.end(), t.name) != keys.end(); });
    return true;
  });
}

Status list_tags_for_resource(Call& call, const model::ListTagsForResourceRequest& in,
                              model::ListTagsForResourceResponse& out) {
  std::vector<TagRecord> found;
  TRY(with_tags(call, in.resource_arn, {}, [&](std::vector<TagRecord>& tags) -> Result<bool> {
    found = tags;
    return false;
  }));
  out.tags = tags_out(call, found);
  return {};
}

}  // namespace nubecita::ecs
