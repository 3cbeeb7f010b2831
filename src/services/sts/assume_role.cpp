// AssumeRole: the caller's policies and the role's trust policy must both let it, and what it gets is cut by
// the session policies that it asks for.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
#include <algorithm>
#include <cctype>

#include "base/arn.hpp"
#include "models/sts.hpp"
#include "services/iam/entities.hpp"
#include "services/iam/evaluate.hpp"
#include "services/iam/sessions.hpp"
#include "services/sts/answers.hpp"

namespace nubecita::sts {

using api::Conditions;
using api::str;

namespace {

constexpr int64_t kChainedLimit = 3600;
constexpr size_t kPolicyLimit = 2048, kPolicyArnLimit = 10, kTagLimit = 50;

std::unexpected<ApiError> constraint(std::string_view value, std::string_view field, std::string_view what) {
  return fail("ValidationError", "1 validation error detected: Value '" + std::string(value) + "' at '" +
                                     std::string(field) +
                                     "' failed to satisfy constraint: " + std::string(what));
}

Status check_text(std::string_view value, std::string_view field, size_t least, size_t most,
                  std::string_view more) {
  if (value.size() < least)
    return constraint(value, field,
                      "Member must have length greater than or equal to " + std::to_string(least));
  if (value.size() > most)
    return constraint(value, field, "Member must have length less than or equal to " + std::to_string(most));
  for (char c : value)
    if (!std::isalnum(static_cast<unsigned char>(c)) && more.find(c) == std::string_view::npos)
      return constraint(value, field,
                        "Member must satisfy regular expression pattern: [\\w" + std::string(more) + "]*");
  return {};
}

/// The session's policies, tags and their limits; sets the share of the size limit that is used.
Status read_session(Call& call, const model::AssumeRoleRequest& in, iam::Session& s,
                    int32_t& packed_percent) {
  if (in.policy.has()) {
    if (in.policy.size() > kPolicyLimit)
      return constraint(in.policy, "policy", "Member must have length less than or equal to 2048");
    TRY(iam::Policy::parse(in.policy, iam::PolicyKind::identity));
    s.policy = str(in.policy);
  }
  if (in.policy_arns.size() > kPolicyArnLimit)
    return constraint("[...]", "policyArns", "Member must have length less than or equal to 10");
  for (auto& p : in.policy_arns) {
    auto arn = Arn::parse(p.arn);
    if (!arn || arn->service != "iam" || !arn->resource.starts_with("policy/"))
      return fail("ValidationError", "ARN " + str(p.arn) + " is not valid.");
    if (arn->account != "aws" && arn->account != s.account)
      return fail("ValidationError",
                  "The session policy " + str(p.arn) + " must be in the account of the role.");
    if (!iam::policy_text(call.tx, s.account, p.arn))
      return fail("ValidationError", "Policy " + str(p.arn) + " was not found.");
    s.policy_arns.push_back(str(p.arn));
  }
  size_t size = s.policy.size();
  for (auto& t : in.tags) {
    if (t.key.empty() || t.key.size() > 128 || t.value.size() > 256)
      return fail("ValidationError", "Tag keys have 1 to 128 characters and tag values at most 256.");
    if (iam::name_key(t.key).starts_with("aws:"))
      return fail("ValidationError", "System tags cannot be set: " + str(t.key));
    for (auto& [k, v] : s.tags)
      if (iam::name_key(k) == iam::name_key(t.key))
        return fail("InvalidParameterValue", "Duplicate tag keys found: " + str(t.key));
    s.tags[str(t.key)] = str(t.value);
    size += t.key.size() + t.value.size();
  }
  if (s.tags.size() > kTagLimit)
    return constraint("[...]", "tags", "Member must have length less than or equal to 50");
  for (auto& k : in.transitive_tag_keys) {
    if (!s.tags.contains(str(k)))
      return fail("InvalidParameterValue",
                  "The specified transitive tag key must be included in the requested tags.");
    s.transitive.push_back(str(k));
  }
  packed_percent = static_cast<int32_t>((size * 100 + kPolicyLimit * 2 - 1) / (kPolicyLimit * 2));
  return {};
}

/// Tags that the caller's own session passes on.
Status inherit_tags(Call& call, iam::Session& s) {
  if (call.principal.kind != api::Principal::Kind::role) return {};
  s.chained = true;
  auto caller = call.tx.get<iam::Session>(iam::kEverywhere, call.principal.access_key);
  if (!caller) return {};
  for (auto& k : caller->transitive) {
    if (s.tags.contains(k))
      return fail("InvalidParameterValue",
                  "One of the specified transitive tag keys can't be set because it conflicts with a "
                  "transitive tag key from the calling session: " +
                      k);
    s.tags[k] = caller->tags[k];
    s.transitive.push_back(k);
  }
  return {};
}

Conditions conditions_of(Call& call, const model::AssumeRoleRequest& in) {
  Conditions c = call.request_conditions.get();
  c.push_back({"sts:RoleSessionName", {str(in.role_session_name)}});
  if (in.external_id.has()) c.push_back({"sts:ExternalId", {str(in.external_id)}});
  std::vector<std::string> keys;
  for (auto& t : in.tags) {
    c.push_back({"aws:RequestTag/" + str(t.key), {str(t.value)}});
    keys.push_back(str(t.key));
  }
  if (!keys.empty()) c.push_back({"aws:TagKeys", std::move(keys)});
  if (!in.transitive_tag_keys.empty())
    c.push_back({"sts:TransitiveTagKeys", api::strings(in.transitive_tag_keys)});
  return c;
}

/// AWS does not say whether the role exists, nor which side refused.
std::unexpected<ApiError> denied(Call& call, std::string_view action, std::string_view role_arn) {
  return fail("AccessDenied",
              "User: " + call.principal.arn + " is not authorized to perform: " + std::string(action) +
                  " on resource: " + std::string(role_arn),
              403);
}

}  // namespace

Status assume_role(Call& call, const model::AssumeRoleRequest& in, model::AssumeRoleResponse& out) {
  using Kind = api::Principal::Kind;
  TRY(check_text(in.role_session_name, "roleSessionName", 2, 64, "+=,.@-_"));
  if (in.external_id.has()) TRY(check_text(in.external_id, "externalId", 2, 1224, "+=,.@:/-_"));
  auto arn = Arn::parse(in.role_arn);
  if (!arn || arn->service != "iam" || !arn->resource.starts_with("role/"))
    return fail("ValidationError", str(in.role_arn) + " is invalid");
  if (call.principal.kind == Kind::root)
    return fail("AccessDenied", "Roles may not be assumed by root accounts.", 403);
  if (call.principal.kind != Kind::user && call.principal.kind != Kind::role)
    return fail("MissingAuthenticationToken", "Request is missing Authentication Token", 403);

  auto role = iam::find_role(call.tx, in.role_arn);
  if (!role) return denied(call, "sts:AssumeRole", in.role_arn);
  auto conditions = conditions_of(call, in);
  auto may = [&](std::string_view action) {
    return iam::decide_assume(call.tx, call.principal, action, arn->account, *role, conditions).allowed();
  };
  if (!may("sts:AssumeRole")) return denied(call, "sts:AssumeRole", in.role_arn);
  if (!in.tags.empty() && !may("sts:TagSession")) return denied(call, "sts:TagSession", in.role_arn);
  call.authorize_nothing();  // decided above, with the trust policy

  auto s = iam::role_session(arn->account, *role, in.role_session_name);
  int32_t packed_percent = 0;
  TRY(read_session(call, in, s, packed_percent));
  TRY(inherit_tags(call, s));
  TRY_LET(auto seconds, duration(in.duration_seconds, std::min<int64_t>(3600, role->max_session_s), 43200));
  if (seconds > role->max_session_s)
    return fail("ValidationError",
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  if (s.chained && seconds > kChainedLimit)
    return fail(
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.");

  auto issued = iam::start_session(call.tx, std::move(s), call.now, seconds);
  out.credentials = answer(call, issued);
  out.assumed_role_user = call.make<model::AssumedRoleUser>();
  out.assumed_role_user->arn = call.text(issued.principal_arn);
  out.assumed_role_user->assumed_role_id = call.text(issued.principal_id);
  if (packed_percent) out.packed_policy_size = packed_percent;
  return {};
}

Result<int64_t> duration(wire::Opt<int32_t> asked, int64_t otherwise, int64_t longest) {
  const int64_t seconds = asked.has() ? *asked : otherwise;
  if (seconds < 900)
    return constraint(std::to_string(seconds), "durationSeconds",
                      "Member must have value greater than or equal to 900");
  if (seconds > longest)
    return constraint(std::to_string(seconds), "durationSeconds",
                      "Member must have value less than or equal to " + std::to_string(longest));
  return seconds;
}

model::Credentials* answer(Call& call, const iam::TemporaryCredentials& from) {
  auto* c = call.make<model::Credentials>();
  c->access_key_id = call.text(from.access_key_id);
  c->secret_access_key = call.text(from.secret);
  c->session_token = call.text(from.session_token);
  c->expiration = wire::Timestamp{from.expires_ms / 1000 * 1000};
  return c;
}

}  // namespace nubecita::sts
