// Repository policies and lifecycle policies.
#include <algorithm>

#include "models/ecr.hpp"
#include "services/ecr/ecr.hpp"
#include "services/ecr/images.hpp"
#include "services/ecr/lifecycle.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::ecr {
namespace {

std::string of_repository(const Located& at) {
  return "for the repository with name '" + at.name() + "' in the registry with id '" + at.scope.account +
         "'";
}
std::unexpected<ApiError> no_policy(const Located& at) {
  return fail("RepositoryPolicyNotFoundException", "Repository policy does not exist " + of_repository(at));
}
std::unexpected<ApiError> no_lifecycle(const Located& at) {
  return fail("LifecyclePolicyNotFoundException", "Lifecycle policy does not exist " + of_repository(at));
}

template <class Out>
void name_it(api::Call& call, const Located& at, Out& out) {
  out.registry_id = call.text(at.scope.account);
  out.repository_name = call.text(at.name());
}

wire::Opt<wire::Timestamp> last_run(api::Call& call, const Located& at) {
  auto run = call.tx.get<LifecycleRun>(at.scope, at.name());
  // AWS answers the epoch for a policy that has not been evaluated yet.
  return wire::Timestamp{run ? run->evaluated : 0};
}

std::vector<LifecycleImage> lifecycle_images(store::Transaction& tx, const Located& at) {
  auto tags = tags_by_digest(tx, at.scope, at.name());
  auto all = list_images_of(tx, at.scope, at.name());
  std::vector<LifecycleImage> out;
  for (auto& i : all)
    out.push_back({i.digest, tags[i.digest], i.pushed, needed_by(all, i.digest).has_value()});
  return out;
}

}  // namespace

Status set_repository_policy(api::Call& call, const model::SetRepositoryPolicyRequest& in,
                             model::SetRepositoryPolicyResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  if (auto good = iam::check_resource_policy(in.policy_text.sv()); !good)
    return fail("InvalidParameterException",
                "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy "
                "provided': " +
                    good.error().message);
  auto keeps = call.cloud.authorizer->check(
      call.tx,
      {call.principal, "ecr:SetRepositoryPolicy", repository_arn(at.scope, at.name()),
       call.request_conditions, resource_tags(at.repository), in.policy_text.sv(), at.scope.account});
  if (!keeps && !in.force.value_or(false))
    return fail("InvalidParameterException",
                "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'The new repository policy "
                "would not allow you to "
                "update it in the future: set force if that is meant'");
  at.repository.policy = api::str(in.policy_text);
  call.tx.put(at.scope, at.repository);
  name_it(call, at, out);
  out.policy_text = in.policy_text;
  return {};
}

Status get_repository_policy(api::Call& call, const model::GetRepositoryPolicyRequest& in,
                             model::GetRepositoryPolicyResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  if (at.repository.policy.empty()) return no_policy(at);
  name_it(call, at, out);
  out.policy_text = call.text(at.repository.policy);
  return {};
}

Status delete_repository_policy(api::Call& call, const model::DeleteRepositoryPolicyRequest& in,
                                model::DeleteRepositoryPolicyResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  if (at.repository.policy.empty()) return no_policy(at);
  name_it(call, at, out);
  out.policy_text = call.text(at.repository.policy);
  at.repository.policy.clear();
  call.tx.put(at.scope, at.repository);
  return {};
}

Status put_lifecycle_policy(api::Call& call, const model::PutLifecyclePolicyRequest& in,
                            model::PutLifecyclePolicyResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  TRY(parse_lifecycle(in.lifecycle_policy_text.sv()));
  at.repository.lifecycle = api::str(in.lifecycle_policy_text);
  call.tx.put(at.scope, at.repository);
  name_it(call, at, out);
  out.lifecycle_policy_text = in.lifecycle_policy_text;
  return {};
}

Status get_lifecycle_policy(api::Call& call, const model::GetLifecyclePolicyRequest& in,
                            model::GetLifecyclePolicyResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  if (at.repository.lifecycle.empty()) return no_lifecycle(at);
  name_it(call, at, out);
  out.lifecycle_policy_text = call.text(at.repository.lifecycle);
  out.last_evaluated_at = last_run(call, at);
  return {};
}

