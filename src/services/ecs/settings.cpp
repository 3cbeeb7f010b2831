// Account settings (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html).
// What they switch is what this cloud does anyway (long ARNs, awsvpc trunking, tags on creation), so that
// only the values that say so are taken; the others are kept and told, as none of them changes what a task
// does here.
#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "services/ecs/common.hpp"

namespace nubecita::ecs {

namespace {

struct Known {
  std::string_view name, otherwise;  // and what it is unless it is set
};
constexpr Known kKnown[] = {
    {"awsvpcTrunking", "disabled"},
    {"containerInsights", "disabled"},
    {"containerInstanceLongArnFormat", "enabled"},
    {"serviceLongArnFormat", "enabled"},
    {"tagResourceAuthorization", "on"},
    {"taskLongArnFormat", "enabled"},
};

const Known* known(std::string_view name) {
  for (const Known& k : kKnown)
    if (k.name == name) return &k;
  return nullptr;
}

Status check(std::string_view name, std::string_view value) {
  const Known* k = known(name);
  if (!k)
    return fail("InvalidParameterException", fmt::format("The account setting {} is not served.", name));
  const bool fixed = name.ends_with("LongArnFormat") || name == "tagResourceAuthorization";
  if (fixed && value != k->otherwise)
    return fail("InvalidParameterException",
                fmt::format("The account setting {} can only be {} here.", name, k->otherwise));
  if (!fixed && value != "enabled" && value != "disabled" &&
      !(name == "containerInsights" && value == "enhanced"))
    return fail("InvalidParameterException",
                fmt::format("Invalid value for the account setting {}: {}", name, value));
  return {};
}

model::Setting setting_out(Call& call, std::string_view name, std::string_view value,
                           std::string_view principal) {
  model::Setting s;
  s.name = call.text(name);
  s.value = call.text(value);
  s.principal_arn = call.text(principal);
  s.type = "user";
  return s;
}

std::string root_arn(Call& call) { return fmt::format("arn:aws:iam::{}:root", call.account); }

Result<model::Setting*> put(Call& call, std::string_view name, std::string_view value,
                            const std::string& principal) {
  TRY(call.authorize("*"));
  TRY(check(name, value));
  call.tx.put(call.scope(), AccountSetting{std::string(name), principal, std::string(value)});
  auto* out = call.make<model::Setting>();
  *out = setting_out(call, name, value, principal.empty() ? root_arn(call) : principal);
  return out;
}

}  // namespace

Status put_account_setting(Call& call, const model::PutAccountSettingRequest& in,
                           model::PutAccountSettingResponse& out) {
  TRY_LET(out.setting, put(call, in.name, in.value,
                           in.principal_arn.empty() ? call.principal.arn : api::str(in.principal_arn)));
  return {};
}

Status put_account_setting_default(Call& call, const model::PutAccountSettingDefaultRequest& in,
                                   model::PutAccountSettingDefaultResponse& out) {
  TRY_LET(out.setting, put(call, in.name, in.value, {}));
  return {};
}

Status delete_account_setting(Call& call, const model::DeleteAccountSettingRequest& in,
                              model::DeleteAccountSettingResponse& out) {
  TRY(call.authorize("*"));
  const std::string principal = in.principal_arn.empty() ? call.principal.arn : api::str(in.principal_arn);
  const Known* k = known(in.name);
  if (!k)
    return fail("InvalidParameterException",
                fmt::format("The account setting {} is not served.", in.name.sv()));
  call.tx.erase<AccountSetting>(call.scope(), api::str(in.name) + "/" + principal);
  out.setting = call.make<model::Setting>();
  *out.setting = setting_out(call, k->name, k->otherwise, principal);
  return {};
}

Status list_account_settings(Call& call, const model::ListAccountSettingsRequest& in,
                             model::ListAccountSettingsResponse& out) {
  TRY(call.authorize("*"));
  const std::string principal = in.principal_arn.empty() ? call.principal.arn : api::str(in.principal_arn);
  std::vector<model::Setting> found;
  for (const Known& k : kKnown) {
    auto own = call.tx.get<AccountSetting>(call.scope(), std::string(k.name) + "/" + principal);
    if (!own && in.effective_settings.value_or(false))
      own = call.tx.get<AccountSetting>(call.scope(), std::string(k.name) + "/");
    if (!own && !in.effective_settings.value_or(false)) continue;
    const std::string value = own ? own->value : std::string(k.otherwise);
    if ((in.name.has() && in.name != k.name) || (in.value.has() && in.value != value)) continue;
    found.push_back(setting_out(call, k.name, value, principal));
  }
  out.settings = call.list<model::Setting>(found.size());
  std::copy(found.begin(), found.end(), out.settings.begin());
  return {};
}

}  // namespace nubecita::ecs
