#include "services/elbv2/attributes.hpp"

#include <charconv>

namespace nubecita::elbv2 {

namespace {

using Values = AttributeKind::Values;

constexpr AttributeKind kLoadBalancer[] = {
    {"access_logs.s3.enabled", "false", Values::only_default},
    {"access_logs.s3.bucket", "", Values::only_default},
    {"access_logs.s3.prefix", "", Values::only_default},
    {"client_keep_alive.seconds", "3600", Values::number, 60, 604800},
    {"connection_logs.s3.enabled", "false", Values::only_default},
    {"connection_logs.s3.bucket", "", Values::only_default},
    {"connection_logs.s3.prefix", "", Values::only_default},
    {"deletion_protection.enabled", "false", Values::boolean},
    {"idle_timeout.timeout_seconds", "60", Values::number, 1, 4000},
    {"ipv6.deny_all_igw_traffic", "false", Values::only_default},
    {"load_balancing.cross_zone.enabled", "true", Values::only_default},
    // HAProxy refuses ambiguous requests always, which is what the two stricter modes ask for.
    {"routing.http.desync_mitigation_mode", "defensive", Values::choice, 0, 0, "defensive|strictest"},
    {"routing.http.drop_invalid_header_fields.enabled", "false", Values::boolean},
    {"routing.http.preserve_host_header.enabled", "false", Values::boolean},
    {"routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false", Values::boolean},
    {"routing.http.xff_client_port.enabled", "false", Values::boolean},
    {"routing.http.xff_header_processing.mode", "append", Values::choice, 0, 0, "append|preserve|remove"},
    {"routing.http2.enabled", "true", Values::boolean},
    {"waf.fail_open.enabled", "false", Values::only_default},
    {"zonal_shift.config.enabled", "false", Values::only_default},
};

constexpr AttributeKind kGroup[] = {
    {"deregistration_delay.timeout_seconds", "300", Values::number, 0, 3600},
    {"load_balancing.algorithm.anomaly_mitigation", "off", Values::only_default},
    {"load_balancing.algorithm.type", "round_robin", Values::choice, 0, 0,
     "round_robin|least_outstanding_requests|weighted_random"},
    {"load_balancing.cross_zone.enabled", "use_load_balancer_configuration", Values::choice, 0, 0,
     "use_load_balancer_configuration|true"},
    {"slow_start.duration_seconds", "0", Values::number, 0, 900},
    {"stickiness.app_cookie.cookie_name", "", Values::cookie},
    {"stickiness.app_cookie.duration_seconds", "86400", Values::number, 1, 604800},
    {"stickiness.enabled", "false", Values::boolean},
    {"stickiness.lb_cookie.duration_seconds", "86400", Values::number, 1, 604800},
    {"stickiness.type", "lb_cookie", Values::choice, 0, 0, "lb_cookie|app_cookie"},
    {"target_group_health.dns_failover.minimum_healthy_targets.count", "1", Values::only_default},
    {"target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", Values::only_default},
    {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1", Values::only_default},
    {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off",
     Values::only_default},
};

constexpr AttributeKind kListener[] = {
    {"routing.http.response.server.enabled", "true", Values::only_default},
};

const AttributeKind* find(std::span<const AttributeKind> kinds, std::string_view key) {
  for (auto& k : kinds)
    if (k.key == key) return &k;
  return nullptr;
}

bool among(std::string_view choices, std::string_view value) {
  while (!choices.empty()) {
    auto bar = choices.find('|');
    if (choices.substr(0, bar) == value) return true;
    if (bar == std::string_view::npos) return false;
    choices.remove_prefix(bar + 1);
  }
  return false;
}

// RFC 6265's token characters; AWS reserves its own names.
bool cookie_name(std::string_view name) {
  for (char c : name)
    if (!isalnum(static_cast<unsigned char>(c)) &&
        std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos)
      return false;
  return !name.starts_with("AWSALB");
}

bool valid(const AttributeKind& k, std::string_view value) {
  switch (k.values) {
    case Values::only_default:
      return value == k.otherwise;
    case Values::boolean:
      return value == "true" || value == "false";
    case Values::choice:
      return among(k.choices, value);
    case Values::cookie:
      return cookie_name(value);
    case Values::number: {
      int64_t n = 0;
      auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
      return error == std::errc() && end == value.data() + value.size() && n >= k.from && n <= k.to;
    }
  }
  return false;
}

}  // namespace

std::span<const AttributeKind> lb_attributes() { return kLoadBalancer; }
std::span<const AttributeKind> group_attributes() { return kGroup; }
std::span<const AttributeKind> listener_attributes() { return kListener; }

Attributes with_defaults(std::span<const AttributeKind> kinds, const Attributes& set) {
  Attributes out;
  for (auto& k : kinds) out[std::string(k.key)] = k.otherwise;
  for (auto& [k, v] : set) out[k] = v;
  return out;
}

std::string value_of(std::span<const AttributeKind> kinds, const Attributes& set, std::string_view key) {
  if (auto it = set.find(std::string(key)); it != set.end()) return it->second;
  auto* kind = find(kinds, key);
  return kind ? std::string(kind->otherwise) : std::string();
}

Status set_attribute(std::span<const AttributeKind> kinds, std::string_view subject, Attributes& set,
                     std::string_view key, std::string_view value) {
  auto* kind = find(kinds, key);
  std::string k(key), v(value), s(subject);
  if (!kind) return fail("ValidationError", s + " attribute key '" + k + "' is not recognized");
  if (!valid(*kind, value)) {
    if (kind->values == Values::only_default)
      return fail("InvalidConfigurationRequest", s + " attribute '" + k +
                                                     "' is served by nubecita with the value '" +
                                                     std::string(kind->otherwise) + "' only");
    return fail("ValidationError", s + " attribute value '" + v + "' is not valid for the key '" + k + "'");
  }
  if (key == "slow_start.duration_seconds" && value != "0" && value.size() < 3 && std::stoi(v) < 30)
    return fail("ValidationError", "'" + k + "' must be 0 or from 30 to 900");
  if (value == kind->otherwise)
    set.erase(k);
  else
    set[k] = v;
  return {};
}

}  // namespace nubecita::elbv2
