#include "services/ec2/ec2_bench.hpp"

namespace nubecita::ec2 {
namespace {

class AclTest : public Ec2Test {
 protected:
  std::string vpc_id = vpc();

  std::string acl() {
    model::CreateNetworkAclRequest in{};
    in.vpc_id = text(vpc_id);
    return api::str(bench.run("CreateNetworkAcl", create_network_acl, in)->network_acl->network_acl_id);
  }
  model::CreateNetworkAclEntryRequest entry(std::string_view acl_id, int number) {
    model::CreateNetworkAclEntryRequest in{};
    in.network_acl_id = text(acl_id);
    in.rule_number = number;
    in.egress = false;
    in.rule_action = "allow";
    in.protocol = "tcp";
    in.cidr_block = "10.1.2.3/8";
    auto* range = bench.make<model::PortRange>();
    range->from = 80;
    range->to = 90;
    in.port_range = range;
    return in;
  }
  auto add(const model::CreateNetworkAclEntryRequest& in) {
    return bench.run("CreateNetworkAclEntry", create_network_acl_entry, in);
  }
  model::NetworkAcl show(std::string_view acl_id) {
    model::DescribeNetworkAclsRequest in{};
    in.network_acl_ids = bench.texts({acl_id});
    return bench.run("DescribeNetworkAcls", describe_network_acls, in)->network_acls[0];
  }
};

TEST_F(AclTest, ANewOneDeniesEverything) {
  auto shown = show(acl());
  ASSERT_EQ(shown.entries.size(), 2u);
  for (const auto& e : shown.entries) {
    EXPECT_EQ(*e.rule_number, 32767);
    EXPECT_EQ(e.rule_action, "deny");
    EXPECT_EQ(e.protocol, "-1");
  }
  EXPECT_FALSE(*shown.is_default);
}

TEST_F(AclTest, Entries) {
  const auto id = acl();
  ASSERT_DONE(add(entry(id, 100)));
  auto shown = show(id);
  ASSERT_EQ(shown.entries.size(), 3u);
  const auto& e = shown.entries[1];  // egress ones first, then by number
  EXPECT_EQ(e.cidr_block, "10.0.0.0/8");
  EXPECT_EQ(e.protocol, "6");
  EXPECT_EQ(*e.port_range->to, 90);
  EXPECT_CODE(add(entry(id, 100)), "NetworkAclEntryAlreadyExists");
  EXPECT_CODE(add(entry(id, 0)), "InvalidParameterValue");
  EXPECT_CODE(add(entry(id, 32767)), "InvalidParameterValue");
  auto no_ports = entry(id, 101);
  no_ports.port_range = nullptr;
  EXPECT_CODE(add(no_ports), "MissingParameter");
  auto bad = entry(id, 101);
  bad.protocol = "256";
  EXPECT_CODE(add(bad), "InvalidParameterValue");

  model::DeleteNetworkAclEntryRequest del{};
  del.network_acl_id = text(id);
  del.rule_number = 100;
  del.egress = true;
  EXPECT_CODE(bench.run("DeleteNetworkAclEntry", delete_network_acl_entry, del),
              "InvalidNetworkAclEntry.NotFound");
  del.egress = false;
  ASSERT_DONE(bench.run("DeleteNetworkAclEntry", delete_network_acl_entry, del));
}

TEST_F(AclTest, AssociationsMove) {
  const auto id = acl();
  const auto s = subnet(vpc_id, "10.0.1.0/24");
  auto by_default = show(record<Vpc>(vpc_id)->default_acl);
  ASSERT_EQ(by_default.associations.size(), 1u);
  model::ReplaceNetworkAclAssociationRequest in{};
  in.association_id = by_default.associations[0].network_acl_association_id;
  in.network_acl_id = text(id);
  auto moved = bench.run("ReplaceNetworkAclAssociation", replace_network_acl_association, in);
  ASSERT_DONE(moved);
  EXPECT_EQ(show(id).associations[0].subnet_id, s);
  EXPECT_CODE(bench.run("ReplaceNetworkAclAssociation", replace_network_acl_association, in),
              "InvalidAssociationID.NotFound");
  model::DescribeNetworkAclsRequest ask{};
  ask.filters =
      bench.list<model::Filter>({filter("association.subnet-id", {s}), filter("default", {"false"})});
  auto found = bench.run("DescribeNetworkAcls", describe_network_acls, ask);
  ASSERT_DONE(found);
  ASSERT_EQ(found->network_acls.size(), 1u);

  model::DeleteNetworkAclRequest del{};
  del.network_acl_id = text(id);
  EXPECT_CODE(bench.run("DeleteNetworkAcl", delete_network_acl, del), "DependencyViolation");
  del.network_acl_id = by_default.network_acl_id;
  EXPECT_CODE(bench.run("DeleteNetworkAcl", delete_network_acl, del), "InvalidParameterValue");
}

}  // namespace
}  // namespace nubecita::ec2
