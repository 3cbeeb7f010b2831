// The predefined TLS policies of AWS: protocols and ciphers
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html). Facts.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nubecita::elbv2 {

struct SslPolicy {
  std::string_view name;
  std::vector<std::string_view> protocols;  // "TLSv1.2", ..., as AWS orders them
  std::vector<std::string_view> ciphers;    // OpenSSL names, TLS 1.3 ones among them
  std::string tls_min() const;
  std::string tls_max() const;
  /// OpenSSL's list of the ciphers for TLS 1.2 and below; empty if there are none.
  std::string cipher_list() const;
};
inline constexpr std::string_view kDefaultSslPolicy = "ELBSecurityPolicy-2016-08";
std::span<const SslPolicy> ssl_policies();
const SslPolicy* find_ssl_policy(std::string_view name);

}  // namespace nubecita::elbv2
