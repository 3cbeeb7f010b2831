"""Policies are enforced on real requests of real clients, by default: nothing without leave, no more than the leave."""
import json
import uuid

import pytest
from botocore.exceptions import ClientError

ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": [{"Resource": "*", **s} for s in statements]}


def allow(*actions, **more):
    return {"Effect": "Allow", "Action": list(actions), **more}


def deny(*actions, **more):
    return {"Effect": "Deny", "Action": list(actions), **more}


def refused(call, *args, **kwargs):
    """The message of the refusal; fails when the call is allowed or fails for another reason."""
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    error = caught.value.response["Error"]
    assert error["Code"] in DENIED, error
    return error["Message"]


@pytest.fixture
def as_user(client, scratch_user):
    """as_user(policy, boundary=None) -> function that makes clients of a new user."""

    def make(document=None, boundary=None):
        _, key, secret = scratch_user(document, boundary)
        return lambda service, **more: client(service, key=key, secret=secret, **more)

    return make


TEN = [
    ("ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16"}),
    ("ec2", "describe_vpcs", {}),
    ("ec2", "create_security_group", {"GroupName": "x", "Description": "x", "VpcId": "vpc-1"}),
    ("iam", "create_user", {"UserName": "x"}),
    ("iam", "list_roles", {}),
    ("logs", "create_log_group", {"logGroupName": "x"}),
    ("logs", "describe_log_groups", {}),
    ("sts", "get_access_key_info", {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}),
    ("ecs", "create_cluster", {"clusterName": "x"}),
    ("ecs", "list_clusters", {}),
    ("ecr", "create_repository", {"repositoryName": "xx"}),
    ("ecr", "get_authorization_token", {}),
    ("elbv2", "describe_load_balancers", {}),
    ("elbv2", "create_target_group", {"Name": "x", "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1", "TargetType": "ip"}),
    ("rds", "describe_db_instances", {}),
    ("rds", "create_db_subnet_group", {"DBSubnetGroupName": "x", "DBSubnetGroupDescription": "x", "SubnetIds": ["subnet-1"]}),
]


@pytest.mark.parametrize("service,operation,arguments", TEN, ids=[f"{s}-{o}" for s, o, _ in TEN])
def test_user_without_a_policy_is_denied(as_user, service, operation, arguments):
    message = refused(getattr(as_user()(service), operation), **arguments)
    prefix = {"elbv2": "elasticloadbalancing"}.get(service, service)
    camel = "".join(part.capitalize() for part in operation.split("_")).replace("Db", "DB")
    assert f"is not authorized to perform: {prefix}:{camel} on resource: " in message
    assert f"because no identity-based policy allows the {prefix}:{camel} action" in message


def test_error_codes_are_each_services_own(as_user):
    user = as_user()
    for service, operation, code, status in (("ec2", "describe_vpcs", "UnauthorizedOperation", 403),
                                             ("iam", "list_users", "AccessDenied", 403),
                                             ("logs", "describe_log_groups", "AccessDeniedException", 400)):
        with pytest.raises(ClientError) as caught:
            getattr(user(service), operation)()
        assert caught.value.response["Error"]["Code"] == code
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_everybody_may_ask_who_he_is(as_user):
    as_user(policy(deny("*")))("sts").get_caller_identity()


def test_narrow_user_can_do_exactly_what_it_says(as_user):
    logs = as_user(policy(allow("logs:CreateLogGroup", "logs:DeleteLogGroup", Resource="arn:aws:logs:us-east-1:*:log-group:mine-*")))
    group = "mine-" + uuid.uuid4().hex[:8]
    logs("logs").create_log_group(logGroupName=group)
    refused(logs("logs").create_log_group, logGroupName="other-" + group)
    refused(logs("logs").describe_log_groups)
    refused(logs("logs", region="eu-west-1").create_log_group, logGroupName=group)
    logs("logs").delete_log_group(logGroupName=group)


def test_explicit_deny_wins(as_user):
    user = as_user(policy(allow("ec2:*"), deny("ec2:CreateVpc")))
    user("ec2").describe_vpcs()
    assert "with an explicit deny in an identity-based policy" in refused(user("ec2").create_vpc, CidrBlock="10.0.0.0/16")


