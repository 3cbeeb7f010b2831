// Service-linked roles: made for one service, in its own path, with the policy that the service needs.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
#include "base/ids.hpp"
#include "services/iam/attachments.hpp"
#include "services/iam/iam.hpp"
#include "services/iam/roles.hpp"

namespace nubecita::iam {

namespace {

struct Linked {
  std::string_view service, role, policy;  // policy: AWS managed, in /aws-service-role/
};
constexpr Linked kLinked[] = {
    {"ecs.amazonaws.com", "AWSServiceRoleForECS", "AmazonECSServiceRolePolicy"},
    {"elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing",
     "AWSElasticLoadBalancingServiceRolePolicy"},
    {"rds.amazonaws.com", "AWSServiceRoleForRDS", "AmazonRDSServiceRolePolicy"},
    {"ecs.application-autoscaling.amazonaws.com", "AWSServiceRoleForApplicationAutoScaling_ECSService",
     "AWSApplicationAutoscalingECSServicePolicy"},
    {"autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling", "AutoScalingServiceRolePolicy"},
    {"replication.ecr.amazonaws.com", "AWSServiceRoleForECRReplication", "ECRReplicationServiceRolePolicy"},
};
const Linked* find_linked(std::string_view service) {
  for (auto& l : kLinked)
    if (l.service == service) return &l;
  return nullptr;
}

std::string linked_path(std::string_view service) {
  return "/aws-service-role/" + std::string(service) + "/";
}

Role make_linked(store::Transaction& tx, std::string_view account, const Linked& l, std::string name,
                 std::string_view description, int64_t now) {
  Role r;
  r.name = std::move(name);
  r.path = linked_path(l.service);
  r.id = unique_id(Kind<Role>::prefix);
  r.description = std::string(description);
  r.created = now;
  r.trust = R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":")" +
            std::string(l.service) + R"("},"Action":"sts:AssumeRole"}]})";
  r.attached.push_back("arn:aws:iam::aws:policy/aws-service-role/" + std::string(l.policy));
  tx.put(global_scope(account), r);
  tx.put(global_scope(account), Attachment{r.attached[0], "role", r.name, false});
  return r;
}

}  // namespace

Status create_service_linked_role(Call& call, const model::CreateServiceLinkedRoleRequest& in,
                                  model::CreateServiceLinkedRoleResponse& out) {
  auto service = str(in.aws_service_name);
  auto* linked = find_linked(service);
  auto name = linked ? std::string(linked->role) : std::string("*");
  TRY(call.authorize("arn:aws:iam::" + call.account + ":role" + linked_path(service) + name,
                     {{"iam:AWSServiceName", {service}}}));
  if (!linked)
    return fail("InvalidInput", "Service role creation is not supported for " + service + " here.");
  if (!in.custom_suffix.empty()) {
    if (service != "autoscaling.amazonaws.com")
      return fail("InvalidInput", "Custom suffix is not allowed for " + service);
    name += "_" + str(in.custom_suffix);
    TRY(check_name(name, "customSuffix", Kind<Role>::longest));
  }
  if (call.tx.get<Role>(call.global(), name_key(name)))
    return fail("InvalidInput", "Service role name " + name +
                                    " has been taken in this account, please try a different suffix.");
  auto r = make_linked(call.tx, call.account, *linked, name, in.description, call.now);
  out.role = call.make<model::Role>();
  answer(call, r, *out.role);
  return {};
}

Result<std::string> ensure_service_linked_role(store::Transaction& tx, std::string_view account,
                                               std::string_view service, int64_t now) {
  auto* linked = find_linked(service);
  if (!linked)
    return fail("InvalidInput", "There is no service-linked role for " + std::string(service) + ".");
  auto r = find<Role>(tx, account, linked->role);
  if (!r) r = make_linked(tx, account, *linked, std::string(linked->role), "", now);
  return role_arn(account, *r);
}

Status delete_service_linked_role(Call& call, const model::DeleteServiceLinkedRoleRequest& in,
                                  model::DeleteServiceLinkedRoleResponse& out) {
  TRY_LET(auto r, authorized<Role>(call, in.role_name));
  if (!r.path.starts_with("/aws-service-role/"))
    return fail("InvalidInput", "Role with name " + r.name + " is not a service-linked role.");
  for (auto& arn : r.attached)
    call.tx.erase<Attachment>(call.global(), Attachment{arn, "role", r.name, false}.key());
  r.attached.clear();
  TRY(erase_role(call, r));
  // The role is gone when we answer; the task exists for clients that ask how the deletion goes.
  out.deletion_task_id = call.text("task" + r.path + r.name + "/" + uuid());
  return {};
}

Status get_service_linked_role_deletion_status(Call& call,
                                               const model::GetServiceLinkedRoleDeletionStatusRequest& in,
                                               model::GetServiceLinkedRoleDeletionStatusResponse& out) {
  auto task = str(in.deletion_task_id);
  auto slash = task.rfind('/');
  auto before = slash == std::string::npos ? slash : task.rfind('/', slash - 1);
  if (!task.starts_with("task/aws-service-role/") || before == std::string::npos || before < 5)
    return fail("InvalidInput", "The deletion task id is not valid.");
  auto name = task.substr(before + 1, slash - before - 1);
  TRY(call.authorize("arn:aws:iam::" + call.account + ":role" + task.substr(4, before - 3) + name));
  if (find<Role>(call.tx, call.account, name))
    return no_such_entity("The deletion task " + task + " cannot be found.");
  out.status = "SUCCEEDED";
  return {};
}

}  // namespace nubecita::iam
