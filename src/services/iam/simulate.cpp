// What-if questions, answered by the same engine that guards every request.
#include <algorithm>
#include <array>

#include "base/arn.hpp"
#include "services/iam/entities.hpp"
#include "services/iam/evaluate.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::iam {

namespace {

struct Named {
  std::string id, type;
  PolicyPtr policy;
};
struct Simulation {
  PolicySet set;
  std::vector<Named> named;  // identity policies with the names that answers call them by
  PrincipalView caller;
  Conditions context;
};

struct GivenContext : Context {
  explicit GivenContext(const Conditions& c) : given(c) {}
  const std::vector<std::string>* find(std::string_view key) const override {
    for (auto& [name, values] : given)
      if (same_text(name, key)) return &values;
    return nullptr;
  }
  const Conditions& given;
};

Result<PolicyPtr> parse_input(std::string_view text, PolicyKind kind, std::string_view what) {
  auto p = Policy::parse(text, kind);
  if (!p) return fail("InvalidInput", std::string(what) + ": " + p.error().message);
  return *p;
}

template <class In>
Status read_common(const In& in, Simulation& s) {
  size_t n = 0;
  for (auto& text : in.policy_input_list) {
    TRY_LET(auto p, parse_input(text, PolicyKind::identity, "PolicyInputList"));
    s.set.identity.push_back(p);
    s.named.push_back({"PolicyInputList." + std::to_string(++n), "none", p});
  }
  if (!in.permissions_boundary_policy_input_list.empty()) {
    s.set.boundary.clear();
    s.set.has_boundary = true;
    for (auto& text : in.permissions_boundary_policy_input_list) {
      TRY_LET(auto p, parse_input(text, PolicyKind::identity, "PermissionsBoundaryPolicyInputList"));
      s.set.boundary.push_back(p);
    }
  }
  if (!in.resource_policy.empty()) {
    TRY_LET(s.set.resource, parse_input(in.resource_policy, PolicyKind::resource, "ResourcePolicy"));
  }
  for (auto& e : in.context_entries)
    s.context.push_back({str(e.context_key_name), api::strings(e.context_key_values)});
  return {};
}

/// Tells the engine who asks: a user by ARN.
Status set_caller(wire::Text arn_text, Simulation& s) {
  auto arn = Arn::parse(arn_text);
  if (!arn || arn->service != "iam" || !arn->resource.starts_with("user/"))
    return fail("InvalidInput", "CallerArn must be the ARN of a user: " + str(arn_text));
  s.caller.account = arn->account;
  s.caller.arn = str(arn_text);
  return {};
}

std::vector<std::string> missing_keys(const Simulation& s, const Context& context) {
  std::vector<std::string> missing;
  auto look = [&](const PolicyPtr& p) {
    for (auto& key : p->context_keys())
      if (!context.find(key)) missing.push_back(key);
  };
  for (auto& p : s.set.identity) look(p);
  for (auto& p : s.set.boundary) look(p);
  if (s.set.resource) look(s.set.resource);
  std::sort(missing.begin(), missing.end());
  missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
  return missing;
}

void evaluate(Call& call, const Simulation& s, std::string_view action, const std::string& resource,
              const std::string& owner, model::EvaluationResult& out) {
  using Outcome = Decision::Outcome;
  GivenContext context(s.context);
  const std::string folded = lowered(action);
  auto d = decide(s.set, {folded, resource, owner, s.caller, context});
  out.eval_action_name = call.text(action);
  out.eval_resource_name = call.text(resource);
  out.eval_decision = d.allowed()                           ? wire::Text("allowed")
                      : d.outcome == Outcome::explicit_deny ? wire::Text("explicitDeny")
                                                            : wire::Text("implicitDeny");
  std::vector<const Named*> matched;
  for (auto& n : s.named) {
    auto v = n.policy->evaluate(folded, resource, s.caller, context);
    if (d.outcome == Outcome::explicit_deny ? v.denied : d.allowed() && v.allowed) matched.push_back(&n);
  }
  out.matched_statements = call.list<model::Statement>(matched.size());
  for (size_t i = 0; i < matched.size(); ++i) {
    out.matched_statements[i].source_policy_id = call.text(matched[i]->id);
    out.matched_statements[i].source_policy_type = call.text(matched[i]->type);
  }
  out.missing_context_values = call.texts(missing_keys(s, context));
  if (s.set.has_boundary) {
    out.permissions_boundary_decision_detail = call.make<model::PermissionsBoundaryDecisionDetail>();
    bool allowed = false;
    for (auto& p : s.set.boundary) allowed |= p->evaluate(folded, resource, s.caller, context).allowed;
    out.permissions_boundary_decision_detail->allowed_by_permissions_boundary = allowed;
  }
}

template <class In>
Status run(Call& call, const In& in, const Simulation& s, model::SimulatePolicyResponse& out) {
  if (in.resource_policy.has() && s.caller.arn.empty())
    return fail("InvalidInput", "CallerArn is required when ResourcePolicy is given.");
  std::vector<std::array<std::string, 2>> cases;
  auto resources = api::strings(in.resource_arns);
  if (resources.empty()) resources.emplace_back("*");
  for (auto& action : in.action_names)
    for (auto& resource : resources) cases.push_back({str(action), resource});
  size_t number = 0;  // cases keep the order of the question: their ids are their numbers
  std::vector<std::pair<std::string, std::array<std::string, 2>>> items;
  for (auto& c : cases) items.push_back({std::to_string(100000 + number++), std::move(c)});
  TRY_LET(auto some, one_page(call, in, out, std::move(items), [](auto& i) { return i.first; }));
  std::string owner;
  if (!in.resource_owner.empty()) {
    auto arn = Arn::parse(in.resource_owner);
    owner = arn ? arn->account : str(in.resource_owner);
  }
  out.evaluation_results = call.list<model::EvaluationResult>(some.size());
  for (size_t i = 0; i < some.size(); ++i)
    evaluate(call, s, some[i].second[0], some[i].second[1], owner, out.evaluation_results[i]);
  return {};
}

/// The policies of a stored entity, with their names.
template <class E>
Status load(Call& call, const E& e, std::string_view kind, Simulation& s) {
  auto g = [&] {
    if constexpr (std::is_same_v<E, Group>)
      return Gathered{};
    else
      return gather(call.tx, call.account, e);
  }();
  if (!g.sound) return fail("PolicyEvaluation", "A stored policy cannot be read.", 500);
  if (s.set.boundary.empty() && g.set.has_boundary) {
    s.set.boundary = g.set.boundary;
    s.set.has_boundary = true;
  }
  for (auto& [k, v] : g.tags) s.context.push_back({"aws:PrincipalTag/" + k, {v}});
  auto add = [&](std::string id, std::string type, std::string_view document) -> Status {
    TRY_LET(auto p, parse_input(document, PolicyKind::identity, id));
    s.set.identity.push_back(p);
    s.named.push_back({std::move(id), std::move(type), p});
    return {};
  };
  auto of_entity = [&](const auto& x, const std::string& title) -> Status {
    for (auto& arn : x.attached)
      if (auto text = policy_text(call.tx, call.account, arn))
        TRY(add(arn.substr(arn.rfind('/') + 1),
                arn.starts_with("arn:aws:iam::aws:") ? "aws-managed" : "user-managed", *text));
    for (auto& [name, document] : x.inline_policies)
      TRY(add(title + "_" + x.name + "_" + name, title, document));
    return {};
  };
  TRY(of_entity(e, std::string(kind)));
  if constexpr (requires { e.groups; })
    for (auto& name : e.groups)
      if (auto group = find<Group>(call.tx, call.account, name)) TRY(of_entity(*group, "group"));
  return {};
}

}  // namespace

