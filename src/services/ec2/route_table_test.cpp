#include "services/ec2/ec2_bench.hpp"

namespace nubecita::ec2 {
namespace {

class RouteTest : public Ec2Test {
 protected:
  std::string vpc_id = vpc();
  std::string main = record<Vpc>(vpc_id)->main_route_table;

  std::string table() {
    model::CreateRouteTableRequest in{};
    in.vpc_id = text(vpc_id);
    return api::str(bench.run("CreateRouteTable", create_route_table, in)->route_table->route_table_id);
  }
  auto route(std::string_view table_id, std::string_view destination, std::string_view gateway_id) {
    model::CreateRouteRequest in{};
    in.route_table_id = text(table_id);
    in.destination_cidr_block = text(destination);
    in.gateway_id = text(gateway_id);
    return bench.run("CreateRoute", create_route, in);
  }
  model::RouteTable show(std::string_view table_id) {
    model::DescribeRouteTablesRequest in{};
    in.route_table_ids = bench.texts({table_id});
    return bench.run("DescribeRouteTables", describe_route_tables, in)->route_tables[0];
  }
  auto associate(std::string_view table_id, std::string_view subnet_id) {
    model::AssociateRouteTableRequest in{};
    in.route_table_id = text(table_id);
    in.subnet_id = text(subnet_id);
    return bench.run("AssociateRouteTable", associate_route_table, in);
  }
};

TEST_F(RouteTest, RoutesComeAndGo) {
  const auto igw = gateway(vpc_id);
  auto made = route(main, "0.0.0.0/0", igw);
  ASSERT_DONE(made);
  EXPECT_TRUE(*made->return_);
  auto shown = show(main);
  ASSERT_EQ(shown.routes.size(), 2u);
  EXPECT_EQ(shown.routes[0].gateway_id, "local");
  EXPECT_EQ(shown.routes[1].gateway_id, igw);
  EXPECT_EQ(shown.routes[1].state, "active");

  auto other =
      bench.run("CreateInternetGateway", create_internet_gateway, model::CreateInternetGatewayRequest{});
  auto foreign = api::str(other->internet_gateway->internet_gateway_id);
  EXPECT_CODE(route(main, "0.0.0.0/0", foreign), "InvalidParameterValue");
  EXPECT_CODE(route(main, "1.0.0.0/8", "igw-0"), "InvalidGatewayID.NotFound");
  EXPECT_CODE(route(main, "10.0.1.0/24", igw), "InvalidParameterValue");
  EXPECT_CODE(route(main, "1.2.3.4", igw), "InvalidParameterValue");
  ASSERT_DONE(route(main, "9.9.9.9/8", igw));
  EXPECT_EQ(show(main).routes[2].destination_cidr_block, "9.0.0.0/8");

  model::DeleteRouteRequest del{};
  del.route_table_id = text(main);
  del.destination_cidr_block = "10.0.0.0/16";
  EXPECT_CODE(bench.run("DeleteRoute", delete_route, del), "InvalidParameterValue");
  del.destination_cidr_block = "8.0.0.0/8";
  EXPECT_CODE(bench.run("DeleteRoute", delete_route, del), "InvalidRoute.NotFound");
  del.destination_cidr_block = "9.0.0.0/8";
  ASSERT_DONE(bench.run("DeleteRoute", delete_route, del));
}

TEST_F(RouteTest, ATargetThatIsGoneMakesABlackhole) {
  const auto igw = gateway(vpc_id);
  ASSERT_DONE(route(main, "0.0.0.0/0", igw));
  model::DetachInternetGatewayRequest in{};
  in.internet_gateway_id = text(igw);
  in.vpc_id = text(vpc_id);
  ASSERT_DONE(bench.run("DetachInternetGateway", detach_internet_gateway, in));
  EXPECT_EQ(show(main).routes[1].state, "blackhole");
}

TEST_F(RouteTest, ReplaceNeedsARoute) {
  const auto igw = gateway(vpc_id);
  model::ReplaceRouteRequest in{};
  in.route_table_id = text(main);
  in.destination_cidr_block = "0.0.0.0/0";
  in.gateway_id = text(igw);
  auto absent = bench.run("ReplaceRoute", replace_route, in);
  EXPECT_CODE(absent, "InvalidParameterValue");
  EXPECT_EQ(absent.error().message,
            "There is no route defined for '0.0.0.0/0' in the route table. Use CreateRoute instead.");
  const auto eni = interface_in(subnet(vpc_id, "10.0.1.0/24"));
  ASSERT_DONE(route(main, "0.0.0.0/0", igw));
  in.gateway_id = {};
  in.network_interface_id = text(eni->id);
  ASSERT_DONE(bench.run("ReplaceRoute", replace_route, in));
  EXPECT_EQ(show(main).routes[1].network_interface_id, eni->id);
}

TEST_F(RouteTest, Associations) {
  const auto one = table(), two = table();
  const auto s = subnet(vpc_id, "10.0.1.0/24");
  auto made = associate(one, s);
  ASSERT_DONE(made);
  EXPECT_EQ(made->association_state->state, "associated");
  auto again = associate(one, s);
  ASSERT_DONE(again);
  EXPECT_EQ(again->association_id, made->association_id.sv());
  EXPECT_CODE(associate(two, s), "Resource.AlreadyAssociated");

  model::DeleteRouteTableRequest del{};
  del.route_table_id = text(one);
  EXPECT_CODE(bench.run("DeleteRouteTable", delete_route_table, del), "DependencyViolation");
  model::ReplaceRouteTableAssociationRequest move{};
  move.association_id = made->association_id;
  move.route_table_id = text(two);
  auto moved = bench.run("ReplaceRouteTableAssociation", replace_route_table_association, move);
  ASSERT_DONE(moved);
  EXPECT_NE(moved->new_association_id.sv(), made->association_id.sv());
  ASSERT_DONE(bench.run("DeleteRouteTable", delete_route_table, del));
  EXPECT_CODE(bench.run("ReplaceRouteTableAssociation", replace_route_table_association, move),
              "InvalidAssociationID.NotFound");
  model::DisassociateRouteTableRequest off{};
  off.association_id = moved->new_association_id;
  ASSERT_DONE(bench.run("DisassociateRouteTable", disassociate_route_table, off));
}

TEST_F(RouteTest, TheMainAssociationMoves) {
  const auto next = table();
  model::ReplaceRouteTableAssociationRequest move{};
  move.association_id = text(record<RouteTable>(main)->associations[0].id);
  move.route_table_id = text(next);
  ASSERT_DONE(bench.run("ReplaceRouteTableAssociation", replace_route_table_association, move));
  EXPECT_EQ(record<Vpc>(vpc_id)->main_route_table, next);
  model::DisassociateRouteTableRequest off{};
  off.association_id = text(record<RouteTable>(next)->associations[0].id);
  EXPECT_CODE(bench.run("DisassociateRouteTable", disassociate_route_table, off), "InvalidParameterValue");
  model::DeleteRouteTableRequest del{};
  del.route_table_id = text(main);
  ASSERT_DONE(bench.run("DeleteRouteTable", delete_route_table, del));
  ASSERT_DONE(remove_vpc(vpc_id));
}

TEST_F(RouteTest, ClientTokens) {
  model::CreateRouteTableRequest in{};
  in.vpc_id = text(vpc_id);
  in.client_token = "once";
  auto first = bench.run("CreateRouteTable", create_route_table, in);
  auto second = bench.run("CreateRouteTable", create_route_table, in);
  ASSERT_DONE(second);
  EXPECT_EQ(first->route_table->route_table_id, second->route_table->route_table_id.sv());
  in.tag_specifications = tags("route-table", "a", "b");
  EXPECT_CODE(bench.run("CreateRouteTable", create_route_table, in), "IdempotentParameterMismatch");
}

TEST_F(RouteTest, DeletedSubnetsLeaveTheirTable) {
  const auto one = table();
  const auto s = subnet(vpc_id, "10.0.1.0/24");
  ASSERT_DONE(associate(one, s));
  model::DeleteSubnetRequest in{};
  in.subnet_id = text(s);
  ASSERT_DONE(bench.run("DeleteSubnet", delete_subnet, in));
  EXPECT_TRUE(record<RouteTable>(one)->associations.empty());
}

}  // namespace
}  // namespace nubecita::ec2
