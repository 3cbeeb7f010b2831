#include "services/ec2/access.hpp"

namespace nubecita::ec2 {

std::string resource_arn(const Call& call, std::string_view type, std::string_view id) {
  return call.arn("ec2", std::string(type) + "/" + std::string(id));
}

void add_resource_tags(Conditions& out, const std::vector<Tag>& tags) {
  for (const auto& tag : tags) {
    out.push_back({"aws:ResourceTag/" + tag.name, {tag.value}});
    out.push_back({"ec2:ResourceTag/" + tag.name, {tag.value}});
  }
}

void add_request_tags(Conditions& out, const std::vector<Tag>& tags) {
  if (tags.empty()) return;
  std::vector<std::string> names;
  for (const auto& tag : tags) {
    out.push_back({"aws:RequestTag/" + tag.name, {tag.value}});
    names.push_back(tag.name);
  }
  out.push_back({"aws:TagKeys", std::move(names)});
}

Status allow_create(Call& call, std::string_view type, const std::vector<Tag>& tags,
                    std::string_view vpc_id) {
  Conditions conditions{{"ec2:Region", {call.region}}};
  add_request_tags(conditions, tags);
  if (!vpc_id.empty()) conditions.push_back({"ec2:Vpc", {resource_arn(call, "vpc", vpc_id)}});
  const auto arn = resource_arn(call, type, "*");
  TRY(call.authorize(arn, conditions));
  if (tags.empty()) return {};
  conditions.push_back({"ec2:CreateAction", {std::string(call.operation)}});
  return call.authorize(arn, conditions, "ec2:CreateTags");
}

}  // namespace nubecita::ec2
