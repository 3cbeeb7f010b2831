#include "services/ec2/interfaces.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "services/ec2/public_names.hpp"

namespace nubecita::ec2 {
namespace {

constexpr uint64_t kReservedFirst = 4;  // network, router, resolver, future use
constexpr uint64_t kReserved = 5;       // and the last, broadcast
constexpr int kTries = 12;

const store::Scope& pool_scope() {
  static const store::Scope scope{"-", "-"};
  return scope;
}

uint32_t random_below(uint64_t n) {
  uint64_t v = 0;
  for (unsigned char c : random_bytes(8)) v = v << 8 | c;
  return static_cast<uint32_t>(v % n);
}

/// One of `count` numbers for which `taken` says no, nothing if there is none. Random first, so that
/// transactions at the same time seldom meet and an address that was just freed seldom comes back at once;
/// then every one in turn.
template <class Taken>
std::optional<uint32_t> pick_free(uint64_t count, Taken taken) {
  if (count == 0) return {};
  for (int i = 0; i < kTries; ++i)
    if (auto n = random_below(count); !taken(n)) return n;
  const auto start = random_below(count);
  for (uint64_t i = 0; i < count; ++i)
    if (auto n = static_cast<uint32_t>((start + i) % count); !taken(n)) return n;
  return {};
}

Result<std::string> private_address(store::Transaction& tx, const store::Scope& scope, const Subnet& subnet,
                                    const std::string& wanted) {
  const auto block = *Cidr::parse(subnet.cidr);
  auto taken = [&](const std::string& address) {
    return tx.get<UsedAddress>(scope, subnet.id + "/" + address).has_value();
  };
  if (wanted.empty()) {
    auto n = pick_free(block.size() - kReserved, [&](uint32_t i) {
      return taken(ipv4_text(block.first() + static_cast<uint32_t>(kReservedFirst) + i));
    });
    if (!n)
      return fail("InsufficientFreeAddressesInSubnet",
                  "The specified subnet does not have enough free addresses to satisfy the request.");
    return ipv4_text(block.first() + static_cast<uint32_t>(kReservedFirst) + *n);
  }
  auto address = parse_ipv4(wanted);
  if (!address) return bad_value("invalid value for parameter address: " + wanted);
  if (!block.contains(Cidr::v4(*address, 32)))
    return bad_value("Address does not fall within the subnet's address range");
  if (*address < block.first() + kReservedFirst || *address == block.last())
    return bad_value("Address " + wanted + " is in subnet's reserved address range");
  if (taken(wanted)) return fail("InvalidIPAddress.InUse", "Address " + wanted + " is in use.");
  return wanted;
}

/// Locally administered, so that it never meets a real one.
std::string new_mac() {
  const auto hex = random_hex(10);
  std::string out = "02";
  for (size_t i = 0; i < 10; i += 2) out += ":" + hex.substr(i, 2);
  return out;
}

}  // namespace

std::unexpected<ApiError> too_many_groups() {
  return fail("SecurityGroupsPerInterfaceLimitExceeded",
              "The maximum number of security groups per interface has been reached.");
}

int used_addresses(store::Transaction& tx, const store::Scope& scope, const Subnet& subnet) {
  int n = 0;
  tx.scan(store::make_key(UsedAddress::kTable, scope, subnet.id + "/"), {},
          [&](std::string_view, std::string_view) {
            ++n;
            return true;
          });
  return n;
}

int free_addresses(store::Transaction& tx, const store::Scope& scope, const Subnet& subnet) {
  return static_cast<int>(Cidr::parse(subnet.cidr)->size() - kReserved) - used_addresses(tx, scope, subnet);
}

std::string interface_owner(const store::Scope& scope, std::string_view eni_id) {
  return store::make_key(NetworkInterface::kTable, scope, eni_id);
}
std::string address_owner(const store::Scope& scope, std::string_view allocation_id) {
  return store::make_key(Address::kTable, scope, allocation_id);
}

Result<NetworkInterface> create_interface(store::Transaction& tx, const store::Scope& scope,
                                          const NewInterface& in) {
  auto subnet = tx.get<Subnet>(scope, in.subnet_id);
  if (!subnet) return no_such<Subnet>(in.subnet_id);
  NetworkInterface eni;
  eni.id = resource_id("eni");
  eni.vpc_id = subnet->vpc_id;
  eni.subnet_id = subnet->id;
  eni.zone = subnet->zone;
  eni.mac = new_mac();
  eni.description = in.description;
  eni.requester = in.requester;
  eni.owner_key = in.owner_key;
  eni.tags = in.tags;
  for (const auto& id : in.security_groups) {
    auto group = tx.get<SecurityGroup>(scope, id);
    if (!group) return no_such<SecurityGroup>(id);
    if (group->vpc_id != subnet->vpc_id)
      return fail("InvalidGroup.NotFound",
                  "The security group '" + id + "' does not exist in VPC '" + subnet->vpc_id + "'");
    if (std::ranges::find(eni.security_groups, id) == eni.security_groups.end())
      eni.security_groups.push_back(id);
  }
  if (eni.security_groups.size() > kMostGroups) return too_many_groups();
  if (eni.security_groups.empty()) {
    auto vpc = tx.get<Vpc>(scope, subnet->vpc_id);
    if (vpc) eni.security_groups.push_back(vpc->default_group);
  }
  if (!in.requester.empty()) {  // a service's interface is attached from the start, to what that service runs
    eni.attachment_id = (in.requester == "amazon-elb" ? "ela-attach-0" : "eni-attach-0") + random_hex(16);
    eni.instance_owner_id = in.requester == "amazon-nat" ? "amazon-aws" : in.requester;
  }
  TRY_LET(eni.private_ip, private_address(tx, scope, *subnet, in.private_ip));
  tx.put(scope, UsedAddress{subnet->id, eni.private_ip, eni.id});
  if (in.public_ip) {
    TRY_LET(eni.public_ip, take_public_address(tx, in.public_pool, interface_owner(scope, eni.id)));
  }
  tx.put(scope, eni);
  return eni;
}

void delete_interface(store::Transaction& tx, const store::Scope& scope, const std::string& id) {
  auto eni = tx.get<NetworkInterface>(scope, id);
  if (!eni) return;
  if (auto address = address_of(tx, scope, id))
    detach_address(tx, scope, *address);
  else
    drop_automatic_address(tx, scope, *eni);
  tx.erase<UsedAddress>(scope, eni->subnet_id + "/" + eni->private_ip);
  tx.erase<NetworkInterface>(scope, id);
}

std::optional<NetworkInterface> find_interface(store::Transaction& tx, const store::Scope& scope,
                                               const std::string& id) {
  return tx.get<NetworkInterface>(scope, id);
}
std::optional<Subnet> find_subnet(store::Transaction& tx, const store::Scope& scope, const std::string& id) {
  return tx.get<Subnet>(scope, id);
}
std::optional<SecurityGroup> find_group(store::Transaction& tx, const store::Scope& scope,
                                        const std::string& id) {
  return tx.get<SecurityGroup>(scope, id);
}
std::optional<InterfaceStatus> interface_status(store::Transaction& tx, const store::Scope& scope,
                                                const std::string& id) {
  return tx.get<InterfaceStatus>(scope, id);
}

void put_private_name(store::Transaction& tx, const store::Scope& scope, const std::string& vpc_id,
                      const std::string& fqdn, const std::vector<std::string>& addresses) {
  tx.put(scope, PrivateName{vpc_id, fqdn, addresses});
}
void erase_private_name(store::Transaction& tx, const store::Scope& scope, const std::string& vpc_id,
                        const std::string& fqdn) {
  tx.erase<PrivateName>(scope, vpc_id + "/" + fqdn);
}

const store::Scope& public_names_scope() { return pool_scope(); }

void put_public_name(store::Transaction& tx, const std::string& fqdn,
                     const std::vector<std::string>& addresses) {
  put_private_name(tx, public_names_scope(), kEveryVpc, fqdn, addresses);
}
void erase_public_name(store::Transaction& tx, const std::string& fqdn) {
  erase_private_name(tx, public_names_scope(), kEveryVpc, fqdn);
}

Result<std::string> take_public_address(store::Transaction& tx, const std::string& pool,
                                        const std::string& owner_key) {
  auto block = Cidr::parse(pool);
  if (!block || block->is_v6() || block->bits() > 30)
    return fail("InternalError",
                "public_pool '" + pool + "' is not an IPv4 block of at least four addresses.", 500);
  // The first and the last address of a block stay free: some systems treat them as network and broadcast.
  auto n = pick_free(block->size() - 2, [&](uint32_t i) {
    return tx.get<PublicAddress>(pool_scope(), ipv4_text(block->first() + 1 + i)).has_value();
  });
  if (!n)
    return fail("AddressLimitExceeded",
                "The maximum number of addresses has been reached: the pool " + pool + " is used up.");
  PublicAddress taken{ipv4_text(block->first() + 1 + *n), owner_key};
  tx.put(pool_scope(), taken);
  return taken.address;
}

void free_public_address(store::Transaction& tx, const std::string& address) {
  tx.erase<PublicAddress>(pool_scope(), address);
}

void drop_automatic_address(store::Transaction& tx, const store::Scope& scope, NetworkInterface& eni) {
  if (eni.public_ip.empty()) return;
  auto taken = tx.get<PublicAddress>(pool_scope(), eni.public_ip);
  if (taken && taken->owner_key == interface_owner(scope, eni.id)) free_public_address(tx, eni.public_ip);
  eni.public_ip.clear();
}

void attach_address(store::Transaction& tx, const store::Scope& scope, Address& address,
                    NetworkInterface& eni) {
  drop_automatic_address(tx, scope, eni);
  address.association_id = resource_id("eipassoc");
  address.eni_id = eni.id;
  address.private_ip = eni.private_ip;
  eni.public_ip = address.public_ip;
  tx.put(scope, address);
  tx.put(scope, eni);
}

void detach_address(store::Transaction& tx, const store::Scope& scope, Address& address) {
  if (auto eni = tx.get<NetworkInterface>(scope, address.eni_id);
      eni && eni->public_ip == address.public_ip) {
    eni->public_ip.clear();
    tx.put(scope, *eni);
  }
  address.association_id.clear();
  address.eni_id.clear();
  address.private_ip.clear();
  address.nat_id.clear();
  tx.put(scope, address);
}

std::optional<Address> address_of(store::Transaction& tx, const store::Scope& scope,
                                  std::string_view eni_id) {
  for (auto& address : tx.list<Address>(scope))
    if (address.eni_id == eni_id) return std::move(address);
  return {};
}

}  // namespace nubecita::ec2