def test_permission_boundary_cuts(as_user, client):
    iam = client("iam")
    arn = iam.create_policy(PolicyName="b-" + uuid.uuid4().hex[:8], PolicyDocument=json.dumps(policy(allow("ec2:Describe*"))))["Policy"]["Arn"]
    user = as_user(ALLOW_ALL, boundary=arn)
    user("ec2").describe_vpcs()
    assert "because no permissions boundary allows the ec2:CreateVpc action" in refused(user("ec2").create_vpc, CidrBlock="10.0.0.0/16")
    refused(user("iam").list_users)


def test_boundary_grants_nothing(as_user):
    user = as_user(None, boundary="arn:aws:iam::aws:policy/AdministratorAccess")
    assert "because no identity-based policy" in refused(user("ec2").describe_vpcs)


@pytest.fixture
def session(client):
    """session(role document, **assume_role's arguments) -> function that makes clients of a role's session."""
    iam, sts, made = client("iam"), client("sts"), []

    def make(document, trusted=None, **arguments):
        name = "r-" + uuid.uuid4().hex[:10]
        account = sts.get_caller_identity()["Account"]
        trust = policy({"Effect": "Allow", "Principal": {"AWS": account}, "Action": ["sts:AssumeRole", "sts:TagSession"], **(trusted or {})})
        del trust["Statement"][0]["Resource"]
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        made.append(name)
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(document))
        c = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="s1", **arguments)["Credentials"]
        return lambda service, **more: client(service, key=c["AccessKeyId"], secret=c["SecretAccessKey"], token=c["SessionToken"], **more)

    yield make
    for name in made:
        iam.delete_role_policy(RoleName=name, PolicyName="p")
        iam.delete_role(RoleName=name)


def test_narrow_role_can_do_exactly_what_it_says(session):
    role = session(policy(allow("ec2:DescribeVpcs", "logs:CreateLogGroup", "logs:DeleteLogGroup")))
    group = "role-" + uuid.uuid4().hex[:8]
    role("ec2").describe_vpcs()
    role("logs").create_log_group(logGroupName=group)
    role("logs").delete_log_group(logGroupName=group)
    message = refused(role("ec2").describe_subnets)
    assert ":assumed-role/r-" in message and "/s1 is not authorized to perform: ec2:DescribeSubnets" in message
    refused(role("logs").describe_log_groups)
    refused(role("iam").list_users)
    refused(role("ec2").create_vpc, CidrBlock="10.0.0.0/16")


def test_session_policy_cuts(session):
    role = session(ALLOW_ALL, Policy=json.dumps(policy(allow("ec2:Describe*"))))
    role("ec2").describe_vpcs()
    assert "because no session policy allows the ec2:CreateVpc action" in refused(role("ec2").create_vpc, CidrBlock="10.0.0.0/16")


def test_session_policies_by_arn(session):
    role = session(ALLOW_ALL, PolicyArns=[{"arn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}])
    role("iam").list_users()
    refused(role("ec2").describe_vpcs)


def test_session_tags_are_conditions(session):
    document = policy(allow("ec2:DescribeVpcs", Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}}))
    session(document, Tags=[{"Key": "team", "Value": "blue"}])("ec2").describe_vpcs()
    refused(session(document, Tags=[{"Key": "team", "Value": "red"}])("ec2").describe_vpcs)


def test_rights_end_with_the_policy(client, scratch_user):
    name, key, secret = scratch_user(policy(allow("ec2:DescribeVpcs")))
    ec2, iam = client("ec2", key=key, secret=secret), client("iam")
    ec2.describe_vpcs()
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy(allow("s3:*"))))
    refused(ec2.describe_vpcs)


# ---- conditions on what the request is

def conditioned(operator, key, value):
    return policy(allow("ec2:Describe*", Condition={operator: {key: value}}))


@pytest.mark.parametrize("operator,key,value,allowed", [
    ("IpAddress", "aws:SourceIp", "127.0.0.0/8", True),
    ("IpAddress", "aws:SourceIp", "203.0.113.0/24", False),
    ("NotIpAddress", "aws:SourceIp", "127.0.0.1/32", False),
    ("Bool", "aws:SecureTransport", "false", True),
    ("Bool", "aws:SecureTransport", "true", False),
    ("StringEquals", "aws:RequestedRegion", "us-east-1", True),
    ("StringEquals", "aws:RequestedRegion", ["eu-west-1", "eu-central-1"], False),
    ("DateGreaterThan", "aws:CurrentTime", "2020-01-01T00:00:00Z", True),
    ("DateLessThan", "aws:CurrentTime", "2020-01-01T00:00:00Z", False),
    ("StringLike", "aws:username", "u-*", True),
    ("StringLike", "aws:username", "root*", False),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:user/u-*", True),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/*", False),
    ("StringLike", "aws:UserAgent", "*Boto3*", True),
    ("Null", "aws:TokenIssueTime", "true", True),
    ("Bool", "aws:MultiFactorAuthPresent", "true", False),
    ("BoolIfExists", "aws:MultiFactorAuthPresent", "true", True),
], ids=lambda v: str(v)[:40])
def test_condition(as_user, operator, key, value, allowed):
    ec2 = as_user(conditioned(operator, key, value))("ec2")
    if allowed:
        ec2.describe_vpcs()
    else:
        refused(ec2.describe_vpcs)


