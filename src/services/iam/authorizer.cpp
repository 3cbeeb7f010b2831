// The answer to "may this principal do this?", and the questions that other services ask about roles.
#include "base/arn.hpp"
#include "services/iam/ask.hpp"
#include "services/iam/entities.hpp"
#include "services/iam/evaluate.hpp"
#include "services/iam/iam.hpp"
#include "services/iam/policy_cache.hpp"

namespace nubecita::iam {

PolicyAuthorizer::PolicyAuthorizer() = default;
PolicyAuthorizer::~PolicyAuthorizer() = default;

namespace {

/// Credentials of GetSessionToken are for other services: IAM and most of STS refuse them, as on AWS without
/// MFA.
bool refused_to_user_session(const api::Principal& p, std::string_view action) {
  if (p.token_issued_ms == 0 || p.kind == api::Principal::Kind::role) return false;
  return action.starts_with("iam:") ||
         (action.starts_with("sts:") && action != "sts:AssumeRole" && action != "sts:GetCallerIdentity");
}

Decision judge(store::Transaction& tx, const api::Authorizer::Question& q, bool resource_required = false) {
  auto who = gather(tx, q.principal);
  if (!who.sound) return {};
  if (!q.resource_policy.empty()) {
    who.set.resource = PolicyCache::instance().get(q.resource_policy, PolicyKind::resource);
    if (!who.set.resource) return {Decision::Outcome::implicit_deny, Decision::Layer::resource};
  }
  who.set.resource_required = resource_required;
  auto view = view_of(q.principal, who);
  RequestContext context(q.request, q.conditions, q.principal, view, who.tags, q.resource_account);
  const auto action = lowered(q.action);  // Asked keeps a view
  return decide(who.set, {action, q.resource, q.resource_account, view, context});
}

}  // namespace

Status PolicyAuthorizer::check(store::Transaction& tx, const Question& q) {
  if (q.principal.kind == api::Principal::Kind::system) return {};
  if (refused_to_user_session(q.principal, q.action))
    return fail("InvalidClientTokenId", "The security token included in the request is invalid", 403);
  auto decision = judge(tx, q);
  if (decision.allowed()) return {};
  auto arn =
      q.principal.kind == api::Principal::Kind::anonymous ? std::string_view("anonymous") : q.principal.arn;
  return fail("AccessDenied", refusal(decision, arn, q.action, q.resource), 403);
}

Decision decide_with_authority(store::Transaction& tx, const api::Authorizer::Question& q) {
  return judge(tx, q, true);
}

ApiError denied(const Decision& decision, const api::Authorizer::Question& q) {
  return {"AccessDenied", 403, refusal(decision, q.principal.arn, q.action, q.resource), {}};
}

Status check_service(store::Transaction& tx, std::string_view service_principal, std::string_view action,
                     std::string_view resource, const api::Conditions& conditions,
                     std::string_view resource_policy, std::string_view resource_account) {
  (void)tx;
  PrincipalView service;
  service.service = std::string(service_principal);
  api::Principal nobody;
  Tags none;
  const api::RequestConditions no_request;
  RequestContext context(no_request, conditions, nobody, service, none, resource_account);
  PolicySet set;
  if (!resource_policy.empty())
    set.resource = PolicyCache::instance().get(resource_policy, PolicyKind::resource);
  const auto folded = lowered(action);
  if (set.resource && decide(set, {folded, resource, resource_account, service, context}).allowed())
    return {};
  return fail("AccessDenied",
              std::string(service_principal) + " is not authorized to perform: " + std::string(action) +
                  " on resource: " + std::string(resource) + " because no resource-based policy allows it",
              403);
}

Status check_pass_role(api::Call& call, std::string_view text, std::string_view service_principal) {
  auto arn = Arn::parse(text);
  if (!arn || arn->service != "iam" || !arn->resource.starts_with("role/"))
    return fail("InvalidParameterException", "Invalid role ARN: " + std::string(text));
  if (arn->account != call.account)
    return fail("AccessDenied", "Cross-account pass role is not allowed.", 403);
  auto role = find_role(call.tx, text);
  return call.authorize(text,
                        (role ? resource_tags(role->tags) : Conditions{}) +
                            Conditions{{"iam:PassedToService", {std::string(service_principal)}}},
                        "iam:PassRole");
}

std::optional<Role> find_role(store::Transaction& tx, std::string_view text) {
  auto arn = Arn::parse(text);
  if (!arn || arn->service != "iam" || !arn->resource.starts_with("role/")) return {};
  auto r = find<Role>(tx, arn->account, arn->resource.substr(arn->resource.rfind('/') + 1));
  if (r && role_arn(arn->account, *r) != text) r.reset();
  return r;
}

Status check_service_trust(store::Transaction& tx, std::string_view arn, std::string_view service_principal) {
  auto role = find_role(tx, arn);
  if (!role) return no_such_entity("The role " + std::string(arn) + " cannot be found.");
  PrincipalView service;
  service.service = std::string(service_principal);
  api::Principal nobody;
  Tags none;
  Conditions given = resource_tags(role->tags);
  const api::RequestConditions no_request;
  RequestContext context(no_request, given, nobody, service, none, {});
  PolicySet set;
  set.resource = PolicyCache::instance().get(role->trust, PolicyKind::trust);
  set.resource_required = true;
  if (!set.resource || !decide(set, {"sts:assumerole", arn, {}, service, context}).allowed())
    return fail("AccessDenied",
                "User: " + std::string(service_principal) +
                    " is not authorized to perform: sts:AssumeRole on resource: " + std::string(arn) +
                    " because the role's trust policy does not let it",
                403);
  return {};
}

Status check_resource_policy(std::string_view document) {
  TRY(Policy::parse(document, PolicyKind::resource));
  return {};
}

}  // namespace nubecita::iam
