// Users, groups, roles, policies and their like: what can be made, found, limited, renamed and deleted, and
// with what errors.
#include "services/iam/entities.hpp"

#include "services/iam/policy.hpp"
#include "services/iam/testing.hpp"

namespace nubecita::iam {
namespace {

using namespace testing;

struct Iam : ::testing::Test {
  Bench b{"iam"};
  Iam() { b.region = "global"; }

  std::string delete_user_code(std::string_view name) {
    model::DeleteUserRequest in;
    in.user_name = b.text(name);
    auto r = b.run("DeleteUser", delete_user, in);
    return r ? "ok" : r.error().code;
  }
};

TEST_F(Iam, user_comes_back_as_it_was_made) {
  model::CreateUserRequest in;
  in.user_name = "bob";
  in.path = "/eng/";
  in.tags = b.list<model::Tag>({{"team", "blue"}});
  auto made = b.run("CreateUser", create_user, in);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->user->arn, "arn:aws:iam::111122223333:user/eng/bob");
  EXPECT_TRUE(made->user->user_id.sv().starts_with("AIDA"));
  EXPECT_EQ(made->user->user_id.size(), 21u);
  model::GetUserRequest get;
  get.user_name = "bob";
  auto got = b.run("GetUser", get_user, get);
  EXPECT_EQ(got->user->user_id, made->user->user_id.sv());
  ASSERT_EQ(got->user->tags.size(), 1u);
  EXPECT_EQ(got->user->tags[0].value, "blue");
  EXPECT_TRUE(b.authorizer.was_asked("iam:GetUser", "arn:aws:iam::111122223333:user/eng/bob"));
}

TEST_F(Iam, names_are_unique_without_case) {
  ASSERT_TRUE(make_user(b, "bob"));
  auto again = make_user(b, "BOB");
  EXPECT_EQ(code(again), "EntityAlreadyExists");
  EXPECT_EQ(again.error().status, 409);
  EXPECT_EQ(again.error().message, "User with name BOB already exists.");
}

TEST_F(Iam, bad_names_and_paths) {
  EXPECT_EQ(code(make_user(b, "bad name")), "ValidationError");
  EXPECT_EQ(code(make_user(b, std::string(65, 'x'))), "ValidationError");
  EXPECT_EQ(code(make_user(b, "x", "nopath")), "ValidationError");
  EXPECT_EQ(code(make_role(b, "r/x")), "ValidationError");
}

TEST_F(Iam, what_is_not_there_is_no_such_entity) {
  model::GetUserRequest in;
  in.user_name = "nobody";
  auto r = b.run("GetUser", get_user, in);
  EXPECT_EQ(code(r), "NoSuchEntity");
  EXPECT_EQ(r.error().status, 404);
  EXPECT_EQ(r.error().message, "The user with name nobody cannot be found.");
  model::GetInstanceProfileRequest p;
  p.instance_profile_name = "none";
  EXPECT_EQ(b.run("GetInstanceProfile", get_instance_profile, p).error().message,
            "Instance Profile none cannot be found.");
}

TEST_F(Iam, user_is_deleted_last) {
  make_user(b, "bob").value();
  make_group(b, "eng").value();
  model::AddUserToGroupRequest add{.group_name = "eng", .user_name = "bob"};
  ASSERT_TRUE(b.run("AddUserToGroup", add_user_to_group, add));
  EXPECT_EQ(delete_user_code("bob"), "DeleteConflict");
  model::DeleteGroupRequest group{.group_name = "eng"};
  EXPECT_EQ(code(b.run("DeleteGroup", delete_group, group)), "DeleteConflict");
  model::RemoveUserFromGroupRequest remove{.group_name = "eng", .user_name = "bob"};
  ASSERT_TRUE(b.run("RemoveUserFromGroup", remove_user_from_group, remove));
  ASSERT_TRUE(b.run("DeleteGroup", delete_group, group));

  put_user_document(b, "bob", allowing("s3:*")).value();
  EXPECT_EQ(delete_user_code("bob"), "DeleteConflict");
  model::DeleteUserPolicyRequest drop{.user_name = "bob", .policy_name = "p"};
  ASSERT_TRUE(b.run("DeleteUserPolicy", delete_user_policy, drop));

  attach_to_user(b, "bob", "arn:aws:iam::aws:policy/AmazonS3FullAccess").value();
  EXPECT_EQ(delete_user_code("bob"), "DeleteConflict");
  model::DetachUserPolicyRequest detach{.user_name = "bob",
                                        .policy_arn = "arn:aws:iam::aws:policy/AmazonS3FullAccess"};
  ASSERT_TRUE(b.run("DetachUserPolicy", detach_user_policy, detach));

  auto who = principal_of(b, "bob");
  EXPECT_EQ(delete_user_code("bob"), "DeleteConflict");
  model::DeleteAccessKeyRequest key;
  key.user_name = "bob";
  key.access_key_id = b.text(who.access_key);
  ASSERT_TRUE(b.run("DeleteAccessKey", delete_access_key, key));
  EXPECT_EQ(delete_user_code("bob"), "ok");
  EXPECT_FALSE(b.look([&](auto& tx) { return find_credential(tx, who.access_key); }));
}

TEST_F(Iam, two_access_keys_and_no_third) {
  make_user(b, "bob").value();
  model::CreateAccessKeyRequest in;
  in.user_name = "bob";
  auto first = b.run("CreateAccessKey", create_access_key, in);
  EXPECT_TRUE(first->access_key->access_key_id.sv().starts_with("AKIA"));
  EXPECT_EQ(first->access_key->secret_access_key.size(), 40u);
  ASSERT_TRUE(b.run("CreateAccessKey", create_access_key, in));
  auto third = b.run("CreateAccessKey", create_access_key, in);
  EXPECT_EQ(code(third), "LimitExceeded");
  EXPECT_EQ(third.error().message, "Cannot exceed quota for AccessKeysPerUser: 2");
}

TEST_F(Iam, inactive_key_and_renamed_user_are_seen_by_the_gateway) {
  make_user(b, "bob").value();
  auto who = principal_of(b, "bob");
  model::UpdateUserRequest rename;
  rename.user_name = "bob";
  rename.new_user_name = "robert";
  rename.new_path = "/x/";
  ASSERT_TRUE(b.run("UpdateUser", update_user, rename));
  auto c = b.look([&](auto& tx) { return find_credential(tx, who.access_key); });
  EXPECT_EQ(c->principal.arn, "arn:aws:iam::111122223333:user/x/robert");
  EXPECT_TRUE(c->active);
  model::UpdateAccessKeyRequest off;
  off.user_name = "robert";
  off.access_key_id = b.text(who.access_key);
  off.status = "Inactive";
  ASSERT_TRUE(b.run("UpdateAccessKey", update_access_key, off));
  EXPECT_FALSE(b.look([&](auto& tx) { return find_credential(tx, who.access_key); })->active);
}

TEST_F(Iam, role_document_comes_back_percent_encoded) {
  ASSERT_TRUE(make_role(b, "deploy", R"({"Version":"2012-10-17", "Statement":[]})"));
  model::GetRoleRequest in{.role_name = "deploy"};
  auto r = b.run("GetRole", get_role, in);
  EXPECT_EQ(r->role->assume_role_policy_document,
            "%7B%22Version%22%3A%222012-10-17%22%2C%20%22Statement%22%3A%5B%5D%7D");
  EXPECT_EQ(*r->role->max_session_duration, 3600);
  EXPECT_TRUE(r->role->role_last_used);
}

TEST_F(Iam, trust_policy_names_only_who_exists) {
  b.transact([&](store::Transaction& tx) -> Status {
     Account a;
     a.id = b.account;
     tx.put(kEverywhere, a);
     return {};
   }).value();
  auto trust = [](std::string_view arn) {
    return R"({"Statement":[{"Effect":"Allow","Principal":{"AWS":")" + std::string(arn) +
           R"("},"Action":"sts:AssumeRole"}]})";
  };
  auto r = make_role(b, "a", trust("arn:aws:iam::111122223333:user/ghost"));
  EXPECT_EQ(code(r), "MalformedPolicyDocument");
  EXPECT_EQ(r.error().message,
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111122223333:user/ghost\"");
  make_user(b, "ghost").value();
  EXPECT_TRUE(make_role(b, "a", trust("arn:aws:iam::111122223333:user/ghost")));
}