Status simulate_custom_policy(Call& call, const model::SimulateCustomPolicyRequest& in,
                              model::SimulatePolicyResponse& out) {
  TRY(call.authorize("*"));
  Simulation s;
  TRY(read_common(in, s));
  if (in.caller_arn.has()) TRY(set_caller(in.caller_arn, s));
  return run(call, in, s, out);
}

Status simulate_principal_policy(Call& call, const model::SimulatePrincipalPolicyRequest& in,
                                 model::SimulatePolicyResponse& out) {
  TRY(call.authorize(in.policy_source_arn));
  auto arn = Arn::parse(in.policy_source_arn);
  if (!arn || arn->service != "iam" || arn->account != call.account)
    return fail("InvalidInput", "Invalid Entity Arn: " + str(in.policy_source_arn) +
                                    " does not clearly define entity type and name.");
  Simulation s;
  TRY(read_common(in, s));
  auto name = arn->resource.substr(arn->resource.rfind('/') + 1);
  auto missing = [&] {
    return no_such_entity("The entity " + str(in.policy_source_arn) + " cannot be found.");
  };
  if (arn->resource.starts_with("user/")) {
    auto u = find<User>(call.tx, call.account, name);
    if (!u || user_arn(call.account, *u) != in.policy_source_arn.sv()) return missing();
    s.caller = {call.account, user_arn(call.account, *u), "", u->id, "", false};
    s.context.push_back({"aws:username", {u->name}});
    s.context.push_back({"aws:userid", {u->id}});
    TRY(load(call, *u, "user", s));
  } else if (arn->resource.starts_with("role/")) {
    auto r = find_role(call.tx, in.policy_source_arn);
    if (!r) return missing();
    s.caller = {call.account, "", str(in.policy_source_arn), r->id, "", false};
    TRY(load(call, *r, "role", s));
  } else if (arn->resource.starts_with("group/")) {
    auto g = find<Group>(call.tx, call.account, name);
    if (!g || group_arn(call.account, *g) != in.policy_source_arn.sv()) return missing();
    s.caller.account = call.account;
    TRY(load(call, *g, "group", s));
  } else {
    return fail("InvalidInput", "Invalid Entity Arn: " + str(in.policy_source_arn) +
                                    " does not clearly define entity type and name.");
  }
  if (in.caller_arn.has()) TRY(set_caller(in.caller_arn, s));
  return run(call, in, s, out);
}

}  // namespace nubecita::iam
