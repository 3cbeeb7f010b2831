// CreateTags, DeleteTags and DescribeTags over every kind. Tags live in the records; a rule's in its security
// group.
#include <map>

#include "services/ec2/dhcp_options.hpp"
#include "services/ec2/filters.hpp"
#include "services/ec2/tagging.hpp"

namespace nubecita::ec2 {
namespace {

/// One tag of one resource, as DescribeTags lists them.
struct Tagged {
  std::string resource_id;
  std::string_view type;
  Tag tag;
  std::string order() const { return resource_id + "/" + tag.name; }
};

const Field<Tagged> kFilters[] = {
    {"key", [](Call&, const Tagged& t) { return Values{t.tag.name}; }},
    {"value", [](Call&, const Tagged& t) { return Values{t.tag.value}; }},
    {"resource-id", [](Call&, const Tagged& t) { return Values{t.resource_id}; }},
    {"resource-type", [](Call&, const Tagged& t) { return Values{std::string(t.type)}; }},
};

/// Calls f<R>() for every kind that has tags, until it answers true.
template <class F>
bool any_kind(F f) {
  return f.template operator()<Vpc>() || f.template operator()<Subnet>() ||
         f.template operator()<InternetGateway>() || f.template operator()<NatGateway>() ||
         f.template operator()<Address>() || f.template operator()<RouteTable>() ||
         f.template operator()<SecurityGroup>() || f.template operator()<NetworkAcl>() ||
         f.template operator()<NetworkInterface>() || f.template operator()<DhcpOptions>();
}

template <class R>
bool is_id_of(std::string_view id) {
  const auto prefix = kKind<R>.prefix;
  return id.size() > prefix.size() && id.starts_with(prefix) && id[prefix.size()] == '-';
}

/// Changes the tags of one resource: authorizes on it, then `change(tags)`.
class Retag {
 public:
  Retag(Call& call, const Conditions& request) : call_(call), request_(request) {}

  template <class Change>
  Status operator()(std::string_view id, Change change) {
    if (id.starts_with("sgr-")) return rule(id, change);
    Status result = fail("InvalidID", "The ID '" + std::string(id) + "' is not valid");
    const bool known = any_kind([&]<class R>() {
      if (!is_id_of<R>(id)) return false;
      result = record<R>(id, change);
      return true;
    });
    if (!known) TRY(call_.authorize("*", request_));
    return result;
  }

 private:
  Status allow(std::string_view type, std::string_view id, Conditions conditions) {
    conditions.insert(conditions.end(), request_.begin(), request_.end());
    return call_.authorize(resource_arn(call_, type, id), conditions);
  }

  template <class R, class Change>
  Status record(std::string_view id, Change change) {
    auto r = find_resource<R>(call_.tx, call_.scope(), id);
    TRY(allow(kKind<R>.type, id, r ? conditions_of(call_, *r) : Conditions{}));
    if (!r) return no_such<R>(id);
    change(r->tags);
    TRY(check_tag_count(r->tags, id));
    call_.tx.put(call_.scope(), *r);
    return {};
  }

  template <class Change>
  Status rule(std::string_view id, Change change) {
    for (auto& group : call_.tx.list<SecurityGroup>(call_.scope()))
      for (auto& r : group.rules) {
        if (r.id != id) continue;
        Conditions conditions;
        add_resource_tags(conditions, r.tags);
        TRY(allow(kRuleType, id, std::move(conditions)));
        change(r.tags);
        TRY(check_tag_count(r.tags, id));
        call_.tx.put(call_.scope(), group);
        return {};
      }
    TRY(allow(kRuleType, id, {}));
    return fail("InvalidSecurityGroupRuleId.NotFound",
                "The security group rule ID '" + std::string(id) + "' does not exist");
  }

