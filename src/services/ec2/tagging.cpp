#include "services/ec2/tagging.hpp"

#include <set>

namespace nubecita::ec2 {
namespace {
/// Characters as a client counts them (UTF-8 continuation bytes do not count).
size_t characters(std::string_view s) {
  size_t n = 0;
  for (unsigned char c : s) n += (c & 0xc0) != 0x80;
  return n;
}
}  // namespace

Status check_tags(const std::vector<Tag>& tags) {
  std::set<std::string_view> seen;
  for (const auto& tag : tags) {
    if (tag.name.empty()) return bad_value("Tag key cannot be null or empty.");
    if (characters(tag.name) > 127) return bad_value("Tag key exceeds the maximum length of 127 characters");
    if (characters(tag.value) > 256)
      return bad_value("Tag value exceeds the maximum length of 256 characters");
    if (tag.name.starts_with("aws:"))
      return bad_value("Tag keys starting with 'aws:' are reserved for internal use");
    if (!seen.insert(tag.name).second) return bad_value("Duplicate tag key '" + tag.name + "' specified.");
  }
  return {};
}

Status check_tag_count(const std::vector<Tag>& tags, std::string_view resource) {
  if (tags.size() > 50)
    return fail("TagLimitExceeded",
                "The maximum number of tags for resource '" + std::string(resource) + "' is 50.");
  return {};
}

Result<std::vector<Tag>> new_tags(const wire::List<model::TagSpecification>& specifications,
                                  std::string_view type) {
  std::vector<Tag> tags;
  for (const auto& specification : specifications) {
    if (specification.resource_type.sv() != type)
      return bad_value("'" + std::string(specification.resource_type.sv()) +
                       "' is not a valid taggable resource type for this operation.");
    for (const auto& tag : specification.tags) tags.push_back({api::str(tag.key), api::str(tag.value)});
  }
  TRY(check_tags(tags));
  TRY(check_tag_count(tags, type));
  return tags;
}

wire::List<model::Tag> render_tags(Call& call, const std::vector<Tag>& tags) {
  auto out = call.list<model::Tag>(tags.size());
  for (size_t i = 0; i < tags.size(); ++i) {
    out[i].key = call.text(tags[i].name);
    out[i].value = call.text(tags[i].value);
  }
  return out;
}

}  // namespace nubecita::ec2
