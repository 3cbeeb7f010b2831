// TagResource, UntagResource, ListTagsOfResource.
#include "services/dynamodb/tags.hpp"

#include <algorithm>

#include "api/call.hpp"
#include "services/dynamodb/access.hpp"
#include "services/dynamodb/changes.hpp"
#include "services/dynamodb/errors.hpp"

namespace nubecita::dynamodb {
namespace {

constexpr size_t kMostTags = 50;

Result<TablePtr> tagged_table(api::Call& call, wire::Text arn, const api::Conditions& asked) {
  if (!arn.sv().starts_with("arn:"))
    return invalid("Invalid TableArn: ARNs must start with 'arn:': " + api::str(arn));
  auto name = table_name(call, arn);
  if (!name) {
    if (name.error().code == "AccessDeniedException") return fail(name.error());
    return invalid("Invalid TableArn: Invalid ResourceArn provided as input " + api::str(arn));
  }
  TRY(call.authorize(table_arn(call.scope(), *name), asked));
  auto table = find_table(call.tx, call.scope(), *name);
  if (!table)
    return fail("ResourceNotFoundException",
                "Requested resource not found: ResourcArn: " + api::str(arn) + " not found");
  return table;
}

// Letters, digits, blanks and _.:/=+-@; beyond ASCII we do not judge.
bool tag_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view(" _.:/=+-@").find(c) != std::string_view::npos;
  });
}

}  // namespace

Status add_tags(Table& table, const wire::List<model::Tag>& tags) {
  std::map<std::string, std::string> given;
  for (auto& t : tags) {
    if (t.key.sv().starts_with("aws:"))
      return invalid(
          "One or more parameter values were invalid: Invalid tag key: keys that begin with aws: are "
          "reserved: " +
          api::str(t.key));
    if (!tag_text(t.key) || !tag_text(t.value))
      return invalid(
          "One or more parameter values were invalid: a tag has a character that is not allowed: " +
          api::str(t.key));
    if (!given.emplace(api::str(t.key), api::str(t.value)).second)
      return invalid("One or more parameter values were invalid: Duplicate tag key: " + api::str(t.key));
  }
  for (auto& [k, v] : given) table.tags[k] = v;
  if (table.tags.size() > kMostTags)
    return invalid("One or more parameter values were invalid: Too many tags: the limit is " +
                   std::to_string(kMostTags));
  return {};
}

Status tag_resource(api::Call& call, const model::TagResourceInput& in, model::TagResourceResponse&) {
  api::Conditions asked;
  for (auto& t : in.tags) asked.push_back({"aws:RequestTag/" + api::str(t.key), {api::str(t.value)}});
  TRY_LET(auto found, tagged_table(call, in.resource_arn, asked));
  if (in.tags.empty())
    return invalid(
        "1 validation error detected: Value '[]' at 'tags' failed to satisfy constraint: The number of tags "
        "must be at least 1");
  Table table = *found;
  TRY(add_tags(table, in.tags));
  put_table(call.tx, call.scope(), table);
  return {};
}

Status untag_resource(api::Call& call, const model::UntagResourceInput& in, model::UntagResourceResponse&) {
  TRY_LET(auto found, tagged_table(call, in.resource_arn, {}));
  if (in.tag_keys.empty())
    return invalid(
        "1 validation error detected: Value '[]' at 'tagKeys' failed to satisfy constraint: The number of "
        "tag keys must be at least 1");
  Table table = *found;
  for (auto& k : in.tag_keys) table.tags.erase(api::str(k));
  put_table(call.tx, call.scope(), table);
  return {};
}

Status list_tags_of_resource(api::Call& call, const model::ListTagsOfResourceInput& in,
                             model::ListTagsOfResourceOutput& out) {
  TRY_LET(auto table, tagged_table(call, in.resource_arn, {}));
  out.tags = call.list<model::Tag>(table->tags.size());
  size_t i = 0;
  for (auto& [k, v] : table->tags) out.tags[i++] = {call.text(k), call.text(v)};
  return {};
}

}  // namespace nubecita::dynamodb
