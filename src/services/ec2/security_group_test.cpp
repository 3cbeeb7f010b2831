#include "services/ec2/ec2_bench.hpp"

namespace nubecita::ec2 {
namespace {

class GroupTest : public Ec2Test {
 protected:
  std::string vpc_id = vpc();
  std::string id = group(vpc_id, "web");

  model::IpPermission permission(std::string_view protocol, int from, int to) {
    model::IpPermission p{};
    p.ip_protocol = text(protocol);
    p.from_port = from;
    p.to_port = to;
    return p;
  }
  model::IpPermission open(std::string_view protocol, int from, int to, std::string_view cidr,
                           std::string_view why = {}) {
    auto p = permission(protocol, from, to);
    model::IpRange range{};
    range.cidr_ip = text(cidr);
    if (!why.empty()) range.description = text(why);
    p.ip_ranges = bench.list<model::IpRange>({range});
    return p;
  }
  model::IpPermission from_group(std::string_view protocol, int from, int to, std::string_view group_id) {
    auto p = permission(protocol, from, to);
    model::UserIdGroupPair pair{};
    pair.group_id = text(group_id);
    p.user_id_group_pairs = bench.list<model::UserIdGroupPair>({pair});
    return p;
  }
  auto allow(std::initializer_list<model::IpPermission> permissions, std::string_view group_id = {}) {
    model::AuthorizeSecurityGroupIngressRequest in{};
    in.group_id = text(group_id.empty() ? id : group_id);
    in.ip_permissions = bench.list<model::IpPermission>(permissions);
    return bench.run("AuthorizeSecurityGroupIngress", authorize_security_group_ingress, in);
  }
  auto revoke(std::initializer_list<model::IpPermission> permissions) {
    model::RevokeSecurityGroupIngressRequest in{};
    in.group_id = text(id);
    in.ip_permissions = bench.list<model::IpPermission>(permissions);
    return bench.run("RevokeSecurityGroupIngress", revoke_security_group_ingress, in);
  }
  model::SecurityGroup show(std::string_view group_id) {
    model::DescribeSecurityGroupsRequest in{};
    in.group_ids = bench.texts({group_id});
    return bench.run("DescribeSecurityGroups", describe_security_groups, in)->security_groups[0];
  }
  auto remove(std::string_view group_id) {
    model::DeleteSecurityGroupRequest in{};
    in.group_id = text(group_id);
    return bench.run("DeleteSecurityGroup", delete_security_group, in);
  }
};

TEST_F(GroupTest, ANewOneLetsEverythingOut) {
  auto g = show(id);
  EXPECT_EQ(g.ip_permissions.size(), 0u);
  ASSERT_EQ(g.ip_permissions_egress.size(), 1u);
  EXPECT_EQ(g.ip_permissions_egress[0].ip_protocol, "-1");
  EXPECT_FALSE(g.ip_permissions_egress[0].from_port.has());
  EXPECT_EQ(g.ip_permissions_egress[0].ip_ranges[0].cidr_ip, "0.0.0.0/0");
  EXPECT_TRUE(g.tags.has());

  // Terraform: revoke what AWS has made, then the IPv6 rule that AWS may have made.
  model::RevokeSecurityGroupEgressRequest in{};
  in.group_id = text(id);
  in.ip_permissions = bench.list<model::IpPermission>({open("-1", 0, 0, "0.0.0.0/0")});
  ASSERT_DONE(bench.run("RevokeSecurityGroupEgress", revoke_security_group_egress, in));
  EXPECT_CODE(bench.run("RevokeSecurityGroupEgress", revoke_security_group_egress, in),
              "InvalidPermission.NotFound");
}

TEST_F(GroupTest, RulesAreCanonical) {
  auto out = allow({open("6", 80, 80, "100.68.0.18/18", "web")});
  ASSERT_DONE(out);
  ASSERT_EQ(out->security_group_rules.size(), 1u);
  EXPECT_EQ(out->security_group_rules[0].cidr_ipv4, "100.68.0.0/18");
  EXPECT_EQ(out->security_group_rules[0].ip_protocol, "tcp");
  EXPECT_EQ(out->security_group_rules[0].description, "web");
  auto twice = allow({open("tcp", 80, 80, "100.68.0.0/18")});
  EXPECT_CODE(twice, "InvalidPermission.Duplicate");
  EXPECT_EQ(
      twice.error().message,
      "the specified rule \"peer: 100.68.0.0/18, TCP, from port: 80, to port: 80, ALLOW\" already exists");
  EXPECT_CODE(allow({open("udp", 53, 53, "1.0.0.0/8"), open("17", 53, 53, "1.2.3.4/8")}),
              "InvalidParameterValue");
  ASSERT_DONE(revoke({open("tcp", 80, 80, "100.68.1.1/18")}));
  EXPECT_EQ(show(id).ip_permissions.size(), 0u);
}

TEST_F(GroupTest, RefusesWhatAwsRefuses) {
  EXPECT_CODE(allow({open("tcp", 80, 79, "0.0.0.0/0")}), "InvalidParameterValue");
  EXPECT_CODE(allow({open("tcp", -1, 79, "0.0.0.0/0")}), "InvalidParameterValue");
  EXPECT_CODE(allow({open("tcp", 1, 65536, "0.0.0.0/0")}), "InvalidParameterValue");
  EXPECT_CODE(allow({open("icmp", 300, 0, "0.0.0.0/0")}), "InvalidParameterValue");
  EXPECT_CODE(allow({open("gopher", 1, 2, "0.0.0.0/0")}), "InvalidParameterValue");
  EXPECT_CODE(allow({open("tcp", 1, 2, "0.0.0.0")}), "InvalidParameterValue");
  EXPECT_CODE(allow({open("tcp", 1, 2, "::/0")}), "InvalidParameterValue");
  EXPECT_CODE(allow({permission("tcp", 1, 2)}), "MissingParameter");
  EXPECT_CODE(allow({}), "MissingParameter");
  EXPECT_CODE(allow({from_group("tcp", 1, 2, "sg-0")}), "InvalidGroup.NotFound");
  EXPECT_CODE(allow({from_group("tcp", 1, 2, group(vpc("10.7.0.0/16"), "elsewhere"))}),
              "InvalidGroup.NotFound");
  EXPECT_CODE(allow({open("tcp", 1, 2, "0.0.0.0/0")}, "banana"), "InvalidGroupId.Malformed");
  EXPECT_EQ(record<SecurityGroup>(id)->rules.size(), 1u);
}

TEST_F(GroupTest, AReferencedGroupStays) {
  const auto db = group(vpc_id, "db");
  ASSERT_DONE(allow({from_group("tcp", 3306, 3306, id)}, db));
  auto refused = remove(id);
  EXPECT_CODE(refused, "DependencyViolation");
  EXPECT_EQ(refused.error().message, "resource " + id + " has a dependent object");
  ASSERT_DONE(allow({from_group("tcp", 1, 2, db)}, db));  // itself: no obstacle
  ASSERT_DONE(remove(db));
  ASSERT_DONE(remove(id));
}

TEST_F(GroupTest, AUsedGroupStaysAndTheDefaultOneAlways) {
  NewInterface wanted;
  wanted.security_groups = {id};
  auto eni = interface_in(subnet(vpc_id, "10.0.1.0/24"), wanted);
  ASSERT_DONE(eni);
  EXPECT_CODE(remove(id), "DependencyViolation");
  EXPECT_CODE(remove(record<Vpc>(vpc_id)->default_group), "CannotDelete");
}

TEST_F(GroupTest, PermissionsAreGatheredByPorts) {
  ASSERT_DONE(allow({open("tcp", 80, 80, "1.0.0.0/8"), open("tcp", 80, 80, "2.0.0.0/8"),
                     open("tcp", 443, 443, "1.0.0.0/8"), from_group("tcp", 80, 80, id)}));
  auto g = show(id);
  ASSERT_EQ(g.ip_permissions.size(), 2u);
  EXPECT_EQ(g.ip_permissions[0].ip_ranges.size(), 2u);
  EXPECT_EQ(g.ip_permissions[0].user_id_group_pairs.size(), 1u);
  EXPECT_TRUE(g.ip_permissions[0].prefix_list_ids.has());
}

TEST_F(GroupTest, RulesByTheirIds) {
  auto made = allow({open("tcp", 80, 80, "1.0.0.0/8")});
  const auto rule_id = api::str(made->security_group_rules[0].security_group_rule_id);
  model::ModifySecurityGroupRulesRequest modify{};
  modify.group_id = text(id);
  model::SecurityGroupRuleUpdate update{};
  update.security_group_rule_id = text(rule_id);
  auto* changed = bench.make<model::SecurityGroupRuleRequest>();
  changed->ip_protocol = "tcp";
  changed->from_port = 8080;
  changed->to_port = 8081;
  changed->cidr_ipv4 = "2.0.0.0/8";
  changed->description = "moved";
  update.security_group_rule = changed;
  modify.security_group_rules = bench.list<model::SecurityGroupRuleUpdate>({update});
  ASSERT_DONE(bench.run("ModifySecurityGroupRules", modify_security_group_rules, modify));
  model::DescribeSecurityGroupRulesRequest ask{};
  ask.security_group_rule_ids = bench.texts({rule_id});
  auto shown = bench.run("DescribeSecurityGroupRules", describe_security_group_rules, ask);
  ASSERT_DONE(shown);
  EXPECT_EQ(*shown->security_group_rules[0].from_port, 8080);
  EXPECT_EQ(shown->security_group_rules[0].description, "moved");
  ask = {};
  ask.filters = bench.list<model::Filter>({filter("group-id", {id})});
  EXPECT_EQ(bench.run("DescribeSecurityGroupRules", describe_security_group_rules, ask)
                ->security_group_rules.size(),
            2u);
  model::RevokeSecurityGroupIngressRequest off{};
  off.group_id = text(id);
  off.security_group_rule_ids = bench.texts({rule_id});
  ASSERT_DONE(bench.run("RevokeSecurityGroupIngress", revoke_security_group_ingress, off));
  EXPECT_CODE(bench.run("RevokeSecurityGroupIngress", revoke_security_group_ingress, off),
              "InvalidSecurityGroupRuleId.NotFound");
}

TEST_F(GroupTest, Descriptions) {
  ASSERT_DONE(allow({open("tcp", 80, 80, "1.0.0.0/8", "before")}));
  model::UpdateSecurityGroupRuleDescriptionsIngressRequest in{};
  in.group_id = text(id);
  in.ip_permissions = bench.list<model::IpPermission>({open("tcp", 80, 80, "1.0.0.0/8", "after")});
  ASSERT_DONE(bench.run("UpdateSecurityGroupRuleDescriptionsIngress",
                        update_security_group_rule_descriptions_ingress, in));
  EXPECT_EQ(show(id).ip_permissions[0].ip_ranges[0].description, "after");
}

TEST_F(GroupTest, TheOldFormOfARule) {
  model::AuthorizeSecurityGroupIngressRequest in{};
  in.group_id = text(id);
  in.ip_protocol = "tcp";
  in.from_port = 22;
  in.to_port = 22;
  in.cidr_ip = "10.0.0.0/8";
  ASSERT_DONE(bench.run("AuthorizeSecurityGroupIngress", authorize_security_group_ingress, in));
  EXPECT_EQ(*show(id).ip_permissions[0].from_port, 22);
}

TEST_F(GroupTest, NamesAreCheckedAndUniqueInTheirVpc) {
  model::CreateSecurityGroupRequest in{};
  in.vpc_id = text(vpc_id);
  in.description = "x";
  in.group_name = "web";
  auto twice = bench.run("CreateSecurityGroup", create_security_group, in);
  EXPECT_CODE(twice, "InvalidGroup.Duplicate");
  EXPECT_EQ(twice.error().message, "The security group 'web' already exists for VPC '" + vpc_id + "'");
  in.group_name = "sg-web";
  EXPECT_CODE(bench.run("CreateSecurityGroup", create_security_group, in), "InvalidParameterValue");
  in.group_name = "default";
  EXPECT_CODE(bench.run("CreateSecurityGroup", create_security_group, in), "InvalidGroup.Reserved");
  in.group_name = "other";
  in.vpc_id = {};
  EXPECT_CODE(bench.run("CreateSecurityGroup", create_security_group, in), "VPCIdNotSpecified");
}

TEST_F(GroupTest, ConcurrentRulesAreBothKept) {
  // Another request adds a rule between this one's reads and its commit: this one must run again, not
  // overwrite it.
  bool once = true;
  bench.before_commit = [&] {
    if (!once) return;
    once = false;
    ASSERT_DONE(bench.transact([&](store::Transaction& tx) -> Status {
      auto g = *tx.get<SecurityGroup>(bench.scope(), id);
      GroupRule r;
      r.id = "sgr-other";
      r.protocol = "tcp";
      r.from = r.to = 1;
      r.cidr = "9.0.0.0/8";
      g.rules.push_back(r);
      tx.put(bench.scope(), g);
      return {};
    }));
  };
  ASSERT_DONE(allow({open("tcp", 80, 80, "1.0.0.0/8")}));
  EXPECT_EQ(record<SecurityGroup>(id)->rules.size(), 3u);
}

}  // namespace
}  // namespace nubecita::ec2
