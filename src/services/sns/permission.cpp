// AddPermission, RemovePermission: statements of the topic's policy by their label.
#include <algorithm>

#include "base/json.hpp"
#include "models/sns.hpp"
#include "services/sns/topics.hpp"

namespace nubecita::sns {
namespace {

json::object policy_of(const Located& at) {
  auto doc = json::parse(at.policy());
  if (doc && doc->is_object()) {
    auto& o = doc->as_object();
    if (auto* s = o.if_contains("Statement"); s && s->is_object()) {
      json::array list;
      list.push_back(*s);
      *s = std::move(list);
    }
    if (json::array_at(o, "Statement")) return o;
  }
  return {{"Version", "2008-10-17"}, {"Statement", json::array()}};
}
bool has_label(const json::value& s, std::string_view label) {
  return s.is_object() && json::text_or(s.as_object(), "Sid") == label;
}
json::value one_or_all(json::array list) { return list.size() == 1 ? list[0] : json::value(std::move(list)); }

}  // namespace

Status add_permission(api::Call& call, const model::AddPermissionInput& in, model::AddPermissionResponse&) {
  TRY_LET(auto at, locate(call, in.topic_arn, "sns:AddPermission"));
  static constexpr std::string_view grantable[] = {"*",
                                                   "Publish",
                                                   "RemovePermission",
                                                   "SetTopicAttributes",
                                                   "DeleteTopic",
                                                   "ListSubscriptionsByTopic",
                                                   "GetTopicAttributes",
                                                   "Receive",
                                                   "AddPermission",
                                                   "Subscribe"};
  json::array principals, actions;
  for (auto& id : in.aws_account_id)
    principals.push_back(json::value("arn:aws:iam::" + api::str(id) + ":root"));
  for (auto& a : in.action_name) {
    if (std::ranges::find(grantable, a.sv()) == std::end(grantable))
      return invalid("Policy statement action out of service scope!");
    actions.push_back(json::value("SNS:" + api::str(a)));
  }
  auto policy = policy_of(at);
  auto& statements = policy["Statement"].as_array();
  for (auto& s : statements)
    if (has_label(s, in.label)) return invalid("Statement already exists");
  statements.push_back(json::object{{"Sid", api::str(in.label)},
                                    {"Effect", "Allow"},
                                    {"Principal", json::object{{"AWS", one_or_all(std::move(principals))}}},
                                    {"Action", one_or_all(std::move(actions))},
                                    {"Resource", at.arn()}});
  at.topic.attributes["Policy"] = json::serialize(policy);
  call.tx.put(at.scope, at.topic);
  return {};
}

Status remove_permission(api::Call& call, const model::RemovePermissionInput& in,
                         model::RemovePermissionResponse&) {
  TRY_LET(auto at, locate(call, in.topic_arn, "sns:RemovePermission"));
  auto policy = policy_of(at);
  json::array left;
  for (auto& s : policy["Statement"].as_array())
    if (!has_label(s, in.label)) left.push_back(s);
  policy["Statement"] = std::move(left);
  at.topic.attributes["Policy"] = json::serialize(policy);
  call.tx.put(at.scope, at.topic);
  return {};
}

}  // namespace nubecita::sns
