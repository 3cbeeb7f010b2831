// The region's set of DHCP options as a resource: it is always there, and recorded only for its tags.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/ec2/kinds.hpp"
#include "services/ec2/network.hpp"
#include "store/store.hpp"

namespace nubecita::ec2 {

struct DhcpOptions {
  static constexpr std::string_view kTable = "ec2.dhcp_options";
  std::string id;
  std::vector<Tag> tags;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("tags", tags);
  }
};
template <>
inline constexpr KindNames kKind<DhcpOptions>{"dopt", "dhcp-options", "InvalidDhcpOptionID.NotFound",
                                              "dhcpOption ID"};

inline DhcpOptions dhcp_options(store::Transaction& tx, const store::Scope& scope) {
  DhcpOptions untagged{default_dhcp_options(scope.account, scope.region), {}};
  return tx.get<DhcpOptions>(scope, untagged.id).value_or(untagged);
}

/// A resource by its id, recorded or not.
template <class R>
std::optional<R> find_resource(store::Transaction& tx, const store::Scope& scope, std::string_view id) {
  if constexpr (std::is_same_v<R, DhcpOptions>) {
    auto only = dhcp_options(tx, scope);
    return only.id == id ? std::optional(std::move(only)) : std::nullopt;
  } else {
    return tx.get<R>(scope, id);
  }
}

}  // namespace nubecita::ec2
