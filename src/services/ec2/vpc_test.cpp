#include "base/cidr.hpp"
#include "services/ec2/ec2_bench.hpp"
#include "services/ec2/interfaces.hpp"

namespace nubecita::ec2 {
namespace {

class VpcTest : public Ec2Test {};

TEST_F(VpcTest, ComesWithItsDefaultObjects) {
  const auto id = vpc();
  auto v = *record<Vpc>(id);
  auto table = *record<RouteTable>(v.main_route_table);
  ASSERT_EQ(table.routes.size(), 1u);
  EXPECT_EQ(table.routes[0].destination, "10.0.0.0/16");
  EXPECT_EQ(table.routes[0].target, "local");
  ASSERT_EQ(table.associations.size(), 1u);
  EXPECT_TRUE(table.associations[0].main);
  auto acl = *record<NetworkAcl>(v.default_acl);
  EXPECT_TRUE(acl.is_default);
  EXPECT_EQ(acl.entries.size(), 2u);
  auto group = *record<SecurityGroup>(v.default_group);
  EXPECT_EQ(group.name, "default");
  ASSERT_EQ(group.rules.size(), 2u);
  EXPECT_EQ(group.rules[1].group_id, group.id);
}

TEST_F(VpcTest, CanonicalisesAndChecksItsBlock) {
  model::CreateVpcRequest in{};
  in.cidr_block = "10.1.2.3/16";
  auto out = bench.run("CreateVpc", create_vpc, in);
  ASSERT_DONE(out);
  EXPECT_EQ(out->vpc->cidr_block, "10.1.0.0/16");
  EXPECT_EQ(out->vpc->state, "pending");
  for (auto bad : {"10.0.0.0/15", "10.0.0.0/29", "127.0.0.0/16", "169.254.0.0/16", "224.0.0.0/16"}) {
    in.cidr_block = text(bad);
    EXPECT_CODE(bench.run("CreateVpc", create_vpc, in), "InvalidVpc.Range");
  }
  in.cidr_block = "10.0.0.0";
  auto malformed = bench.run("CreateVpc", create_vpc, in);
  EXPECT_CODE(malformed, "InvalidParameterValue");
  EXPECT_EQ(malformed.error().message,
            "Value (10.0.0.0) for parameter cidrBlock is invalid. This is not a valid CIDR block.");
  in.cidr_block = {};
  EXPECT_CODE(bench.run("CreateVpc", create_vpc, in), "MissingParameter");
  in.cidr_block = "10.0.0.0/16";
  in.instance_tenancy = "dedicated";
  EXPECT_CODE(bench.run("CreateVpc", create_vpc, in), "UnsupportedOperation");
}

TEST_F(VpcTest, DryRunMakesNothing) {
  model::CreateVpcRequest in{};
  in.cidr_block = "10.0.0.0/16";
  in.dry_run = true;
  auto out = bench.run("CreateVpc", create_vpc, in);
  EXPECT_CODE(out, "DryRunOperation");
  EXPECT_EQ(out.error().status, 412);
  EXPECT_TRUE(bench.look([&](auto& tx) { return tx.template list<Vpc>(bench.scope()); }).empty());
  bench.authorizer.allow = [](auto&) { return false; };
  EXPECT_CODE(bench.run("CreateVpc", create_vpc, in), "AccessDenied");
}

TEST_F(VpcTest, AsksForTaggingToo) {
  model::CreateVpcRequest in{};
  in.cidr_block = "10.0.0.0/16";
  in.tag_specifications = tags("vpc", "env", "test");
  bench.authorizer.allow = [](const auto& asked) { return asked.action != "ec2:CreateTags"; };
  EXPECT_CODE(bench.run("CreateVpc", create_vpc, in), "AccessDenied");
  EXPECT_TRUE(bench.authorizer.was_asked("ec2:CreateVpc", "arn:aws:ec2:us-east-1:111122223333:vpc/*"));
  bool request_tag = false;
  for (const auto& [key, values] : bench.authorizer.asked[0].conditions)
    request_tag |= key == "aws:RequestTag/env" && values[0] == "test";
  EXPECT_TRUE(request_tag);
  in.tag_specifications = tags("subnet", "env", "test");
  EXPECT_CODE(bench.run("CreateVpc", create_vpc, in), "InvalidParameterValue");
}

TEST_F(VpcTest, DescribesByIdFilterAndPage) {
  std::vector<std::string> ids;
  for (int i = 0; i < 7; ++i) ids.push_back(vpc("10." + std::to_string(i) + ".0.0/16"));
  model::DescribeVpcsRequest in{};
  in.filters = bench.list<model::Filter>({filter("cidr", {"10.1.*", "10.2.0.?/16"})});
  auto some = bench.run("DescribeVpcs", describe_vpcs, in);
  ASSERT_DONE(some);
  EXPECT_EQ(some->vpcs.size(), 2u);

  in = {};
  in.max_results = 5;
  auto first = bench.run("DescribeVpcs", describe_vpcs, in);
  ASSERT_DONE(first);
  EXPECT_EQ(first->vpcs.size(), 5u);
  ASSERT_TRUE(first->next_token.has());
  in.next_token = first->next_token;
  auto rest = bench.run("DescribeVpcs", describe_vpcs, in);
  ASSERT_DONE(rest);
  EXPECT_EQ(rest->vpcs.size(), 2u);
  EXPECT_FALSE(rest->next_token.has());
  in.next_token = "nonsense";
  EXPECT_CODE(bench.run("DescribeVpcs", describe_vpcs, in), "InvalidNextToken");
  in = {};
  in.max_results = 4;
  EXPECT_CODE(bench.run("DescribeVpcs", describe_vpcs, in), "InvalidParameterValue");

  in = {};
  in.vpc_ids = bench.texts({"vpc-0123456789abcdef0"});
  auto missing_vpc = bench.run("DescribeVpcs", describe_vpcs, in);
  EXPECT_CODE(missing_vpc, "InvalidVpcID.NotFound");
  EXPECT_EQ(missing_vpc.error().message, "The vpc ID 'vpc-0123456789abcdef0' does not exist");
  in = {};
  in.filters = bench.list<model::Filter>({filter("colour", {"blue"})});
  auto unknown = bench.run("DescribeVpcs", describe_vpcs, in);
  EXPECT_CODE(unknown, "InvalidParameterValue");
  EXPECT_EQ(unknown.error().message, "The filter 'colour' is invalid");
}

TEST_F(VpcTest, RefusesToGoWhileInUse) {
  const auto id = vpc();
  const auto s = subnet(id, "10.0.1.0/24");
  auto refused = remove_vpc(id);
  EXPECT_CODE(refused, "DependencyViolation");
  EXPECT_EQ(refused.error().message, "The vpc '" + id + "' has dependencies and cannot be deleted.");
  model::DeleteSubnetRequest in{};
  in.subnet_id = text(s);
  ASSERT_DONE(bench.run("DeleteSubnet", delete_subnet, in));
  const auto igw = gateway(id);
  EXPECT_CODE(remove_vpc(id), "DependencyViolation");
  model::DetachInternetGatewayRequest detach{};
  detach.internet_gateway_id = text(igw);
  detach.vpc_id = text(id);
  ASSERT_DONE(bench.run("DetachInternetGateway", detach_internet_gateway, detach));
  const auto g = group(id, "extra");
  EXPECT_CODE(remove_vpc(id), "DependencyViolation");
  model::DeleteSecurityGroupRequest del{};
  del.group_id = text(g);
  ASSERT_DONE(bench.run("DeleteSecurityGroup", delete_security_group, del));
  ASSERT_DONE(remove_vpc(id));
  EXPECT_CODE(remove_vpc(id), "InvalidVpcID.NotFound");
  bench.look([&](auto& tx) {
    EXPECT_TRUE(tx.template list<RouteTable>(bench.scope()).empty());
    EXPECT_TRUE(tx.template list<NetworkAcl>(bench.scope()).empty());
    EXPECT_TRUE(tx.template list<SecurityGroup>(bench.scope()).empty());
    return 0;
  });
}

TEST_F(VpcTest, Attributes) {
  const auto id = vpc();
  model::ModifyVpcAttributeRequest in{};
  in.vpc_id = text(id);
  auto* on = bench.make<model::AttributeBooleanValue>();
  on->value = true;
  in.enable_dns_hostnames = on;
  ASSERT_DONE(bench.run("ModifyVpcAttribute", modify_vpc_attribute, in));
  model::DescribeVpcAttributeRequest ask{};
  ask.vpc_id = text(id);
  ask.attribute = "enableDnsHostnames";
  auto out = bench.run("DescribeVpcAttribute", describe_vpc_attribute, ask);
  ASSERT_DONE(out);
  EXPECT_TRUE(*out->enable_dns_hostnames->value);
  EXPECT_EQ(out->enable_dns_support, nullptr);
  in.enable_dns_support = on;
  EXPECT_CODE(bench.run("ModifyVpcAttribute", modify_vpc_attribute, in), "InvalidParameterCombination");
  in = {};
  in.vpc_id = text(id);
  in.enable_network_address_usage_metrics = on;
  EXPECT_CODE(bench.run("ModifyVpcAttribute", modify_vpc_attribute, in), "UnsupportedOperation");
}

TEST_F(VpcTest, SecondaryBlocks) {
  const auto id = vpc();
  model::AssociateVpcCidrBlockRequest in{};
  in.vpc_id = text(id);
  in.cidr_block = "10.0.128.0/17";
  EXPECT_CODE(bench.run("AssociateVpcCidrBlock", associate_vpc_cidr_block, in), "CidrConflict");
  in.cidr_block = "10.9.0.0/16";
  auto out = bench.run("AssociateVpcCidrBlock", associate_vpc_cidr_block, in);
  ASSERT_DONE(out);
  auto table = *record<RouteTable>(record<Vpc>(id)->main_route_table);
  ASSERT_EQ(table.routes.size(), 2u);
  EXPECT_EQ(table.routes[1].destination, "10.9.0.0/16");
  const auto s = subnet(id, "10.9.1.0/24");
  model::DisassociateVpcCidrBlockRequest undo{};
  undo.association_id = out->cidr_block_association->association_id;
  EXPECT_CODE(bench.run("DisassociateVpcCidrBlock", disassociate_vpc_cidr_block, undo),
              "InvalidCidrBlock.InUse");
  model::DeleteSubnetRequest del{};
  del.subnet_id = text(s);
  ASSERT_DONE(bench.run("DeleteSubnet", delete_subnet, del));
  ASSERT_DONE(bench.run("DisassociateVpcCidrBlock", disassociate_vpc_cidr_block, undo));
  EXPECT_EQ(record<RouteTable>(table.id)->routes.size(), 1u);
  EXPECT_CODE(bench.run("DisassociateVpcCidrBlock", disassociate_vpc_cidr_block, undo),
              "InvalidVpcCidrBlockAssociationID.NotFound");
  undo.association_id = text(primary_association(*record<Vpc>(id)));
  EXPECT_CODE(bench.run("DisassociateVpcCidrBlock", disassociate_vpc_cidr_block, undo),
              "OperationNotPermitted");
}

TEST_F(VpcTest, DefaultVpc) {
  auto out = bench.run("CreateDefaultVpc", create_default_vpc, model::CreateDefaultVpcRequest{});
  ASSERT_DONE(out);
  EXPECT_TRUE(*out->vpc->is_default);
  EXPECT_CODE(bench.run("CreateDefaultVpc", create_default_vpc, model::CreateDefaultVpcRequest{}),
              "DefaultVpcAlreadyExists");
  auto subnets =
      bench.look([&](auto& tx) { return in_vpc<Subnet>(tx, bench.scope(), out->vpc->vpc_id.sv()); });
  ASSERT_EQ(subnets.size(), 3u);
  model::CreateDefaultSubnetRequest again{};
  again.availability_zone = "us-east-1b";
  EXPECT_CODE(bench.run("CreateDefaultSubnet", create_default_subnet, again),
              "DefaultSubnetAlreadyExistsInAvailabilityZone");
}

TEST_F(VpcTest, ClassicLinkAnswersWhatProvider322Accepts) {
  auto out = bench.run("DescribeVpcClassicLinkDnsSupport", describe_vpc_classic_link_dns_support,
                       model::DescribeVpcClassicLinkDnsSupportRequest{});
  EXPECT_CODE(out, "UnsupportedOperation");
  EXPECT_EQ(out.error().message, "The functionality you requested is not available in this region.");
}

TEST_F(VpcTest, SubnetsMustFitAndNotMeet) {
  const auto id = vpc();
  subnet(id, "10.0.1.0/24");
  EXPECT_CODE(try_subnet(id, "10.0.1.128/25"), "InvalidSubnet.Conflict");
  EXPECT_CODE(try_subnet(id, "10.1.0.0/24"), "InvalidSubnet.Range");
  EXPECT_CODE(try_subnet(id, "10.0.2.0/29"), "InvalidSubnet.Range");
  EXPECT_CODE(try_subnet(id, "10.0.2.0/24", "us-east-1z"), "InvalidParameterValue");
  EXPECT_CODE(try_subnet("vpc-0", "10.0.2.0/24"), "InvalidVpcID.NotFound");
  auto out = try_subnet(id, "10.0.2.9/28", "us-east-1c");
  ASSERT_DONE(out);
  EXPECT_EQ(out->subnet->cidr_block, "10.0.2.0/28");
  EXPECT_EQ(*out->subnet->available_ip_address_count, 11);
  EXPECT_EQ(out->subnet->availability_zone_id, "use1-az3");
}

TEST_F(VpcTest, AddressesOfASubnetRunOut) {
  const auto id = vpc();
  const auto s = subnet(id, "10.0.2.0/28");
  std::set<std::string> seen;
  for (int i = 0; i < 11; ++i) {
    auto eni = interface_in(s);
    ASSERT_DONE(eni);
    EXPECT_TRUE(seen.insert(eni->private_ip).second);
    auto n = *parse_ipv4(eni->private_ip) & 15;
    EXPECT_TRUE(n >= 4 && n <= 14) << eni->private_ip;
  }
  EXPECT_CODE(interface_in(s), "InsufficientFreeAddressesInSubnet");
  auto one = bench.look([&](auto& tx) { return tx.template list<NetworkInterface>(bench.scope()); })[0];
  ASSERT_DONE(bench.transact([&](store::Transaction& tx) -> Status {
    delete_interface(tx, bench.scope(), one.id);
    return {};
  }));
  auto again = interface_in(s);
  ASSERT_DONE(again);
  EXPECT_EQ(again->private_ip, one.private_ip);
}

TEST_F(VpcTest, AWantedAddressIsChecked) {
  const auto s = subnet(vpc(), "10.0.1.0/24");
  NewInterface wanted;
  wanted.private_ip = "10.0.1.10";
  ASSERT_DONE(interface_in(s, wanted));
  EXPECT_CODE(interface_in(s, wanted), "InvalidIPAddress.InUse");
  for (auto bad : {"10.0.1.3", "10.0.1.255", "10.0.2.10", "ten"}) {
    wanted.private_ip = bad;
    EXPECT_CODE(interface_in(s, wanted), "InvalidParameterValue");
  }
}

TEST_F(VpcTest, ASubnetWithInterfacesStays) {
  const auto s = subnet(vpc(), "10.0.1.0/24");
  ASSERT_DONE(interface_in(s));
  model::DeleteSubnetRequest in{};
  in.subnet_id = text(s);
  EXPECT_CODE(bench.run("DeleteSubnet", delete_subnet, in), "DependencyViolation");
}

TEST_F(VpcTest, PublicAddressesComeFromThePoolAndGoBack) {
  bench.cloud.config.public_pool = "127.99.0.0/30";
  const auto s = subnet(vpc(), "10.0.1.0/24");
  NewInterface wanted;
  wanted.public_ip = true;
  wanted.public_pool = bench.cloud.config.public_pool;
  auto a = interface_in(s, wanted), b = interface_in(s, wanted);
  ASSERT_DONE(a);
  ASSERT_DONE(b);
  EXPECT_NE(a->public_ip, b->public_ip);
  EXPECT_CODE(interface_in(s, wanted), "AddressLimitExceeded");
  ASSERT_DONE(bench.transact([&](store::Transaction& tx) -> Status {
    delete_interface(tx, bench.scope(), a->id);
    return {};
  }));
  auto c = interface_in(s, wanted);
  ASSERT_DONE(c);
  EXPECT_EQ(c->public_ip, a->public_ip);
}

TEST(Zones, IdsOfEveryShapeOfRegion) {
  EXPECT_EQ(zone_id("us-east-1a"), "use1-az1");
  EXPECT_EQ(zone_id("eu-central-1b"), "euc1-az2");
  EXPECT_EQ(zone_id("ap-southeast-2c"), "apse2-az3");
  EXPECT_EQ(zone_id("us-gov-west-1a"), "usgw1-az1");
}

}  // namespace
}  // namespace nubecita::ec2
