// What other services may ask of EC2: network interfaces (ENIs) in a VPC, and what a controller must know to
// put a process behind one. All of it works inside the caller's transaction; the EC2 controller makes the
// packets obey.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "services/ec2/records.hpp"
#include "store/store.hpp"

namespace nubecita::ec2 {

struct NewInterface {
  std::string subnet_id;
  std::vector<std::string> security_groups;  // empty: the VPC's default group
  std::string description;                   // as AWS writes it, e.g. "ELB app/name/0123456789abcdef"
  std::string requester;                     // "" (a user), "amazon-ecs", "amazon-elb", "amazon-rds", ...
  std::string owner_key;                     // store key of the record that owns it: told to its controller
  std::string private_ip;                    // empty: the next free one of the subnet
  bool public_ip = false;        // an address of the public pool, mapped one to one while it exists
  std::string public_pool = {};  // with public_ip: the installation's config.public_pool
  std::vector<Tag> tags = {};
};

/// Errors: InvalidSubnetID.NotFound, InvalidGroup.NotFound, InsufficientFreeAddressesInSubnet,
/// InvalidIPAddress.InUse.
Result<NetworkInterface> create_interface(store::Transaction& tx, const store::Scope& scope,
                                          const NewInterface& in);
/// Erases it and frees its addresses; an absent one is fine.
void delete_interface(store::Transaction& tx, const store::Scope& scope, const std::string& id);

std::optional<NetworkInterface> find_interface(store::Transaction& tx, const store::Scope& scope,
                                               const std::string& id);
std::optional<Subnet> find_subnet(store::Transaction& tx, const store::Scope& scope, const std::string& id);
std::optional<SecurityGroup> find_group(store::Transaction& tx, const store::Scope& scope,
                                        const std::string& id);
/// What the EC2 controller observed: ready once its namespace exists and its rules are enforced.
std::optional<InterfaceStatus> interface_status(store::Transaction& tx, const store::Scope& scope,
                                                const std::string& id);

/// A name that VPC resolvers answer (endpoint names of databases, of internal load balancers): upsert and
/// erase.
void put_private_name(store::Transaction& tx, const store::Scope& scope, const std::string& vpc_id,
                      const std::string& fqdn, const std::vector<std::string>& addresses);
void erase_private_name(store::Transaction& tx, const store::Scope& scope, const std::string& vpc_id,
                        const std::string& fqdn);

/// An address of the installation's public pool (configuration key public_pool), for `owner_key`; one pool
/// for all accounts and regions. Error AddressLimitExceeded.
Result<std::string> take_public_address(store::Transaction& tx, const std::string& pool,
                                        const std::string& owner_key);
void free_public_address(store::Transaction& tx, const std::string& address);

}  // namespace nubecita::ec2
