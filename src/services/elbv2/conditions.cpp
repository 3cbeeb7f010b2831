// Conditions of rules, in their short form (Field and Values) and their long one.
#include <algorithm>
#include <set>

#include "base/cidr.hpp"
#include "services/elbv2/actions.hpp"

namespace nubecita::elbv2 {

namespace {

constexpr size_t kMostValues = 5, kMostWildcards = 6;  // of a rule

std::unexpected<ApiError> bad(std::string message) { return invalid("Rule condition: " + message); }

Status take(Condition& c, const wire::List<wire::Text>& values) {
  for (auto& v : values) c.values.push_back(api::str(v));
  return {};
}

Status check_value(const Condition& c, const std::string& v) {
  if (v.empty() || v.size() > 128 || !printable(v))
    return bad("'" + v + "' is no valid value for " + c.field);
  if (c.field == "source-ip" && (!v.contains('/') || !Cidr::parse(v)))
    return bad("The value '" + v + "' is not a CIDR block");
  if (c.field == "http-request-method" &&
      !std::ranges::all_of(v, [](unsigned char ch) { return isupper(ch) || ch == '-' || ch == '_'; }))
    return bad("The value '" + v + "' is not an HTTP method");
  if (c.field == "host-header" && v.find_first_of(" /:") != std::string::npos)
    return bad("The value '" + v + "' is not a host name pattern");
  if (c.field == "path-pattern" && v[0] != '/' && v[0] != '*' && v[0] != '?')
    return bad("The value '" + v + "' must begin with '/'");
  return {};
}

Result<Condition> read_condition(const model::RuleCondition& in) {
  Condition c;
  c.field = api::str(in.field);
  bool known = true;
  TRY(take(c, in.values));
  if (c.field == "host-header") {
    if (in.host_header_config) TRY(take(c, in.host_header_config->values));
  } else if (c.field == "path-pattern") {
    if (in.path_pattern_config) TRY(take(c, in.path_pattern_config->values));
  } else if (c.field == "http-request-method") {
    if (in.http_request_method_config) TRY(take(c, in.http_request_method_config->values));
  } else if (c.field == "source-ip") {
    if (in.source_ip_config) TRY(take(c, in.source_ip_config->values));
  } else if (c.field == "http-header") {
    if (!in.http_header_config || in.http_header_config->http_header_name.empty())
      return bad("http-header needs the name of a header");
    c.header = api::str(in.http_header_config->http_header_name);
    if (c.header.size() > 40 || !std::ranges::all_of(c.header, [](unsigned char ch) {
          return isalnum(ch) || ch == '-' || ch == '_';
        }))
      return bad("'" + c.header + "' is no valid header name");
    std::string lower = c.header;
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char ch) { return static_cast<char>(tolower(ch)); });
    if (lower == "host") return bad("Use a host-header condition for the Host header");
    TRY(take(c, in.http_header_config->values));
  } else if (c.field == "query-string") {
    if (in.query_string_config)
      for (auto& p : in.query_string_config->values) c.pairs.push_back({api::str(p.key), api::str(p.value)});
  } else {
    known = false;
  }
  if (!known) return bad("'" + c.field + "' is not a field that a condition can have");
  for (auto& v : c.values) TRY(check_value(c, v));
  for (auto& p : c.pairs)
    if (p.value.empty() || p.value.size() > 128 || p.name.size() > 128 || !printable(p.name + p.value))
      return bad("A query string value is not valid");
  if (c.values.empty() && c.pairs.empty())
    return bad("A condition value must be specified for the field '" + c.field + "'");
  return c;
}

}  // namespace

Result<std::vector<Condition>> read_conditions(const wire::List<model::RuleCondition>& in) {
  std::vector<Condition> out;
  size_t values = 0, wildcards = 0;
  std::set<std::string> once;
  auto count = [&](const std::string& s) {
    wildcards += static_cast<size_t>(std::ranges::count_if(s, [](char c) { return c == '*' || c == '?'; }));
  };
  for (auto& i : in) {
    TRY_LET(auto c, read_condition(i));
    if (c.field != "http-header" && c.field != "query-string" && !once.insert(c.field).second)
      return bad("A rule can have one condition with the field '" + c.field + "' only");
    values += c.values.size() + c.pairs.size();
    for (auto& v : c.values) count(v);
    for (auto& p : c.pairs) count(p.name + p.value);
    out.push_back(std::move(c));
  }
  if (out.empty()) return invalid("A rule must have at least one condition");
  if (values > kMostValues) return bad("A rule can only have '5' condition values");
  if (wildcards > kMostWildcards) return bad("A rule can only have '6' condition wildcards");
  return out;
}

void render_conditions(Call& call, const std::vector<Condition>& conditions,
                       wire::List<model::RuleCondition>& out) {
  out = call.list<model::RuleCondition>(conditions.size());
  for (size_t i = 0; i < conditions.size(); ++i) {
    const Condition& c = conditions[i];
    model::RuleCondition& o = out[i];
    o.field = call.text(c.field);
    o.values = call.list<wire::Text>(0);
    if (c.field == "host-header") {
      o.values = call.texts(c.values);
      (o.host_header_config = call.make<model::HostHeaderConditionConfig>())->values = call.texts(c.values);
    } else if (c.field == "path-pattern") {
      o.values = call.texts(c.values);
      (o.path_pattern_config = call.make<model::PathPatternConditionConfig>())->values = call.texts(c.values);
    } else if (c.field == "http-request-method") {
      (o.http_request_method_config = call.make<model::HttpRequestMethodConditionConfig>())->values =
          call.texts(c.values);
    } else if (c.field == "source-ip") {
      (o.source_ip_config = call.make<model::SourceIpConditionConfig>())->values = call.texts(c.values);
    } else if (c.field == "http-header") {
      o.http_header_config = call.make<model::HttpHeaderConditionConfig>();
      o.http_header_config->http_header_name = call.text(c.header);
      o.http_header_config->values = call.texts(c.values);
    } else {
      o.query_string_config = call.make<model::QueryStringConditionConfig>();
      auto& pairs = o.query_string_config->values = call.list<model::QueryStringKeyValuePair>(c.pairs.size());
      for (size_t k = 0; k < c.pairs.size(); ++k) {
        if (!c.pairs[k].name.empty()) pairs[k].key = call.text(c.pairs[k].name);
        pairs[k].value = call.text(c.pairs[k].value);
      }
    }
  }
}

}  // namespace nubecita::elbv2
