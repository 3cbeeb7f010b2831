// Which image references mean this registry.
#include "services/ecr/ecr.hpp"
#include "services/ecr/host.hpp"
#include "services/ecr/images.hpp"
#include "services/ecr/manifest.hpp"

namespace nubecita::ecr {
namespace {

bool is_account(std::string_view s) {
  if (s.size() != 12) return false;
  for (char c : s)
    if (c < '0' || c > '9') return false;
  return true;
}

bool is_region(std::string_view s) {
  if (s.size() < 5 || s.size() > 32) return false;
  for (char c : s)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
  return s.find('-') != std::string_view::npos;
}

}  // namespace

std::optional<store::Scope> scope_of_host(const Config& config, std::string_view host) {
  auto colon = host.rfind(':');
  if (colon != std::string_view::npos) host = host.substr(0, colon);
  if (host.size() < 13 || !is_account(host.substr(0, 12)) || !host.substr(12).starts_with(".dkr.ecr."))
    return {};
  auto rest = host.substr(12 + 9);
  auto dot = rest.find('.');
  if (dot == std::string_view::npos || !is_region(rest.substr(0, dot))) return {};
  auto domain = rest.substr(dot + 1);
  if (domain != config.domain && domain != "amazonaws.com" && domain != "amazonaws.com.cn") return {};
  return store::Scope{std::string(host.substr(0, 12)), std::string(rest.substr(0, dot))};
}

std::optional<store::Scope> take_scope_prefix(std::string_view& path) {
  auto slash = path.find('/');
  if (slash == std::string_view::npos || !is_account(path.substr(0, slash))) return {};
  auto rest = path.substr(slash + 1);
  auto second = rest.find('/');
  if (second == std::string_view::npos || !is_region(rest.substr(0, second))) return {};
  store::Scope out{std::string(path.substr(0, slash)), std::string(rest.substr(0, second))};
  path = rest.substr(second + 1);
  return out;
}

std::string registry_host(const Config& config, std::string_view account, std::string_view region) {
  return std::string(account) + ".dkr.ecr." + std::string(region) + "." + config.domain + ":" + config.port();
}

std::optional<Reference> our_reference(const Config& config, std::string_view image) {
  auto slash = image.find('/');
  if (slash == std::string_view::npos) return {};
  auto host = image.substr(0, slash);
  auto path = image.substr(slash + 1);
  Reference out;
  std::optional<store::Scope> scope = scope_of_host(config, host);
  if (!scope && (host == "127.0.0.1:" + config.port() || host == "localhost:" + config.port()))
    scope = take_scope_prefix(path);
  if (!scope) return {};
  out.account = scope->account;
  out.region = scope->region;
  if (auto at = path.find('@'); at != std::string_view::npos) {
    out.digest = path.substr(at + 1);
    path = path.substr(0, at);
  }
  if (auto colon = path.find(':'); colon != std::string_view::npos) {
    out.tag = path.substr(colon + 1);
    path = path.substr(0, colon);
  }
  out.repository = path;
  if (out.tag.empty() && out.digest.empty()) out.tag = "latest";
  if (!is_repository_name(out.repository)) return {};
  return out;
}

std::string Reference::local(const std::string& port) const {
  return "127.0.0.1:" + port + "/" + account + "/" + region + "/" + repository +
         (digest.empty() ? ":" + tag : "@" + digest);
}

std::optional<Image> find_image(store::Transaction& tx, const Reference& r) {
  return resolve_image(tx, {r.account, r.region}, r.repository,
                       r.digest.empty() ? std::string_view(r.tag) : std::string_view(), r.digest);
}

}  // namespace nubecita::ecr
