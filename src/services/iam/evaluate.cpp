#include "services/iam/evaluate.hpp"

#include "base/clock.hpp"
#include "services/iam/entities.hpp"
#include "services/iam/policy_cache.hpp"

namespace nubecita::iam {

namespace {

PolicyPtr compiled(std::string_view document) {
  return PolicyCache::instance().get(document, PolicyKind::identity);
}

bool add(std::vector<PolicyPtr>& list, std::string_view document) {
  auto p = compiled(document);
  if (!p) return false;
  list.push_back(std::move(p));
  return true;
}
/// A managed policy that is gone grants nothing; one that does not parse might deny, so it makes the set
/// unsound.
bool add_managed(store::Transaction& tx, std::string_view account, std::vector<PolicyPtr>& list,
                 const std::string& arn) {
  if (arn.starts_with("arn:aws:iam::aws:")) {
    auto* p = find_aws_managed(arn);
    return !p || add(list, p->document);
  }
  auto text = policy_text(tx, account, arn);
  return !text || add(list, *text);
}

template <class E>
void add_entity(store::Transaction& tx, std::string_view account, const E& e, Gathered& out) {
  for (auto& arn : e.attached) out.sound &= add_managed(tx, account, out.set.identity, arn);
  for (auto& [name, document] : e.inline_policies) out.sound &= add(out.set.identity, document);
  if constexpr (requires { e.boundary; })
    if (!e.boundary.empty()) {
      out.set.has_boundary = true;
      out.sound &= add_managed(tx, account, out.set.boundary, e.boundary);
    }
}

const std::vector<std::string>* among(const api::Conditions& conditions, std::string_view key) {
  for (auto& [name, values] : conditions)
    if (same_text(name, key)) return &values;
  return nullptr;
}

}  // namespace

Gathered gather(store::Transaction& tx, std::string_view account, const User& user) {
  Gathered out;
  out.tags = user.tags;
  add_entity(tx, account, user, out);
  for (auto& name : user.groups)
    if (const auto g = look<Group>(tx, account, name)) add_entity(tx, account, *g, out);
  return out;
}

Gathered gather(store::Transaction& tx, std::string_view account, const Role& role) {
  Gathered out;
  out.tags = role.tags;
  add_entity(tx, account, role, out);
  return out;
}

Gathered gather(store::Transaction& tx, const api::Principal& p) {
  using Kind = api::Principal::Kind;
  Gathered out;
  switch (p.kind) {
    case Kind::root:
      out.set.root = true;
      break;
    case Kind::user: {
      const auto u = look<User>(tx, p.account, p.name);
      if (u && u->id == p.id)
        out = gather(tx, p.account, *u);
      else
        out.sound = false;
      break;
    }
    case Kind::role: {
      const auto r = look<Role>(tx, p.account, p.name);
      if (r && std::string_view(p.id).starts_with(r->id + ":"))
        out = gather(tx, p.account, *r);
      else
        out.sound = false;
      out.role_arn = r ? iam::role_arn(p.account, *r) : "arn:aws:iam::" + p.account + ":role/" + p.name;
      for (auto& [k, v] : p.session_tags) {
        std::erase_if(out.tags, [&](auto& t) { return same_text(t.first, k); });
        out.tags[k] = v;
      }
      break;
    }
    case Kind::anonymous:
    case Kind::system:
      break;
  }
  if (!p.session_policy.empty() || !p.session_policy_arns.empty()) {
    out.set.has_session = true;
    if (!p.session_policy.empty()) out.sound &= add(out.set.session, p.session_policy);
    for (auto& arn : p.session_policy_arns) out.sound &= add_managed(tx, p.account, out.set.session, arn);
  }
  return out;
}

PrincipalView view_of(const api::Principal& p, const Gathered& gathered) {
  return {p.account, p.arn, gathered.role_arn, p.id, "", p.kind == api::Principal::Kind::anonymous};
}

const std::vector<std::string>* RequestContext::find(std::string_view key) const {
  if (!own_) make_own();
  if (auto* values = among(*own_, key)) return values;
  if (auto* values = among(given_, key)) return values;
  return among(request_.get(), key);
}

void RequestContext::make_own() const {
  using Kind = api::Principal::Kind;
  own_.emplace();
  auto set = [&](std::string key, std::string value) {
    own_->emplace_back(std::move(key), std::vector<std::string>(1, value));
  };
  const bool temporary = principal_.token_issued_ms != 0;
  if (!view_.anonymous) {
    set("aws:PrincipalArn", view_.role_arn.empty() ? view_.arn : view_.role_arn);
    set("aws:PrincipalAccount", view_.account);
    set("aws:userid", view_.id);
  }
  set("aws:PrincipalType", view_.anonymous                 ? "Anonymous"
                           : principal_.kind == Kind::root ? "Account"
                           : principal_.kind == Kind::role ? "AssumedRole"
                                                           : "User");
  if (principal_.kind == Kind::user) set("aws:username", principal_.name);
  for (auto& [k, v] : tags_) set("aws:PrincipalTag/" + k, v);
  if (temporary) {
    set("aws:TokenIssueTime", iso8601(principal_.token_issued_ms));
    set("aws:MultiFactorAuthPresent", "false");
  }
  set("aws:PrincipalIsAWSService", "false");
  set("aws:ViaAWSService", "false");
  if (!resource_account_.empty()) set("aws:ResourceAccount", std::string(resource_account_));
  auto given = [&](std::string_view key) { return among(given_, key) || among(request_.get(), key); };
  const auto now = now_ms();
  if (!given("aws:CurrentTime")) set("aws:CurrentTime", iso8601(now));
  if (!given("aws:EpochTime")) set("aws:EpochTime", std::to_string(now / 1000));
}

Decision decide_assume(store::Transaction& tx, const api::Principal& principal, std::string_view action,
                       std::string_view role_account, const Role& role, const api::Conditions& conditions) {
  auto who = gather(tx, principal);
  if (!who.sound) return {};
  who.set.resource = PolicyCache::instance().get(role.trust, PolicyKind::trust);
  who.set.resource_required = true;
  const auto known = view_of(principal, who);
  auto given = conditions + resource_tags(role.tags);
  const api::RequestConditions none;
  RequestContext context(none, given, principal, known, who.tags, role_account);
  // A name in the trust policy means whoever had it when the policy was written.
  auto view = known;
  auto means_another = [&](const std::string& named) {
    auto it = role.trusted_ids.find(named);
    return it != role.trusted_ids.end() && it->second != principal.id.substr(0, principal.id.find(':'));
  };
  if (means_another(view.arn)) view.arn.clear();
  if (means_another(view.role_arn)) view.role_arn = "-";  // still a session, of no role that is named
  const auto folded = lowered(action);                    // Asked keeps views
  const auto arn = role_arn(role_account, role);
  return decide(who.set, {folded, arn, role_account, view, context});
}

}  // namespace nubecita::iam
