"""IAM and STS by boto3: every kind of entity made, read, changed, listed and removed, with AWS's errors."""
import json
import subprocess
import time
import uuid

import pytest
from botocore.exceptions import ClientError

ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def name(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def allow(*actions, resource="*", **more):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}]}


def trust(principal, **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}]})


@pytest.fixture(scope="module")
def iam(client):
    return client("iam")


@pytest.fixture(scope="module")
def account(client):
    return client("sts").get_caller_identity()["Account"]


class Refused:
    """with Refused("NoSuchEntity", 404) as e: ...; e.message"""

    def __init__(self, code, status=None):
        self.code, self.status, self.message = code, status, None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        assert kind and issubclass(kind, ClientError), f"expected {self.code}, got {error!r}"
        assert error.response["Error"]["Code"] == self.code, error
        if self.status:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == self.status, error
        self.message = error.response["Error"]["Message"]
        return True


def test_caller_identity(client, account):
    me = client("sts").get_caller_identity()
    assert me["Arn"] == f"arn:aws:iam::{account}:user/administrator"
    assert me["UserId"].startswith("AIDA") and len(me["UserId"]) == 21
    assert len(account) == 12 and account.isdigit()
    assert client("sts", region="eu-central-1").get_caller_identity()["Account"] == account


def test_user_life(iam, account):
    user = name("user")
    made = iam.create_user(UserName=user, Path="/eng/", Tags=[{"Key": "team", "Value": "blue"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{account}:user/eng/{user}"
    got = iam.get_user(UserName=user)["User"]
    assert got["UserId"] == made["UserId"] and got["Tags"] == [{"Key": "team", "Value": "blue"}] and got["Path"] == "/eng/"
    with Refused("EntityAlreadyExists", 409) as e:
        iam.create_user(UserName=user)
    assert e.message == f"User with name {user} already exists."
    assert user in [u["UserName"] for page in iam.get_paginator("list_users").paginate(PathPrefix="/eng/") for u in page["Users"]]
    iam.tag_user(UserName=user, Tags=[{"Key": "env", "Value": "x"}])
    iam.untag_user(UserName=user, TagKeys=["team"])
    assert iam.list_user_tags(UserName=user)["Tags"] == [{"Key": "env", "Value": "x"}]
    iam.update_user(UserName=user, NewUserName=user + "2", NewPath="/")
    assert iam.get_user(UserName=user + "2")["User"]["UserId"] == made["UserId"]
    with Refused("NoSuchEntity", 404) as e:
        iam.get_user(UserName=user)
    assert e.message == f"The user with name {user} cannot be found."
    iam.delete_user(UserName=user + "2")


def test_access_keys(iam, client, scratch_user):
    user, key, secret = scratch_user(allow("iam:GetUser"))
    mine = client("sts", key=key, secret=secret)
    assert mine.get_caller_identity()["Arn"].endswith(f":user/{user}")
    iam.update_access_key(UserName=user, AccessKeyId=key, Status="Inactive")
    with Refused("InvalidClientTokenId", 403):
        mine.get_caller_identity()
    assert iam.list_access_keys(UserName=user)["AccessKeyMetadata"][0]["Status"] == "Inactive"
    iam.update_access_key(UserName=user, AccessKeyId=key, Status="Active")
    second = iam.create_access_key(UserName=user)["AccessKey"]
    with Refused("LimitExceeded", 409):
        iam.create_access_key(UserName=user)
    iam.delete_access_key(UserName=user, AccessKeyId=second["AccessKeyId"])
    with Refused("NoSuchEntity", 404):
        iam.delete_access_key(UserName=user, AccessKeyId=second["AccessKeyId"])
    with Refused("DeleteConflict", 409) as e:
        iam.delete_user(UserName=user)
    assert "must delete" in e.message


def test_group_life(iam, account):
    group, user = name("group"), name("user")
    assert iam.create_group(GroupName=group)["Group"]["Arn"] == f"arn:aws:iam::{account}:group/{group}"
    iam.create_user(UserName=user)
    iam.add_user_to_group(GroupName=group, UserName=user)
    assert [u["UserName"] for u in iam.get_group(GroupName=group)["Users"]] == [user]
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName=user)["Groups"]] == [group]
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=json.dumps(allow("s3:*")))
    assert iam.get_group_policy(GroupName=group, PolicyName="p")["PolicyDocument"] == allow("s3:*")
    iam.attach_group_policy(GroupName=group, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert iam.list_attached_group_policies(GroupName=group)["AttachedPolicies"] == [
        {"PolicyName": "ReadOnlyAccess", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]
    with Refused("DeleteConflict", 409):
        iam.delete_group(GroupName=group)
    iam.update_group(GroupName=group, NewGroupName=group + "x")
    group += "x"
    assert [u["UserName"] for u in iam.get_group(GroupName=group)["Users"]] == [user]
    iam.remove_user_from_group(GroupName=group, UserName=user)
    iam.detach_group_policy(GroupName=group, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.delete_group_policy(GroupName=group, PolicyName="p")
    iam.delete_group(GroupName=group)
    iam.delete_user(UserName=user)


def test_role_life(iam, account):
    role = name("role")
    document = trust({"Service": "ecs-tasks.amazonaws.com"})
    made = iam.create_role(RoleName=role, AssumeRolePolicyDocument=document, Description="für alle", MaxSessionDuration=7200,
                           Tags=[{"Key": "a", "Value": "b"}])["Role"]
    assert made["Arn"] == f"arn:aws:iam::{account}:role/{role}" and made["RoleId"].startswith("AROA")
    got = iam.get_role(RoleName=role)["Role"]
    assert got["AssumeRolePolicyDocument"] == json.loads(document)
    assert got["Description"] == "für alle" and got["MaxSessionDuration"] == 7200 and got["Tags"] == [{"Key": "a", "Value": "b"}]
    assert got["Path"] == "/" and "RoleLastUsed" in got
    iam.put_role_policy(RoleName=role, PolicyName="inline", PolicyDocument=json.dumps(allow("logs:*")))
    assert iam.get_role_policy(RoleName=role, PolicyName="inline")["PolicyDocument"] == allow("logs:*")
    assert iam.list_role_policies(RoleName=role)["PolicyNames"] == ["inline"]
    task = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    iam.attach_role_policy(RoleName=role, PolicyArn=task)
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"][0]["PolicyArn"] == task
    with Refused("DeleteConflict", 409) as e:
        iam.delete_role(RoleName=role)
    assert e.message == "Cannot delete entity, must detach all policies first."
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
    assert iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com"}
    iam.update_role(RoleName=role, Description="new", MaxSessionDuration=3600)
    assert iam.get_role(RoleName=role)["Role"]["Description"] == "new"
    iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert iam.get_role(RoleName=role)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("/ReadOnlyAccess")
    iam.delete_role_permissions_boundary(RoleName=role)
    assert "PermissionsBoundary" not in iam.get_role(RoleName=role)["Role"]
    assert role in [r["RoleName"] for page in iam.get_paginator("list_roles").paginate() for r in page["Roles"]]
    iam.detach_role_policy(RoleName=role, PolicyArn=task)
    with Refused("NoSuchEntity", 404):
        iam.detach_role_policy(RoleName=role, PolicyArn=task)
    iam.delete_role_policy(RoleName=role, PolicyName="inline")
    iam.delete_role(RoleName=role)
    with Refused("NoSuchEntity", 404) as e:
        iam.get_role(RoleName=role)
    assert e.message == f"The role with name {role} cannot be found."


def test_instance_profile_life(iam, account):
    role, profile = name("role"), name("profile")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
    iam.create_instance_profile(InstanceProfileName=profile, Tags=[{"Key": "a", "Value": "b"}])
    assert iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Roles"] == []
    iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    iam.get_waiter("instance_profile_exists").wait(InstanceProfileName=profile)
    got = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]
    assert got["Arn"] == f"arn:aws:iam::{account}:instance-profile/{profile}" and got["Roles"][0]["RoleName"] == role
    assert got["Tags"] == [{"Key": "a", "Value": "b"}]
    assert [p["InstanceProfileName"] for p in iam.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"]] == [profile]
    with Refused("DeleteConflict", 409):
        iam.delete_role(RoleName=role)
    with Refused("DeleteConflict", 409):
        iam.delete_instance_profile(InstanceProfileName=profile)
    iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=role)
    iam.delete_instance_profile(InstanceProfileName=profile)
    iam.delete_role(RoleName=role)


def test_managed_policy_life(iam, account):
    policy = name("policy")
    made = iam.create_policy(PolicyName=policy, PolicyDocument=json.dumps(allow("s3:*")), Description="x", Tags=[{"Key": "a", "Value": "b"}])["Policy"]
    arn = made["Arn"]
    assert arn == f"arn:aws:iam::{account}:policy/{policy}" and made["DefaultVersionId"] == "v1" and made["AttachmentCount"] == 0
    with Refused("EntityAlreadyExists", 409):
        iam.create_policy(PolicyName=policy, PolicyDocument=json.dumps(allow("s3:*")))
    version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(allow("ec2:*")), SetAsDefault=True)["PolicyVersion"]
    assert version["VersionId"] == "v2" and version["IsDefaultVersion"]
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]["Document"] == allow("ec2:*")
    assert [v["VersionId"] for v in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v2", "v1"]
    with Refused("DeleteConflict", 409):
        iam.delete_policy(PolicyArn=arn)
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    got = iam.get_policy(PolicyArn=arn)["Policy"]
    assert got["DefaultVersionId"] == "v1" and got["Description"] == "x" and got["Tags"] == [{"Key": "a", "Value": "b"}]
    assert arn in [p["Arn"] for page in iam.get_paginator("list_policies").paginate(Scope="Local") for p in page["Policies"]]
    iam.delete_policy(PolicyArn=arn)
    with Refused("NoSuchEntity", 404) as e:
        iam.get_policy(PolicyArn=arn)
    assert e.message == f"Policy {arn} was not found."
    with Refused("MalformedPolicyDocument", 400):
        iam.create_policy(PolicyName=policy, PolicyDocument='{"Version":"2012-10-17"}')


def test_aws_managed_policies_are_there(iam):
    found = {p["PolicyName"]: p["Arn"] for page in iam.get_paginator("list_policies").paginate(Scope="AWS") for p in page["Policies"]}
    for wanted in ("AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess", "AmazonECSTaskExecutionRolePolicy",
                   "AmazonEC2ContainerRegistryReadOnly", "AmazonSSMManagedInstanceCore", "AWSLambdaBasicExecutionRole",
                   "AmazonS3FullAccess", "AmazonRDSFullAccess", "CloudWatchLogsFullAccess", "AWSCodeDeployRoleForECS",
                   "AmazonECS_FullAccess", "AmazonVPCFullAccess", "ElasticLoadBalancingFullAccess", "IAMFullAccess"):
        assert wanted in found
    policy = iam.get_policy(PolicyArn=found["AdministratorAccess"])["Policy"]
    document = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])["PolicyVersion"]["Document"]
    assert document["Statement"][0]["Effect"] == "Allow"
    with Refused("AccessDenied", 403):
        iam.delete_policy(PolicyArn=policy["Arn"])


