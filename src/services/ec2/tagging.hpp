// Tags of EC2 resources: those given at creation, and rendering them. The operations on tags are in tags.cpp.
#pragma once

#include <string_view>
#include <vector>

#include "models/ec2.hpp"
#include "services/ec2/access.hpp"

namespace nubecita::ec2 {

/// The tags that TagSpecifications give a new resource of `type` (e.g. "internet-gateway"). Refuses other
/// types, reserved and overlong keys, twins, more than 50.
Result<std::vector<Tag>> new_tags(const wire::List<model::TagSpecification>& specifications,
                                  std::string_view type);
/// Errors for keys and values that AWS refuses.
Status check_tags(const std::vector<Tag>& tags);
/// Error when a resource would have more than 50.
Status check_tag_count(const std::vector<Tag>& tags, std::string_view resource);

wire::List<model::Tag> render_tags(Call& call, const std::vector<Tag>& tags);

}  // namespace nubecita::ec2
