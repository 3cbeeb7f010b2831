// NAT gateways: an interface in a public subnet with an Elastic IP, and a route target for private ones. One
// that is deleted or failed stays describable for an hour, as in AWS, and is erased by a later write.
#include "base/ids.hpp"
#include "services/ec2/filters.hpp"
#include "services/ec2/idempotency.hpp"
#include "services/ec2/interfaces.hpp"
#include "services/ec2/network.hpp"
#include "services/ec2/tagging.hpp"

namespace nubecita::ec2 {
namespace {

constexpr int64_t kRemembered = 3600 * 1000;

bool forgotten(const Call& call, const NatGateway& g) {
  return g.deleted && g.deleted + kRemembered < call.now;
}

const Field<NatGateway> kFilters[] = {
    {"nat-gateway-id", [](Call&, const NatGateway& g) { return Values{g.id}; }},
    {"state", [](Call&, const NatGateway& g) { return Values{g.state}; }},
    {"subnet-id", [](Call&, const NatGateway& g) { return Values{g.subnet_id}; }},
    {"vpc-id", [](Call&, const NatGateway& g) { return Values{g.vpc_id}; }},
};

void render(Call& call, const NatGateway& g, model::NatGateway& out) {
  out.nat_gateway_id = call.text(g.id);
  out.vpc_id = call.text(g.vpc_id);
  out.subnet_id = call.text(g.subnet_id);
  out.state = call.text(g.state);
  out.connectivity_type = call.text(g.connectivity);
  out.availability_mode = "zonal";
  out.create_time = wire::Timestamp{g.created};
  if (g.deleted) out.delete_time = wire::Timestamp{g.deleted};
  if (!g.failure_code.empty()) {
    out.failure_code = call.text(g.failure_code);
    out.failure_message = call.text(g.failure_message);
  }
  out.nat_gateway_addresses = call.list<model::NatGatewayAddress>(1);
  auto& address = out.nat_gateway_addresses[0];
  address.allocation_id = call.text(g.allocation_id);
  if (!g.eni_id.empty()) {
    address.network_interface_id = call.text(g.eni_id);
    address.private_ip = call.text(g.private_ip);
    address.public_ip = call.text(g.public_ip);
    if (!g.association_id.empty()) address.association_id = call.text(g.association_id);
  }
  address.is_primary = true;
  address.status = call.text(g.state == "failed" ? "failed" : "succeeded");
  out.tags = render_tags(call, g.tags);
}

void erase_forgotten(Call& call) {
  for (const auto& g : call.tx.list<NatGateway>(call.scope()))
    if (forgotten(call, g)) call.tx.erase<NatGateway>(call.scope(), g.id);
}

void answer(Call& call, const NatGateway& g, const model::CreateNatGatewayRequest& in,
            model::CreateNatGatewayResult& out) {
  out.nat_gateway = call.make<model::NatGateway>();
  render(call, g, *out.nat_gateway);
  if (!in.client_token.empty()) out.client_token = in.client_token;
}

/// Takes the interface and maps the Elastic IP to it.
Status connect(Call& call, NatGateway& g, Address& address, const std::string& private_ip) {
  const auto scope = call.scope();
  NewInterface wanted;
  wanted.subnet_id = g.subnet_id;
  wanted.description = "Interface for NAT Gateway " + g.id;
  wanted.requester = "amazon-nat";
  wanted.owner_key = store::make_key(NatGateway::kTable, scope, g.id);
  wanted.private_ip = private_ip;
  TRY_LET(auto eni, create_interface(call.tx, scope, wanted));
  eni.security_groups.clear();  // a NAT gateway has none: network ACLs alone govern it
  eni.source_dest_check_off = true;
  address.nat_id = g.id;
  attach_address(call.tx, scope, address, eni);
  g.eni_id = eni.id;
  g.private_ip = eni.private_ip;
  g.public_ip = address.public_ip;
  g.association_id = address.association_id;
  g.state = "available";
  return {};
}

}  // namespace

Status create_nat_gateway(Call& call, const model::CreateNatGatewayRequest& in,
                          model::CreateNatGatewayResult& out) {
  const auto scope = call.scope();
  TRY_LET(auto tags, new_tags(in.tag_specifications, "natgateway"));
  TRY(allow_create(call, "natgateway", tags));
  if (!in.availability_mode.empty() && in.availability_mode.sv() != "zonal")
    return not_served("A regional NAT gateway");
  if (!in.connectivity_type.empty() && in.connectivity_type.sv() != "public")
    return not_served("A private NAT gateway");
  if (in.subnet_id.empty()) return missing("subnetId");
  TRY_LET(auto subnet, need<Subnet>(call, in.subnet_id.sv()));
  if (!in.vpc_id.empty() && in.vpc_id.sv() != subnet.vpc_id)
    return bad_parameter(in.vpc_id.sv(), "vpcId", "The subnet is in another VPC.");
  if (in.allocation_id.empty())
    return fail("MissingParameter",
                "The request must include the AllocationId parameter. Add the required parameter and retry "
                "the request.");
  TRY_LET(auto address, need<Address>(call, in.allocation_id.sv()));
  TRY(end_dry_run(in));

  Fingerprint asked;
  asked.add(in.subnet_id).add(in.allocation_id).add(in.private_ip_address).add(in.tag_specifications);
  TRY_LET(const auto earlier, earlier_result(call, in.client_token, asked));
  if (!earlier.empty())
    if (auto g = call.tx.get<NatGateway>(scope, earlier)) {
      answer(call, *g, in, out);
      return {};
    }
  if (!address.association_id.empty())
    return fail("Resource.AlreadyAssociated",
                "Elastic IP address [" + address.id + "] is already associated");

  erase_forgotten(call);
  NatGateway g;
  g.id = resource_id("nat");
  g.vpc_id = subnet.vpc_id;
  g.subnet_id = subnet.id;
  g.allocation_id = address.id;
  g.created = call.now;
  g.tags = std::move(tags);
  if (attached_gateway(call.tx, scope, subnet.vpc_id)) {
    TRY(connect(call, g, address, api::str(in.private_ip_address)));
  } else {  // AWS accepts the request, then fails the gateway
    g.state = "failed";
    g.failure_code = "Gateway.NotAttached";
    g.failure_message = "Network " + subnet.vpc_id + " has no Internet gateway attached";
    g.deleted = call.now;
  }
  call.tx.put(scope, g);
  remember_result(call, in.client_token, asked, g.id);
  answer(call, g, in, out);
  out.nat_gateway->state = "pending";  // as AWS answers; the first Describe says available or failed
  return {};
}

Status delete_nat_gateway(Call& call, const model::DeleteNatGatewayRequest& in,
                          model::DeleteNatGatewayResult& out) {
  const auto scope = call.scope();
  TRY_LET(auto g, need<NatGateway>(call, in.nat_gateway_id.sv()));
  TRY(end_dry_run(in));
  if (forgotten(call, g)) return no_such<NatGateway>(g.id);
  if (g.state != "deleted") {
    if (!g.eni_id.empty()) delete_interface(call.tx, scope, g.eni_id);
    g.state = "deleted";
    g.deleted = call.now;
    call.tx.put(scope, g);
  }
  erase_forgotten(call);
  out.nat_gateway_id = call.text(g.id);
  return {};
}

Status describe_nat_gateways(Call& call, const model::DescribeNatGatewaysRequest& in,
                             model::DescribeNatGatewaysResult& out) {
  TRY(allow_read(call));
  TRY(end_dry_run(in));
  TRY_LET(auto chosen, choose<NatGateway>(call, in.nat_gateway_ids, in.filter,
                                          std::span<const Field<NatGateway>>(kFilters), call));
  std::string lost;
  std::erase_if(chosen, [&](const NatGateway& g) {
    if (!forgotten(call, g)) return false;
    lost = g.id;
    return true;
  });
  if (!lost.empty() && !in.nat_gateway_ids.empty()) return no_such<NatGateway>(lost);
  TRY_LET(auto page,
          one_page(call, std::move(chosen), in, [](const NatGateway& g) { return g.id; }, out.next_token));
  out.nat_gateways = call.list<model::NatGateway>(page.size());
  for (size_t i = 0; i < page.size(); ++i) render(call, page[i], out.nat_gateways[i]);
  return {};
}

}  // namespace nubecita::ec2
