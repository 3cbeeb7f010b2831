// Short ways to make IAM entities in unit tests of IAM and STS. Only for tests.
#pragma once

#include <gtest/gtest.h>

#include "api/testing.hpp"
#include "models/iam.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::iam::testing {

using api::testing::Bench;

inline const std::string kTrustAccount =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]})";
inline std::string trust_service(std::string_view service) {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":")" +
         std::string(service) + R"("},"Action":"sts:AssumeRole"}]})";
}
/// One statement that allows the action on the resource.
inline std::string allowing(std::string_view action, std::string_view resource = "*",
                            std::string_view more = "") {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":")" + std::string(action) +
         R"(","Resource":")" + std::string(resource) + "\"" + std::string(more) + "}]}";
}
inline std::string denying(std::string_view action) {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":")" + std::string(action) +
         R"(","Resource":"*"}]})";
}

/// The error's code, or "ok".
template <class T>
std::string code(const Result<T>& r) {
  return r ? "ok" : r.error().code;
}

inline Result<model::CreateUserResponse> make_user(Bench& b, std::string_view name,
                                                   std::string_view path = "") {
  model::CreateUserRequest in;
  in.user_name = b.text(name);
  if (!path.empty()) in.path = b.text(path);
  return b.run("CreateUser", create_user, in);
}
inline Result<model::CreateGroupResponse> make_group(Bench& b, std::string_view name) {
  model::CreateGroupRequest in;
  in.group_name = b.text(name);
  return b.run("CreateGroup", create_group, in);
}
inline Result<model::CreateRoleResponse> make_role(Bench& b, std::string_view name,
                                                   std::string_view trust = kTrustAccount,
                                                   std::string_view path = "") {
  model::CreateRoleRequest in;
  in.role_name = b.text(name);
  in.assume_role_policy_document = b.text(trust);
  if (!path.empty()) in.path = b.text(path);
  return b.run("CreateRole", create_role, in);
}
inline Result<model::CreatePolicyResponse> make_policy(Bench& b, std::string_view name,
                                                       std::string_view document) {
  model::CreatePolicyRequest in;
  in.policy_name = b.text(name);
  in.policy_document = b.text(document);
  return b.run("CreatePolicy", create_policy, in);
}
inline auto put_user_document(Bench& b, std::string_view user, std::string_view document,
                              std::string_view name = "p") {
  model::PutUserPolicyRequest in;
  in.user_name = b.text(user);
  in.policy_name = b.text(name);
  in.policy_document = b.text(document);
  return b.run("PutUserPolicy", put_user_policy, in);
}
inline auto put_role_document(Bench& b, std::string_view role, std::string_view document,
                              std::string_view name = "p") {
  model::PutRolePolicyRequest in;
  in.role_name = b.text(role);
  in.policy_name = b.text(name);
  in.policy_document = b.text(document);
  return b.run("PutRolePolicy", put_role_policy, in);
}
inline auto attach_to_user(Bench& b, std::string_view user, std::string_view arn) {
  model::AttachUserPolicyRequest in;
  in.user_name = b.text(user);
  in.policy_arn = b.text(arn);
  return b.run("AttachUserPolicy", attach_user_policy, in);
}

/// The principal that signs with a new key of the user.
inline api::Principal principal_of(Bench& b, std::string_view user) {
  model::CreateAccessKeyRequest in;
  in.user_name = b.text(user);
  auto key = b.run("CreateAccessKey", create_access_key, in);
  return b.look([&](auto& tx) { return find_credential(tx, key->access_key->access_key_id)->principal; });
}

}  // namespace nubecita::iam::testing
