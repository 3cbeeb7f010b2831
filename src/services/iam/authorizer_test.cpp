// The authorizer over stored entities: what a user, a role's session, a user's session, root and a stranger
// may do.
#include "services/iam/testing.hpp"

#include "services/iam/sessions.hpp"

namespace nubecita::iam {
namespace {

using namespace testing;

struct Authorizing : ::testing::Test {
  Bench b{"iam"};
  PolicyAuthorizer authorizer;
  api::Conditions conditions;  // of the request
  Authorizing() { b.region = "global"; }

  /// "ok", or the refusal's text from " with " or " because " on.
  std::string ask(const api::Principal& who, std::string_view action, std::string_view resource = "*",
                  std::string_view resource_policy = "", std::string_view owner = "111122223333") {
    const api::RequestConditions request = [this] { return conditions; };
    auto r = b.look([&](auto& tx) {
      return authorizer.check(tx, {who, action, resource, request, {}, resource_policy, owner});
    });
    if (r) return "ok";
    EXPECT_EQ(r.error().status, 403);
    auto& m = r.error().message;
    auto at = std::min(m.find(" with an "), m.find(" because "));
    return at == std::string::npos ? r.error().code : m.substr(at + 1);
  }
  api::Principal session(std::string_view role, std::string_view policy = "") {
    TemporaryCredentials made;
    b.transact([&](store::Transaction& tx) -> Status {
       auto r = issue_role_session(tx, b.account, "arn:aws:iam::111122223333:role/" + std::string(role), "s1",
                                   3600, policy);
       if (!r) return std::unexpected(r.error());
       made = *r;
       return {};
     }).value();
    return b.look([&](auto& tx) { return find_credential(tx, made.access_key_id)->principal; });
  }
};

const char* kNoIdentity = "because no identity-based policy allows the ec2:CreateVpc action";

TEST_F(Authorizing, user_without_policies_may_nothing) {
  make_user(b, "bob").value();
  auto bob = principal_of(b, "bob");
  for (auto action :
       {"ec2:CreateVpc", "iam:CreateUser", "ecs:RunTask", "rds:CreateDBInstance", "logs:CreateLogGroup",
        "elasticloadbalancing:CreateLoadBalancer", "ecr:CreateRepository", "sts:AssumeRole"})
    EXPECT_EQ(ask(bob, action),
              "because no identity-based policy allows the " + std::string(action) + " action");
}

TEST_F(Authorizing, message_is_awss) {
  make_user(b, "bob").value();
  auto bob = principal_of(b, "bob");
  auto r = b.look([&](auto& tx) {
    return authorizer.check(
        tx, {bob, "ec2:CreateVpc", "arn:aws:ec2:us-east-1:111122223333:vpc/*", {}, {}, "", ""});
  });
  EXPECT_EQ(r.error().code, "AccessDenied");
  EXPECT_EQ(
      r.error().message,
      "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: ec2:CreateVpc on resource: "
      "arn:aws:ec2:us-east-1:111122223333:vpc/* because no identity-based policy allows the ec2:CreateVpc "
      "action");
}

TEST_F(Authorizing, inline_managed_and_group_policies_add_up) {
  make_user(b, "bob").value();
  make_group(b, "net").value();
  auto bob = principal_of(b, "bob");
  put_user_document(b, "bob", allowing("s3:*")).value();
  EXPECT_EQ(ask(bob, "s3:GetObject"), "ok");
  EXPECT_EQ(ask(bob, "ec2:CreateVpc"), kNoIdentity);
  model::AttachGroupPolicyRequest attach{.group_name = "net",
                                         .policy_arn = "arn:aws:iam::aws:policy/AmazonVPCFullAccess"};
  b.run("AttachGroupPolicy", attach_group_policy, attach).value();
  model::AddUserToGroupRequest add{.group_name = "net", .user_name = "bob"};
  b.run("AddUserToGroup", add_user_to_group, add).value();
  EXPECT_EQ(ask(bob, "ec2:CreateVpc"), "ok");
  put_user_document(b, "bob", denying("ec2:CreateVpc"), "no").value();
  EXPECT_EQ(ask(bob, "ec2:CreateVpc"), "with an explicit deny in an identity-based policy");
  EXPECT_EQ(ask(bob, "ec2:CreateSubnet"), "ok");
}

TEST_F(Authorizing, changes_count_at_once) {
  make_user(b, "bob").value();
  auto bob = principal_of(b, "bob");
  auto arn = make_policy(b, "p", allowing("s3:*"))->policy->arn;
  attach_to_user(b, "bob", arn).value();
  EXPECT_EQ(ask(bob, "ec2:CreateVpc"), kNoIdentity);
  model::CreatePolicyVersionRequest version;
  version.policy_arn = arn;
  version.policy_document = b.text(allowing("ec2:*"));
  version.set_as_default = true;
  b.run("CreatePolicyVersion", create_policy_version, version).value();
  EXPECT_EQ(ask(bob, "ec2:CreateVpc"), "ok");
  model::DetachUserPolicyRequest detach{.user_name = "bob", .policy_arn = arn};
  b.run("DetachUserPolicy", detach_user_policy, detach).value();
  EXPECT_EQ(ask(bob, "ec2:CreateVpc"), kNoIdentity);
}

TEST_F(Authorizing, boundary_cuts_an_administrator) {
  make_user(b, "bob").value();
  auto bob = principal_of(b, "bob");
  attach_to_user(b, "bob", "arn:aws:iam::aws:policy/AdministratorAccess").value();
  EXPECT_EQ(ask(bob, "ec2:CreateVpc"), "ok");
  model::PutUserPermissionsBoundaryRequest boundary{
      .user_name = "bob", .permissions_boundary = "arn:aws:iam::aws:policy/AmazonS3FullAccess"};
  b.run("PutUserPermissionsBoundary", put_user_permissions_boundary, boundary).value();
  EXPECT_EQ(ask(bob, "ec2:CreateVpc"), "because no permissions boundary allows the ec2:CreateVpc action");
  EXPECT_EQ(ask(bob, "s3:GetObject"), "ok");
}

TEST_F(Authorizing, session_policy_cuts_a_role) {
  make_role(b, "deploy").value();
  put_role_document(b, "deploy", allowing("ec2:*")).value();
  auto whole = session("deploy");
  EXPECT_EQ(whole.arn, "arn:aws:sts::111122223333:assumed-role/deploy/s1");
  EXPECT_EQ(ask(whole, "ec2:CreateVpc"), "ok");
  EXPECT_EQ(ask(whole, "s3:GetObject"), "because no identity-based policy allows the s3:GetObject action");
  auto cut = session("deploy", allowing("ec2:Describe*"));
  EXPECT_EQ(ask(cut, "ec2:DescribeVpcs"), "ok");
  EXPECT_EQ(ask(cut, "ec2:CreateVpc"), "because no session policy allows the ec2:CreateVpc action");
}

TEST_F(Authorizing, session_of_a_deleted_role_may_nothing) {
  make_role(b, "deploy").value();
  put_role_document(b, "deploy", allowing("ec2:*")).value();
  auto old = session("deploy");
  model::DeleteRolePolicyRequest policy{.role_name = "deploy", .policy_name = "p"};
  b.run("DeleteRolePolicy", delete_role_policy, policy).value();
  model::DeleteRoleRequest drop{.role_name = "deploy"};
  b.run("DeleteRole", delete_role, drop).value();
  make_role(b, "deploy").value();  // the same name, another role
  put_role_document(b, "deploy", allowing("ec2:*")).value();
  EXPECT_EQ(ask(old, "ec2:CreateVpc"), kNoIdentity);
  EXPECT_EQ(ask(session("deploy"), "ec2:CreateVpc"), "ok");
}

TEST_F(Authorizing, tags_and_variables_of_the_principal) {
  make_user(b, "bob").value();
  model::TagUserRequest tag;
  tag.user_name = "bob";
  tag.tags = b.list<model::Tag>({{"team", "blue"}});
  b.run("TagUser", tag_user, tag).value();
  auto bob = principal_of(b, "bob");
  put_user_document(b, "bob", allowing("s3:*", "arn:aws:s3:::home/${aws:username}/*")).value();
  put_user_document(
      b, "bob",
      allowing("ec2:*", "*",
               R"(,"Condition":{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}})"),
      "q")
      .value();
  EXPECT_EQ(ask(bob, "s3:GetObject", "arn:aws:s3:::home/bob/x"), "ok");
  EXPECT_NE(ask(bob, "s3:GetObject", "arn:aws:s3:::home/al/x"), "ok");
  EXPECT_NE(ask(bob, "ec2:DeleteVpc"), "ok");
  conditions = {{"aws:ResourceTag/team", {"blue"}}};
  EXPECT_EQ(ask(bob, "ec2:DeleteVpc"), "ok");
  conditions = {{"aws:ResourceTag/team", {"red"}}};
  EXPECT_NE(ask(bob, "ec2:DeleteVpc"), "ok");
  conditions = {{"aws:PrincipalTag/team", {"red"}}, {"aws:ResourceTag/team", {"red"}}};
  EXPECT_NE(ask(bob, "ec2:DeleteVpc"), "ok");  // what is known of the principal is not told by the request
}

TEST_F(Authorizing, root_may_all_in_its_account_only) {
  api::Principal root;
  root.kind = api::Principal::Kind::root;
  root.account = root.id = "111122223333";
  root.arn = "arn:aws:iam::111122223333:root";
  EXPECT_EQ(ask(root, "ec2:CreateVpc"), "ok");
  EXPECT_EQ(ask(root, "ecr:BatchGetImage", "*", "", "444455556666"),
            "because no resource-based policy allows the ecr:BatchGetImage action");
}

TEST_F(Authorizing, resource_policy_opens_to_another_account) {
  make_user(b, "bob").value();
  auto bob = principal_of(b, "bob");
  const std::string open =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"ecr:*"}]})";
  EXPECT_EQ(ask(bob, "ecr:BatchGetImage", "*", open, "444455556666"),
            "because no identity-based policy allows the ecr:BatchGetImage action");
  put_user_document(b, "bob", allowing("ecr:*")).value();
  EXPECT_EQ(ask(bob, "ecr:BatchGetImage", "*", open, "444455556666"), "ok");
  EXPECT_NE(ask(bob, "ecr:BatchGetImage", "*", "", "444455556666"), "ok");
}

TEST_F(Authorizing, session_of_a_user_is_not_for_iam) {
  make_user(b, "bob").value();
  attach_to_user(b, "bob", "arn:aws:iam::aws:policy/AdministratorAccess").value();
  auto bob = principal_of(b, "bob");
  bob.token_issued_ms = 1;
  EXPECT_EQ(ask(bob, "ec2:CreateVpc"), "ok");
  EXPECT_EQ(ask(bob, "iam:CreateUser"), "InvalidClientTokenId");
}

TEST_F(Authorizing, service_is_let_in_by_the_trust_policy) {
  make_role(b, "task", trust_service("ecs-tasks.amazonaws.com")).value();
  auto check = [&](std::string_view service) {
    return b.look(
        [&](auto& tx) { return check_service_trust(tx, "arn:aws:iam::111122223333:role/task", service); });
  };
  EXPECT_TRUE(check("ecs-tasks.amazonaws.com"));
  auto r = check("ec2.amazonaws.com");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, "AccessDenied");
}

}  // namespace
}  // namespace nubecita::iam