TEST_F(Iam, role_keeps_its_profile) {
  make_role(b, "deploy").value();
  model::CreateInstanceProfileRequest make;
  make.instance_profile_name = "machine";
  ASSERT_TRUE(b.run("CreateInstanceProfile", create_instance_profile, make));
  model::AddRoleToInstanceProfileRequest add{.instance_profile_name = "machine", .role_name = "deploy"};
  ASSERT_TRUE(b.run("AddRoleToInstanceProfile", add_role_to_instance_profile, add));
  EXPECT_TRUE(b.authorizer.was_asked("iam:PassRole", "arn:aws:iam::111122223333:role/deploy"));
  EXPECT_EQ(code(b.run("AddRoleToInstanceProfile", add_role_to_instance_profile, add)), "LimitExceeded");
  model::GetInstanceProfileRequest get{.instance_profile_name = "machine"};
  auto p = b.run("GetInstanceProfile", get_instance_profile, get);
  ASSERT_EQ(p->instance_profile->roles.size(), 1u);
  EXPECT_EQ(p->instance_profile->roles[0].role_name, "deploy");
  model::DeleteRoleRequest drop{.role_name = "deploy"};
  EXPECT_EQ(code(b.run("DeleteRole", delete_role, drop)), "DeleteConflict");
  model::DeleteInstanceProfileRequest drop_profile{.instance_profile_name = "machine"};
  EXPECT_EQ(code(b.run("DeleteInstanceProfile", delete_instance_profile, drop_profile)), "DeleteConflict");
  model::RemoveRoleFromInstanceProfileRequest remove{.instance_profile_name = "machine",
                                                     .role_name = "deploy"};
  ASSERT_TRUE(b.run("RemoveRoleFromInstanceProfile", remove_role_from_instance_profile, remove));
  EXPECT_TRUE(b.run("DeleteRole", delete_role, drop));
  EXPECT_TRUE(b.run("DeleteInstanceProfile", delete_instance_profile, drop_profile));
}

