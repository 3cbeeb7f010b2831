// What concerns the registry as a whole.
#include "base/ids.hpp"
#include "models/ecr.hpp"
#include "services/ecr/ecr.hpp"
#include "services/ecr/images.hpp"

namespace nubecita::ecr {

constexpr int64_t kTwelveHours = 12LL * 3600 * 1000;

Status get_authorization_token(api::Call& call, const model::GetAuthorizationTokenRequest& in,
                               model::GetAuthorizationTokenResponse& out) {
  TRY(call.authorize("*"));
  std::vector<std::string> registries = api::strings(in.registry_ids);
  if (registries.empty()) registries.push_back(call.account);
  const auto expires = call.now + kTwelveHours;
  const auto password = make_password(call.tx, call.principal, expires);
  out.authorization_data = call.list<model::AuthorizationData>(registries.size());
  for (size_t i = 0; i < registries.size(); ++i) {
    auto& d = out.authorization_data[i];
    d.authorization_token = call.text(base64("AWS:" + password));
    d.expires_at = wire::Timestamp{expires};
    d.proxy_endpoint = call.text("https://" + registry_host(call.cloud.config, registries[i], call.region));
  }
  return {};
}

Status describe_registry(api::Call& call, const model::DescribeRegistryRequest&,
                         model::DescribeRegistryResponse& out) {
  TRY(call.authorize("*"));
  out.registry_id = call.text(call.account);
  out.replication_configuration = call.make<model::ReplicationConfiguration>();
  out.replication_configuration->rules = call.list<model::ReplicationRule>(0);
  return {};
}

// A registry policy governs replication and pull-through caches, which are not served: PutRegistryPolicy is
// not either.
Status get_registry_policy(api::Call& call, const model::GetRegistryPolicyRequest&,
                           model::GetRegistryPolicyResponse&) {
  TRY(call.authorize("*"));
  return fail("RegistryPolicyNotFoundException",
              "Registry policy does not exist in the registry with id '" + call.account + "'");
}

Status get_registry_scanning_configuration(api::Call& call,
                                           const model::GetRegistryScanningConfigurationRequest&,
                                           model::GetRegistryScanningConfigurationResponse& out) {
  TRY(call.authorize("*"));
  out.registry_id = call.text(call.account);
  out.scanning_configuration = call.make<model::RegistryScanningConfiguration>();
  out.scanning_configuration->scan_type = "BASIC";
  out.scanning_configuration->rules = call.list<model::RegistryScanningRule>(0);
  return {};
}

}  // namespace nubecita::ecr
