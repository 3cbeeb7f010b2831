// CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant.
#include <algorithm>
#include <optional>

#include "base/arn.hpp"
#include "base/ids.hpp"
#include "models/kms.hpp"
#include "services/kms/keys.hpp"
#include "services/kms/paging.hpp"

namespace nubecita::kms {
namespace {

Status check_principal(wire::Text principal) {
  auto arn = Arn::parse(principal);
  if (!arn || (arn->service != "iam" && arn->service != "sts"))
    return fail("InvalidArnException", "Invalid principal ARN: " + api::str(principal));
  return {};
}

/// What a grant is for cannot be done with a symmetric key.
Status check_operations(const wire::List<wire::Text>& operations) {
  static constexpr std::string_view fits[] = {
      "Decrypt",       "Encrypt",     "GenerateDataKey", "GenerateDataKeyWithoutPlaintext",
      "ReEncryptFrom", "ReEncryptTo", "CreateGrant",     "RetireGrant",
      "DescribeKey"};
  for (auto& o : operations)
    if (std::ranges::find(fits, o.sv()) == std::end(fits))
      return fail("ValidationException", "The operation " + api::str(o) + " does not fit a symmetric key.");
  return {};
}

template <class Out>
void render(api::Call& call, const store::Scope& scope, const std::vector<Grant>& grants, Out& out) {
  out.grants = call.list<model::GrantListEntry>(grants.size());
  for (size_t i = 0; i < grants.size(); ++i) {
    auto& g = grants[i];
    auto& o = out.grants[i];
    o.key_id = call.text(arn("kms", scope.region, scope.account, "key/" + g.key_id));
    o.grant_id = call.text(g.id);
    o.name = call.text(g.name);
    o.creation_date = wire::Timestamp{g.created};
    o.grantee_principal = call.text(g.grantee);
    if (!g.retiring.empty()) o.retiring_principal = call.text(g.retiring);
    o.issuing_account = call.text("arn:aws:iam::" + g.issuing_account + ":root");
    o.operations = call.texts(g.operations);
    if (g.context_equals.empty() && g.context_subset.empty()) continue;
    o.constraints = call.make<model::GrantConstraints>();
    if (!g.context_equals.empty()) o.constraints->encryption_context_equals = call.map(g.context_equals);
    if (!g.context_subset.empty()) o.constraints->encryption_context_subset = call.map(g.context_subset);
  }
}

Result<Grant> find_grant(api::Call& call, const Located& at, std::string_view id) {
  auto g = call.tx.get<Grant>(at.scope, at.key.id + "/" + std::string(id));
  if (!g) return fail("NotFoundException", "Grant ID " + std::string(id) + " not found");
  return *g;
}

}  // namespace

Status create_grant(api::Call& call, const model::CreateGrantRequest& in, model::CreateGrantResponse& out) {
  TRY_LET(auto at, locate(call, in.key_id));
  TRY(check_usable(at));
  TRY(check_principal(in.grantee_principal));
  if (in.retiring_principal.has()) TRY(check_principal(in.retiring_principal));
  TRY(check_operations(in.operations));
  TRY(check_dry_run(in.dry_run));
  Grant g;
  g.key_id = at.key.id;
  g.name = api::str(in.name);
  g.grantee = api::str(in.grantee_principal);
  g.retiring = api::str(in.retiring_principal);
  g.issuing_account = call.account;
  g.operations = api::strings(in.operations);
  if (in.constraints) {
    g.context_equals = context_of(in.constraints->encryption_context_equals);
    g.context_subset = context_of(in.constraints->encryption_context_subset);
  }
  // A repeated request of the same name is the same grant.
  if (!g.name.empty())
    for (auto& old : call.tx.list<Grant>(at.scope, at.key.id + "/"))
      if (old.name == g.name && old.grantee == g.grantee && old.retiring == g.retiring &&
          old.operations == g.operations && old.context_equals == g.context_equals &&
          old.context_subset == g.context_subset) {
        out.grant_id = call.text(old.id);
        out.grant_token = call.text(old.token);
        return {};
      }
  g.id = random_hex(64);
  g.token = base64(random_bytes(96));
  g.created = call.now;
  call.tx.put(at.scope, g);
  out.grant_id = call.text(g.id);
  out.grant_token = call.text(g.token);
  return {};
}

Status list_grants(api::Call& call, const model::ListGrantsRequest& in, model::ListGrantsResponse& out) {
  TRY_LET(auto at, locate(call, in.key_id));
  auto all = call.tx.list<Grant>(at.scope, at.key.id + "/");
  std::erase_if(all, [&](const Grant& g) {
    return (in.grant_id.has() && in.grant_id != g.id) ||
           (in.grantee_principal.has() && in.grantee_principal != g.grantee);
  });
  TRY_LET(auto grants, one_page(std::move(all), in, out, call, 50, [](const Grant& g) { return g.id; }));
  render(call, at.scope, grants, out);
  return {};
}

Status list_retirable_grants(api::Call& call, const model::ListRetirableGrantsRequest& in,
                             model::ListGrantsResponse& out) {
  TRY(call.authorize("*"));
  auto all = call.tx.list<Grant>(call.scope());
  std::erase_if(all, [&](const Grant& g) { return in.retiring_principal != g.retiring; });
  TRY_LET(auto grants, one_page(std::move(all), in, out, call, 50, [](const Grant& g) { return g.key(); }));
  render(call, call.scope(), grants, out);
  return {};
}

Status retire_grant(api::Call& call, const model::RetireGrantRequest& in, model::RetireGrantResponse&) {
  store::Scope scope = call.scope();
  std::optional<Grant> grant;
  if (!in.grant_token.empty()) {
    for (auto& g : call.tx.list<Grant>(scope))
      if (in.grant_token == g.token) grant = g;
    if (!grant) return fail("InvalidGrantTokenException", "Invalid grant token");
  } else {
    TRY_LET(auto at, find_key(call.tx, scope, in.key_id, Names::ids_only));
    scope = at.scope;
    TRY_LET(auto found, find_grant(call, at, in.grant_id));
    grant = std::move(found);
  }
  const auto& p = call.principal;
  const auto root = "arn:aws:iam::" + p.account + ":root";
  const bool by_itself = grant->retiring == p.arn || grant->retiring == root || grant->grantee == p.arn ||
                         (p.kind == api::Principal::Kind::root && p.account == scope.account);
  if (by_itself) {
    call.authorize_nothing();  // the grant names the caller
  } else {
    TRY_LET(auto at, find_key(call.tx, scope, grant->key_id, Names::ids_only));
    TRY(check_allowed(asker_of(call), at, "RetireGrant", {}));
    call.authorize_nothing();
  }
  TRY(check_dry_run(in.dry_run));
  call.tx.erase<Grant>(scope, grant->key());
  return {};
}

Status revoke_grant(api::Call& call, const model::RevokeGrantRequest& in, model::RevokeGrantResponse&) {
  TRY_LET(auto at, locate(call, in.key_id));
  TRY_LET(auto grant, find_grant(call, at, in.grant_id));
  TRY(check_dry_run(in.dry_run));
  call.tx.erase<Grant>(at.scope, grant.key());
  return {};
}

}  // namespace nubecita::kms
