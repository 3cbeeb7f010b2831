#include "services/rds/parameters.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "services/rds/catalog.hpp"

namespace nubecita::rds {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ',');) out.push_back(part);
  return out;
}

bool one_of(const std::string& value, const std::string& list) {
  auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  for (auto& allowed : split(list))
    if (std::equal(value.begin(), value.end(), allowed.begin(), allowed.end(), same)) return true;
  return false;
}

/// "-1-100": two numbers with a hyphen between.
bool within(double value, const std::string& range) {
  auto hyphen = range.find('-', 1);
  if (hyphen == std::string::npos) return true;
  return value >= std::strtod(range.substr(0, hyphen).c_str(), nullptr) &&
         value <= std::strtod(range.substr(hyphen + 1).c_str(), nullptr);
}

}  // namespace

Result<std::shared_ptr<const Settings>> settings(const api::Cloud& cloud, const std::string& host_engine) {
  return cloud.databases->parameters(host_engine);
}

const host::DatabaseParameter* find_setting(const Settings& all, std::string_view name) {
  auto at =
      std::lower_bound(all.begin(), all.end(), name, [](auto& p, std::string_view n) { return p.name < n; });
  return at != all.end() && at->name == name ? &*at : nullptr;
}

Status check_value(const host::DatabaseParameter& p, const std::string& value) {
  auto bad = [&](const std::string& rule) {
    return fail("InvalidParameterValue",
                "Invalid parameter value: " + value + " for: " + p.name + " " + rule);
  };
  if (std::any_of(value.begin(), value.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return bad("must not contain control characters");
  if (value.find('{') != std::string::npos) return bad("formulas are not served: give a plain value");
  if (p.type == "integer" || p.type == "float") {
    double number = 0;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || !std::isfinite(number) ||
        (p.type == "integer" && number != std::floor(number)))
      return bad("must be " + std::string(p.type == "integer" ? "a whole number" : "a number"));
    if (!within(number, p.allowed)) return bad("allowed values are: " + p.allowed);
  } else if (p.type == "boolean") {
    if (!one_of(value, "0,1,on,off,true,false")) return bad("allowed values are: 0,1");
  } else if (p.type == "list" && !p.allowed.empty()) {
    for (auto& part : split(value))
      if (!one_of(part, p.allowed)) return bad("allowed values are: " + p.allowed);
  }
  return {};
}

std::optional<ParameterGroup> find_group(store::Transaction& tx, const store::Scope& scope,
                                         const api::Cloud& cloud, const std::string& name) {
  if (name.starts_with("default."))
    if (auto offer = offer_of_family(cloud, name.substr(8)))
      return ParameterGroup{name, offer->family, "Default parameter group for " + offer->family, {}, {}};
  return tx.get<ParameterGroup>(scope, name);
}

std::map<std::string, std::string> values_at_start(const ParameterGroup& group) {
  std::map<std::string, std::string> out;
  for (auto& [name, p] : group.parameters) out[name] = p.value;
  return out;
}

std::map<std::string, std::optional<std::string>> changes_now(
    const ParameterGroup& group, const Settings& all, const std::map<std::string, std::string>& running) {
  std::map<std::string, std::optional<std::string>> out;
  for (auto& [name, p] : group.parameters) {
    auto* setting = find_setting(all, name);
    if (!setting || !setting->dynamic || p.at_reboot) continue;
    auto have = running.find(name);
    if (have == running.end() || have->second != p.value) out[name] = p.value;
  }
  for (auto& [name, value] : running) {
    auto* setting = find_setting(all, name);
    if (setting && setting->dynamic && !group.parameters.contains(name)) out[name] = std::nullopt;
  }
  return out;
}

}  // namespace nubecita::rds