Status delete_lifecycle_policy(api::Call& call, const model::DeleteLifecyclePolicyRequest& in,
                               model::DeleteLifecyclePolicyResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  if (at.repository.lifecycle.empty()) return no_lifecycle(at);
  name_it(call, at, out);
  out.lifecycle_policy_text = call.text(at.repository.lifecycle);
  out.last_evaluated_at = last_run(call, at);
  at.repository.lifecycle.clear();
  call.tx.put(at.scope, at.repository);
  call.tx.erase<LifecycleRun>(at.scope, at.name());
  return {};
}

// The preview is evaluated when it is read: it takes microseconds, and then it tells what the policy would do
// now.
Status start_lifecycle_policy_preview(api::Call& call, const model::StartLifecyclePolicyPreviewRequest& in,
                                      model::StartLifecyclePolicyPreviewResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  std::string policy =
      in.lifecycle_policy_text.has() ? api::str(in.lifecycle_policy_text) : at.repository.lifecycle;
  if (policy.empty()) return no_lifecycle(at);
  TRY(parse_lifecycle(policy));
  call.tx.put(at.scope, Preview{at.name(), policy, call.now});
  name_it(call, at, out);
  out.lifecycle_policy_text = call.text(policy);
  out.status = "IN_PROGRESS";
  return {};
}

Status get_lifecycle_policy_preview(api::Call& call, const model::GetLifecyclePolicyPreviewRequest& in,
                                    model::GetLifecyclePolicyPreviewResponse& out) {
  TRY_LET(auto at, locate(call, in.registry_id, in.repository_name));
  auto preview = call.tx.get<Preview>(at.scope, at.name());
  if (!preview)
    return fail("LifecyclePolicyPreviewNotFoundException",
                "Lifecycle policy preview does not exist " + of_repository(at));
  TRY_LET(auto rules, parse_lifecycle(preview->policy));
  auto images = lifecycle_images(call.tx, at);
  const auto status = in.filter ? in.filter->tag_status.value_or("ANY") : "ANY";
  auto wanted = [&](const LifecycleImage& i) {
    if (status == "TAGGED" && i.tags.empty()) return false;
    if (status == "UNTAGGED" && !i.tags.empty()) return false;
    if (in.image_ids.empty()) return true;
    for (auto& id : in.image_ids)
      if (id.image_digest == i.digest ||
          (id.image_tag.has() && std::find(i.tags.begin(), i.tags.end(), id.image_tag.sv()) != i.tags.end()))
        return true;
    return false;
  };
  auto expiring = evaluate_lifecycle(rules, images, call.now);
  const auto total = static_cast<int32_t>(expiring.size());
  std::erase_if(expiring, [&](auto& e) { return !wanted(images[e.image]); });
  std::string next;
  TRY_LET(expiring,
          api::page(
              std::move(expiring), in.next_token.sv(), static_cast<size_t>(in.max_results.value_or(100)),
              [&](auto& e) { return images[e.image].digest; }, next, "InvalidParameterException"));
  name_it(call, at, out);
  out.lifecycle_policy_text = call.text(preview->policy);
  out.status = "COMPLETE";
  if (!next.empty()) out.next_token = call.text(next);
  out.preview_results = call.list<model::LifecyclePolicyPreviewResult>(expiring.size());
  for (size_t k = 0; k < expiring.size(); ++k) {
    auto& image = images[expiring[k].image];
    auto& r = out.preview_results[k];
    r.image_digest = call.text(image.digest);
    r.image_tags = call.texts(image.tags);
    r.image_pushed_at = wire::Timestamp{image.pushed};
    r.applied_rule_priority = expiring[k].priority;
    r.action = call.make<model::LifecyclePolicyRuleAction>();
    r.action->type = "EXPIRE";
  }
  out.summary = call.make<model::LifecyclePolicyPreviewSummary>();
  out.summary->expiring_image_total_count = total;
  return {};
}

}  // namespace nubecita::ecr