def test_service_linked_role(iam):
    arn = iam.create_service_linked_role(AWSServiceName="replication.ecr.amazonaws.com")["Role"]["Arn"]
    role = arn.rsplit("/", 1)[1]
    assert "/aws-service-role/replication.ecr.amazonaws.com/" in arn
    with Refused("UnmodifiableEntity", 400):
        iam.delete_role(RoleName=role)
    task = iam.delete_service_linked_role(RoleName=role)["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"


def test_server_certificate_life(iam, tmp_path):
    def certificate(file):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                        "-subj", "/CN=blog.example", "-keyout", f"{tmp_path}/{file}.key", "-out", f"{tmp_path}/{file}.crt"],
                       check=True, capture_output=True)
        return (tmp_path / f"{file}.crt").read_text(), (tmp_path / f"{file}.key").read_text()

    body, key = certificate("a")
    _, other_key = certificate("b")
    cert = name("cert")
    with Refused("KeyPairMismatch", 400):
        iam.upload_server_certificate(ServerCertificateName=cert, CertificateBody=body, PrivateKey=other_key)
    with Refused("MalformedCertificate", 400):
        iam.upload_server_certificate(ServerCertificateName=cert, CertificateBody="nonsense", PrivateKey=key)
    made = iam.upload_server_certificate(ServerCertificateName=cert, CertificateBody=body, PrivateKey=key)["ServerCertificateMetadata"]
    assert made["ServerCertificateId"].startswith("ASCA")
    got = iam.get_server_certificate(ServerCertificateName=cert)["ServerCertificate"]
    assert got["CertificateBody"] == body.strip()  # as AWS: Terraform replaces a certificate that keeps its last newline
    left = got["ServerCertificateMetadata"]["Expiration"].timestamp() - time.time()
    assert 29 * 86400 < left < 31 * 86400
    assert cert in [c["ServerCertificateName"] for c in iam.list_server_certificates()["ServerCertificateMetadataList"]]
    iam.delete_server_certificate(ServerCertificateName=cert)
    with Refused("NoSuchEntity", 404):
        iam.get_server_certificate(ServerCertificateName=cert)


