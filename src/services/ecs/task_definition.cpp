// Task definitions (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html):
// registered once, never changed, numbered per family; a number is never given twice.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/arn.hpp"
#include "services/ecs/common.hpp"
#include "services/ecs/definition_check.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::ecs {

namespace {

/// AWS takes a role's bare name too.
wire::Text role_arn(Call& call, wire::Text role) {
  if (role.empty() || role.sv().starts_with("arn:")) return role.empty() ? wire::Text() : role;
  return call.text(arn("iam", "", call.account, fmt::format("role/{}", role.sv())));
}

std::string newest_first_key(const Definition& d) {
  return fmt::format("{}/{:010}", d.family, 9'999'999'999 - d.revision);
}

}  // namespace

Status register_task_definition(Call& call, const model::RegisterTaskDefinitionRequest& in,
                                model::RegisterTaskDefinitionResponse& out) {
  TRY_LET(auto tags, read_tags(in.tags));
  TRY(call.authorize(call.arn("ecs", fmt::format("task-definition/{}:*", in.family.sv())),
                     tag_conditions(tags, {})));
  model::TaskDefinition d;
  d.family = in.family;
  d.task_role_arn = role_arn(call, in.task_role_arn);
  d.execution_role_arn = role_arn(call, in.execution_role_arn);
  d.network_mode = in.network_mode;
  d.container_definitions = in.container_definitions;
  d.volumes = in.volumes;
  d.requires_compatibilities = in.requires_compatibilities;
  d.cpu = in.cpu;
  d.memory = in.memory;
  d.runtime_platform = in.runtime_platform;
  d.ephemeral_storage = in.ephemeral_storage;
  TRY(check_definition(call, d));
  for (wire::Text role : {d.task_role_arn, d.execution_role_arn})
    if (!role.empty()) TRY(iam::check_pass_role(call, role, "ecs-tasks.amazonaws.com"));
  fill_defaults(call, d);

  Family family = call.tx.get<Family>(call.scope(), in.family).value_or(Family{});
  family.name = api::str(in.family);
  Definition record;
  record.family = family.name;
  record.revision = ++family.last_revision;
  record.status = "ACTIVE";
  record.body = store_definition(d);
  record.registered = call.now;
  record.registered_by = call.principal.arn;
  record.tags = std::move(tags);
  call.tx.put(call.scope(), family);
  call.tx.put(call.scope(), record);
  out.task_definition = definition_out(call, record);
  out.tags = tags_out(call, record.tags);
  return {};
}

Status describe_task_definition(Call& call, const model::DescribeTaskDefinitionRequest& in,
                                model::DescribeTaskDefinitionResponse& out) {
  TRY(call.authorize("*"));
  TRY_LET(Definition d, need_definition(call.tx, call.scope(), in.task_definition));
  out.task_definition = definition_out(call, d);
  if (includes(in.include, "TAGS")) out.tags = tags_out(call, d.tags);
  return {};
}

Status deregister_task_definition(Call& call, const model::DeregisterTaskDefinitionRequest& in,
                                  model::DeregisterTaskDefinitionResponse& out) {
  TRY(call.authorize("*"));
  if (last_part(in.task_definition).find(':') == std::string::npos)
    return fail("ClientException", "Invalid revision number. Number: null");
  TRY_LET(Definition d, need_definition(call.tx, call.scope(), in.task_definition));
  if (d.status != "ACTIVE")
    return fail("ClientException",
                "The specified task definition is inactive. You must specify an ACTIVE task definition.");
  d.status = "INACTIVE";
  d.deregistered = call.now;
  call.tx.put(call.scope(), d);
  out.task_definition = definition_out(call, d);
  return {};
}

Status delete_task_definitions(Call& call, const model::DeleteTaskDefinitionsRequest& in,
                               model::DeleteTaskDefinitionsResponse& out) {
  std::vector<model::TaskDefinition> gone;
  std::vector<model::Failure> failures;
  if (in.task_definitions.size() > 10)
    return fail("InvalidParameterException", "taskDefinitions can have at most 10 items.");
  for (const auto& name : in.task_definitions) {
    const std::string full =
        name.sv().starts_with("arn:") ? api::str(name) : call.arn("ecs", "task-definition/" + api::str(name));
    TRY(call.authorize(full));
    auto d = need_definition(call.tx, call.scope(), name);
    if (!d || last_part(name).find(':') == std::string::npos) {
      failures.push_back(failure(
          call, full,
          "The specified task definition was not found. Specify an existing task definition and try again."));
    } else if (d->status == "ACTIVE") {
      failures.push_back(failure(call, full,
                                 "The specified task definition is still in ACTIVE status. Please deregister "
                                 "the target and try again."));
    } else {
      d->status = "DELETE_IN_PROGRESS";  // the sweep erases it when no task and no service needs it
      if (!d->delete_requested) d->delete_requested = call.now;
      call.tx.put(call.scope(), *d);
      gone.push_back(*definition_out(call, *d));
    }
  }
  out.task_definitions = call.list<model::TaskDefinition>(gone.size());
  std::copy(gone.begin(), gone.end(), out.task_definitions.begin());
  out.failures = call.list<model::Failure>(failures.size());
  std::copy(failures.begin(), failures.end(), out.failures.begin());
  return {};
}

Status list_task_definitions(Call& call, const model::ListTaskDefinitionsRequest& in,
                             model::ListTaskDefinitionsResponse& out) {
  TRY(call.authorize("*"));
  const std::string_view status = in.status.value_or("ACTIVE");
  const bool descending = in.sort == "DESC";
  std::vector<Definition> found;
  for (auto& d : call.tx.list<Definition>(
           call.scope(), in.family_prefix.empty() ? std::string() : api::str(in.family_prefix) + "/"))
    if (d.status == status) found.push_back(std::move(d));
  auto order = [&](const Definition& d) { return descending ? newest_first_key(d) : d.key(); };
  std::sort(found.begin(), found.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
  std::string next;
  TRY_LET(auto page,
          api::page(std::move(found), in.next_token, static_cast<size_t>(in.max_results.value_or(100)), order,
                    next, "InvalidParameterException"));
  out.task_definition_arns = call.list<wire::Text>(page.size());
  for (size_t i = 0; i < page.size(); ++i)
    out.task_definition_arns[i] = call.text(definition_arn(call.scope(), page[i].family, page[i].revision));
  if (!next.empty()) out.next_token = call.text(next);
  return {};
}

Status list_task_definition_families(Call& call, const model::ListTaskDefinitionFamiliesRequest& in,
                                     model::ListTaskDefinitionFamiliesResponse& out) {
  TRY(call.authorize("*"));
  const std::string_view status = in.status.value_or("ACTIVE");
  std::set<std::string> active, all;
  for (const auto& d : call.tx.list<Definition>(call.scope(), in.family_prefix)) {
    all.insert(d.family);
    if (d.status == "ACTIVE") active.insert(d.family);
  }
  std::vector<std::string> names;
  for (const auto& f : all) {
    const bool is_active = active.contains(f);
    if (status == "ALL" || (status == "ACTIVE") == is_active) names.push_back(f);
  }
  std::string next;
  TRY_LET(auto page, api::page(
                         std::move(names), in.next_token, static_cast<size_t>(in.max_results.value_or(100)),
                         [](const std::string& n) { return n; }, next, "InvalidParameterException"));
  out.families = call.texts(page);
  if (!next.empty()) out.next_token = call.text(next);
  return {};
}

}  // namespace nubecita::ecs
