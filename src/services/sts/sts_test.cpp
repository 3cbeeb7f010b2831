// STS: who am I, and whom a role lets in.
#include "models/sts.hpp"

#include "services/iam/testing.hpp"

namespace nubecita::sts {
namespace {

using namespace iam::testing;

struct Sts : ::testing::Test {
  Bench b{"sts"};
  iam::PolicyAuthorizer authorizer;

  void become(const api::Principal& p) {
    b.principal = p;
    b.account = p.account;
    b.cloud.authorizer = &authorizer;
  }
  api::Principal user(std::string_view name, std::string_view document = "") {
    make_user(b, name).value();
    if (!document.empty()) put_user_document(b, name, document).value();
    return principal_of(b, name);
  }
  model::AssumeRoleRequest request(std::string_view role = "deploy") {
    model::AssumeRoleRequest in;
    in.role_arn = b.text("arn:aws:iam::111122223333:role/" + std::string(role));
    in.role_session_name = "work";
    return in;
  }
  Result<model::AssumeRoleResponse> assume(const model::AssumeRoleRequest& in) {
    return b.run("AssumeRole", assume_role, in);
  }
  iam::Credential credential(wire::Text id) {
    return *b.look([&](auto& tx) { return iam::find_credential(tx, id); });
  }
};

TEST_F(Sts, caller_identity_needs_no_leave) {
  auto bob = user("bob");
  become(bob);
  auto me = b.run("GetCallerIdentity", get_caller_identity, model::GetCallerIdentityRequest{});
  ASSERT_TRUE(me);
  EXPECT_EQ(me->arn, "arn:aws:iam::111122223333:user/bob");
  EXPECT_EQ(me->account, "111122223333");
  EXPECT_EQ(me->user_id, bob.id);
}

TEST_F(Sts, assumed_role_is_somebody_else) {
  make_role(b, "deploy").value();
  become(user("bob", allowing("sts:AssumeRole")));
  auto r = assume(request());
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->assumed_role_user->arn, "arn:aws:sts::111122223333:assumed-role/deploy/work");
  auto c = credential(r->credentials->access_key_id);
  EXPECT_EQ(c.secret, r->credentials->secret_access_key.sv());
  EXPECT_EQ(c.session_token, r->credentials->session_token.sv());
  EXPECT_EQ(c.principal.kind, api::Principal::Kind::role);
  EXPECT_TRUE(std::string_view(c.principal.id).ends_with(":work"));
  EXPECT_NEAR(static_cast<double>(c.expires_ms - now_ms()), 3600e3, 60e3);
}

TEST_F(Sts, both_sides_must_let_it) {
  make_role(b, "deploy").value();
  make_role(b, "tasks", trust_service("ecs-tasks.amazonaws.com")).value();
  auto weak = user("weak"), strong = user("strong", allowing("sts:*"));
  become(weak);
  auto r = assume(request());
  EXPECT_EQ(code(r), "AccessDenied");
  EXPECT_EQ(
      r.error().message,
      "User: arn:aws:iam::111122223333:user/weak is not authorized to perform: sts:AssumeRole on resource: "
      "arn:aws:iam::111122223333:role/deploy");
  become(strong);
  EXPECT_EQ(code(assume(request("tasks"))), "AccessDenied");
  EXPECT_EQ(code(assume(request("nothing"))), "AccessDenied");
  EXPECT_EQ(code(assume(request())), "ok");
}

TEST_F(Sts, trust_in_a_user_by_name_needs_no_identity_policy) {
  auto bob = user("bob");
  make_role(
      b, "deploy",
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"sts:AssumeRole"}]})")
      .value();
  become(bob);
  EXPECT_EQ(code(assume(request())), "ok");
}

TEST_F(Sts, trust_is_in_the_user_and_not_in_the_name) {
  b.transact([&](store::Transaction& tx) -> Status {
     iam::Account a;
     a.id = b.account;
     tx.put(iam::kEverywhere, a);
     return {};
   }).value();
  make_user(b, "bob").value();
  make_role(
      b, "deploy",
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"sts:AssumeRole"}]})")
      .value();
  iam::model::DeleteUserRequest gone{.user_name = "bob"};
  b.run("DeleteUser", iam::delete_user, gone).value();
  become(user("bob", allowing("sts:AssumeRole")));  // another one of that name
  EXPECT_EQ(code(assume(request())), "AccessDenied");
}