def test_account(iam, client):
    alias = name("cloud")
    iam.create_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()["AccountAliases"] == [alias]
    iam.delete_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()["AccountAliases"] == []
    assert iam.get_account_summary()["SummaryMap"]["Users"] >= 1
    details = iam.get_account_authorization_details()
    me = [u for u in details["UserDetailList"] if u["UserName"] == "administrator"][0]
    assert me["AttachedManagedPolicies"][0]["PolicyName"] == "AdministratorAccess"
    with Refused("NoSuchEntity", 404):
        iam.get_account_password_policy()
    with Refused("NoSuchEntity", 404):
        iam.get_login_profile(UserName="administrator")
    assert iam.list_mfa_devices()["MFADevices"] == []
    with pytest.raises(ClientError):  # not served, and says so
        iam.create_login_profile(UserName="administrator", Password="x" * 20)


def test_simulation(iam, account, scratch_user):
    user, _, _ = scratch_user(allow("ec2:Describe*", "s3:GetObject", resource="*"))
    out = iam.simulate_principal_policy(PolicySourceArn=f"arn:aws:iam::{account}:user/{user}",
                                        ActionNames=["ec2:DescribeVpcs", "ec2:CreateVpc"])["EvaluationResults"]
    assert [(r["EvalActionName"], r["EvalDecision"]) for r in out] == [("ec2:DescribeVpcs", "allowed"), ("ec2:CreateVpc", "implicitDeny")]
    assert out[0]["MatchedStatements"][0]["SourcePolicyId"] == f"user_{user}_p"
    document = allow("s3:*", Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}})
    question = dict(PolicyInputList=[json.dumps(document)], ActionNames=["s3:GetObject"])
    out = iam.simulate_custom_policy(**question)["EvaluationResults"][0]
    assert out["EvalDecision"] == "implicitDeny" and out["MissingContextValues"] == ["aws:principaltag/team"]
    out = iam.simulate_custom_policy(**question, ContextEntries=[
        {"ContextKeyName": "aws:PrincipalTag/team", "ContextKeyValues": ["blue"], "ContextKeyType": "string"}])["EvaluationResults"][0]
    assert out["EvalDecision"] == "allowed"