def test_request_tags(as_user, client):
    document = policy(allow("ec2:CreateVpc", "ec2:CreateTags", Condition={"StringEquals": {"aws:RequestTag/env": "staging"},
                                                                          "ForAllValues:StringEquals": {"aws:TagKeys": ["env", "team"]}}))
    ec2 = as_user(document)("ec2")

    def make(*tags):
        specification = [{"ResourceType": "vpc", "Tags": [{"Key": k, "Value": v} for k, v in tags]}] if tags else []
        return ec2.create_vpc(CidrBlock="10.77.0.0/16", TagSpecifications=specification)

    refused(make)
    refused(make, ("env", "production"))
    refused(make, ("env", "staging"), ("other", "x"))
    vpc = make(("env", "staging"), ("team", "blue"))["Vpc"]["VpcId"]
    client("ec2").delete_vpc(VpcId=vpc)


def test_resource_tags(as_user, client):
    admin = client("ec2")
    made = {}
    for env in ("staging", "production"):
        made[env] = admin.create_vpc(CidrBlock="10.78.0.0/16", TagSpecifications=[
            {"ResourceType": "vpc", "Tags": [{"Key": "env", "Value": env}]}])["Vpc"]["VpcId"]
    ec2 = as_user(policy(allow("ec2:DeleteVpc", Condition={"StringEquals": {"aws:ResourceTag/env": "staging"}})))("ec2")
    refused(ec2.delete_vpc, VpcId=made["production"])
    ec2.delete_vpc(VpcId=made["staging"])
    admin.delete_vpc(VpcId=made["production"])


def test_iam_by_name_of_the_caller(as_user, client):
    document = policy(allow("iam:GetUser", "iam:ListAccessKeys", Resource="arn:aws:iam::*:user/${aws:username}"))
    iam = as_user(document)("iam")
    me = iam.get_user()["User"]["UserName"]
    iam.list_access_keys(UserName=me)
    refused(iam.get_user, UserName="administrator")


def test_nobody_grants_himself_more(as_user):
    """One who may make users, but only with a boundary, cannot make one without."""
    boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam = as_user(policy(allow("iam:CreateUser", "iam:DeleteUser", "iam:DeleteUserPermissionsBoundary",
                               Condition={"StringEquals": {"iam:PermissionsBoundary": boundary}})))("iam")
    name = "made-" + uuid.uuid4().hex[:8]
    refused(iam.create_user, UserName=name)
    refused(iam.create_user, UserName=name, PermissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.create_user(UserName=name, PermissionsBoundary=boundary)
    iam.delete_user(UserName=name)


def test_wrong_secret_and_unknown_key(client, cloud):
    for arguments, code in ((dict(secret="x" * 40), "SignatureDoesNotMatch"), (dict(key="AKIAIOSFODNN7EXAMPLE"), "InvalidClientTokenId")):
        with pytest.raises(ClientError) as caught:
            client("iam", **arguments).list_users()
        assert caught.value.response["Error"]["Code"] == code


def test_accounts_do_not_see_each_other(cloud, client):
    other = cloud.another_account()
    first, second = client("sts").get_caller_identity()["Account"], client("sts", **other).get_caller_identity()["Account"]
    assert first != second
    name = "u-" + uuid.uuid4().hex[:8]
    client("iam").create_user(UserName=name)
    assert name not in [u["UserName"] for u in client("iam", **other).list_users()["Users"]]
    client("iam").delete_user(UserName=name)
    # A role that trusts the other account lets its users in.
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": second}, "Action": "sts:AssumeRole"}]}
    role = client("iam").create_role(RoleName="shared-" + name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    session = client("sts", **other).assume_role(RoleArn=role["Arn"], RoleSessionName="xx")
    assert f"::{first}:assumed-role/" in session["AssumedRoleUser"]["Arn"]
    client("iam").delete_role(RoleName="shared-" + name)
