#include "services/kms/keys.hpp"

#include <algorithm>

#include "base/arn.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "services/iam/ask.hpp"

namespace nubecita::kms {
namespace {

std::unexpected<ApiError> not_found(std::string message) {
  return fail("NotFoundException", std::move(message));
}

bool grant_fits(const Grant& g, std::string_view operation, const Context& context) {
  if (std::ranges::find(g.operations, operation) == g.operations.end()) return false;
  if (!g.context_equals.empty() && g.context_equals != context) return false;
  return std::ranges::all_of(g.context_subset, [&](auto& pair) {
    auto it = context.find(pair.first);
    return it != context.end() && it->second == pair.second;
  });
}

bool is_grantee(const Grant& g, const api::Principal& p) {
  if (g.grantee == p.arn || g.grantee == "arn:aws:iam::" + p.account + ":root") return true;
  if (p.kind != api::Principal::Kind::role) return false;
  auto arn = Arn::parse(g.grantee);
  return arn && arn->account == p.account && arn->resource.starts_with("role/") &&
         arn->resource.substr(arn->resource.rfind('/') + 1) == p.name;
}

}  // namespace

std::string Located::arn() const {
  return nubecita::arn("kms", scope.region, scope.account, "key/" + key.id);
}

std::string key_state(const Key& key) {
  return key.delete_at ? "PendingDeletion" : key.disabled ? "Disabled" : "Enabled";
}

std::string default_policy(std::string_view account) {
  return R"({
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::)" +
         std::string(account) + R"(:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
})";
}

// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key
std::string managed_policy(std::string_view account, std::string_view region, std::string_view service) {
  json::array use, look;
  for (auto a : {"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant",
                 "kms:DescribeKey"})
    use.emplace_back(a);
  for (auto a : {"kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"}) look.emplace_back(a);
  const json::object through{
      {"StringEquals", json::object{{"kms:CallerAccount", std::string(account)},
                                    {"kms:ViaService",
                                     std::string(service) + "." + std::string(region) + ".amazonaws.com"}}}};
  return json::serialize(json::object{
      {"Version", "2012-10-17"},
      {"Id", "auto-" + std::string(service) + "-1"},
      {"Statement",
       json::array{json::object{{"Sid", "Use through the service by principals of the account"},
                                {"Effect", "Allow"},
                                {"Principal", json::object{{"AWS", "*"}}},
                                {"Action", use},
                                {"Resource", "*"},
                                {"Condition", through}},
                   json::object{
                       {"Sid", "What the key is, for the account"},
                       {"Effect", "Allow"},
                       {"Principal", json::object{{"AWS", "arn:aws:iam::" + std::string(account) + ":root"}}},
                       {"Action", look},
                       {"Resource", "*"}}}}});
}

Result<Located> find_key(store::Transaction& tx, const store::Scope& scope, std::string_view name,
                         Names names) {
  Located out;
  out.scope = scope;
  std::string id(name);
  std::string shown = nubecita::arn("kms", scope.region, scope.account,
                                    (name.starts_with("alias/") ? "" : "key/") + std::string(name));
  if (name.starts_with("arn:")) {
    auto arn = Arn::parse(name);
    if (!arn || arn->service != "kms" ||
        (!arn->resource.starts_with("key/") && !arn->resource.starts_with("alias/")))
      return fail("InvalidArnException", "Invalid ARN: " + std::string(name));
    if (arn->region != scope.region) return not_found("Invalid arn " + arn->region);
    out.scope = {arn->account, arn->region};
    id = arn->resource.starts_with("key/") ? arn->resource.substr(4) : arn->resource;
    shown = name;
  }
  if (id.starts_with("alias/")) {
    if (names == Names::ids_only) return not_found("Invalid keyId '" + std::string(name) + "'");
    auto alias = tx.get<Alias>(out.scope, id);
    if (!alias) return not_found("Alias " + shown + " is not found.");
    out.alias = id;
    id = alias->key_id;
  }
  auto key = tx.get<Key>(out.scope, id);
  if (!key)
    return not_found(id.size() == 36 ? "Key '" + shown + "' does not exist"
                                     : "Invalid keyId '" + std::string(name) + "'");
  out.key = std::move(*key);
  return out;
}

