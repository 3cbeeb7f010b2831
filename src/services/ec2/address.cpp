// Elastic IP addresses, out of the installation's public pool.
#include "base/ids.hpp"
#include "services/ec2/filters.hpp"
#include "services/ec2/interfaces.hpp"
#include "services/ec2/network.hpp"
#include "services/ec2/tagging.hpp"

namespace nubecita::ec2 {
namespace {

Values unless_empty(const std::string& s) { return s.empty() ? Values{} : Values{s}; }

const Field<Address> kFilters[] = {
    {"allocation-id", [](Call&, const Address& a) { return Values{a.id}; }},
    {"association-id", [](Call&, const Address& a) { return unless_empty(a.association_id); }},
    {"domain", [](Call&, const Address&) { return Values{"vpc"}; }},
    {"instance-id", [](Call&, const Address&) { return Values{}; }},
    {"network-border-group", [](Call& c, const Address&) { return Values{c.region}; }},
    {"network-interface-id", [](Call&, const Address& a) { return unless_empty(a.eni_id); }},
    {"network-interface-owner-id",
     [](Call& c, const Address& a) { return a.eni_id.empty() ? Values{} : Values{c.account}; }},
    {"private-ip-address", [](Call&, const Address& a) { return unless_empty(a.private_ip); }},
    {"public-ip", [](Call&, const Address& a) { return Values{a.public_ip}; }},
};

void render(Call& call, const Address& a, model::Address& out) {
  out.allocation_id = call.text(a.id);
  out.public_ip = call.text(a.public_ip);
  out.domain = "vpc";
  out.public_ipv4_pool = "amazon";
  out.network_border_group = call.text(call.region);
  out.instance_id = "";
  if (!a.association_id.empty()) {
    out.association_id = call.text(a.association_id);
    out.network_interface_id = call.text(a.eni_id);
    out.network_interface_owner_id = call.text(call.account);
    out.private_ip_address = call.text(a.private_ip);
  }
  out.tags = render_tags(call, a.tags);
}

std::unexpected<ApiError> no_such_address(std::string_view public_ip) {
  return fail("InvalidAddress.NotFound", "Address '" + std::string(public_ip) + "' not found.");
}

/// The address that an allocation id or a public address names, authorized for the call's action.
Result<Address> need_address(Call& call, wire::Text allocation_id, wire::Text public_ip) {
  if (!allocation_id.empty() && !public_ip.empty())
    return fail("InvalidParameterCombination",
                "You may specify public IP or allocation id, but not both in the same call");
  if (!allocation_id.empty()) return need<Address>(call, allocation_id.sv());
  if (public_ip.empty())
    return fail("MissingParameter", "Either public IP or allocation id must be specified");
  for (auto& a : call.tx.list<Address>(call.scope()))
    if (a.public_ip == public_ip.sv()) return need<Address>(call, a.id);
  TRY(call.authorize(resource_arn(call, "elastic-ip", "*")));
  return no_such_address(public_ip.sv());
}

}  // namespace

Status allocate_address(Call& call, const model::AllocateAddressRequest& in,
                        model::AllocateAddressResult& out) {
  TRY_LET(auto tags, new_tags(in.tag_specifications, "elastic-ip"));
  TRY(allow_create(call, "elastic-ip", tags));
  TRY(end_dry_run(in));
  if (!in.domain.empty() && in.domain.sv() != "vpc") return not_served("The domain 'standard' (EC2-Classic)");
  if (!in.address.empty()) return not_served("Recovering a particular address");
  if (!in.network_border_group.empty() && in.network_border_group.sv() != call.region)
    return bad_parameter(in.network_border_group.sv(), "networkBorderGroup",
                         "Only the region's own group is served.");
  Address a;
  a.id = resource_id("eipalloc");
  a.tags = std::move(tags);
  TRY_LET(a.public_ip,
          take_public_address(call.tx, call.cloud.config.public_pool, address_owner(call.scope(), a.id)));
  call.tx.put(call.scope(), a);
  out.allocation_id = call.text(a.id);
  out.public_ip = call.text(a.public_ip);
  out.public_ipv4_pool = "amazon";
  out.network_border_group = call.text(call.region);
  out.domain = "vpc";
  return {};
}

Status associate_address(Call& call, const model::AssociateAddressRequest& in,
                         model::AssociateAddressResult& out) {
  const auto scope = call.scope();
  TRY_LET(auto address, need_address(call, in.allocation_id, in.public_ip));
  if (!in.instance_id.empty())
    return fail("InvalidInstanceID.NotFound",
                "The instance ID '" + api::str(in.instance_id) + "' does not exist");
  if (in.network_interface_id.empty()) return missing("networkInterfaceId");
  TRY_LET(auto eni, need<NetworkInterface>(call, in.network_interface_id.sv()));
  TRY(end_dry_run(in));
  if (!eni.requester.empty())
    return fail("AuthFailure", "You do not have permission to access the specified resource.");
  if (!in.private_ip_address.empty() && in.private_ip_address.sv() != eni.private_ip)
    return bad_parameter(in.private_ip_address.sv(), "privateIpAddress",
                         "It is no address of the network interface.");
  if (address.eni_id == eni.id) {
    out.association_id = call.text(address.association_id);
    return {};
  }
  const bool move = in.allow_reassociation.value_or(true);
  auto previous = address_of(call.tx, scope, eni.id);
  if (!move && !address.association_id.empty())
    return fail(
        "Resource.AlreadyAssociated",
        "resource " + address.id + " is already associated with associate-id " + address.association_id);
  if (!move && previous)
    return fail(
        "Resource.AlreadyAssociated",
        "resource " + eni.id + " is already associated with associate-id " + previous->association_id);
  if (!address.nat_id.empty())
    return fail("AuthFailure", "You do not have permission to access the specified resource.");
  if (!attached_gateway(call.tx, scope, eni.vpc_id))
    return fail("Gateway.NotAttached", "Network " + eni.vpc_id + " is not attached to any internet gateway");
  if (previous) detach_address(call.tx, scope, *previous);
  if (!address.association_id.empty()) detach_address(call.tx, scope, address);
  if (auto now = call.tx.get<NetworkInterface>(scope, eni.id))
    eni = std::move(*now);  // detaching has written it
  attach_address(call.tx, scope, address, eni);
  out.association_id = call.text(address.association_id);
  return {};
}

Status disassociate_address(Call& call, const model::DisassociateAddressRequest& in,
                            model::DisassociateAddressResponse&) {
  std::optional<Address> address;
  if (!in.association_id.empty()) {
    for (auto& a : call.tx.list<Address>(call.scope()))
      if (a.association_id == in.association_id.sv()) address = std::move(a);
    TRY(call.authorize(resource_arn(call, "elastic-ip", address ? std::string_view(address->id) : "*"),
                       address ? conditions_of(call, *address) : Conditions{}));
    if (!address)
      return fail("InvalidAssociationID.NotFound",
                  "The association ID '" + api::str(in.association_id) + "' does not exist");
  } else {
    TRY_LET(address, need_address(call, {}, in.public_ip));
  }
  TRY(end_dry_run(in));
  if (!address->nat_id.empty())
    return fail("AuthFailure", "You do not have permission to access the specified resource.");
  if (!address->association_id.empty()) detach_address(call.tx, call.scope(), *address);
  return {};
}

Status release_address(Call& call, const model::ReleaseAddressRequest& in, model::ReleaseAddressResponse&) {
  TRY_LET(auto address, need_address(call, in.allocation_id, in.public_ip));
  TRY(end_dry_run(in));
  if (!in.network_border_group.empty() && in.network_border_group.sv() != call.region)
    return bad_parameter(in.network_border_group.sv(), "networkBorderGroup");
  if (!address.association_id.empty())
    return fail("InvalidIPAddress.InUse", "Address " + address.public_ip + " is in use.");
  free_public_address(call.tx, address.public_ip);
  call.tx.erase<Address>(call.scope(), address.id);
  return {};
}

Status describe_addresses(Call& call, const model::DescribeAddressesRequest& in,
                          model::DescribeAddressesResult& out) {
  TRY(allow_read(call));
  TRY(end_dry_run(in));
  TRY_LET(auto chosen, choose<Address>(call, in.allocation_ids, in.filters,
                                       std::span<const Field<Address>>(kFilters), call));
  if (!in.public_ips.empty()) {
    for (const auto& wanted : in.public_ips) {
      if (!parse_ipv4(wanted.sv())) return bad_value("Invalid IPv4 address: " + api::str(wanted));
      const auto all = call.tx.list<Address>(call.scope());
      if (std::ranges::find(all, wanted.sv(), &Address::public_ip) == all.end())
        return no_such_address(wanted.sv());
    }
    std::erase_if(chosen, [&](const Address& a) {
      return std::ranges::none_of(in.public_ips, [&](wire::Text ip) { return ip.sv() == a.public_ip; });
    });
  }
  out.addresses = call.list<model::Address>(chosen.size());
  for (size_t i = 0; i < chosen.size(); ++i) render(call, chosen[i], out.addresses[i]);
  return {};
}

// Reverse names of addresses. ModifyAddressAttribute is not served, so no address has one: the list is truly
// empty.
Status describe_addresses_attribute(Call& call, const model::DescribeAddressesAttributeRequest& in,
                                    model::DescribeAddressesAttributeResult& out) {
  TRY(allow_read(call));
  TRY(end_dry_run(in));
  for (const auto& id : in.allocation_ids)
    if (!call.tx.get<Address>(call.scope(), id.sv())) return no_such<Address>(id.sv());
  out.addresses = call.list<model::AddressAttribute>(0);
  return {};
}

}  // namespace nubecita::ec2
