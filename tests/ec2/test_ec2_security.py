"""Security groups, their rules, network ACLs, tags."""
from ec2_helpers import filters, refused, tags


def permission(port, cidr=None, group=None, description=None, protocol="tcp"):
    p = {"IpProtocol": protocol, "FromPort": port, "ToPort": port}
    extra = {"Description": description} if description else {}
    if cidr:
        p["IpRanges"] = [{"CidrIp": cidr, **extra}]
    if group:
        p["UserIdGroupPairs"] = [{"GroupId": group, **extra}]
    return p


def test_rules_as_terraform_makes_them(ec2, lab):
    vpc = lab.vpc()
    group, peer = lab.group(vpc), lab.group(vpc)
    every = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[every])
    with refused("InvalidPermission.NotFound"):
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}])
    made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
        permission(80, "100.68.0.18/18", description="web"), permission(443, group=peer)])
    assert {r.get("CidrIpv4") for r in made["SecurityGroupRules"]} == {"100.68.0.0/18", None}
    shown, = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert shown["IpPermissionsEgress"] == []
    by_port = {p["FromPort"]: p for p in shown["IpPermissions"]}
    assert by_port[80]["IpRanges"] == [{"CidrIp": "100.68.0.0/18", "Description": "web"}]
    assert by_port[443]["UserIdGroupPairs"][0]["GroupId"] == peer
    for p in shown["IpPermissions"]:
        assert p["PrefixListIds"] == [] and p["Ipv6Ranges"] == []
    with refused("InvalidPermission.Duplicate",
                 'the specified rule "peer: 100.68.0.0/18, TCP, from port: 80, to port: 80, ALLOW" already exists'):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission(80, "100.68.0.0/18")])
    with refused("DependencyViolation", f"resource {peer} has a dependent object"):
        ec2.delete_security_group(GroupId=peer)
    found = ec2.describe_security_groups(Filters=filters(vpc_id=vpc, ip_permission__group_id=peer))["SecurityGroups"]
    assert [g["GroupId"] for g in found] == [group]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=shown["IpPermissions"])
    assert ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"] == []


def test_rules_as_resources_of_their_own(ec2, lab):
    group = lab.group(lab.vpc())
    rule, = ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[permission(22, "10.0.0.0/8")],
        TagSpecifications=tags("security-group-rule", Name="ssh"))["SecurityGroupRules"]
    rule_id = rule["SecurityGroupRuleId"]
    assert rule["Tags"] == [{"Key": "Name", "Value": "ssh"}]
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[{
        "SecurityGroupRuleId": rule_id,
        "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 23, "CidrIpv4": "10.0.0.0/9", "Description": "narrower"}}])
    shown, = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule_id])["SecurityGroupRules"]
    assert (shown["CidrIpv4"], shown["ToPort"], shown["Description"], shown["IsEgress"]) == ("10.0.0.0/9", 23, "narrower", False)
    assert len(ec2.describe_security_group_rules(Filters=filters(group_id=group))["SecurityGroupRules"]) == 2
    ec2.create_tags(Resources=[rule_id], Tags=[{"Key": "more", "Value": "x"}])
    found = ec2.describe_tags(Filters=filters(resource_id=rule_id))["Tags"]
    assert {t["Key"] for t in found} == {"Name", "more"} and found[0]["ResourceType"] == "security-group-rule"
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule_id])
    with refused("InvalidSecurityGroupRuleId.NotFound"):
        ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule_id])


def test_descriptions(ec2, lab):
    group = lab.group(lab.vpc())
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission(80, "10.0.0.0/8", description="before")])
    ec2.update_security_group_rule_descriptions_ingress(
        GroupId=group, IpPermissions=[permission(80, "10.0.0.0/8", description="after")])
    shown, = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert shown["IpPermissions"][0]["IpRanges"][0]["Description"] == "after"


def test_bad_rules(ec2, lab):
    group = lab.group(lab.vpc())
    for bad in (permission(70000, "0.0.0.0/0"), permission(80, "10.0.0.300/8"), permission(80, "0.0.0.0/0", protocol="gopher")):
        with refused("InvalidParameterValue"):
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[bad])
    with refused("InvalidGroup.NotFound"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission(80, group="sg-0123456789abcdef0")])
    with refused("UnsupportedOperation"):
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "PrefixListIds": [{"PrefixListId": "pl-1"}]}])


