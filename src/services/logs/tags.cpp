// Tags of log groups, by the old operations (a group's name) and the new ones (its ARN).
#include "models/logs.hpp"
#include "services/logs/groups.hpp"

namespace nubecita::logs {
namespace {

constexpr size_t kMostTags = 50;

Status add_tags(api::Call& call, Group group, const wire::Map<wire::Text>& tags) {
  for (auto& t : tags) {
    if (t.key.sv().starts_with("aws:")) return invalid("Tag keys that begin with aws: are reserved.");
    group.tags[api::str(t.key)] = api::str(t.value);
  }
  if (group.tags.size() > kMostTags)
    return fail("TooManyTagsException", "A log group can have at most 50 tags.");
  call.tx.put(call.scope(), group);
  return {};
}

Status remove_tags(api::Call& call, Group group, const wire::List<wire::Text>& keys) {
  for (auto& k : keys) group.tags.erase(api::str(k));
  call.tx.put(call.scope(), group);
  return {};
}

// The group of an ARN, once the caller may do what it asks.
Result<Group> tagged_group(api::Call& call, wire::Text arn, const wire::Map<wire::Text>* tags = nullptr) {
  if (!arn.sv().starts_with("arn:")) return invalid("The resourceArn is not an ARN.");
  TRY_LET(auto name, group_name(call, {}, arn));
  api::Conditions conditions;
  if (tags)
    for (auto& t : *tags) conditions.push_back({"aws:RequestTag/" + api::str(t.key), {api::str(t.value)}});
  TRY(call.authorize(group_arn(call, name), conditions));
  return find_group(call, name);
}

}  // namespace

Status tag_resource(api::Call& call, const model::TagResourceRequest& in, model::TagResourceResponse&) {
  TRY_LET(auto group, tagged_group(call, in.resource_arn, &in.tags));
  return add_tags(call, std::move(group), in.tags);
}

Status untag_resource(api::Call& call, const model::UntagResourceRequest& in, model::UntagResourceResponse&) {
  TRY_LET(auto group, tagged_group(call, in.resource_arn));
  return remove_tags(call, std::move(group), in.tag_keys);
}

Status list_tags_for_resource(api::Call& call, const model::ListTagsForResourceRequest& in,
                              model::ListTagsForResourceResponse& out) {
  TRY_LET(auto group, tagged_group(call, in.resource_arn));
  out.tags = call.map(group.tags);
  return {};
}

Status tag_log_group(api::Call& call, const model::TagLogGroupRequest& in, model::TagLogGroupResponse&) {
  TRY(call.authorize(stream_arn(call, in.log_group_name)));
  TRY_LET(auto group, find_group(call, in.log_group_name));
  return add_tags(call, std::move(group), in.tags);
}

Status untag_log_group(api::Call& call, const model::UntagLogGroupRequest& in,
                       model::UntagLogGroupResponse&) {
  TRY(call.authorize(stream_arn(call, in.log_group_name)));
  TRY_LET(auto group, find_group(call, in.log_group_name));
  return remove_tags(call, std::move(group), in.tags);
}

Status list_tags_log_group(api::Call& call, const model::ListTagsLogGroupRequest& in,
                           model::ListTagsLogGroupResponse& out) {
  TRY(call.authorize(stream_arn(call, in.log_group_name)));
  TRY_LET(auto group, find_group(call, in.log_group_name));
  out.tags = call.map(group.tags);
  return {};
}

}  // namespace nubecita::logs
