#include "services/elbv2/policies.hpp"

#include <algorithm>

#include "services/elbv2/common.hpp"

namespace nubecita::elbv2 {

namespace {

using Names = std::vector<std::string_view>;

const Names kTls13 = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"};
const Names kForwardGcm = {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
                           "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"};
const Names kForwardSha2 = {"ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA256",
                            "ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA384"};
const Names kForwardSha1 = {"ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA",
                            "ECDHE-ECDSA-AES256-SHA"};
const Names kPlainSha2 = {"AES128-GCM-SHA256", "AES128-SHA256", "AES256-GCM-SHA384", "AES256-SHA256"};
const Names kPlainSha1 = {"AES128-SHA", "AES256-SHA"};

Names together(std::initializer_list<const Names*> parts) {
  Names out;
  for (auto* p : parts) out.insert(out.end(), p->begin(), p->end());
  return out;
}

const std::vector<SslPolicy>& table() {
  static const std::vector<SslPolicy> kTable = [] {
    const Names v10 = {"TLSv1", "TLSv1.1", "TLSv1.2"}, v11 = {"TLSv1.1", "TLSv1.2"}, v12 = {"TLSv1.2"};
    const Names all = together({&kForwardGcm, &kForwardSha2, &kForwardSha1, &kPlainSha2, &kPlainSha1});
    const Names sha2 = together({&kForwardGcm, &kForwardSha2, &kPlainSha2});
    const Names forward = together({&kForwardGcm, &kForwardSha2, &kForwardSha1});
    const Names forward_sha2 = together({&kForwardGcm, &kForwardSha2});
    auto with13 = [](const Names& n) { return together({&kTls13, &n}); };
    return std::vector<SslPolicy>{
        {"ELBSecurityPolicy-2016-08", v10, all},
        {"ELBSecurityPolicy-TLS13-1-2-2021-06", {"TLSv1.2", "TLSv1.3"}, with13(forward_sha2)},
        {"ELBSecurityPolicy-TLS13-1-3-2021-06", {"TLSv1.3"}, kTls13},
        {"ELBSecurityPolicy-TLS13-1-2-Res-2021-06", {"TLSv1.2", "TLSv1.3"}, with13(kForwardGcm)},
        {"ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06", {"TLSv1.2", "TLSv1.3"}, with13(sha2)},
        {"ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06", {"TLSv1.2", "TLSv1.3"}, with13(all)},
        {"ELBSecurityPolicy-TLS13-1-1-2021-06", {"TLSv1.1", "TLSv1.2", "TLSv1.3"}, with13(all)},
        {"ELBSecurityPolicy-TLS13-1-0-2021-06", {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}, with13(all)},
        {"ELBSecurityPolicy-TLS-1-2-2017-01", v12, sha2},
        {"ELBSecurityPolicy-TLS-1-2-Ext-2018-06", v12, all},
        {"ELBSecurityPolicy-TLS-1-1-2017-01", v11, all},
        {"ELBSecurityPolicy-FS-1-2-Res-2020-10", v12, kForwardGcm},
        {"ELBSecurityPolicy-FS-1-2-Res-2019-08", v12, forward_sha2},
        {"ELBSecurityPolicy-FS-1-2-2019-08", v12, forward},
        {"ELBSecurityPolicy-FS-1-1-2019-08", v11, forward},
        {"ELBSecurityPolicy-FS-2018-06", v10, forward},
    };
  }();
  return kTable;
}

std::string haproxy_version(std::string_view name) { return name == "TLSv1" ? "TLSv1.0" : std::string(name); }

}  // namespace

std::string SslPolicy::tls_min() const { return haproxy_version(protocols.front()); }
std::string SslPolicy::tls_max() const { return haproxy_version(protocols.back()); }
std::string SslPolicy::cipher_list() const {
  std::string out;
  for (auto& c : ciphers)
    if (!c.starts_with("TLS_")) out.append(out.empty() ? "" : ":").append(c);
  // OpenSSL 3 speaks TLS below 1.2 only at security level 0.
  if (!out.empty() && protocols.front() != "TLSv1.2" && protocols.front() != "TLSv1.3") out += ":@SECLEVEL=0";
  return out;
}
std::span<const SslPolicy> ssl_policies() { return table(); }
const SslPolicy* find_ssl_policy(std::string_view name) {
  for (auto& p : table())
    if (p.name == name) return &p;
  return nullptr;
}

Status describe_ssl_policies(Call& call, const model::DescribeSSLPoliciesInput& in,
                             model::DescribeSSLPoliciesOutput& out) {
  TRY(allow_read(call));
  std::vector<const SslPolicy*> found;
  for (auto& name : in.names) {
    auto* p = find_ssl_policy(name);
    if (!p) return fail("SSLPolicyNotFound", "One or more SSL policies not found: '" + api::str(name) + "'");
    found.push_back(p);
  }
  if (in.names.empty())
    for (auto& p : table()) found.push_back(&p);
  out.ssl_policies = call.list<model::SslPolicy>(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    auto& o = out.ssl_policies[i];
    o.name = call.text(found[i]->name);
    o.ssl_protocols = call.list<wire::Text>(found[i]->protocols.size());
    for (size_t k = 0; k < found[i]->protocols.size(); ++k)
      o.ssl_protocols[k] = call.text(found[i]->protocols[k]);
    o.ciphers = call.list<model::Cipher>(found[i]->ciphers.size());
    for (size_t k = 0; k < found[i]->ciphers.size(); ++k) {
      o.ciphers[k].name = call.text(found[i]->ciphers[k]);
      o.ciphers[k].priority = static_cast<int32_t>(k + 1);
    }
    o.supported_load_balancer_types = call.texts({"application"});
  }
  return {};
}

Status describe_account_limits(Call& call, const model::DescribeAccountLimitsInput&,
                               model::DescribeAccountLimitsOutput& out) {
  TRY(allow_read(call));
  static constexpr std::pair<std::string_view, std::string_view> kLimits[] = {
      {"application-load-balancers", "50"},
      {"target-groups", "3000"},
      {"targets-per-application-load-balancer", "1000"},
      {"listeners-per-application-load-balancer", "50"},
      {"rules-per-application-load-balancer", "100"},
      {"target-groups-per-action-on-application-load-balancer", "5"},
      {"target-groups-per-application-load-balancer", "100"},
      {"certificates-per-application-load-balancer", "25"},
      {"condition-values-per-alb-rule", "5"},
      {"condition-wildcards-per-alb-rule", "6"},
      {"targets-per-target-group", "1000"},
  };
  out.limits = call.list<model::Limit>(std::size(kLimits));
  size_t i = 0;
  for (auto& [name, most] : kLimits) out.limits[i++] = {call.text(name), call.text(most)};
  return {};
}

}  // namespace nubecita::elbv2
