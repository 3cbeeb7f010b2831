#include "services/s3/form_policy.hpp"

#include <algorithm>
#include <set>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "services/s3/errors.hpp"

namespace nubecita::s3 {
namespace {

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

Failure invalid(std::string_view why) {
  return fail("InvalidPolicyDocument", "Invalid Policy: " + std::string(why), 400);
}
Failure refused(std::string_view condition) {
  return access_denied("Invalid according to Policy: Policy Condition failed: " + std::string(condition));
}

class Checker {
 public:
  Checker(const std::map<std::string, std::string>& fields, std::string_view bucket) : fields_(fields) {
    fields_["bucket"] = bucket;
  }

  Status condition(const json::value& c) {
    if (c.is_object()) {
      if (c.as_object().empty())
        return invalid(
            "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.");
      for (auto& [name, value] : c.as_object()) {
        if (!value.is_string()) return invalid("Invalid Simple-Condition: value must be a string.");
        TRY(compare("eq", name, value.as_string()));
      }
      return {};
    }
    if (!c.is_array() || c.as_array().size() != 3 || !c.as_array()[0].is_string())
      return invalid("Invalid condition: a list of three is needed.");
    auto& a = c.as_array();
    const auto operation = lowered(a[0].as_string());
    if (operation == "content-length-range") {
      auto number = [](const json::value& v, int64_t& out) {
        if (v.is_int64()) out = v.as_int64();
        if (v.is_string()) {
          try {
            out = std::stoll(std::string(std::string_view(v.as_string())));
          } catch (const std::exception&) {
            return false;
          }
        }
        return v.is_int64() || v.is_string();
      };
      if (!number(a[1], limits.least) || !number(a[2], limits.most) || limits.least < 0 || limits.most < 0)
        return invalid("Invalid content-length-range condition.");
      return {};
    }
    if (!a[1].is_string() || !a[2].is_string() || !std::string_view(a[1].as_string()).starts_with('$'))
      return invalid("Invalid condition: a field begins with '$'.");
    return compare(operation, std::string_view(a[1].as_string()).substr(1), a[2].as_string());
  }

  Status all_allowed() const {
    static constexpr std::string_view free[] = {"awsaccesskeyid",  "signature", "policy",
                                                "x-amz-signature", "file",      "bucket"};
    for (auto& [name, value] : fields_)
      if (!allowed_.contains(name) && !name.starts_with("x-ignore-") &&
          std::ranges::find(free, name) == std::end(free))
        return access_denied("Invalid according to Policy: Extra input fields: " + name);
    return {};
  }

  FormLimits limits;

 private:
  Status compare(std::string_view operation, std::string_view field, std::string_view wanted) {
    const auto name = lowered(field);
    auto it = fields_.find(name);
    const auto value = it == fields_.end() ? std::string_view() : std::string_view(it->second);
    const bool good = operation == "eq"
                          ? it != fields_.end() && value == wanted
                          : operation == "starts-with" && (it != fields_.end() || wanted.empty()) &&
                                value.starts_with(wanted);
    if (operation != "eq" && operation != "starts-with")
      return invalid("Unknown operation '" + std::string(operation) + "'.");
    allowed_.insert(name);
    if (!good)
      return refused("[\"" + std::string(operation) + "\", \"$" + name + "\", \"" + std::string(wanted) +
                     "\"]");
    return {};
  }

  std::map<std::string, std::string> fields_;
  std::set<std::string> allowed_;
};

}  // namespace

Result<FormLimits> check_form_policy(std::string_view document,
                                     const std::map<std::string, std::string>& fields,
                                     std::string_view bucket, int64_t now) {
  auto parsed = json::parse(document);
  if (!parsed || !parsed->is_object()) return invalid("Invalid JSON.");
  const auto& o = parsed->as_object();
  auto* expiration = o.if_contains("expiration");
  if (!expiration || !expiration->is_string()) return invalid("Policy missing expiration.");
  const std::string_view text = expiration->as_string();
  auto until = parse_time(text);
  // ISO 8601 in UTC alone: 2026-11-23T12:00:00.000Z
  if (!until || text.size() < 20 || text[10] != 'T' || !text.ends_with('Z'))
    return invalid("Invalid 'expiration' value: '" + std::string(text) + "'");
  if (now > *until) return access_denied("Invalid according to Policy: Policy expired.");
  auto* conditions = json::array_at(o, "conditions");
  if (!conditions) return invalid("Policy missing conditions.");
  Checker checker(fields, bucket);
  for (auto& c : *conditions) TRY(checker.condition(c));
  TRY(checker.all_allowed());
  return checker.limits;
}

}  // namespace nubecita::s3