  Call& call_;
  const Conditions& request_;
};

void add_all(std::vector<Tagged>& out, const std::string& id, std::string_view type,
             const std::vector<Tag>& tags) {
  for (const auto& tag : tags) out.push_back({id, type, tag});
}

/// Every tag of the account in the region, or only of the resources that an exact resource-id filter names:
/// clients ask so after every change, and should not pay for the rest.
std::vector<Tagged> all_tags(Call& call, const Filters& filters) {
  std::vector<Tagged> out;
  const auto scope = call.scope();
  const model::Filter* ids = nullptr;
  for (const auto& f : filters)
    if (f.name.sv() == "resource-id" && std::ranges::none_of(f.values, [](wire::Text v) {
          return v.sv().find_first_of("*?\\") != std::string_view::npos;
        }))
      ids = &f;
  any_kind([&]<class R>() {
    if (ids) {
      for (const auto& id : ids->values)
        if (is_id_of<R>(id.sv()))
          if (auto r = call.tx.get<R>(scope, id.sv())) add_all(out, r->id, kKind<R>.type, r->tags);
    } else {
      for (const auto& r : call.tx.list<R>(scope)) add_all(out, r.id, kKind<R>.type, r.tags);
    }
    return false;
  });
  const bool rules =
      !ids || std::ranges::any_of(ids->values, [](wire::Text v) { return v.sv().starts_with("sgr-"); });
  if (rules)
    for (const auto& group : call.tx.list<SecurityGroup>(scope))
      for (const auto& r : group.rules) add_all(out, r.id, kRuleType, r.tags);
  return out;
}

}  // namespace

Status create_tags(Call& call, const model::CreateTagsRequest& in, model::CreateTagsResponse&) {
  std::vector<Tag> tags;
  for (const auto& tag : in.tags) tags.push_back({api::str(tag.key), api::str(tag.value)});
  if (in.resources.empty()) return missing("resourceIdSet");
  if (tags.empty()) return missing("tagSet");
  Conditions request;
  add_request_tags(request, tags);
  Retag retag(call, request);
  Status checked = check_tags(tags);
  for (const auto& id : in.resources)
    TRY(retag(id.sv(), [&](std::vector<Tag>& had) {
      for (const auto& tag : tags) {
        auto it = std::ranges::find(had, tag.name, &Tag::name);
        if (it == had.end())
          had.push_back(tag);
        else
          it->value = tag.value;
      }
    }));
  TRY(std::move(checked));
  return end_dry_run(in);
}

Status delete_tags(Call& call, const model::DeleteTagsRequest& in, model::DeleteTagsResponse&) {
  if (in.resources.empty()) return missing("resourceIdSet");
  Conditions request;
  std::vector<std::string> names;
  for (const auto& tag : in.tags) names.push_back(api::str(tag.key));
  if (!names.empty()) request.push_back({"aws:TagKeys", names});
  for (const auto& name : names)
    if (name.starts_with("aws:"))
      return bad_value("Tag keys starting with 'aws:' are reserved for internal use");
  Retag retag(call, request);
  for (const auto& id : in.resources)
    TRY(retag(id.sv(), [&](std::vector<Tag>& had) {
      std::erase_if(had, [&](const Tag& t) {
        if (in.tags.empty()) return true;  // no tags named: all of them
        return std::ranges::any_of(in.tags, [&](const model::Tag& gone) {
          return gone.key.sv() == t.name &&
                 (!gone.value.has() || gone.value.sv() == t.value);  // with a value: only that one
        });
      });
    }));
  return end_dry_run(in);
}

Status describe_tags(Call& call, const model::DescribeTagsRequest& in, model::DescribeTagsResult& out) {
  TRY(allow_read(call));
  TRY(end_dry_run(in));
  const std::span<const Field<Tagged>> fields(kFilters);
  for (const auto& filter : in.filters)  // "tag:<key>" is a filter here too, but "tag-key" is not
    if (!filter.name.sv().starts_with("tag:") && !find_field(fields, filter.name.sv()))
      return unknown_filter(filter.name.sv());
  auto found = all_tags(call, in.filters);
  std::erase_if(found, [&](const Tagged& t) {
    for (const auto& filter : in.filters) {
      if (auto by_tag = match_tags(filter, {t.tag}); by_tag && !*by_tag) return true;
      if (const auto* field = find_field(fields, filter.name.sv());
          field && !any_match(filter, field->values(call, t)))
        return true;
    }
    return false;
  });
  std::ranges::sort(found, {}, &Tagged::order);
  TRY_LET(auto page,
          one_page(call, std::move(found), in, [](const Tagged& t) { return t.order(); }, out.next_token));
  out.tags = call.list<model::TagDescription>(page.size());
  for (size_t i = 0; i < page.size(); ++i) {
    out.tags[i].resource_id = call.text(page[i].resource_id);
    out.tags[i].resource_type = call.text(page[i].type);
    out.tags[i].key = call.text(page[i].tag.name);
    out.tags[i].value = call.text(page[i].tag.value);
  }
  return {};
}

}  // namespace nubecita::ec2