def test_network_acls(ec2, lab):
    vpc = lab.vpc()
    subnet = lab.subnet(vpc)
    acl = ec2.create_network_acl(VpcId=vpc, TagSpecifications=tags("network-acl", Name="mine"))["NetworkAcl"]
    acl_id = acl["NetworkAclId"]
    lab.undo.callback(ec2.delete_network_acl, NetworkAclId=acl_id)
    assert {e["RuleNumber"] for e in acl["Entries"]} == {32767}
    entry = dict(NetworkAclId=acl_id, RuleNumber=100, Egress=False)
    ec2.create_network_acl_entry(**entry, Protocol="6", RuleAction="allow", CidrBlock="10.0.0.1/8", PortRange={"From": 80, "To": 80})
    with refused("NetworkAclEntryAlreadyExists", "The network acl entry identified by 100 already exists."):
        ec2.create_network_acl_entry(**entry, Protocol="-1", RuleAction="deny", CidrBlock="0.0.0.0/0")
    ec2.replace_network_acl_entry(**entry, Protocol="1", RuleAction="deny", CidrBlock="0.0.0.0/0", IcmpTypeCode={"Type": 8, "Code": -1})
    shown, = ec2.describe_network_acls(NetworkAclIds=[acl_id])["NetworkAcls"]
    changed, = [e for e in shown["Entries"] if e["RuleNumber"] == 100]
    assert changed["Protocol"] == "1" and changed["IcmpTypeCode"] == {"Type": 8, "Code": -1}
    before, = ec2.describe_network_acls(Filters=filters(association__subnet_id=subnet))["NetworkAcls"]
    association, = before["Associations"]
    moved = ec2.replace_network_acl_association(AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl_id)
    with refused("DependencyViolation", f"The networkAcl '{acl_id}' has dependencies and cannot be deleted."):
        ec2.delete_network_acl(NetworkAclId=acl_id)
    ec2.replace_network_acl_association(AssociationId=moved["NewAssociationId"], NetworkAclId=before["NetworkAclId"])
    with refused("InvalidParameterValue"):
        ec2.delete_network_acl(NetworkAclId=before["NetworkAclId"])
    ec2.delete_network_acl_entry(**entry)
    with refused("InvalidNetworkAclEntry.NotFound"):
        ec2.delete_network_acl_entry(**entry)


def test_tags_are_all_or_nothing(ec2, lab):
    vpc = lab.vpc()
    with refused("InvalidSubnetID.NotFound"):
        ec2.create_tags(Resources=[vpc, "subnet-0123456789abcdef0"], Tags=[{"Key": "a", "Value": "b"}])
    assert ec2.describe_tags(Filters=filters(resource_id=vpc))["Tags"] == []
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    ec2.delete_tags(Resources=[vpc], Tags=[{"Key": "a", "Value": "2"}])
    assert len(ec2.describe_tags(Filters=filters(resource_id=vpc))["Tags"]) == 2
    ec2.delete_tags(Resources=[vpc], Tags=[{"Key": "a"}])
    assert [t["Key"] for t in ec2.describe_tags(Filters=filters(resource_id=vpc, resource_type="vpc"))["Tags"]] == ["b"]


def test_a_policy_by_tag(ec2, cloud, lab, scratch_user):
    mine, theirs = lab.vpc(TagSpecifications=tags("vpc", owner="me")), lab.vpc(TagSpecifications=tags("vpc", owner="them"))
    _, key, secret = scratch_user({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ec2:ModifyVpcAttribute", "Resource": "arn:aws:ec2:*:*:vpc/*",
         "Condition": {"StringEquals": {"aws:ResourceTag/owner": "me"}}},
        {"Effect": "Allow", "Action": ["ec2:CreateVpc", "ec2:CreateTags"], "Resource": "*",
         "Condition": {"StringEquals": {"aws:RequestTag/owner": "me"}}}]})
    user = cloud.client("ec2", key=key, secret=secret)
    user.modify_vpc_attribute(VpcId=mine, EnableDnsHostnames={"Value": True})
    with refused("UnauthorizedOperation"):
        user.modify_vpc_attribute(VpcId=theirs, EnableDnsHostnames={"Value": True})
    with refused("UnauthorizedOperation"):
        user.create_vpc(CidrBlock="10.0.0.0/16")
    made = user.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags("vpc", owner="me"))["Vpc"]["VpcId"]
    with refused("UnauthorizedOperation"):
        user.delete_vpc(VpcId=made)
    ec2.delete_vpc(VpcId=made)


def test_by_the_command_line(aws, lab):
    vpc = lab.vpc()
    group = lab.group(vpc)
    aws("ec2", "authorize-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", "80", "--cidr", "10.0.0.0/8")
    shown = aws("ec2", "describe-security-groups", "--filters", f"Name=vpc-id,Values={vpc}", "Name=ip-permission.from-port,Values=80")
    assert [g["GroupId"] for g in shown["SecurityGroups"]] == [group]
    assert aws("ec2", "describe-vpcs", "--vpc-ids", vpc, "--query", "Vpcs[0].VpcId") == vpc
