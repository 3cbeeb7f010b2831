// Route tables, their routes and their associations with subnets. A table's local routes come with its VPC's
// blocks and stay; "blackhole" is worked out when a table is read.
#include "base/ids.hpp"
#include "services/ec2/filters.hpp"
#include "services/ec2/idempotency.hpp"
#include "services/ec2/network.hpp"
#include "services/ec2/render.hpp"
#include "services/ec2/tagging.hpp"

namespace nubecita::ec2 {
namespace {

template <class F>
Values of_associations(const RouteTable& t, F f) {
  Values out;
  for (const auto& a : t.associations) out.push_back(f(a));
  return out;
}
Values targets(const RouteTable& t, std::initializer_list<std::string_view> prefixes) {
  Values out;
  for (const auto& r : t.routes)
    for (auto prefix : prefixes)
      if (r.target.starts_with(prefix)) out.push_back(r.target);
  return out;
}
Values none(Call&, const RouteTable&) { return {}; }
std::string_view state_of(Call& call, const RouteTable& t, const Route& r) {
  return target_alive(call.tx, call.scope(), t.vpc_id, r.target) ? "active" : "blackhole";
}

const Field<RouteTable> kFilters[] = {
    {"route-table-id", [](Call&, const RouteTable& t) { return Values{t.id}; }},
    {"vpc-id", [](Call&, const RouteTable& t) { return Values{t.vpc_id}; }},
    {"owner-id", [](Call& c, const RouteTable&) { return Values{c.account}; }},
    {"association.route-table-association-id",
     [](Call&, const RouteTable& t) { return of_associations(t, [](auto& a) { return a.id; }); }},
    {"association.route-table-id",
     [](Call&, const RouteTable& t) { return t.associations.empty() ? Values{} : Values{t.id}; }},
    {"association.subnet-id",
     [](Call&, const RouteTable& t) { return of_associations(t, [](auto& a) { return a.subnet_id; }); }},
    {"association.main",
     [](Call&, const RouteTable& t) { return of_associations(t, [](auto& a) { return yes_no(a.main); }); }},
    {"association.gateway-id", none},
    {"route.destination-cidr-block",
     [](Call&, const RouteTable& t) {
       Values out;
       for (auto& r : t.routes) out.push_back(r.destination);
       return out;
     }},
    {"route.gateway-id", [](Call&, const RouteTable& t) { return targets(t, {"igw-", "local"}); }},
    {"route.nat-gateway-id", [](Call&, const RouteTable& t) { return targets(t, {"nat-"}); }},
    {"route.network-interface-id", [](Call&, const RouteTable& t) { return targets(t, {"eni-"}); }},
    {"route.origin",
     [](Call&, const RouteTable& t) {
       Values out;
       for (auto& r : t.routes) out.push_back(r.origin);
       return out;
     }},
    {"route.state",
     [](Call& c, const RouteTable& t) {
       Values out;
       for (auto& r : t.routes) out.emplace_back(state_of(c, t, r));
       return out;
     }},
    {"route.destination-ipv6-cidr-block", none},
    {"route.destination-prefix-list-id", none},
    {"route.egress-only-internet-gateway-id", none},
    {"route.instance-id", none},
    {"route.transit-gateway-id", none},
    {"route.vpc-peering-connection-id", none},
};

model::RouteTableAssociationState* associated(Call& call) {
  auto* state = call.make<model::RouteTableAssociationState>();
  state->state = "associated";
  return state;
}

void render_route(Call& call, const RouteTable& t, const Route& r, model::Route& out) {
  out.destination_cidr_block = call.text(r.destination);
  out.origin = call.text(r.origin);
  out.state = call.text(state_of(call, t, r));
  if (r.target.starts_with("nat-"))
    out.nat_gateway_id = call.text(r.target);
  else if (r.target.starts_with("eni-"))
    out.network_interface_id = call.text(r.target);
  else
    out.gateway_id = call.text(r.target);
}

Route* find_route(RouteTable& t, const std::string& destination) {
  auto it = std::ranges::find(t.routes, destination, &Route::destination);
  return it == t.routes.end() ? nullptr : &*it;
}

/// The target that CreateRoute or ReplaceRoute names: exactly one, in the table's VPC.
template <class In>
Result<std::string> target_of(Call& call, const In& in, const RouteTable& table) {
  const auto scope = call.scope();
  const int given = !in.gateway_id.empty() + !in.nat_gateway_id.empty() + !in.network_interface_id.empty() +
                    !in.instance_id.empty();
  if (given == 0)
    return fail("MissingParameter",
                "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, "
                "vpcPeeringConnectionId, egressOnlyInternetGatewayId, transitGatewayId, localGatewayId, "
                "carrierGatewayId, vpcEndpointId, coreNetworkArn, instanceId");
  if (given > 1) return fail("InvalidParameterCombination", "A route has exactly one target.");
  auto elsewhere = [&](std::string_view what, std::string_view id) {
    return bad_value("route table " + table.id + " and " + std::string(what) + " " + std::string(id) +
                     " belong to different networks");
  };
  if (!in.gateway_id.empty()) {
    const auto id = in.gateway_id.sv();
    if (id == "local") return bad_value("The gateway ID 'local' is not a valid target of this route.");
    auto gateway = call.tx.get<InternetGateway>(scope, id);
    if (!gateway)
      return fail("InvalidGatewayID.NotFound", "The gateway ID '" + std::string(id) + "' does not exist");
    if (gateway->vpc_id != table.vpc_id) return elsewhere("network gateway", id);
    return gateway->id;
  }
  if (!in.nat_gateway_id.empty()) {
    auto gateway = call.tx.get<NatGateway>(scope, in.nat_gateway_id.sv());
    if (!gateway || gateway->state == "deleted")
      return fail("InvalidNatGatewayID.NotFound",
                  "The natGateway ID '" + api::str(in.nat_gateway_id) + "' does not exist");
    if (gateway->vpc_id != table.vpc_id) return elsewhere("NAT gateway", gateway->id);
    return gateway->id;
  }
  if (!in.network_interface_id.empty()) {
    auto eni = call.tx.get<NetworkInterface>(scope, in.network_interface_id.sv());
    if (!eni) return no_such<NetworkInterface>(in.network_interface_id.sv());
    if (eni->vpc_id != table.vpc_id) return elsewhere("interface", eni->id);
    return eni->id;
  }
  return fail("InvalidInstanceID.NotFound",
              "The instance ID '" + api::str(in.instance_id) + "' does not exist");
}

template <class In>
Result<Cidr> destination_of(const In& in) {
  if (in.destination_cidr_block.empty()) return missing("destinationCidrBlock");
  return ipv4_block(in.destination_cidr_block, "destinationCidrBlock");
}

/// A table and the place of an association in it.
struct Found {
  RouteTable table;
  size_t at;
};
Result<Found> find_association(Call& call, std::string_view id) {
  for (auto& table : call.tx.list<RouteTable>(call.scope()))
    for (size_t i = 0; i < table.associations.size(); ++i)
      if (table.associations[i].id == id) return Found{std::move(table), i};
  return fail("InvalidAssociationID.NotFound", "The association ID '" + std::string(id) + "' does not exist");
}

/// Authorizes on the association's table, or on all tables when there is none.
Result<Found> need_association(Call& call, std::string_view id) {
  auto found = find_association(call, id);
  if (found) {
    TRY(call.authorize(resource_arn(call, "route-table", found->table.id),
                       conditions_of(call, found->table)));
  } else {
    TRY(call.authorize(resource_arn(call, "route-table", "*")));
  }
  return found;
}

}  // namespace

void render(Call& call, const RouteTable& t, model::RouteTable& out) {
  out.route_table_id = call.text(t.id);
  out.vpc_id = call.text(t.vpc_id);
  out.owner_id = call.text(call.account);
  out.associations = call.list<model::RouteTableAssociation>(t.associations.size());
  for (size_t i = 0; i < t.associations.size(); ++i) {
    auto& a = out.associations[i];
    a.main = t.associations[i].main;
    a.route_table_association_id = call.text(t.associations[i].id);
    a.route_table_id = call.text(t.id);
    if (!t.associations[i].subnet_id.empty()) a.subnet_id = call.text(t.associations[i].subnet_id);
    a.association_state = associated(call);
  }
  out.propagating_vgws = call.list<model::PropagatingVgw>(0);
  out.routes = call.list<model::Route>(t.routes.size());
  for (size_t i = 0; i < t.routes.size(); ++i) render_route(call, t, t.routes[i], out.routes[i]);
  out.tags = render_tags(call, t.tags);
}

Status create_route_table(Call& call, const model::CreateRouteTableRequest& in,
                          model::CreateRouteTableResult& out) {
  const auto scope = call.scope();
  TRY_LET(auto tags, new_tags(in.tag_specifications, "route-table"));
  TRY(allow_create(call, "route-table", tags, in.vpc_id.sv()));
  TRY_LET(auto vpc, need<Vpc>(call, in.vpc_id.sv()));
  TRY(end_dry_run(in));
  Fingerprint asked;
  asked.add(in.vpc_id).add(in.tag_specifications);
  TRY_LET(const auto earlier, earlier_result(call, in.client_token, asked));
  auto table = earlier.empty() ? std::nullopt : call.tx.get<RouteTable>(scope, earlier);
  if (!table) {
    table = new_route_table(vpc);
    table->tags = std::move(tags);
    call.tx.put(scope, *table);
    remember_result(call, in.client_token, asked, table->id);
  }
  out.route_table = call.make<model::RouteTable>();
  render(call, *table, *out.route_table);
  if (!in.client_token.empty()) out.client_token = in.client_token;
  return {};
}

Status delete_route_table(Call& call, const model::DeleteRouteTableRequest& in,
                          model::DeleteRouteTableResponse&) {
  TRY_LET(auto table, need<RouteTable>(call, in.route_table_id.sv()));
  TRY(end_dry_run(in));
  if (!table.associations.empty()) return has_dependencies("routeTable", table.id);
  call.tx.erase<RouteTable>(call.scope(), table.id);
  return {};
}

Status describe_route_tables(Call& call, const model::DescribeRouteTablesRequest& in,
                             model::DescribeRouteTablesResult& out) {
  TRY_LET(auto tables,
          select<RouteTable>(call, in, in.route_table_ids, in.filters, kFilters, call, out.next_token));
  out.route_tables = call.list<model::RouteTable>(tables.size());
  for (size_t i = 0; i < tables.size(); ++i) render(call, tables[i], out.route_tables[i]);
  return {};
}

Status create_route(Call& call, const model::CreateRouteRequest& in, model::CreateRouteResult& out) {
  TRY_LET(auto table, need<RouteTable>(call, in.route_table_id.sv()));
  TRY(end_dry_run(in));
  TRY_LET(auto destination, destination_of(in));
  TRY_LET(auto target, target_of(call, in, table));
  if (auto* same = find_route(table, destination.str())) {
    if (same->target != target)
      return fail("RouteAlreadyExists", "The route identified by " + destination.str() + " already exists.");
    out.return_ = true;  // AWS takes the same route twice
    return {};
  }
  for (const auto& r : table.routes)
    if (r.target == "local" && Cidr::parse(r.destination)->contains(destination))
      return bad_value("Route destination doesn't match any subnet CIDR blocks");
  table.routes.push_back({destination.str(), target, "CreateRoute"});
  call.tx.put(call.scope(), table);
  out.return_ = true;
  return {};
}

Status replace_route(Call& call, const model::ReplaceRouteRequest& in, model::ReplaceRouteResponse&) {
  TRY_LET(auto table, need<RouteTable>(call, in.route_table_id.sv()));
  TRY(end_dry_run(in));
  TRY_LET(auto destination, destination_of(in));
  auto* route = find_route(table, destination.str());
  if (!route)
    return bad_value("There is no route defined for '" + destination.str() +
                     "' in the route table. Use CreateRoute instead.");
  if (in.local_target.value_or(false) || in.gateway_id.sv() == "local") {
    if (route->target != "local")
      return bad_value("Only the route of the VPC's own block can have the local target.");
    return {};
  }
  if (route->target == "local") return not_served("Another target for a local route");
  TRY_LET(route->target, target_of(call, in, table));
  call.tx.put(call.scope(), table);
  return {};
}

Status delete_route(Call& call, const model::DeleteRouteRequest& in, model::DeleteRouteResponse&) {
  TRY_LET(auto table, need<RouteTable>(call, in.route_table_id.sv()));
  TRY(end_dry_run(in));
  TRY_LET(auto destination, destination_of(in));
  auto* route = find_route(table, destination.str());
  if (!route)
    return fail("InvalidRoute.NotFound",
                "no route with destination-cidr-block " + destination.str() + " in route table " + table.id);
  if (route->target == "local")
    return bad_value("cannot remove local route " + destination.str() + " in route table " + table.id);
  table.routes.erase(table.routes.begin() + (route - table.routes.data()));
  call.tx.put(call.scope(), table);
  return {};
}

Status associate_route_table(Call& call, const model::AssociateRouteTableRequest& in,
                             model::AssociateRouteTableResult& out) {
  const auto scope = call.scope();
  TRY_LET(auto table, need<RouteTable>(call, in.route_table_id.sv()));
  if (in.subnet_id.empty()) return missing("subnetId");
  TRY_LET(auto subnet, need<Subnet>(call, in.subnet_id.sv()));
  TRY(end_dry_run(in));
  if (subnet.vpc_id != table.vpc_id)
    return bad_value("Route table " + table.id + " and subnet " + subnet.id +
                     " belong to different networks");
  out.association_state = associated(call);
  for (const auto& other : in_vpc<RouteTable>(call.tx, scope, table.vpc_id))
    for (const auto& a : other.associations) {
      if (a.subnet_id != subnet.id) continue;
      if (other.id != table.id)
        return fail("Resource.AlreadyAssociated", "the specified association for route table " + table.id +
                                                      " conflicts with an existing association");
      out.association_id = call.text(a.id);
      return {};
    }
  table.associations.push_back({resource_id("rtbassoc"), subnet.id, false});
  call.tx.put(scope, table);
  out.association_id = call.text(table.associations.back().id);
  return {};
}

Status disassociate_route_table(Call& call, const model::DisassociateRouteTableRequest& in,
                                model::DisassociateRouteTableResponse&) {
  TRY_LET(auto found, need_association(call, in.association_id.sv()));
  TRY(end_dry_run(in));
  auto& associations = found.table.associations;
  if (associations[found.at].main)
    return bad_value("cannot disassociate the main route table association " + api::str(in.association_id));
  associations.erase(associations.begin() + static_cast<ptrdiff_t>(found.at));
  call.tx.put(call.scope(), found.table);
  return {};
}

Status replace_route_table_association(Call& call, const model::ReplaceRouteTableAssociationRequest& in,
                                       model::ReplaceRouteTableAssociationResult& out) {
  const auto scope = call.scope();
  TRY_LET(auto found, need_association(call, in.association_id.sv()));
  TRY_LET(auto table, need<RouteTable>(call, in.route_table_id.sv()));
  TRY(end_dry_run(in));
  out.association_state = associated(call);
  auto moved = found.table.associations[found.at];
  if (found.table.id == table.id) {
    out.new_association_id = call.text(moved.id);
    return {};
  }
  if (found.table.vpc_id != table.vpc_id)
    return bad_value("Route table " + table.id + " and association " + moved.id +
                     " belong to different networks");
  found.table.associations.erase(found.table.associations.begin() + static_cast<ptrdiff_t>(found.at));
  moved.id = resource_id("rtbassoc");
  table.associations.push_back(moved);
  call.tx.put(scope, found.table);
  call.tx.put(scope, table);
  if (moved.main) {
    auto vpc = call.tx.get<Vpc>(scope, table.vpc_id);
    vpc->main_route_table = table.id;
    call.tx.put(scope, *vpc);
  }
  out.new_association_id = call.text(moved.id);
  return {};
}

}  // namespace nubecita::ec2
