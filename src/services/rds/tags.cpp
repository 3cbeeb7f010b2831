// Tags of instances, subnet groups and parameter groups, by ARN.
#include <algorithm>

#include "base/arn.hpp"
#include "services/rds/common.hpp"

namespace nubecita::rds {
namespace {

/// Calls `use(record, tag kind)` for the record that an ARN names.
template <class Use>
Status with_tagged(Call& call, wire::Text resource_name, Use use) {
  const std::string text = api::str(resource_name);
  auto arn = Arn::parse(text);
  if (!arn || arn->service != "rds" || arn->account != call.account || arn->region != call.region)
    return fail("InvalidParameterValue",
                "Invalid resource name: " + text + ". It must be an ARN of RDS in this account and region.");
  auto colon = arn->resource.find(':');
  const std::string kind = arn->resource.substr(0, colon);
  const std::string name = colon == std::string::npos ? "" : arn->resource.substr(colon + 1);
  if (kind == "db") return use(call.tx.get<Instance>(call.scope(), name), text, "db-tag", no_instance(name));
  if (kind == "subgrp")
    return use(call.tx.get<SubnetGroup>(call.scope(), name), text, "subgrp-tag", no_subnet_group(name));
  if (kind == "pg")
    return use(call.tx.get<ParameterGroup>(call.scope(), name), text, "pg-tag", no_parameter_group(name));
  return fail("InvalidParameterValue", "Resources of this kind have no tags here: " + text);
}

}  // namespace

Status add_tags_to_resource(Call& call, const model::AddTagsToResourceMessage& in,
                            model::AddTagsToResourceResponse&) {
  TRY_LET(auto tags, new_tags(in.tags));
  return with_tagged(call, in.resource_name,
                     [&](auto record, const std::string& arn, const char* kind, ApiError none) -> Status {
                       auto conditions = request_tags(tags);
                       if (record) {
                         auto own = resource_tags(record->tags, kind);
                         conditions.insert(conditions.end(), own.begin(), own.end());
                       }
                       TRY(call.authorize(arn, conditions));
                       if (!record) return fail(none);
                       merge_tags(record->tags, tags);
                       if (record->tags.size() > 50)
                         return fail("InvalidParameterValue", "A resource has at most 50 tags.");
                       call.tx.put(call.scope(), *record);
                       return {};
                     });
}

Status remove_tags_from_resource(Call& call, const model::RemoveTagsFromResourceMessage& in,
                                 model::RemoveTagsFromResourceResponse&) {
  return with_tagged(call, in.resource_name,
                     [&](auto record, const std::string& arn, const char* kind, ApiError none) -> Status {
                       Conditions conditions{{"aws:TagKeys", api::strings(in.tag_keys)}};
                       if (record) {
                         auto own = resource_tags(record->tags, kind);
                         conditions.insert(conditions.end(), own.begin(), own.end());
                       }
                       TRY(call.authorize(arn, conditions));
                       if (!record) return fail(none);
                       std::erase_if(record->tags, [&](auto& t) {
                         return std::any_of(in.tag_keys.begin(), in.tag_keys.end(),
                                            [&](auto& k) { return k.sv() == t.name; });
                       });
                       call.tx.put(call.scope(), *record);
                       return {};
                     });
}

Status list_tags_for_resource(Call& call, const model::ListTagsForResourceMessage& in,
                              model::TagListMessage& out) {
  return with_tagged(call, in.resource_name,
                     [&](auto record, const std::string& arn, const char* kind, ApiError none) -> Status {
                       TRY(call.authorize(arn, record ? resource_tags(record->tags, kind) : Conditions{}));
                       if (!record) {
                         // The default parameter groups exist without a record, and have no tags.
                         if (arn.find(":pg:default.") == std::string::npos) return fail(none);
                         out.tag_list = call.list<model::Tag>(0);
                         return {};
                       }
                       out.tag_list = render_tags(call, record->tags);
                       return {};
                     });
}

}  // namespace nubecita::rds
