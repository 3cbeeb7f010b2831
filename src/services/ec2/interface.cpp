// Network interfaces as the API shows them. Those of services (load balancers, tasks, databases, NAT
// gateways) are made by interfaces.cpp for their services; users make and change their own here.
#include <map>

#include "base/ids.hpp"
#include "services/ec2/filters.hpp"
#include "services/ec2/idempotency.hpp"
#include "services/ec2/interfaces.hpp"
#include "services/ec2/network.hpp"
#include "services/ec2/render.hpp"
#include "services/ec2/tagging.hpp"

namespace nubecita::ec2 {
namespace {

/// What interfaces are shown with, read once per request.
struct Around {
  Call& call;
  std::map<std::string, Address> addresses;  // by interface
  std::map<std::string, std::string> group_names;
  std::map<std::string, bool> hostnames;  // VPCs whose interfaces have DNS names
  explicit Around(Call& c) : call(c) {
    const auto scope = c.scope();
    for (auto& a : c.tx.list<Address>(scope))
      if (!a.eni_id.empty()) addresses.emplace(a.eni_id, std::move(a));
    for (auto& g : c.tx.list<SecurityGroup>(scope)) group_names.emplace(g.id, std::move(g.name));
    for (auto& v : c.tx.list<Vpc>(scope)) hostnames.emplace(v.id, v.dns_hostnames && v.dns_support);
  }
  const Address* address_of(const NetworkInterface& i) const {
    auto it = addresses.find(i.id);
    return it == addresses.end() ? nullptr : &it->second;
  }
  std::string private_name(const NetworkInterface& i) {
    if (!hostnames[i.vpc_id]) return {};
    auto name = "ip-" + i.private_ip + "." + internal_domain(call.region);
    std::replace(name.begin() + 3, name.begin() + 3 + static_cast<ptrdiff_t>(i.private_ip.size()), '.', '-');
    return name;
  }
};

bool attached(const NetworkInterface& i) { return !i.attachment_id.empty(); }
std::string type_of(const NetworkInterface& i) {
  return i.requester == "amazon-nat" ? "nat_gateway" : "interface";
}
Values when(bool there, std::string value) { return there ? Values{std::move(value)} : Values{}; }

using F = Field<NetworkInterface, Around>;
const F kFilters[] = {
    {"network-interface-id", [](Around&, const NetworkInterface& i) { return Values{i.id}; }},
    {"vpc-id", [](Around&, const NetworkInterface& i) { return Values{i.vpc_id}; }},
    {"subnet-id", [](Around&, const NetworkInterface& i) { return Values{i.subnet_id}; }},
    {"availability-zone", [](Around&, const NetworkInterface& i) { return Values{i.zone}; }},
    {"availability-zone-id", [](Around&, const NetworkInterface& i) { return Values{zone_id(i.zone)}; }},
    {"description", [](Around&, const NetworkInterface& i) { return Values{i.description}; }},
    {"group-id", [](Around&, const NetworkInterface& i) { return Values(i.security_groups); }},
    {"group-name",
     [](Around& a, const NetworkInterface& i) {
       Values out;
       for (const auto& id : i.security_groups) out.push_back(a.group_names[id]);
       return out;
     }},
    {"interface-type", [](Around&, const NetworkInterface& i) { return Values{type_of(i)}; }},
    {"mac-address", [](Around&, const NetworkInterface& i) { return Values{i.mac}; }},
    {"owner-id", [](Around& a, const NetworkInterface&) { return Values{a.call.account}; }},
    {"private-ip-address", [](Around&, const NetworkInterface& i) { return Values{i.private_ip}; }},
    {"private-dns-name", [](Around& a, const NetworkInterface& i) { return Values{a.private_name(i)}; }},
    {"addresses.private-ip-address", [](Around&, const NetworkInterface& i) { return Values{i.private_ip}; }},
    {"addresses.primary", [](Around&, const NetworkInterface&) { return Values{"true"}; }},
    {"addresses.association.public-ip",
     [](Around&, const NetworkInterface& i) { return when(!i.public_ip.empty(), i.public_ip); }},
    {"addresses.association.owner-id",
     [](Around& a, const NetworkInterface& i) { return when(a.address_of(i), a.call.account); }},
    {"association.allocation-id",
     [](Around& a, const NetworkInterface& i) {
       return a.address_of(i) ? Values{a.address_of(i)->id} : Values{};
     }},
    {"association.association-id",
     [](Around& a, const NetworkInterface& i) {
       return a.address_of(i) ? Values{a.address_of(i)->association_id} : Values{};
     }},
    {"association.ip-owner-id",
     [](Around& a, const NetworkInterface& i) {
       return when(!i.public_ip.empty(), a.address_of(i) ? a.call.account : "amazon");
     }},
    {"association.public-ip",
     [](Around&, const NetworkInterface& i) { return when(!i.public_ip.empty(), i.public_ip); }},
    {"association.public-dns-name", [](Around&, const NetworkInterface&) { return Values{}; }},
    {"attachment.attachment-id",
     [](Around&, const NetworkInterface& i) { return when(attached(i), i.attachment_id); }},
    {"attachment.attach-time", [](Around&, const NetworkInterface&) { return Values{}; }},
    {"attachment.delete-on-termination",
     [](Around&, const NetworkInterface& i) { return when(attached(i), "false"); }},
    {"attachment.device-index", [](Around&, const NetworkInterface& i) { return when(attached(i), "1"); }},
    {"attachment.instance-id", [](Around&, const NetworkInterface&) { return Values{}; }},
    {"attachment.instance-owner-id",
     [](Around&, const NetworkInterface& i) { return when(attached(i), i.instance_owner_id); }},
    {"attachment.status",
     [](Around&, const NetworkInterface& i) { return Values{attached(i) ? "attached" : "detached"}; }},
    {"requester-id",
     [](Around&, const NetworkInterface& i) { return when(!i.requester.empty(), i.requester); }},
    {"requester-managed",
     [](Around&, const NetworkInterface& i) { return Values{yes_no(!i.requester.empty())}; }},
    {"source-dest-check",
     [](Around&, const NetworkInterface& i) { return Values{yes_no(!i.source_dest_check_off)}; }},
    {"status",
     [](Around&, const NetworkInterface& i) { return Values{attached(i) ? "in-use" : "available"}; }},
    {"ipv6-addresses.ipv6-address", [](Around&, const NetworkInterface&) { return Values{}; }},
    {"operator.managed", [](Around&, const NetworkInterface&) { return Values{"false"}; }},
    {"operator.principal", [](Around&, const NetworkInterface&) { return Values{}; }},
};

model::NetworkInterfaceAttachment* render_attachment(Call& call, const NetworkInterface& i) {
  auto* out = call.make<model::NetworkInterfaceAttachment>();
  out->attachment_id = call.text(i.attachment_id);
  out->instance_owner_id = call.text(i.instance_owner_id);
  out->device_index = 1;
  out->network_card_index = 0;
  out->delete_on_termination = false;
  out->status = "attached";
  return out;
}

wire::List<model::GroupIdentifier> render_groups(Around& a, const NetworkInterface& i) {
  auto out = a.call.list<model::GroupIdentifier>(i.security_groups.size());
  for (size_t n = 0; n < i.security_groups.size(); ++n) {
    out[n].group_id = a.call.text(i.security_groups[n]);
    out[n].group_name = a.call.text(a.group_names[i.security_groups[n]]);
  }
  return out;
}

void render(Around& a, const NetworkInterface& i, model::NetworkInterface& out) {
  auto& call = a.call;
  out.network_interface_id = call.text(i.id);
  out.vpc_id = call.text(i.vpc_id);
  out.subnet_id = call.text(i.subnet_id);
  out.availability_zone = call.text(i.zone);
  out.availability_zone_id = call.text(zone_id(i.zone));
  out.description = call.text(i.description);
  out.owner_id = call.text(call.account);
  if (!i.requester.empty()) out.requester_id = call.text(i.requester);
  out.requester_managed = !i.requester.empty();
  out.interface_type = call.text(type_of(i));
  out.mac_address = call.text(i.mac);
  out.private_ip_address = call.text(i.private_ip);
  const auto name = a.private_name(i);
  if (!name.empty()) out.private_dns_name = call.text(name);
  out.source_dest_check = !i.source_dest_check_off;
  out.status = call.text(attached(i) ? "in-use" : "available");
  if (attached(i)) out.attachment = render_attachment(call, i);
  out.groups = render_groups(a, i);
  out.ipv6_addresses = call.list<model::NetworkInterfaceIpv6Address>(0);
  out.tag_set = render_tags(call, i.tags);
  out.private_ip_addresses = call.list<model::NetworkInterfacePrivateIpAddress>(1);
  auto& only = out.private_ip_addresses[0];
  only.primary = true;
  only.private_ip_address = out.private_ip_address;
  if (!name.empty()) only.private_dns_name = out.private_dns_name;
  if (i.public_ip.empty()) return;
  out.association = call.make<model::NetworkInterfaceAssociation>();
  out.association->public_ip = call.text(i.public_ip);
  out.association->public_dns_name = "";
  out.association->ip_owner_id = "amazon";
  if (const auto* address = a.address_of(i)) {
    out.association->allocation_id = call.text(address->id);
    out.association->association_id = call.text(address->association_id);
    out.association->ip_owner_id = call.text(call.account);
  }
  only.association = out.association;
}

/// The one private address that a request may ask for, in either of its two members.
Result<std::string> wanted_address(const model::CreateNetworkInterfaceRequest& in) {
  std::string wanted = api::str(in.private_ip_address);
  if (in.private_ip_addresses.size() > 1) return not_served("More than one private address of an interface");
  for (const auto& a : in.private_ip_addresses) {
    if (!wanted.empty() && wanted != a.private_ip_address.sv())
      return fail("InvalidParameterCombination",
                  "privateIpAddress and privateIpAddresses name different primary addresses.");
    wanted = api::str(a.private_ip_address);
  }
  return wanted;
}

Status check_groups(Call& call, const NetworkInterface& eni, const std::vector<std::string>& ids) {
  if (ids.empty()) return bad_value("A network interface has at least one security group.");
  if (ids.size() > kMostGroups) return too_many_groups();
  for (const auto& id : ids) {
    auto group = call.tx.get<SecurityGroup>(call.scope(), id);
    if (!group || group->vpc_id != eni.vpc_id) return no_such<SecurityGroup>(id);
  }
  return {};
}

std::unexpected<ApiError> managed() {
  return fail("OperationNotPermitted",
              "You do not have permission to access the specified resource: a service manages it.");
}

Status set_public_address(Call& call, NetworkInterface& eni, bool wanted) {
  if (wanted == !eni.public_ip.empty()) return {};
  if (!wanted) {
    if (address_of(call.tx, call.scope(), eni.id))
      return fail("InvalidParameterCombination",
                  "The public address is an Elastic IP: disassociate it instead.");
    drop_automatic_address(call.tx, call.scope(), eni);
    return {};
  }
  TRY_LET(eni.public_ip,
          take_public_address(call.tx, call.cloud.config.public_pool, interface_owner(call.scope(), eni.id)));
  return {};
}

}  // namespace

void render(Call& call, const NetworkInterface& interface, model::NetworkInterface& out) {
  Around around(call);
  render(around, interface, out);
}

Status create_network_interface(Call& call, const model::CreateNetworkInterfaceRequest& in,
                                model::CreateNetworkInterfaceResult& out) {
  const auto scope = call.scope();
  TRY_LET(auto tags, new_tags(in.tag_specifications, "network-interface"));
  TRY(allow_create(call, "network-interface", tags));
  TRY_LET(auto subnet, need<Subnet>(call, in.subnet_id.sv()));
  for (const auto& id : in.groups) TRY(need<SecurityGroup>(call, id.sv()));
  TRY(end_dry_run(in));
  TRY_LET(const auto address, wanted_address(in));
  Fingerprint asked;
  asked.add(in.subnet_id).add(in.groups).add(in.description).add(address).add(in.tag_specifications);
  TRY_LET(const auto earlier, earlier_result(call, in.client_token, asked));
  auto eni = earlier.empty() ? std::nullopt : call.tx.get<NetworkInterface>(scope, earlier);
  if (!eni) {
    NewInterface wanted;
    wanted.subnet_id = subnet.id;
    wanted.security_groups = api::strings(in.groups);
    wanted.description = api::str(in.description);
    wanted.private_ip = address;
    wanted.tags = std::move(tags);
    TRY_LET(eni, create_interface(call.tx, scope, wanted));
    remember_result(call, in.client_token, asked, eni->id);
  }
  out.network_interface = call.make<model::NetworkInterface>();
  render(call, *eni, *out.network_interface);
  out.network_interface->status = "pending";  // as AWS answers; the first Describe says available
  if (!in.client_token.empty()) out.client_token = in.client_token;
  return {};
}

Status delete_network_interface(Call& call, const model::DeleteNetworkInterfaceRequest& in,
                                model::DeleteNetworkInterfaceResponse&) {
  TRY_LET(auto eni, need<NetworkInterface>(call, in.network_interface_id.sv()));
  TRY(end_dry_run(in));
  if (attached(eni) || !eni.requester.empty())
    return bad_value("Network interface '" + eni.id + "' is currently in use.");
  delete_interface(call.tx, call.scope(), eni.id);
  return {};
}

Status describe_network_interfaces(Call& call, const model::DescribeNetworkInterfacesRequest& in,
                                   model::DescribeNetworkInterfacesResult& out) {
  Around around(call);
  TRY_LET(auto found, select<NetworkInterface>(call, in, in.network_interface_ids, in.filters, kFilters,
                                               around, out.next_token));
  out.network_interfaces = call.list<model::NetworkInterface>(found.size());
  for (size_t i = 0; i < found.size(); ++i) render(around, found[i], out.network_interfaces[i]);
  return {};
}

Status describe_network_interface_attribute(Call& call,
                                            const model::DescribeNetworkInterfaceAttributeRequest& in,
                                            model::DescribeNetworkInterfaceAttributeResult& out) {
  TRY_LET(auto eni, need<NetworkInterface>(call, in.network_interface_id.sv()));
  TRY(end_dry_run(in));
  out.network_interface_id = call.text(eni.id);
  const auto attribute = in.attribute.sv();
  if (attribute == "description") {
    out.description = call.make<model::AttributeValue>();
    out.description->value = call.text(eni.description);
  } else if (attribute == "groupSet") {
    Around around(call);
    out.groups = render_groups(around, eni);
  } else if (attribute == "sourceDestCheck") {
    out.source_dest_check = call.make<model::AttributeBooleanValue>();
    out.source_dest_check->value = !eni.source_dest_check_off;
  } else if (attribute == "attachment") {
    if (attached(eni)) out.attachment = render_attachment(call, eni);
  } else if (attribute == "associatePublicIpAddress") {
    out.associate_public_ip_address = !eni.public_ip.empty();
  } else {
    return bad_parameter(attribute, "attribute");
  }
  return {};
}

Status modify_network_interface_attribute(Call& call, const model::ModifyNetworkInterfaceAttributeRequest& in,
                                          model::ModifyNetworkInterfaceAttributeResponse&) {
  TRY_LET(auto eni, need<NetworkInterface>(call, in.network_interface_id.sv()));
  TRY(end_dry_run(in));
  const bool sdc = in.source_dest_check && in.source_dest_check->value.has();
  const int asked = (in.description != nullptr) + sdc + in.groups.has() + (in.attachment != nullptr) +
                    in.associate_public_ip_address.has();
  if (asked == 0)
    return fail("MissingParameter", "The request must contain exactly one attribute to modify.");
  if (asked > 1)
    return fail("InvalidParameterCombination",
                "Fields for multiple attribute types specified: modify one attribute per request.");
  if (in.attachment) {
    if (in.attachment->attachment_id.sv() != eni.attachment_id || eni.attachment_id.empty())
      return fail("InvalidAttachmentID.NotFound",
                  "The attachment ID '" + api::str(in.attachment->attachment_id) + "' does not exist");
    return managed();
  }
  if (!eni.requester.empty()) return managed();
  if (in.description) eni.description = api::str(in.description->value);
  if (sdc) eni.source_dest_check_off = !*in.source_dest_check->value;
  if (in.groups.has()) {
    auto ids = api::strings(in.groups);
    TRY(check_groups(call, eni, ids));
    eni.security_groups = std::move(ids);
  }
  if (in.associate_public_ip_address.has())
    TRY(set_public_address(call, eni, *in.associate_public_ip_address));
  call.tx.put(call.scope(), eni);
  return {};
}

Status reset_network_interface_attribute(Call& call, const model::ResetNetworkInterfaceAttributeRequest& in,
                                         model::ResetNetworkInterfaceAttributeResponse&) {
  TRY_LET(auto eni, need<NetworkInterface>(call, in.network_interface_id.sv()));
  TRY(end_dry_run(in));
  if (!eni.requester.empty()) return managed();
  eni.source_dest_check_off = false;
  call.tx.put(call.scope(), eni);
  return {};
}

// There are no instances here, so nothing can be attached by hand; what services attach, only they detach.
Status attach_network_interface(Call& call, const model::AttachNetworkInterfaceRequest& in,
                                model::AttachNetworkInterfaceResult&) {
  TRY_LET(auto eni, need<NetworkInterface>(call, in.network_interface_id.sv()));
  TRY(end_dry_run(in));
  if (attached(eni)) return fail("InvalidNetworkInterface.InUse", "Interface: [" + eni.id + "] in use.");
  return fail("InvalidInstanceID.NotFound",
              "The instance ID '" + api::str(in.instance_id) + "' does not exist");
}

Status detach_network_interface(Call& call, const model::DetachNetworkInterfaceRequest& in,
                                model::DetachNetworkInterfaceResponse&) {
  std::optional<NetworkInterface> eni;
  for (auto& i : call.tx.list<NetworkInterface>(call.scope()))
    if (attached(i) && i.attachment_id == in.attachment_id.sv()) eni = std::move(i);
  TRY(call.authorize(resource_arn(call, "network-interface", eni ? std::string_view(eni->id) : "*"),
                     eni ? conditions_of(call, *eni) : Conditions{}));
  TRY(end_dry_run(in));
  if (!eni)
    return fail("InvalidAttachmentID.NotFound",
                "The attachment ID '" + api::str(in.attachment_id) + "' does not exist");
  const auto kind = eni->attachment_id.substr(0, eni->attachment_id.find("-0"));
  return fail("OperationNotPermitted", "You are not allowed to manage '" + kind + "' attachments.");
}

}  // namespace nubecita::ec2
