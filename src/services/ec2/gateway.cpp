// Internet gateways.
#include "base/ids.hpp"
#include "services/ec2/filters.hpp"
#include "services/ec2/network.hpp"
#include "services/ec2/render.hpp"
#include "services/ec2/tagging.hpp"

namespace nubecita::ec2 {
namespace {

const Field<InternetGateway> kFilters[] = {
    {"internet-gateway-id", [](Call&, const InternetGateway& g) { return Values{g.id}; }},
    {"attachment.state",
     [](Call&, const InternetGateway& g) { return g.vpc_id.empty() ? Values{} : Values{"available"}; }},
    {"attachment.vpc-id",
     [](Call&, const InternetGateway& g) { return g.vpc_id.empty() ? Values{} : Values{g.vpc_id}; }},
    {"owner-id", [](Call& c, const InternetGateway&) { return Values{c.account}; }},
};

}  // namespace

void render(Call& call, const InternetGateway& g, model::InternetGateway& out) {
  out.internet_gateway_id = call.text(g.id);
  out.owner_id = call.text(call.account);
  out.attachments = call.list<model::InternetGatewayAttachment>(g.vpc_id.empty() ? 0 : 1);
  for (auto& attachment : out.attachments) {
    attachment.vpc_id = call.text(g.vpc_id);
    attachment.state =
        "available";  // not in the enumeration, but it is what AWS answers and what clients wait for
  }
  out.tags = render_tags(call, g.tags);
}

Status create_internet_gateway(Call& call, const model::CreateInternetGatewayRequest& in,
                               model::CreateInternetGatewayResult& out) {
  TRY_LET(auto tags, new_tags(in.tag_specifications, "internet-gateway"));
  TRY(allow_create(call, "internet-gateway", tags));
  TRY(end_dry_run(in));
  InternetGateway gateway{resource_id("igw"), "", std::move(tags)};
  call.tx.put(call.scope(), gateway);
  out.internet_gateway = call.make<model::InternetGateway>();
  render(call, gateway, *out.internet_gateway);
  return {};
}

Status delete_internet_gateway(Call& call, const model::DeleteInternetGatewayRequest& in,
                               model::DeleteInternetGatewayResponse&) {
  TRY_LET(auto gateway, need<InternetGateway>(call, in.internet_gateway_id.sv()));
  TRY(end_dry_run(in));
  if (!gateway.vpc_id.empty()) return has_dependencies("internetGateway", gateway.id);
  call.tx.erase<InternetGateway>(call.scope(), gateway.id);
  return {};
}

Status describe_internet_gateways(Call& call, const model::DescribeInternetGatewaysRequest& in,
                                  model::DescribeInternetGatewaysResult& out) {
  TRY_LET(auto gateways, select<InternetGateway>(call, in, in.internet_gateway_ids, in.filters, kFilters,
                                                 call, out.next_token));
  out.internet_gateways = call.list<model::InternetGateway>(gateways.size());
  for (size_t i = 0; i < gateways.size(); ++i) render(call, gateways[i], out.internet_gateways[i]);
  return {};
}

Status attach_internet_gateway(Call& call, const model::AttachInternetGatewayRequest& in,
                               model::AttachInternetGatewayResponse&) {
  TRY_LET(auto gateway, need<InternetGateway>(call, in.internet_gateway_id.sv()));
  TRY_LET(auto vpc, need<Vpc>(call, in.vpc_id.sv()));
  TRY(end_dry_run(in));
  if (!gateway.vpc_id.empty())
    return fail("Resource.AlreadyAssociated",
                "resource " + gateway.id + " is already attached to network " + gateway.vpc_id);
  if (attached_gateway(call.tx, call.scope(), vpc.id))
    return bad_value("Network " + vpc.id + " already has an internet gateway attached");
  gateway.vpc_id = vpc.id;
  call.tx.put(call.scope(), gateway);
  return {};
}

Status detach_internet_gateway(Call& call, const model::DetachInternetGatewayRequest& in,
                               model::DetachInternetGatewayResponse&) {
  TRY_LET(auto gateway, need<InternetGateway>(call, in.internet_gateway_id.sv()));
  TRY_LET(auto vpc, need<Vpc>(call, in.vpc_id.sv()));
  TRY(end_dry_run(in));
  if (gateway.vpc_id != vpc.id)
    return fail("Gateway.NotAttached", "resource " + gateway.id + " is not attached to network " + vpc.id);
  for (const auto& eni : in_vpc<NetworkInterface>(call.tx, call.scope(), vpc.id))
    if (!eni.public_ip.empty())
      return fail("DependencyViolation", "Network " + vpc.id +
                                             " has some mapped public address(es). Please unmap those public "
                                             "address(es) before detaching the gateway.");
  gateway.vpc_id.clear();
  call.tx.put(call.scope(), gateway);
  return {};
}

}  // namespace nubecita::ec2
