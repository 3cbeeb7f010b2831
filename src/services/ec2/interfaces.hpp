// Addresses and interfaces inside the caller's transaction: what ec2.hpp offers, and what only EC2's own
// operations need. One thread, as the transaction.
#pragma once

#include <string>
#include <string_view>

#include "base/cidr.hpp"
#include "services/ec2/ec2.hpp"
#include "services/ec2/kinds.hpp"

namespace nubecita::ec2 {

/// A private address in use: key "<subnet>/<address>". Its own record, so that making two interfaces in one
/// subnet at the same time conflicts only when both take the same address.
struct UsedAddress {
  static constexpr std::string_view kTable = "ec2.ip";
  std::string subnet_id, address, eni_id;
  std::string key() const { return subnet_id + "/" + address; }
  template <class A>
  void fields(A& a) {
    a("subnet", subnet_id)("ip", address)("eni", eni_id);
  }
};

inline constexpr size_t kMostGroups = 16;  // of one interface: AWS's hard limit
std::unexpected<ApiError> too_many_groups();

int used_addresses(store::Transaction& tx, const store::Scope& scope, const Subnet& subnet);
/// What is left of a subnet: AWS keeps five addresses of each for itself.
int free_addresses(store::Transaction& tx, const store::Scope& scope, const Subnet& subnet);

/// What owns an automatically assigned public address of an interface, and an Elastic IP.
std::string interface_owner(const store::Scope& scope, std::string_view eni_id);
std::string address_owner(const store::Scope& scope, std::string_view allocation_id);

/// Public addresses of interfaces. An interface has at most one: `eni.public_ip` is what packets are
/// translated to.
void drop_automatic_address(store::Transaction& tx, const store::Scope& scope, NetworkInterface& eni);
/// Points an Elastic IP to an interface (writes both records; the interface's automatic address goes back to
/// the pool).
void attach_address(store::Transaction& tx, const store::Scope& scope, Address& address,
                    NetworkInterface& eni);
/// Undoes that; nothing if it points nowhere.
void detach_address(store::Transaction& tx, const store::Scope& scope, Address& address);
/// The Elastic IP that points to an interface.
std::optional<Address> address_of(store::Transaction& tx, const store::Scope& scope, std::string_view eni_id);

}  // namespace nubecita::ec2
