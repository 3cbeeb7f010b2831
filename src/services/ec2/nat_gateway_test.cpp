#include "base/clock.hpp"
#include "services/ec2/ec2_bench.hpp"
#include "services/ec2/interfaces.hpp"

namespace nubecita::ec2 {
namespace {

class NatTest : public Ec2Test {
 protected:
  std::string vpc_id = vpc();
  std::string subnet_id = subnet(vpc_id, "10.0.1.0/24");

  auto make_nat(std::string_view allocation, std::string_view token = {}) {
    model::CreateNatGatewayRequest in{};
    in.subnet_id = text(subnet_id);
    if (!allocation.empty()) in.allocation_id = text(allocation);
    if (!token.empty()) in.client_token = text(token);
    return bench.run("CreateNatGateway", create_nat_gateway, in);
  }
  auto remove_nat(std::string_view id) {
    model::DeleteNatGatewayRequest in{};
    in.nat_gateway_id = text(id);
    return bench.run("DeleteNatGateway", delete_nat_gateway, in);
  }
  auto release(std::string_view id) {
    model::ReleaseAddressRequest in{};
    in.allocation_id = text(id);
    return bench.run("ReleaseAddress", release_address, in);
  }
  ~NatTest() override { set_test_clock(-1); }
};

TEST_F(NatTest, LivesAndDies) {
  gateway(vpc_id);
  const auto eip = address();
  auto made = make_nat(eip);
  ASSERT_DONE(made);
  EXPECT_EQ(made->nat_gateway->state, "pending");
  const auto id = api::str(made->nat_gateway->nat_gateway_id);
  auto shown = nat(id);
  EXPECT_EQ(shown.state, "available");
  ASSERT_EQ(shown.nat_gateway_addresses.size(), 1u);
  const auto eni_id = api::str(shown.nat_gateway_addresses[0].network_interface_id);
  auto eni = record<NetworkInterface>(eni_id);
  EXPECT_EQ(eni->requester, "amazon-nat");
  EXPECT_EQ(eni->public_ip, shown.nat_gateway_addresses[0].public_ip.sv());
  EXPECT_EQ(record<Address>(eip)->eni_id, eni_id);
  EXPECT_CODE(make_nat(eip), "Resource.AlreadyAssociated");
  EXPECT_CODE(release(eip), "InvalidIPAddress.InUse");
  model::DeleteNetworkInterfaceRequest direct{};
  direct.network_interface_id = text(eni_id);
  EXPECT_CODE(bench.run("DeleteNetworkInterface", delete_network_interface, direct), "InvalidParameterValue");

  const auto now = now_ms();
  set_test_clock(now);
  ASSERT_DONE(remove_nat(id));
  EXPECT_EQ(nat(id).state, "deleted");
  EXPECT_FALSE(record<NetworkInterface>(eni_id));
  EXPECT_TRUE(record<Address>(eip)->association_id.empty());
  ASSERT_DONE(release(eip));
  EXPECT_FALSE(record<Address>(eip));
  set_test_clock(now + 3600 * 1000 + 1);
  model::DescribeNatGatewaysRequest in{};
  in.nat_gateway_ids = bench.texts({id});
  EXPECT_CODE(bench.run("DescribeNatGateways", describe_nat_gateways, in), "NatGatewayNotFound");
}

TEST_F(NatTest, WithoutAnInternetGatewayItFails) {
  auto made = make_nat(address());
  ASSERT_DONE(made);
  auto shown = nat(made->nat_gateway->nat_gateway_id.sv());
  EXPECT_EQ(shown.state, "failed");
  EXPECT_EQ(shown.failure_code, "Gateway.NotAttached");
}

TEST_F(NatTest, NeedsAnAddress) {
  EXPECT_CODE(make_nat(""), "MissingParameter");
  EXPECT_CODE(make_nat("eipalloc-0"), "InvalidAllocationID.NotFound");
}

TEST_F(NatTest, AClientTokenMakesOne) {
  gateway(vpc_id);
  const auto eip = address();
  auto first = make_nat(eip, "token"), second = make_nat(eip, "token");
  ASSERT_DONE(second);
  EXPECT_EQ(first->nat_gateway->nat_gateway_id, second->nat_gateway->nat_gateway_id.sv());
  EXPECT_CODE(make_nat(address(), "token"), "IdempotentParameterMismatch");
}

TEST_F(NatTest, AddressesFollowInterfaces) {
  gateway(vpc_id);
  const auto eip = address(), other = address();
  auto eni = *interface_in(subnet_id);
  model::AssociateAddressRequest in{};
  in.allocation_id = text(eip);
  in.network_interface_id = text(eni.id);
  ASSERT_DONE(bench.run("AssociateAddress", associate_address, in));
  EXPECT_EQ(record<NetworkInterface>(eni.id)->public_ip, record<Address>(eip)->public_ip);

  in.allocation_id = text(other);  // takes the place of the first
  ASSERT_DONE(bench.run("AssociateAddress", associate_address, in));
  EXPECT_TRUE(record<Address>(eip)->association_id.empty());
  EXPECT_EQ(record<NetworkInterface>(eni.id)->public_ip, record<Address>(other)->public_ip);
  auto second = *interface_in(subnet_id);
  in.network_interface_id = text(second.id);
  in.allow_reassociation = false;
  EXPECT_CODE(bench.run("AssociateAddress", associate_address, in), "Resource.AlreadyAssociated");
  in.allow_reassociation = {};
  ASSERT_DONE(bench.run("AssociateAddress", associate_address, in));
  EXPECT_EQ(record<NetworkInterface>(eni.id)->public_ip, "");
  EXPECT_EQ(record<NetworkInterface>(second.id)->public_ip, record<Address>(other)->public_ip);

  model::DisassociateAddressRequest off{};
  off.association_id = text(record<Address>(other)->association_id);
  ASSERT_DONE(bench.run("DisassociateAddress", disassociate_address, off));
  EXPECT_CODE(bench.run("DisassociateAddress", disassociate_address, off), "InvalidAssociationID.NotFound");
  EXPECT_EQ(record<NetworkInterface>(second.id)->public_ip, "");
}

TEST_F(NatTest, EverythingDeletedLeavesNothing) {
  const auto igw = gateway(vpc_id);
  const auto eip = address();
  const auto id = api::str(make_nat(eip)->nat_gateway->nat_gateway_id);
  NewInterface wanted;
  wanted.public_ip = true;
  wanted.public_pool = bench.cloud.config.public_pool;
  wanted.security_groups = {group(vpc_id, "web")};
  auto eni = *interface_in(subnet_id, wanted);
  ASSERT_DONE(bench.transact([&](store::Transaction& tx) -> Status {
    delete_interface(tx, bench.scope(), eni.id);
    return {};
  }));
  ASSERT_DONE(remove_nat(id));
  ASSERT_DONE(release(eip));
  model::DeleteSubnetRequest subnet_gone{};
  subnet_gone.subnet_id = text(subnet_id);
  ASSERT_DONE(bench.run("DeleteSubnet", delete_subnet, subnet_gone));
  model::DetachInternetGatewayRequest detach{};
  detach.internet_gateway_id = text(igw);
  detach.vpc_id = text(vpc_id);
  ASSERT_DONE(bench.run("DetachInternetGateway", detach_internet_gateway, detach));
  model::DeleteInternetGatewayRequest gateway_gone{};
  gateway_gone.internet_gateway_id = text(igw);
  ASSERT_DONE(bench.run("DeleteInternetGateway", delete_internet_gateway, gateway_gone));
  model::DeleteSecurityGroupRequest group_gone{};
  group_gone.group_id = text(wanted.security_groups[0]);
  ASSERT_DONE(bench.run("DeleteSecurityGroup", delete_security_group, group_gone));
  ASSERT_DONE(remove_vpc(vpc_id));
  bench.look([&](auto& tx) {
    tx.scan("ec2.", {}, [&](std::string_view key, std::string_view) {
      EXPECT_TRUE(key.starts_with("ec2.nat/")) << key;  // remembered for an hour
      return true;
    });
    return 0;
  });
}

TEST_F(NatTest, AnElasticIpReplacesTheAutomaticAddress) {
  gateway(vpc_id);
  NewInterface wanted;
  wanted.public_ip = true;
  wanted.public_pool = bench.cloud.config.public_pool;
  auto eni = *interface_in(subnet_id, wanted);
  const auto eip = address();
  model::AssociateAddressRequest in{};
  in.allocation_id = text(eip);
  in.network_interface_id = text(eni.id);
  ASSERT_DONE(bench.run("AssociateAddress", associate_address, in));
  bench.look([&](auto& tx) {
    EXPECT_FALSE(tx.template get<PublicAddress>(store::Scope{"-", "-"}, eni.public_ip));
    return 0;
  });
  model::DetachInternetGatewayRequest detach{};
  detach.vpc_id = text(vpc_id);
  detach.internet_gateway_id =
      text(bench.look([&](auto& tx) { return attached_gateway(tx, bench.scope(), vpc_id)->id; }));
  EXPECT_CODE(bench.run("DetachInternetGateway", detach_internet_gateway, detach), "DependencyViolation");
}

}  // namespace
}  // namespace nubecita::ec2
