#include "services/s3/access.hpp"

#include <algorithm>

#include "base/arn.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"

namespace nubecita::s3 {
namespace {

constexpr std::string_view kEveryone = "http://acs.amazonaws.com/groups/global/AllUsers";
constexpr std::string_view kAuthenticated = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";

// What a permission of an access control list lets one do.
std::string_view permission_of(std::string_view action, bool object) {
  if (object) {
    if (action == "s3:GetObject" || action == "s3:GetObjectVersion" || action == "s3:GetObjectAttributes" ||
        action == "s3:GetObjectVersionAttributes")
      return "READ";
    if (action == "s3:GetObjectAcl" || action == "s3:GetObjectVersionAcl") return "READ_ACP";
    if (action == "s3:PutObjectAcl" || action == "s3:PutObjectVersionAcl") return "WRITE_ACP";
    return {};
  }
  if (action == "s3:ListBucket" || action == "s3:ListBucketVersions" ||
      action == "s3:ListBucketMultipartUploads")
    return "READ";
  // PutObjectAcl: of an object that is just made.
  if (action == "s3:PutObject" || action == "s3:PutObjectAcl" || action == "s3:DeleteObject" ||
      action == "s3:DeleteObjectVersion")
    return "WRITE";
  if (action == "s3:GetBucketAcl") return "READ_ACP";
  if (action == "s3:PutBucketAcl") return "WRITE_ACP";
  return {};
}

/// "everyone", the account, or nothing: whom a statement must name to grant what the list grants.
std::string granted_to(const Exchange& x, const std::vector<Grant>& grants, std::string_view permission,
                       bool block) {
  if (permission.empty()) return {};
  const auto me = x.claim.anonymous() ? std::string() : canonical_id(x.principal.account);
  for (auto& g : grants) {
    if (g.permission != permission && g.permission != "FULL_CONTROL") continue;
    if (g.type == "group") {
      if (block) continue;
      if (g.grantee == kEveryone) return "*";
      if (g.grantee == kAuthenticated && !me.empty()) return x.principal.account;
    } else if (!me.empty() && g.grantee == me) {
      return x.principal.account;
    }
  }
  return {};
}

std::string with_statement(std::string_view policy, std::string_view who, std::string_view action,
                           std::string_view resource) {
  json::object statement;
  statement["Effect"] = "Allow";
  if (who == "*")
    statement["Principal"] = "*";
  else
    statement["Principal"] = json::object{{"AWS", std::string(who)}};
  statement["Action"] = action;
  std::string escaped;
  for (char c : resource)
    escaped += c == '*' ? "${*}" : c == '?' ? "${?}" : c == '$' ? "${$}" : std::string(1, c);
  statement["Resource"] = escaped;
  json::object whole;
  whole["Version"] = "2012-10-17";
  json::array statements{std::move(statement)};
  if (!policy.empty())
    if (auto parsed = json::parse(policy); parsed && parsed->is_object()) {
      auto& given = parsed->as_object()["Statement"];
      if (given.is_array())
        for (auto& s : given.as_array()) statements.push_back(s);
      else
        statements.push_back(given);
    }
  whole["Statement"] = std::move(statements);
  return json::serialize(json::value(std::move(whole)));
}

Status ask(Exchange& x, const Bucket& bucket, std::string_view action, std::string_view resource,
           const api::Conditions& conditions, std::string_view granted, std::string_view owner) {
  std::string policy = bucket.policy;
  const bool own_account = x.principal.account == bucket.account;
  if (!policy.empty() && !own_account && (bucket.block & kRestrictPublicBuckets) && is_public_policy(policy))
    policy.clear();
  if (!granted.empty()) policy = with_statement(policy, granted, action, resource);
  auto allowed = x.authorize(resource, conditions, action, policy, owner);
  if (allowed || !x.claim.anonymous()) return allowed;
  return access_denied();
}

/// `object`: the list is an object's, not the bucket's.
std::string granted_by_list(const Exchange& x, const Bucket& bucket, std::string_view action,
                            const std::vector<Grant>& grants, bool object) {
  if (bucket.enforced()) return {};
  return granted_to(x, grants, permission_of(action, object), (bucket.block & kIgnorePublicAcls) != 0);
}

}  // namespace

Status Exchange::find_bucket() {
  if (bucket) return {};
  const auto found = tx.shared<Bucket>(kEverywhere, target.bucket);
  if (!found) return no_such_bucket(target.bucket);
  bucket = *found;
  const auto expected = head.header("x-amz-expected-bucket-owner");
  if (!expected.empty() && expected != bucket->account) return access_denied();
  account = bucket->account;
  return {};
}

Status open_bucket(Exchange& x, std::string_view action, const api::Conditions& conditions) {
  TRY(x.find_bucket());
  return ask(x, *x.bucket, action, bucket_arn(x.bucket->name), conditions,
             granted_by_list(x, *x.bucket, action, x.bucket->grants, false), x.bucket->account);
}

Status check_object(Exchange& x, const Bucket& bucket, std::string_view key, std::string_view action,
                    const Object* object, const api::Conditions& conditions) {
  api::Conditions all = conditions;
  if (object)
    for (auto& [k, v] : object->tags) all.push_back({"s3:ExistingObjectTag/" + k, {v}});
  const bool writes = permission_of(action, false) == "WRITE" && !(object && action == "s3:PutObjectAcl");
  const auto* grants = writes ? &bucket.grants : object ? &object->grants : nullptr;
  const bool own = object && !object->account.empty() && !bucket.enforced() && !writes;
  return ask(x, bucket, action, object_arn(bucket.name, key), all,
             grants ? granted_by_list(x, bucket, action, *grants, !writes) : std::string(),
             own ? std::string_view(object->account) : std::string_view(bucket.account));
}

Status open_object(Exchange& x, std::string_view action, const Object* object,
                   const api::Conditions& conditions) {
  TRY(x.find_bucket());
  return check_object(x, *x.bucket, x.target.key, action, object, conditions);
}

Status check_upload(Exchange& x, std::string_view action, std::string_view initiator) {
  const auto who = Arn::parse(initiator);
  const bool own = who && !x.claim.anonymous() && who->account == x.principal.account;
  return ask(x, *x.bucket, action, object_arn(x.bucket->name, x.target.key), {},
             own ? x.principal.account : std::string(), x.bucket->account);
}

bool may_list(Exchange& x, const Bucket& bucket) {
  return ask(x, bucket, "s3:ListBucket", bucket_arn(bucket.name), {},
             granted_by_list(x, bucket, "s3:ListBucket", bucket.grants, false), bucket.account)
      .has_value();
}

bool is_public(const std::vector<Grant>& grants) {
  return std::ranges::any_of(
      grants, [](const Grant& g) { return g.grantee == kEveryone || g.grantee == kAuthenticated; });
}

namespace {
bool names_everyone(const json::value& principal) {
  if (principal.is_string()) return principal.as_string() == "*";
  if (!principal.is_object()) return false;
  for (auto& [kind, names] : principal.as_object()) {
    if (names.is_string() && names.as_string() == "*") return true;
    if (names.is_array())
      for (auto& n : names.as_array())
        if (n.is_string() && n.as_string() == "*") return true;
  }
  return false;
}

// Conditions with fixed values of these keys make a policy not public.
bool narrows(const json::object& statement) {
  static constexpr std::string_view keys[] = {"aws:sourceip",
                                              "aws:sourcearn",
                                              "aws:sourcevpc",
                                              "aws:sourcevpce",
                                              "aws:sourceowner",
                                              "aws:sourceaccount",
                                              "aws:userid",
                                              "aws:principalorgid",
                                              "aws:principalarn",
                                              "aws:principalaccount",
                                              "s3:dataaccesspointarn",
                                              "s3:dataaccesspointaccount",
                                              "s3:x-amz-server-side-encryption-aws-kms-key-id"};
  auto* conditions = json::object_at(statement, "Condition");
  if (!conditions) return false;
  for (auto& [operation, block] : *conditions) {
    if (std::string_view(operation).find("Not") != std::string_view::npos || !block.is_object()) continue;
    for (auto& [key, values] : block.as_object()) {
      std::string lower(key);
      for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      if (std::ranges::find(keys, lower) == std::end(keys)) continue;
      auto fixed = [](const json::value& v) {
        return v.is_string() && v.as_string().find('*') == std::string_view::npos &&
               v.as_string() != "0.0.0.0/0" && v.as_string() != "::/0";
      };
      if (values.is_array() ? std::ranges::all_of(values.as_array(), fixed) : fixed(values)) return true;
    }
  }
  return false;
}
}  // namespace

bool is_public_policy(std::string_view document) {
  auto parsed = json::parse(document);
  if (!parsed || !parsed->is_object()) return false;
  auto* given = parsed->as_object().if_contains("Statement");
  if (!given) return false;
  json::array statements = given->is_array() ? given->as_array() : json::array{*given};
  for (auto& s : statements) {
    if (!s.is_object()) continue;
    auto& o = s.as_object();
    auto* principal = o.if_contains("Principal");
    if (json::text_or(o, "Effect") == "Allow" && principal && names_everyone(*principal) && !narrows(o))
      return true;
  }
  return false;
}

}  // namespace nubecita::s3
