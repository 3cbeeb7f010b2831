#include "services/ecs/task_roles.hpp"

#include <fmt/core.h>

#include "base/arn.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::ecs {

Result<api::Principal> role_principal(store::Transaction& tx, std::string_view role_arn,
                                      std::string_view session) {
  auto parsed = Arn::parse(role_arn);
  auto role = iam::find_role(tx, role_arn);
  if (!parsed || !role)
    return fail("NoSuchEntity", fmt::format("The role {} cannot be found.", role_arn), 404);
  TRY(iam::check_service_trust(tx, role_arn, kTasksPrincipal));
  api::Principal p;
  p.kind = api::Principal::Kind::role;
  p.account = parsed->account;
  p.name = role->name;
  p.id = fmt::format("{}:{}", role->id, session);
  p.arn = arn("sts", "", parsed->account, fmt::format("assumed-role/{}/{}", role->name, session));
  return p;
}

Status check_allowed(api::Cloud& cloud, store::Transaction& tx, const api::Principal& principal,
                     std::string_view action, std::string_view resource) {
  if (!cloud.authorizer) return {};
  const api::RequestConditions none;
  return cloud.authorizer->check(tx, {principal, action, resource, none, {}, {}, principal.account});
}

}  // namespace nubecita::ecs
