// CreateAlias, UpdateAlias, DeleteAlias, ListAliases.
#include "base/arn.hpp"
#include "models/kms.hpp"
#include "services/kms/keys.hpp"
#include "services/kms/paging.hpp"

namespace nubecita::kms {
namespace {

std::string alias_arn(const api::Call& call, std::string_view name) { return call.arn("kms", name); }

Status check_name(const api::Call&, std::string_view name) {
  if (!name.starts_with("alias/"))
    return fail("InvalidAliasNameException",
                "Alias must start with the prefix \"alias/\". Please see "
                "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html");
  if (name.size() == 6) return fail("ValidationException", "Alias name must not be empty");
  if (name.starts_with("alias/aws/"))
    return fail("NotAuthorizedException", "The prefix alias/aws/ is reserved for AWS managed keys.");
  if (name.find(':') != std::string_view::npos)
    return fail("InvalidAliasNameException", std::string(name) + " contains invalid characters for an alias");
  return {};
}

/// Errors: ValidationException if the target is an alias itself.
Status check_target(wire::Text target) {
  const auto arn = Arn::parse(target.sv());
  if (target.sv().starts_with("alias/") || (arn && arn->resource.starts_with("alias/")))
    return fail("ValidationException", "Aliases must refer to keys. Not aliases");
  return {};
}

/// The alias itself is asked for as well as its key.
Status authorize(api::Call& call, std::string_view alias) { return call.authorize(alias_arn(call, alias)); }

}  // namespace

Status create_alias(api::Call& call, const model::CreateAliasRequest& in, model::CreateAliasResponse&) {
  const auto name = api::str(in.alias_name);
  TRY(authorize(call, name));
  TRY(check_name(call, name));
  TRY(check_target(in.target_key_id));
  TRY_LET(auto at, locate_own(call, in.target_key_id));
  if (call.tx.get<Alias>(call.scope(), name))
    return fail("AlreadyExistsException",
                "An alias with the name " + alias_arn(call, name) + " already exists");
  call.tx.put(call.scope(), Alias{name, at.key.id, call.now, call.now});
  return {};
}

Status update_alias(api::Call& call, const model::UpdateAliasRequest& in, model::UpdateAliasResponse&) {
  const auto name = api::str(in.alias_name);
  TRY(authorize(call, name));
  TRY(check_name(call, name));
  TRY(check_target(in.target_key_id));
  TRY_LET(auto at, locate_own(call, in.target_key_id));
  auto alias = call.tx.get<Alias>(call.scope(), name);
  if (!alias) return fail("NotFoundException", "Alias " + alias_arn(call, name) + " is not found.");
  alias->key_id = at.key.id;
  alias->updated = call.now;
  call.tx.put(call.scope(), *alias);
  return {};
}

Status delete_alias(api::Call& call, const model::DeleteAliasRequest& in, model::DeleteAliasResponse&) {
  const auto name = api::str(in.alias_name);
  TRY(authorize(call, name));
  TRY(check_name(call, name));
  auto alias = call.tx.get<Alias>(call.scope(), name);
  if (!alias) return fail("NotFoundException", "Alias " + alias_arn(call, name) + " is not found.");
  if (auto key = find_key(call.tx, call.scope(), alias->key_id, Names::ids_only))
    TRY(check_allowed(asker_of(call), *key, "DeleteAlias", {}));
  call.tx.erase<Alias>(call.scope(), name);
  return {};
}

Status list_aliases(api::Call& call, const model::ListAliasesRequest& in, model::ListAliasesResponse& out) {
  TRY(call.authorize("*"));
  auto all = call.tx.list<Alias>(call.scope());
  if (in.key_id.has()) {
    TRY_LET(auto at, find_key(call.tx, call.scope(), in.key_id, Names::ids_only));
    std::erase_if(all, [&](const Alias& a) { return a.key_id != at.key.id; });
  }
  TRY_LET(auto aliases, one_page(std::move(all), in, out, call, 100, [](const Alias& a) { return a.name; }));
  out.aliases = call.list<model::AliasListEntry>(aliases.size());
  for (size_t i = 0; i < aliases.size(); ++i) {
    auto& o = out.aliases[i];
    o.alias_name = call.text(aliases[i].name);
    o.alias_arn = call.text(alias_arn(call, aliases[i].name));
    o.target_key_id = call.text(aliases[i].key_id);
    o.creation_date = wire::Timestamp{aliases[i].created};
    o.last_updated_date = wire::Timestamp{aliases[i].updated};
  }
  return {};
}

}  // namespace nubecita::kms
