// What AWS calls each kind of resource: id prefix, ARN type, type in tags, and the error for an id that does
// not exist. Constants, any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "services/ec2/records.hpp"

namespace nubecita::ec2 {

struct KindNames {
  std::string_view prefix;     // "vpc"
  std::string_view type;       // in ARNs and tag specifications: "internet-gateway"
  std::string_view not_found;  // error code
  std::string_view noun;       // in messages: "The vpc ID '...' does not exist"
};

template <class R>
inline constexpr KindNames kKind{};
template <>
inline constexpr KindNames kKind<Vpc>{"vpc", "vpc", "InvalidVpcID.NotFound", "vpc ID"};
template <>
inline constexpr KindNames kKind<Subnet>{"subnet", "subnet", "InvalidSubnetID.NotFound", "subnet ID"};
template <>
inline constexpr KindNames kKind<InternetGateway>{"igw", "internet-gateway",
                                                  "InvalidInternetGatewayID.NotFound", "internetGateway ID"};
template <>
inline constexpr KindNames kKind<NatGateway>{"nat", "natgateway", "NatGatewayNotFound", "natGateway ID"};
template <>
inline constexpr KindNames kKind<Address>{"eipalloc", "elastic-ip", "InvalidAllocationID.NotFound",
                                          "allocation ID"};
template <>
inline constexpr KindNames kKind<RouteTable>{"rtb", "route-table", "InvalidRouteTableID.NotFound",
                                             "routeTable ID"};
template <>
inline constexpr KindNames kKind<SecurityGroup>{"sg", "security-group", "InvalidGroup.NotFound",
                                                "security group"};
template <>
inline constexpr KindNames kKind<NetworkAcl>{"acl", "network-acl", "InvalidNetworkAclID.NotFound",
                                             "networkAcl ID"};
template <>
inline constexpr KindNames kKind<NetworkInterface>{
    "eni", "network-interface", "InvalidNetworkInterfaceID.NotFound", "networkInterface ID"};
inline constexpr std::string_view kRuleType = "security-group-rule";

template <class R>
std::unexpected<ApiError> no_such(std::string_view id) {
  if constexpr (std::is_same_v<R, NatGateway>)
    return fail("NatGatewayNotFound", "The Nat Gateway " + std::string(id) + " was not found");
  else
    return fail(kKind<R>.not_found,
                "The " + std::string(kKind<R>.noun) + " '" + std::string(id) + "' does not exist");
}

/// "The vpc 'vpc-...' has dependencies and cannot be deleted."
inline std::unexpected<ApiError> has_dependencies(std::string_view noun, std::string_view id) {
  return fail("DependencyViolation", "The " + std::string(noun) + " '" + std::string(id) +
                                         "' has dependencies and cannot be deleted.");
}
inline std::unexpected<ApiError> bad_value(std::string message) {
  return fail("InvalidParameterValue", std::move(message));
}
/// "Value (x) for parameter y is invalid. why"
inline std::unexpected<ApiError> bad_parameter(std::string_view value, std::string_view name,
                                               std::string_view why = {}) {
  std::string text = "Value (" + std::string(value) + ") for parameter " + std::string(name) + " is invalid.";
  if (!why.empty()) text.append(" ").append(why);
  return fail("InvalidParameterValue", std::move(text));
}
inline std::unexpected<ApiError> missing(std::string_view name) {
  return fail("MissingParameter", "The request must contain the parameter " + std::string(name));
}
inline std::unexpected<ApiError> not_served(const std::string& what) {
  return fail("UnsupportedOperation", what + " is not served by this cloud.");
}

}  // namespace nubecita::ec2