TEST_F(Sts, external_id) {
  make_role(
      b, "deploy",
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole",
     "Condition":{"StringEquals":{"sts:ExternalId":"s3cret"}}}]})")
      .value();
  become(user("bob", allowing("sts:AssumeRole")));
  auto in = request();
  EXPECT_EQ(code(assume(in)), "AccessDenied");
  in.external_id = "wrong";
  EXPECT_EQ(code(assume(in)), "AccessDenied");
  in.external_id = "s3cret";
  EXPECT_EQ(code(assume(in)), "ok");
}

TEST_F(Sts, durations_and_names) {
  make_role(b, "deploy").value();
  become(user("bob", allowing("sts:AssumeRole")));
  auto in = request();
  in.duration_seconds = 7200;
  auto r = assume(in);
  EXPECT_EQ(code(r), "ValidationError");
  EXPECT_EQ(r.error().message,
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  in.duration_seconds = 10;
  EXPECT_EQ(code(assume(in)), "ValidationError");
  in = request();
  in.role_session_name = "bad name";
  EXPECT_EQ(code(assume(in)), "ValidationError");
  in = request();
  in.role_arn = "arn:aws:iam::111122223333:user/bob";
  EXPECT_EQ(code(assume(in)), "ValidationError");
}

TEST_F(Sts, session_policies_cut) {
  make_role(b, "deploy").value();
  put_role_document(b, "deploy", allowing("*")).value();
  become(user("bob", allowing("sts:AssumeRole")));
  auto in = request();
  in.policy = b.text(allowing("logs:*"));
  auto* arn = b.make<model::PolicyDescriptorType>();
  arn->arn = "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess";
  in.policy_arns = b.list<model::PolicyDescriptorType>({*arn});
  auto r = assume(in);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_GT(*r->packed_policy_size, 0);
  auto p = credential(r->credentials->access_key_id).principal;
  auto may = [&](std::string_view action) {
    return b.look([&](auto& tx) { return authorizer.check(tx, {p, action, "*", {}, {}, "", ""}); })
        .has_value();
  };
  EXPECT_TRUE(may("logs:CreateLogGroup"));
  EXPECT_TRUE(may("ec2:DescribeVpcs"));
  EXPECT_FALSE(may("ec2:CreateVpc"));
  in.policy = "{";
  EXPECT_EQ(code(assume(in)), "MalformedPolicyDocument");
}

TEST_F(Sts, session_tags_need_leave_and_follow) {
  make_role(
      b, "deploy",
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":["sts:AssumeRole","sts:TagSession"]}]})")
      .value();
  put_role_document(
      b, "deploy",
      allowing("ec2:*", "*", R"(,"Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue"}})"))
      .value();
  auto weak = user("weak", allowing("sts:AssumeRole")), strong = user("strong", allowing("sts:*"));
  auto in = request();
  in.tags = b.list<model::Tag>({{"team", "blue"}});
  become(weak);
  EXPECT_EQ(code(assume(in)), "AccessDenied");
  become(strong);
  auto r = assume(in);
  ASSERT_TRUE(r) << r.error().message;
  auto p = credential(r->credentials->access_key_id).principal;
  EXPECT_TRUE(
      b.look([&](auto& tx) { return authorizer.check(tx, {p, "ec2:CreateVpc", "*", {}, {}, "", ""}); }));
}

TEST_F(Sts, session_token_is_the_same_user) {
  auto bob = user("bob");
  become(bob);
  auto r = b.run("GetSessionToken", get_session_token, model::GetSessionTokenRequest{});
  ASSERT_TRUE(r);
  auto c = credential(r->credentials->access_key_id);
  EXPECT_EQ(c.principal.arn, bob.arn);
  EXPECT_NE(c.principal.token_issued_ms, 0);
  become(c.principal);
  EXPECT_EQ(code(b.run("GetSessionToken", get_session_token, model::GetSessionTokenRequest{})),
            "AccessDenied");
}

TEST_F(Sts, old_sessions_are_swept) {
  auto bob = user("bob");
  become(bob);
  auto r = b.run("GetSessionToken", get_session_token, model::GetSessionTokenRequest{});
  auto id = std::string(r->credentials->access_key_id.sv());
  set_test_clock(now_ms() + 14 * 3600 * 1000);
  b.run("GetSessionToken", get_session_token, model::GetSessionTokenRequest{}).value();
  set_test_clock(-1);
  EXPECT_FALSE(b.look([&](auto& tx) { return iam::find_credential(tx, id); }));
}

}  // namespace
}  // namespace nubecita::sts
