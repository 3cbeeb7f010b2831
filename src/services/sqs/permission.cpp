// AddPermission, RemovePermission: statements of the queue's policy by their label.
#include <algorithm>

#include "base/arn.hpp"
#include "base/json.hpp"
#include "models/sqs.hpp"
#include "services/sqs/locate.hpp"

namespace nubecita::sqs {
namespace {

constexpr size_t kMostActions = 7;
constexpr std::string_view kGrantable[] = {"*",
                                           "SendMessage",
                                           "ReceiveMessage",
                                           "DeleteMessage",
                                           "ChangeMessageVisibility",
                                           "GetQueueAttributes",
                                           "GetQueueUrl",
                                           "ListDeadLetterSourceQueues",
                                           "PurgeQueue"};

json::object policy_of(const Located& at) {
  auto doc = json::parse(at.settings().policy);
  if (doc && doc->is_object()) return doc->as_object();
  return {
      {"Version", "2012-10-17"}, {"Id", at.view->arn() + "/SQSDefaultPolicy"}, {"Statement", json::array()}};
}

/// The statements as a list, also of a policy that has a single one without a list.
json::array& statements_of(json::object& policy) {
  auto& s = policy["Statement"];
  if (s.is_object()) {
    json::array list;
    list.push_back(s);
    s = std::move(list);
  } else if (!s.is_array()) {
    s = json::array();
  }
  return s.as_array();
}

json::value one_or_all(json::array list) { return list.size() == 1 ? list[0] : json::value(std::move(list)); }

void keep(api::Call& call, const Located& at, const json::object& policy) {
  auto queue = at.queue();
  if (policy.at("Statement").as_array().empty())
    queue.attributes.erase("Policy");
  else
    queue.attributes["Policy"] = json::serialize(policy);
  queue.modified = call.now;
  call.tx.put(at.view->scope, queue);
}

}  // namespace

Status add_permission(api::Call& call, const model::AddPermissionRequest& in, model::AddPermissionResponse&) {
  TRY_LET(auto at, locate_own(call, in.queue_url, "sqs:AddPermission"));
  const auto label = api::str(in.label);
  if (in.actions.empty()) return fail("MissingParameter", "The request must contain the parameter Actions.");
  if (in.aws_account_ids.empty())
    return invalid_parameter("Value [] for parameter PrincipalId is invalid. Reason: Unable to verify.");
  if (in.actions.size() > kMostActions)
    return fail("OverLimit", std::to_string(in.actions.size()) + " Actions were found, maximum allowed is 7.",
                403);
  json::array actions, principals;
  for (auto& a : in.actions) {
    if (std::ranges::find(kGrantable, a.sv()) == std::end(kGrantable))
      return invalid_parameter(
          "Value SQS:" + api::str(a) +
          " for parameter ActionName is invalid. Reason: Only the queue owner is allowed to "
          "invoke this action.");
    actions.push_back(json::value("SQS:" + api::str(a)));
  }
  for (auto& id : in.aws_account_ids) {
    if (id.size() != 12 || id.sv().find_first_not_of("0123456789") != std::string_view::npos)
      return invalid_parameter("Value " + api::str(id) +
                               " for parameter PrincipalId is invalid. Reason: Unable to verify.");
    principals.push_back(json::value("arn:aws:iam::" + api::str(id) + ":root"));
  }
  auto policy = policy_of(at);
  auto& statements = statements_of(policy);
  for (auto& s : statements)
    if (s.is_object() && json::text_or(s.as_object(), "Sid") == label)
      return invalid_parameter("Value " + label + " for parameter Label is invalid. Reason: Already exists.");
  statements.push_back(json::object{{"Sid", label},
                                    {"Effect", "Allow"},
                                    {"Principal", json::object{{"AWS", one_or_all(std::move(principals))}}},
                                    {"Action", one_or_all(std::move(actions))},
                                    {"Resource", at.view->arn()}});
  keep(call, at, policy);
  return {};
}

Status remove_permission(api::Call& call, const model::RemovePermissionRequest& in,
                         model::RemovePermissionResponse&) {
  TRY_LET(auto at, locate_own(call, in.queue_url, "sqs:RemovePermission"));
  const auto label = api::str(in.label);
  auto policy = policy_of(at);
  auto& statements = statements_of(policy);
  json::array left;
  for (auto& s : statements)
    if (!s.is_object() || json::text_or(s.as_object(), "Sid") != label) left.push_back(s);
  if (left.size() == statements.size())
    return invalid_parameter("Value " + label +
                             " for parameter Label is invalid. Reason: can't find label on existing policy.");
  policy["Statement"] = std::move(left);
  keep(call, at, policy);
  return {};
}

}  // namespace nubecita::sqs