TEST_F(Iam, policy_versions) {
  auto made = make_policy(b, "p", allowing("s3:*"));
  ASSERT_TRUE(made) << made.error().message;
  auto arn = made->policy->arn;
  EXPECT_EQ(arn, "arn:aws:iam::111122223333:policy/p");
  EXPECT_EQ(code(make_policy(b, "P", allowing("s3:*"))), "EntityAlreadyExists");
  model::CreatePolicyVersionRequest version;
  version.policy_arn = arn;
  version.policy_document = b.text(allowing("ec2:*"));
  version.set_as_default = true;
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(b.run("CreatePolicyVersion", create_policy_version, version));
  EXPECT_EQ(code(b.run("CreatePolicyVersion", create_policy_version, version)), "LimitExceeded");
  model::GetPolicyRequest get{.policy_arn = arn};
  EXPECT_EQ(b.run("GetPolicy", get_policy, get)->policy->default_version_id, "v5");
  model::DeletePolicyVersionRequest drop{.policy_arn = arn, .version_id = "v5"};
  EXPECT_EQ(code(b.run("DeletePolicyVersion", delete_policy_version, drop)), "DeleteConflict");
  drop.version_id = "v2";
  ASSERT_TRUE(b.run("DeletePolicyVersion", delete_policy_version, drop));
  ASSERT_TRUE(b.run("CreatePolicyVersion", create_policy_version, version));
  EXPECT_EQ(b.run("GetPolicy", get_policy, get)->policy->default_version_id,
            "v6");  // numbers are not used again
  model::DeletePolicyRequest all{.policy_arn = arn};
  EXPECT_EQ(code(b.run("DeletePolicy", delete_policy, all)), "DeleteConflict");
}

TEST_F(Iam, attachments_are_counted_and_hold) {
  auto arn = make_policy(b, "p", allowing("s3:*"))->policy->arn;
  make_user(b, "bob").value();
  make_role(b, "deploy").value();
  attach_to_user(b, "bob", arn).value();
  attach_to_user(b, "bob", arn).value();  // again: nothing happens
  model::PutRolePermissionsBoundaryRequest boundary{.role_name = "deploy", .permissions_boundary = arn};
  ASSERT_TRUE(b.run("PutRolePermissionsBoundary", put_role_permissions_boundary, boundary));
  model::GetPolicyRequest get{.policy_arn = arn};
  auto p = b.run("GetPolicy", get_policy, get);
  EXPECT_EQ(*p->policy->attachment_count, 1);
  EXPECT_EQ(*p->policy->permissions_boundary_usage_count, 1);
  model::ListEntitiesForPolicyRequest list;
  list.policy_arn = arn;
  auto entities = b.run("ListEntitiesForPolicy", list_entities_for_policy, list);
  ASSERT_EQ(entities->policy_users.size(), 1u);
  ASSERT_EQ(entities->policy_roles.size(), 1u);
  EXPECT_EQ(entities->policy_groups.size(), 0u);
  model::DeletePolicyRequest drop{.policy_arn = arn};
  EXPECT_EQ(b.run("DeletePolicy", delete_policy, drop).error().message,
            "Cannot delete a policy attached to entities.");
  model::UpdateUserRequest rename;
  rename.user_name = "bob";
  rename.new_user_name = "rob";
  ASSERT_TRUE(b.run("UpdateUser", update_user, rename));
  EXPECT_EQ(b.run("ListEntitiesForPolicy", list_entities_for_policy, list)->policy_users[0].user_name, "rob");
}

