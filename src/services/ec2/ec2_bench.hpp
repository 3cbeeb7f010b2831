// What EC2's unit tests share: a bench with short ways to make the usual things. Only for tests.
#pragma once

#include <gtest/gtest.h>

#include "api/testing.hpp"
#include "models/ec2.hpp"
#include "services/ec2/ec2.hpp"
#include "services/ec2/network.hpp"

namespace nubecita::ec2 {

/// EXPECT the error code of a Result.
#define EXPECT_CODE(result, wanted)                                         \
  do {                                                                      \
    auto&& outcome_ = (result);                                             \
    ASSERT_FALSE(outcome_) << "no error, but expected " << (wanted);        \
    EXPECT_EQ(outcome_.error().code, (wanted)) << outcome_.error().message; \
  } while (0)
#define ASSERT_DONE(result)                                                             \
  do {                                                                                  \
    auto&& outcome_ = (result);                                                         \
    ASSERT_TRUE(outcome_) << outcome_.error().code << ": " << outcome_.error().message; \
  } while (0)

class Ec2Test : public ::testing::Test {
 protected:
  api::testing::Bench bench{"ec2"};

  wire::Text text(std::string_view s) { return bench.text(s); }
  model::Filter filter(std::string_view name, std::initializer_list<std::string_view> values) {
    model::Filter f{};
    f.name = text(name);
    f.values = bench.texts(values);
    return f;
  }
  wire::List<model::TagSpecification> tags(std::string_view type, std::string_view key,
                                           std::string_view value) {
    model::TagSpecification s{};
    s.resource_type = text(type);
    model::Tag tag{};
    tag.key = text(key);
    tag.value = text(value);
    s.tags = bench.list<model::Tag>({tag});
    return bench.list<model::TagSpecification>({s});
  }

  std::string vpc(std::string_view cidr = "10.0.0.0/16") {
    model::CreateVpcRequest in{};
    in.cidr_block = text(cidr);
    auto out = bench.run("CreateVpc", create_vpc, in);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    return out ? api::str(out->vpc->vpc_id) : "";
  }
  auto try_subnet(std::string_view vpc_id, std::string_view cidr, std::string_view zone = {}) {
    model::CreateSubnetRequest in{};
    in.vpc_id = text(vpc_id);
    in.cidr_block = text(cidr);
    if (!zone.empty()) in.availability_zone = text(zone);
    return bench.run("CreateSubnet", create_subnet, in);
  }
  std::string subnet(std::string_view vpc_id, std::string_view cidr, std::string_view zone = {}) {
    auto out = try_subnet(vpc_id, cidr, zone);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    return out ? api::str(out->subnet->subnet_id) : "";
  }
  std::string gateway(std::string_view vpc_id) {
    auto made =
        bench.run("CreateInternetGateway", create_internet_gateway, model::CreateInternetGatewayRequest{});
    model::AttachInternetGatewayRequest in{};
    in.internet_gateway_id = made->internet_gateway->internet_gateway_id;
    in.vpc_id = text(vpc_id);
    auto attached = bench.run("AttachInternetGateway", attach_internet_gateway, in);
    EXPECT_TRUE(attached);
    return api::str(in.internet_gateway_id);
  }
  std::string address() {
    auto out = bench.run("AllocateAddress", allocate_address, model::AllocateAddressRequest{});
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    return out ? api::str(out->allocation_id) : "";
  }
  std::string group(std::string_view vpc_id, std::string_view name) {
    model::CreateSecurityGroupRequest in{};
    in.vpc_id = text(vpc_id);
    in.group_name = text(name);
    in.description = "a group";
    auto out = bench.run("CreateSecurityGroup", create_security_group, in);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    return out ? api::str(out->group_id) : "";
  }
  Result<NetworkInterface> interface_in(std::string_view subnet_id, NewInterface wanted = {}) {
    wanted.subnet_id = std::string(subnet_id);
    Result<NetworkInterface> made = fail("none", "");
    auto done = bench.transact([&](store::Transaction& tx) -> Status {
      made = create_interface(tx, bench.scope(), wanted);
      return made ? Status{} : Status(std::unexpected(made.error()));
    });
    return made;
  }
  template <class R>
  std::optional<R> record(std::string_view id) {
    return bench.look([&](store::Transaction& tx) { return tx.get<R>(bench.scope(), id); });
  }
  Result<model::DeleteVpcResponse> remove_vpc(std::string_view id) {
    model::DeleteVpcRequest in{};
    in.vpc_id = text(id);
    return bench.run("DeleteVpc", delete_vpc, in);
  }
  model::NatGateway nat(std::string_view id) {
    model::DescribeNatGatewaysRequest in{};
    in.nat_gateway_ids = bench.texts({id});
    auto out = bench.run("DescribeNatGateways", describe_nat_gateways, in);
    EXPECT_TRUE(out);
    return out && out->nat_gateways.size() == 1 ? out->nat_gateways[0] : model::NatGateway{};
  }
};

}  // namespace nubecita::ec2
