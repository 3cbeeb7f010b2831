// Rules of security groups: authorize, revoke, describe, modify. A change reaches the packets with the next
// reconcile of the group's interfaces; connections that are already tracked live on, as in AWS.
#include "base/ids.hpp"
#include "services/ec2/filters.hpp"
#include "services/ec2/group_lookup.hpp"
#include "services/ec2/group_rules.hpp"
#include "services/ec2/tagging.hpp"

namespace nubecita::ec2 {
namespace {

constexpr size_t kMostRules = 1000;  // AWS's hard limit of rules times groups per interface

/// A rule with the group that it belongs to.
struct Placed {
  const SecurityGroup* group;
  const GroupRule* rule;
  std::vector<Tag> tags;
};

const Field<Placed> kFilters[] = {
    {"group-id", [](Call&, const Placed& p) { return Values{p.group->id}; }},
    {"security-group-rule-id", [](Call&, const Placed& p) { return Values{p.rule->id}; }},
};

std::unexpected<ApiError> no_such_rule(std::string_view id) {
  return fail("InvalidSecurityGroupRuleId.NotFound",
              "The security group rule ID '" + std::string(id) + "' does not exist");
}

GroupRule* find_rule(SecurityGroup& group, std::string_view id) {
  auto it = std::ranges::find(group.rules, id, &GroupRule::id);
  return it == group.rules.end() ? nullptr : &*it;
}
GroupRule* find_same(SecurityGroup& group, const GroupRule& wanted) {
  auto it = std::ranges::find_if(group.rules, [&](const GroupRule& r) { return same_traffic(r, wanted); });
  return it == group.rules.end() ? nullptr : &*it;
}

template <class In, class Out>
Status authorize_rules(Call& call, const In& in, wire::Text group_name, bool egress, Out& out) {
  TRY_LET(auto tags, new_tags(in.tag_specifications, kRuleType));
  TRY_LET(auto group, need_group(call, in.group_id, group_name));
  if (!tags.empty()) {
    Conditions conditions{{"ec2:CreateAction", {std::string(call.operation)}}};
    add_request_tags(conditions, tags);
    TRY(call.authorize(resource_arn(call, kRuleType, "*"), conditions, "ec2:CreateTags"));
  }
  TRY(end_dry_run(in));
  const auto permissions = permissions_of(call, in);
  if (permissions.empty()) return missing("ipPermissions");
  TRY_LET(auto rules, read_permissions(call, group, permissions, egress));
  for (auto& rule : rules) {
    if (find_same(group, rule)) return duplicate_rule(rule);
    rule.id = resource_id("sgr");
    rule.tags = tags;
  }
  group.rules.insert(group.rules.end(), rules.begin(), rules.end());
  if (static_cast<size_t>(std::ranges::count(group.rules, egress, &GroupRule::egress)) > kMostRules)
    return fail("RulesPerSecurityGroupLimitExceeded",
                "The maximum number of rules per security group has been reached.");
  call.tx.put(call.scope(), group);
  out.return_ = true;
  out.security_group_rules = call.list<model::SecurityGroupRule>(rules.size());
  for (size_t i = 0; i < rules.size(); ++i) render(call, group, rules[i], out.security_group_rules[i]);
  return {};
}

/// The rules that a request to revoke names, by id or by what they allow.
template <class In>
Result<std::vector<std::string>> rules_to_revoke(Call& call, const In& in, SecurityGroup& group,
                                                 bool egress) {
  std::vector<std::string> ids;
  const auto permissions = permissions_of(call, in);
  if (permissions.empty() && in.security_group_rule_ids.empty())
    return fail("MissingParameter", "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.");
  if (!permissions.empty() && !in.security_group_rule_ids.empty())
    return fail("InvalidParameterCombination",
                "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided, not both.");
  for (const auto& id : in.security_group_rule_ids) {
    auto* rule = find_rule(group, id.sv());
    if (!rule || rule->egress != egress) return no_such_rule(id.sv());
    ids.push_back(rule->id);
  }
  TRY_LET(auto wanted, read_permissions(call, group, permissions, egress));
  for (const auto& rule : wanted) {
    auto* found = find_same(group, rule);
    if (!found)
      return fail("InvalidPermission.NotFound", "The specified rule does not exist in this security group.");
    ids.push_back(found->id);
  }
  return ids;
}

template <class In, class Out>
Status revoke_rules(Call& call, const In& in, wire::Text group_name, bool egress, Out& out) {
  TRY_LET(auto group, need_group(call, in.group_id, group_name));
  TRY(end_dry_run(in));
  TRY_LET(const auto ids, rules_to_revoke(call, in, group, egress));
  out.return_ = true;
  out.unknown_ip_permissions = call.list<model::IpPermission>(0);
  out.revoked_security_group_rules = call.list<model::RevokedSecurityGroupRule>(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto* rule = find_rule(group, ids[i]);
    if (!rule) return bad_value("The same permission must not appear multiple times");
    auto& o = out.revoked_security_group_rules[i];
    o.security_group_rule_id = call.text(rule->id);
    o.group_id = call.text(group.id);
    o.is_egress = rule->egress;
    o.ip_protocol = call.text(rule->protocol);
    o.from_port = rule->from;
    o.to_port = rule->to;
    if (!rule->group_id.empty())
      o.referenced_group_id = call.text(rule->group_id);
    else if (rule->cidr.find(':') != std::string::npos)
      o.cidr_ipv6 = call.text(rule->cidr);
    else
      o.cidr_ipv4 = call.text(rule->cidr);
    if (!rule->description.empty()) o.description = call.text(rule->description);
    group.rules.erase(group.rules.begin() + (rule - group.rules.data()));
  }
  call.tx.put(call.scope(), group);
  return {};
}

template <class In, class Out>
Status update_descriptions(Call& call, const In& in, bool egress, Out& out) {
  TRY_LET(auto group, need_group(call, in.group_id, in.group_name));
  TRY(end_dry_run(in));
  if (in.ip_permissions.empty() && in.security_group_rule_descriptions.empty())
    return fail("MissingParameter",
                "Either 'ipPermissions' or 'securityGroupRuleDescriptions' should be provided.");
  TRY_LET(auto wanted, read_permissions(call, group, in.ip_permissions, egress));
  for (const auto& rule : wanted) {
    auto* found = find_same(group, rule);
    if (!found)
      return fail("InvalidPermission.NotFound", "The specified rule does not exist in this security group.");
    found->description = rule.description;
  }
  for (const auto& d : in.security_group_rule_descriptions) {
    auto* found = find_rule(group, d.security_group_rule_id.sv());
    if (!found || found->egress != egress) return no_such_rule(d.security_group_rule_id.sv());
    TRY(check_rule_description(d.description.sv()));
    found->description = api::str(d.description);
  }
  call.tx.put(call.scope(), group);
  out.return_ = true;
  return {};
}

}  // namespace

Status authorize_security_group_ingress(Call& call, const model::AuthorizeSecurityGroupIngressRequest& in,
                                        model::AuthorizeSecurityGroupIngressResult& out) {
  return authorize_rules(call, in, in.group_name, false, out);
}
Status authorize_security_group_egress(Call& call, const model::AuthorizeSecurityGroupEgressRequest& in,
                                       model::AuthorizeSecurityGroupEgressResult& out) {
  return authorize_rules(call, in, {}, true, out);
}
Status revoke_security_group_ingress(Call& call, const model::RevokeSecurityGroupIngressRequest& in,
                                     model::RevokeSecurityGroupIngressResult& out) {
  return revoke_rules(call, in, in.group_name, false, out);
}
Status revoke_security_group_egress(Call& call, const model::RevokeSecurityGroupEgressRequest& in,
                                    model::RevokeSecurityGroupEgressResult& out) {
  return revoke_rules(call, in, {}, true, out);
}
Status update_security_group_rule_descriptions_ingress(
    Call& call, const model::UpdateSecurityGroupRuleDescriptionsIngressRequest& in,
    model::UpdateSecurityGroupRuleDescriptionsIngressResult& out) {
  return update_descriptions(call, in, false, out);
}
Status update_security_group_rule_descriptions_egress(
    Call& call, const model::UpdateSecurityGroupRuleDescriptionsEgressRequest& in,
    model::UpdateSecurityGroupRuleDescriptionsEgressResult& out) {
  return update_descriptions(call, in, true, out);
}

Status modify_security_group_rules(Call& call, const model::ModifySecurityGroupRulesRequest& in,
                                   model::ModifySecurityGroupRulesResult& out) {
  TRY_LET(auto group, need_group(call, in.group_id, {}));
  TRY(end_dry_run(in));
  for (const auto& update : in.security_group_rules) {
    auto* rule = find_rule(group, update.security_group_rule_id.sv());
    if (!rule) return no_such_rule(update.security_group_rule_id.sv());
    if (!update.security_group_rule) continue;
    TRY_LET(auto changed, read_rule(call, group, *update.security_group_rule, rule->egress));
    if (auto* other = find_same(group, changed); other && other != rule) return duplicate_rule(changed);
    changed.id = rule->id;
    changed.tags = rule->tags;
    *rule = std::move(changed);
  }
  call.tx.put(call.scope(), group);
  out.return_ = true;
  return {};
}

Status describe_security_group_rules(Call& call, const model::DescribeSecurityGroupRulesRequest& in,
                                     model::DescribeSecurityGroupRulesResult& out) {
  TRY(allow_read(call));
  TRY(end_dry_run(in));
  const std::span<const Field<Placed>> fields(kFilters);
  TRY(check_filters(in.filters, fields));
  const auto groups = call.tx.list<SecurityGroup>(call.scope());
  std::vector<Placed> found;
  for (const auto& group : groups)
    for (const auto& rule : group.rules) found.push_back({&group, &rule, rule.tags});
  if (!in.security_group_rule_ids.empty()) {
    auto named = [&](const Placed& p) {
      return std::ranges::any_of(in.security_group_rule_ids,
                                 [&](wire::Text id) { return id.sv() == p.rule->id; });
    };
    for (const auto& id : in.security_group_rule_ids)
      if (std::ranges::none_of(found, [&](const Placed& p) { return p.rule->id == id.sv(); }))
        return no_such_rule(id.sv());
    std::erase_if(found, [&](const Placed& p) { return !named(p); });
  }
  std::erase_if(found, [&](const Placed& p) { return !passes(in.filters, fields, call, p); });
  std::ranges::sort(found, {}, [](const Placed& p) { return p.rule->id; });
  TRY_LET(auto page,
          one_page(call, std::move(found), in, [](const Placed& p) { return p.rule->id; }, out.next_token));
  out.security_group_rules = call.list<model::SecurityGroupRule>(page.size());
  for (size_t i = 0; i < page.size(); ++i)
    render(call, *page[i].group, *page[i].rule, out.security_group_rules[i]);
  return {};
}

}  // namespace nubecita::ec2
