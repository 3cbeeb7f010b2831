// Security group rules: read from the API's permissions (which hold many rules each), compared, shown. AWS
// canonicalises CIDRs and protocols, so two spellings of one rule are the same rule. One thread, as the call.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/ec2.hpp"
#include "services/ec2/access.hpp"

namespace nubecita::ec2 {

using Permissions = wire::List<model::IpPermission>;

/// The rules that `permissions` describe for `group`, without ids. Errors for what AWS refuses: bad ports,
/// malformed blocks, groups that are not there or in another VPC, the same rule twice.
Result<std::vector<GroupRule>> read_permissions(Call& call, const SecurityGroup& group,
                                                const Permissions& permissions, bool egress);
/// The same for one rule of ModifySecurityGroupRules.
Result<GroupRule> read_rule(Call& call, const SecurityGroup& group, const model::SecurityGroupRuleRequest& in,
                            bool egress);

/// One rule of the older form of the request: protocol, ports and a block or a group's name as members of
/// their own.
template <class In>
Permissions permissions_of(Call& call, const In& in) {
  const bool flat = !in.ip_protocol.empty() || !in.cidr_ip.empty() || !in.source_security_group_name.empty();
  if (!flat) return in.ip_permissions;
  auto out = call.list<model::IpPermission>(1);
  auto& p = out[0];
  p.ip_protocol = in.ip_protocol;
  if (p.ip_protocol.empty()) p.ip_protocol = "-1";
  p.from_port = in.from_port;
  p.to_port = in.to_port;
  if (!in.cidr_ip.empty()) {
    p.ip_ranges = call.list<model::IpRange>(1);
    p.ip_ranges[0].cidr_ip = in.cidr_ip;
  }
  if (!in.source_security_group_name.empty()) {
    p.user_id_group_pairs = call.list<model::UserIdGroupPair>(1);
    p.user_id_group_pairs[0].group_name = in.source_security_group_name;
    p.user_id_group_pairs[0].user_id = in.source_security_group_owner_id;
  }
  return out;
}

/// At most 255 characters of those that AWS takes in names and descriptions of groups and rules.
bool plain_text(std::string_view s);
Status check_rule_description(std::string_view text);

/// The same traffic; ids, descriptions and tags do not matter.
bool same_traffic(const GroupRule& a, const GroupRule& b);
/// "peer: 10.0.0.0/16, TCP, from port: 80, to port: 80, ALLOW", as AWS's errors put it.
std::string rule_text(const GroupRule& rule);
std::unexpected<ApiError> duplicate_rule(const GroupRule& rule);

/// Rules of one direction, gathered by protocol and ports.
wire::List<model::IpPermission> render_permissions(Call& call, const SecurityGroup& group, bool egress);
void render(Call& call, const SecurityGroup& group, const GroupRule& rule, model::SecurityGroupRule& out);

}  // namespace nubecita::ec2