Status check_allowed(const Asker& asker, const Located& key, std::string_view operation,
                     const Context& context) {
  if (asker.service.empty() && asker.principal.kind == api::Principal::Kind::system) return {};
  const auto action = "kms:" + std::string(operation);
  const auto arn = key.arn();
  auto conditions = asker.conditions;
  if (asker.service.empty()) conditions.push_back({"kms:CallerAccount", {asker.principal.account}});
  conditions.push_back({"kms:KeySpec", {std::string(kAlgorithm)}});
  conditions.push_back({"kms:KeyUsage", {"ENCRYPT_DECRYPT"}});
  if (!asker.via.empty()) conditions.push_back({"kms:ViaService", {asker.via}});
  if (!key.alias.empty()) conditions.push_back({"kms:RequestAlias", {key.alias}});
  std::vector<std::string> keys;
  for (auto& [k, v] : context) {
    conditions.push_back({"kms:EncryptionContext:" + k, {v}});
    keys.push_back(k);
  }
  if (!keys.empty()) conditions.push_back({"kms:EncryptionContextKeys", keys});
  for (auto& [k, v] : key.key.tags) conditions.push_back({"aws:ResourceTag/" + k, {v}});
  if (!asker.service.empty())
    return iam::check_service(asker.tx, asker.service, action, arn, conditions, key.key.policy,
                              key.scope.account);
  const api::RequestConditions among_them;
  const api::Authorizer::Question question{asker.principal, action,           arn, among_them, conditions,
                                           key.key.policy,  key.scope.account};
  const auto decision = iam::decide_with_authority(asker.tx, question);
  if (decision.allowed()) return {};
  if (decision.outcome == iam::Decision::Outcome::implicit_deny)
    for (auto& g : asker.tx.list<Grant>(key.scope, key.key.id + "/"))
      if (is_grantee(g, asker.principal) && grant_fits(g, operation, context)) return {};
  return fail(iam::denied(decision, question));
}

Status check_usable(const Located& at) {
  if (at.key.delete_at) return fail("KMSInvalidStateException", at.arn() + " is pending deletion.");
  if (at.key.disabled) return fail("DisabledException", at.arn() + " is disabled.");
  return {};
}

Result<Material> new_material(api::Cloud& cloud, const std::string& key_id, int64_t now, bool on_demand) {
  Material m;
  m.id = random_hex(64);
  m.made = now;
  m.on_demand = on_demand;
  TRY_LET(m.sealed, api::part<Vault>(cloud).lock(random_bytes(32), key_id + "/" + m.id));
  return m;
}

Result<std::string> material_of(api::Cloud& cloud, const Located& at, std::string_view id) {
  const Material* m = id.empty() && !at.key.materials.empty() ? &at.key.materials.back() : nullptr;
  for (auto& candidate : at.key.materials)
    if (candidate.id == id) m = &candidate;
  if (!m) return fail("InvalidCiphertextException", "");
  return api::part<Vault>(cloud).unlock(m->sealed, at.key.id + "/" + m->id);
}

Result<Key> new_key(api::Cloud& cloud, const store::Scope& scope, int64_t now) {
  Key key;
  key.id = uuid();
  key.created = now;
  key.policy = default_policy(scope.account);
  TRY_LET(auto material, new_material(cloud, key.id, now, false));
  key.materials.push_back(std::move(material));
  return key;
}

Asker asker_of(api::Call& call) {
  return {call.cloud, call.tx, call.principal, call.scope(), {}, call.request_conditions.get(), call.now};
}

Result<Located> locate(api::Call& call, wire::Text name, Names names) {
  TRY_LET(auto at, find_key(call.tx, call.scope(), name, names));
  TRY(check_allowed(asker_of(call), at, call.operation, {}));
  call.authorize_nothing();  // asked above: of a key the policy has the last word
  return at;
}

Result<Located> locate_own(api::Call& call, wire::Text name) {
  TRY_LET(auto at, locate(call, name));
  if (at.scope.account != call.account)
    return fail("NotFoundException", "Key '" + at.arn() + "' does not exist");
  if (at.key.of_aws)
    return fail("UnsupportedOperationException", at.arn() + " is an AWS managed key: it cannot be changed.");
  if (at.key.delete_at && call.operation != "CancelKeyDeletion")
    return fail("KMSInvalidStateException", at.arn() + " is pending deletion.");
  return at;
}

Context context_of(const wire::Map<wire::Text>& map) {
  Context out;
  for (auto& [k, v] : map) out[api::str(k)] = api::str(v);
  return out;
}

Status check_dry_run(wire::Opt<bool> dry_run) {
  if (!dry_run.value_or(false)) return {};
  return fail("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.",
              412);
}

}  // namespace nubecita::kms
