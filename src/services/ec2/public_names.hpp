// Names that the resolver of every VPC of the installation answers, of whatever account and region: what AWS
// has in public DNS (names of load balancers; an internal one's leads to private addresses there, too). For
// other services, inside their transaction.
#pragma once

#include <string>
#include <vector>

#include "store/store.hpp"

namespace nubecita::ec2 {

/// Where they are kept: PrivateName records of this scope, with this in the place of the VPC's id.
const store::Scope& public_names_scope();
inline constexpr const char* kEveryVpc = "*";

void put_public_name(store::Transaction& tx, const std::string& fqdn,
                     const std::vector<std::string>& addresses);
/// An absent one is fine.
void erase_public_name(store::Transaction& tx, const std::string& fqdn);

}  // namespace nubecita::ec2