def test_survives_a_restart(own_cloud):
    iam = own_cloud.client("iam")
    iam.create_user(UserName="kept")
    key = iam.create_access_key(UserName="kept")["AccessKey"]
    own_cloud.kill9()
    own_cloud.start()
    me = own_cloud.client("sts", key=key["AccessKeyId"], secret=key["SecretAccessKey"]).get_caller_identity()
    assert me["Arn"].endswith(":user/kept")


# ---- STS

@pytest.fixture
def role(iam, account):
    """role(document, **trust) -> ARN of a role that this account may assume; removed afterwards."""
    made = []

    def make(document, principal=None, **more):
        n = name("role")
        iam.create_role(RoleName=n, AssumeRolePolicyDocument=trust(principal or {"AWS": f"arn:aws:iam::{account}:root"}, **more))
        iam.put_role_policy(RoleName=n, PolicyName="p", PolicyDocument=json.dumps(document))
        made.append(n)
        return f"arn:aws:iam::{account}:role/{n}"

    yield make
    for n in made:
        iam.delete_role_policy(RoleName=n, PolicyName="p")
        iam.delete_role(RoleName=n)


def test_assume_role(client, role, account):
    arn = role(ALLOW_ALL)
    out = client("sts").assume_role(RoleArn=arn, RoleSessionName="work", DurationSeconds=900)
    credentials = out["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert out["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/{arn.split('/')[1]}/work"
    assert 800 < credentials["Expiration"].timestamp() - time.time() < 1000
    given = dict(key=credentials["AccessKeyId"], secret=credentials["SecretAccessKey"])
    me = client("sts", token=credentials["SessionToken"], **given).get_caller_identity()
    assert me["Arn"] == out["AssumedRoleUser"]["Arn"] and me["UserId"] == out["AssumedRoleUser"]["AssumedRoleId"]
    with Refused("InvalidClientTokenId", 403):  # the token is part of the credentials
        client("sts", **given).get_caller_identity()
    with Refused("InvalidClientTokenId", 403):
        client("sts", token=credentials["SessionToken"] + "x", **given).get_caller_identity()


def test_assume_role_by_trust(client, role):
    sts = client("sts")
    closed = role(ALLOW_ALL, principal={"Service": "ecs-tasks.amazonaws.com"})
    with Refused("AccessDenied", 403) as e:
        sts.assume_role(RoleArn=closed, RoleSessionName="work")
    assert "is not authorized to perform: sts:AssumeRole on resource: " + closed in e.message
    secret = role(ALLOW_ALL, Condition={"StringEquals": {"sts:ExternalId": "right"}})
    with Refused("AccessDenied", 403):
        sts.assume_role(RoleArn=secret, RoleSessionName="work")
    with Refused("AccessDenied", 403):
        sts.assume_role(RoleArn=secret, RoleSessionName="work", ExternalId="wrong")
    sts.assume_role(RoleArn=secret, RoleSessionName="work", ExternalId="right")
    with Refused("ValidationError", 400):
        sts.assume_role(RoleArn=secret, RoleSessionName="work", ExternalId="right", DurationSeconds=7200)


def test_session_token(client, cloud, iam):
    credentials = client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    given = dict(key=credentials["AccessKeyId"], secret=credentials["SecretAccessKey"], token=credentials["SessionToken"])
    assert client("sts", **given).get_caller_identity()["Arn"].endswith(":user/administrator")
    client("ec2", **given).describe_vpcs()
    with Refused("InvalidClientTokenId", 403):  # IAM is not for a user's session
        client("iam", **given).list_users()


def test_access_key_info(client, cloud, account):
    assert client("sts").get_access_key_info(AccessKeyId=cloud.key)["Account"] == account


def test_by_the_command_line(aws, account):
    user = name("cli")
    assert aws("iam", "create-user", "--user-name", user)["User"]["Arn"] == f"arn:aws:iam::{account}:user/{user}"
    assert aws("sts", "get-caller-identity")["Account"] == account
    aws("iam", "delete-user", "--user-name", user)