TEST_F(Iam, ten_policies_and_no_eleventh) {
  make_user(b, "bob").value();
  for (int i = 0; i < 10; ++i)
    attach_to_user(b, "bob", make_policy(b, "p" + std::to_string(i), allowing("s3:*"))->policy->arn).value();
  auto r = attach_to_user(b, "bob", "arn:aws:iam::aws:policy/AdministratorAccess");
  EXPECT_EQ(code(r), "LimitExceeded");
  EXPECT_EQ(r.error().message, "Cannot exceed quota for PoliciesPerUser: 10");
  EXPECT_EQ(code(attach_to_user(b, "bob", "arn:aws:iam::aws:policy/NoSuchPolicy")), "NoSuchEntity");
  EXPECT_EQ(code(attach_to_user(b, "bob", "nonsense")), "InvalidInput");
}

TEST_F(Iam, inline_policies_have_a_size) {
  make_user(b, "bob").value();
  EXPECT_EQ(code(put_user_document(b, "bob", allowing("s3:*", "arn:aws:s3:::" + std::string(2000, 'x')))),
            "LimitExceeded");
  EXPECT_EQ(code(put_user_document(b, "bob", "{}")), "MalformedPolicyDocument");
}

TEST_F(Iam, lists_are_paged_by_name_and_path) {
  for (auto name : {"c", "A", "b"}) make_user(b, name, "/team/").value();
  make_user(b, "other").value();
  model::ListUsersRequest in;
  in.path_prefix = "/team/";
  in.max_items = 2;
  auto first = b.run("ListUsers", list_users, in);
  ASSERT_EQ(first->users.size(), 2u);
  EXPECT_EQ(first->users[0].user_name, "A");
  EXPECT_TRUE(*first->is_truncated);
  in.marker = first->marker;
  auto second = b.run("ListUsers", list_users, in);
  ASSERT_EQ(second->users.size(), 1u);
  EXPECT_EQ(second->users[0].user_name, "c");
  EXPECT_FALSE(*second->is_truncated);
  in.marker = "nonsense";
  EXPECT_EQ(code(b.run("ListUsers", list_users, in)), "ValidationError");
}

TEST_F(Iam, service_linked_role_is_its_services_own) {
  model::CreateServiceLinkedRoleRequest in;
  in.aws_service_name = "ecs.amazonaws.com";
  auto made = b.run("CreateServiceLinkedRole", create_service_linked_role, in);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->role->arn,
            "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS");
  EXPECT_EQ(code(b.run("CreateServiceLinkedRole", create_service_linked_role, in)), "InvalidInput");
  EXPECT_EQ(code(put_role_document(b, "AWSServiceRoleForECS", allowing("s3:*"))), "UnmodifiableEntity");
  model::DeleteServiceLinkedRoleRequest drop{.role_name = "AWSServiceRoleForECS"};
  auto dropped = b.run("DeleteServiceLinkedRole", delete_service_linked_role, drop);
  ASSERT_TRUE(dropped) << dropped.error().message;
  model::GetServiceLinkedRoleDeletionStatusRequest status{.deletion_task_id = dropped->deletion_task_id};
  EXPECT_EQ(
      b.run("GetServiceLinkedRoleDeletionStatus", get_service_linked_role_deletion_status, status)->status,
      "SUCCEEDED");
}

TEST(AwsManaged, every_document_is_a_policy) {
  ASSERT_GT(aws_managed().size(), 60u);
  std::string last;
  for (auto& p : aws_managed()) {
    auto parsed = Policy::parse(p.document, PolicyKind::identity);
    EXPECT_TRUE(parsed) << p.name << ": " << (parsed ? "" : parsed.error().message);
    EXPECT_LT(last, p.name) << "twice";
    last = p.name;
    EXPECT_EQ(find_aws_managed(p.arn()), &p);
  }
  EXPECT_EQ(find_aws_managed("arn:aws:iam::aws:policy/AmazonECSTaskExecutionRolePolicy"),
            nullptr);  // it has a path
  EXPECT_NE(find_aws_managed("arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"),
            nullptr);
}

TEST_F(Iam, accounts_begin_with_an_administrator) {
  auto first = bootstrap(b.store());
  ASSERT_TRUE(first);
  EXPECT_EQ(first->account.size(), 12u);
  auto again = bootstrap(b.store(), "999988887777");
  EXPECT_EQ(again->account, first->account);
  EXPECT_EQ(again->secret, first->secret);
  auto second = create_account(b.store(), "staging");
  ASSERT_TRUE(second);
  EXPECT_NE(second->account, first->account);
  EXPECT_EQ(code(create_account(b.store(), "Staging")), "EntityAlreadyExists");
  auto c = b.look([&](auto& tx) { return find_credential(tx, second->access_key_id); });
  EXPECT_EQ(c->principal.arn, "arn:aws:iam::" + second->account + ":user/administrator");
  EXPECT_EQ(c->secret, second->secret);
}

}  // namespace
}  // namespace nubecita::iam
