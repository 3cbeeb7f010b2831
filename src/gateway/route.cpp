#include "gateway/route.hpp"

#include <algorithm>

namespace nubecita::gateway {
namespace {

const api::Operation* find_operation(const api::Service& service, std::string_view name) {
  auto it = std::lower_bound(service.operations.begin(), service.operations.end(), name,
                             [](const api::Operation& o, std::string_view n) { return o.shape->name < n; });
  return it != service.operations.end() && it->shape->name == name ? &*it : nullptr;
}

bool speaks(const api::Service& service, wire::Protocol protocol) {
  return std::ranges::find(service.shape->protocols, protocol) != service.shape->protocols.end();
}

}  // namespace

std::string_view form_of(const wire::RawRequest& request, Arena& arena) {
  if (request.method != "GET" || request.query.empty()) return request.body;
  std::string kept;
  for (size_t at = 0; at <= request.query.size();) {
    auto end = std::min(request.query.find('&', at), request.query.size());
    auto part = request.query.substr(at, end - at);
    if (!part.starts_with("X-Amz-")) {
      if (!kept.empty()) kept += '&';
      kept += part;
    }
    at = end + 1;
  }
  return arena.copy(kept);
}

std::string_view with_path(std::string_view form, const api::Service& service,
                           const wire::RawRequest& request, Arena& arena) {
  auto path = request.path;
  if (path.ends_with('/')) path.remove_suffix(1);
  if (service.path_parameter.empty() || path.empty() || path.find_first_of("&=+") != path.npos ||
      !wire::form_value(form, service.path_parameter, arena).empty())
    return form;
  std::string longer(form);
  longer.append("&").append(service.path_parameter).append("=").append(path);
  return arena.copy(longer);
}

const api::Service* Router::by_target(std::string_view prefix) const {
  for (auto* s : services_)
    if (!s->shape->target_prefix.empty() && s->shape->target_prefix == prefix) return s;
  return nullptr;
}

const api::Service* Router::by_name(std::string_view signing_name, std::string_view version,
                                    std::string_view host) const {
  const api::Service* found = nullptr;
  for (auto* s : services_) {
    // An unsigned request names its service by its host or, where anybody may ask, by its API's version.
    const bool named = signing_name.empty()
                           ? host.starts_with(std::string(s->shape->endpoint_prefix) + ".") ||
                                 (s->anonymous && s->shape->api_version == version)
                           : s->shape->signing_name == signing_name;
    if (!named) continue;
    if (s->shape->api_version == version) return s;
    if (!found) found = s;
  }
  return found;
}

Route Router::find(const wire::RawRequest& request, std::string_view signing_name, Arena& arena) const {
  Route route;
  const auto target = request.header("x-amz-target");
  const auto type = request.header("content-type");
  if (!target.empty()) {
    route.protocol =
        type.starts_with("application/x-amz-json-1.0") ? wire::Protocol::json10 : wire::Protocol::json11;
    const auto dot = target.rfind('.');
    if (dot == std::string_view::npos) return route;
    route.name = target.substr(dot + 1);
    route.service = by_target(target.substr(0, dot));
  } else {
    const auto form = form_of(request, arena);
    route.name = wire::form_value(form, "Action", arena);
    route.service = by_name(signing_name, wire::form_value(form, "Version", arena), request.header("host"));
    if (route.service && speaks(*route.service, wire::Protocol::ec2)) route.protocol = wire::Protocol::ec2;
  }
  if (route.service && !speaks(*route.service, route.protocol)) {
    // json10 and json11 differ in a number only; everything else is another protocol.
    const auto other =
        route.protocol == wire::Protocol::json10 ? wire::Protocol::json11 : wire::Protocol::json10;
    if (target.empty() || !speaks(*route.service, other)) route.service = nullptr;
  }
  if (route.service) route.operation = find_operation(*route.service, route.name);
  return route;
}

ApiError not_served(const Route& route) {
  const bool json = route.protocol == wire::Protocol::json10 || route.protocol == wire::Protocol::json11;
  const std::string code = json ? "UnknownOperationException" : "InvalidAction";
  const std::string name(route.name);
  if (!route.service)
    return {code, json ? 400 : 404, "nubecita does not serve this API (operation \"" + name + "\").", {}};
  const std::string service(route.service->shape->service_id);
  if (route.operation)
    return {code, 400, "The action " + name + " of " + service + " is not served by nubecita.", {}};
  return {code, 400, "The action " + name + " is not valid for " + service + ".", {}};
}

}  // namespace nubecita::gateway
