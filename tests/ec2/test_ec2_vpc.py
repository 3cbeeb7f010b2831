"""VPCs, subnets, gateways: what is made with them, what Terraform reads back, what holds what."""
from ec2_helpers import filters, refused, tags


def test_a_vpc_comes_with_its_default_objects(ec2, lab):
    vpc = lab.vpc("10.1.2.3/16", TagSpecifications=tags("vpc", Name="one", env="test"))
    shown = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]
    assert shown["CidrBlock"] == "10.1.0.0/16"
    assert shown["State"] == "available"
    assert shown["InstanceTenancy"] == "default"
    assert shown["IsDefault"] is False
    assert shown["DhcpOptionsId"].startswith("dopt-")
    assert [a["CidrBlock"] for a in shown["CidrBlockAssociationSet"]] == ["10.1.0.0/16"]
    assert {t["Key"]: t["Value"] for t in shown["Tags"]} == {"Name": "one", "env": "test"}
    acl, = ec2.describe_network_acls(Filters=filters(vpc_id=vpc, default="true"))["NetworkAcls"]
    assert len(acl["Entries"]) == 4 and acl["IsDefault"]
    table, = ec2.describe_route_tables(Filters=filters(vpc_id=vpc, association__main="true"))["RouteTables"]
    assert table["Routes"][0] == {"DestinationCidrBlock": "10.1.0.0/16", "GatewayId": "local", "Origin": "CreateRouteTable", "State": "active"}
    assert table["PropagatingVgws"] == []
    assert table["Associations"][0]["AssociationState"]["State"] == "associated"
    group, = ec2.describe_security_groups(Filters=filters(vpc_id=vpc, group_name="default"))["SecurityGroups"]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]
    assert group["IpPermissionsEgress"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]


def test_attributes_read_back(ec2, lab):
    vpc = lab.vpc()

    def attribute(name):
        return ec2.describe_vpc_attribute(VpcId=vpc, Attribute=name)[name[0].upper() + name[1:]]["Value"]

    assert attribute("enableDnsSupport") is True
    assert attribute("enableDnsHostnames") is False
    assert attribute("enableNetworkAddressUsageMetrics") is False
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert attribute("enableDnsHostnames") is True
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": False})
    assert attribute("enableDnsSupport") is False


def test_classic_link_is_not_here(ec2, lab):
    text = "The functionality you requested is not available in this region."
    with refused("UnsupportedOperation", text):
        ec2.describe_vpc_classic_link(VpcIds=[lab.vpc()])
    with refused("UnsupportedOperation", text):
        ec2.describe_vpc_classic_link_dns_support()


def test_subnets_over_three_zones(ec2, lab):
    vpc = lab.vpc()
    zones = [z["ZoneName"] for z in ec2.describe_availability_zones(Filters=filters(state="available"))["AvailabilityZones"]]
    assert zones == ["us-east-1a", "us-east-1b", "us-east-1c"]
    made = [lab.subnet(vpc, f"10.0.{i}.0/24", AvailabilityZone=zone, TagSpecifications=tags("subnet", tier="web" if i else "db"))
            for i, zone in enumerate(zones)]
    shown = ec2.describe_subnets(Filters=filters(vpc_id=vpc))["Subnets"]
    assert {s["SubnetId"]: s["AvailabilityZone"] for s in shown} == dict(zip(made, zones))
    for s in shown:
        assert s["State"] == "available" and s["AvailableIpAddressCount"] == 251
        assert s["MapPublicIpOnLaunch"] is False and s["AssignIpv6AddressOnCreation"] is False
        assert s["SubnetArn"].endswith(f":subnet/{s['SubnetId']}")
    web = ec2.describe_subnets(Filters=[*filters(vpc_id=vpc), {"Name": "tag:tier", "Values": ["w?b"]}])["Subnets"]
    assert {s["SubnetId"] for s in web} == set(made[1:])
    ec2.modify_subnet_attribute(SubnetId=made[0], MapPublicIpOnLaunch={"Value": True})
    public = ec2.describe_subnets(Filters=filters(vpc_id=vpc, map_public_ip_on_launch="true"))["Subnets"]
    assert [s["SubnetId"] for s in public] == [made[0]]
    with refused("InvalidSubnet.Conflict", "The CIDR '10.0.0.0/25' conflicts with another subnet"):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/25")
    with refused("InvalidSubnet.Range", "The CIDR '10.1.0.0/24' is invalid."):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")


def test_deleting_in_the_wrong_order(ec2, lab):
    vpc = lab.vpc()
    with refused("InvalidVpc.Range"):
        ec2.create_vpc(CidrBlock="10.0.0.0/8")
    subnet = lab.subnet(vpc)
    gateway = lab.gateway(vpc)
    lab.table(vpc)
    group = lab.group(vpc)
    eni = lab.interface(subnet, Groups=[group])
    for _ in range(2):  # refused again and again, nothing half done
        with refused("DependencyViolation", f"The vpc '{vpc}' has dependencies and cannot be deleted."):
            ec2.delete_vpc(VpcId=vpc)
    with refused("DependencyViolation", f"The subnet '{subnet}' has dependencies and cannot be deleted."):
        ec2.delete_subnet(SubnetId=subnet)
    with refused("DependencyViolation", f"The internetGateway '{gateway}' has dependencies and cannot be deleted."):
        ec2.delete_internet_gateway(InternetGatewayId=gateway)
    with refused("DependencyViolation", f"resource {group} has a dependent object"):
        ec2.delete_security_group(GroupId=group)
    default, = ec2.describe_security_groups(Filters=filters(vpc_id=vpc, group_name="default"))["SecurityGroups"]
    with refused("CannotDelete"):
        ec2.delete_security_group(GroupId=default["GroupId"])
    found = ec2.describe_network_interfaces(Filters=filters(group_id=group))["NetworkInterfaces"]
    assert [i["NetworkInterfaceId"] for i in found] == [eni]


def test_unknown_ids(ec2):
    zero = "0123456789abcdef0"
    with refused("InvalidVpcID.NotFound", f"The vpc ID 'vpc-{zero}' does not exist"):
        ec2.describe_vpcs(VpcIds=[f"vpc-{zero}"])
    with refused("InvalidSubnetID.NotFound", f"The subnet ID 'subnet-{zero}' does not exist"):
        ec2.delete_subnet(SubnetId=f"subnet-{zero}")
    with refused("InvalidInternetGatewayID.NotFound", f"The internetGateway ID 'igw-{zero}' does not exist"):
        ec2.describe_internet_gateways(InternetGatewayIds=[f"igw-{zero}"])
    with refused("InvalidRouteTableID.NotFound", f"The routeTable ID 'rtb-{zero}' does not exist"):
        ec2.describe_route_tables(RouteTableIds=[f"rtb-{zero}"])
    with refused("InvalidGroup.NotFound", f"The security group 'sg-{zero}' does not exist"):
        ec2.describe_security_groups(GroupIds=[f"sg-{zero}"])
    with refused("InvalidNetworkAclID.NotFound", f"The networkAcl ID 'acl-{zero}' does not exist"):
        ec2.describe_network_acls(NetworkAclIds=[f"acl-{zero}"])
    with refused("InvalidNetworkInterfaceID.NotFound", f"The networkInterface ID 'eni-{zero}' does not exist"):
        ec2.describe_network_interfaces(NetworkInterfaceIds=[f"eni-{zero}"])
    with refused("InvalidAllocationID.NotFound", f"The allocation ID 'eipalloc-{zero}' does not exist"):
        ec2.release_address(AllocationId=f"eipalloc-{zero}")
    with refused("NatGatewayNotFound"):
        ec2.describe_nat_gateways(NatGatewayIds=[f"nat-{zero}"])


def test_pages(ec2, lab):
    vpc = lab.vpc()
    made = {lab.subnet(vpc, f"10.0.{i}.0/24") for i in range(11)}
    seen = []
    for page in ec2.get_paginator("describe_subnets").paginate(Filters=filters(vpc_id=vpc), PaginationConfig={"PageSize": 5}):
        assert len(page["Subnets"]) <= 5
        seen += [s["SubnetId"] for s in page["Subnets"]]
    assert len(seen) == 11 and set(seen) == made
    with refused("InvalidParameterValue"):
        ec2.describe_subnets(MaxResults=5, Filters=[{"Name": "flavour", "Values": ["sweet"]}])


def test_an_unknown_filter_is_refused(ec2):
    with refused("InvalidParameterValue", "The filter 'vpc.id' is invalid"):
        ec2.describe_vpcs(Filters=[{"Name": "vpc.id", "Values": ["x"]}])


def test_dry_run(ec2, cloud, scratch_user):
    with refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set.") as caught:
        ec2.create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    _, key, secret = scratch_user()
    nobody = cloud.client("ec2", key=key, secret=secret)
    with refused("UnauthorizedOperation"):
        nobody.create_vpc(CidrBlock="10.0.0.0/16", DryRun=True)
    with refused("UnauthorizedOperation"):
        nobody.describe_vpcs()


def test_regions_are_apart(ec2, lab, cloud):
    vpc = lab.vpc()
    elsewhere = cloud.client("ec2", region="eu-central-1")
    with refused("InvalidVpcID.NotFound"):
        elsewhere.describe_vpcs(VpcIds=[vpc])
    zones = elsewhere.describe_availability_zones()["AvailabilityZones"]
    assert [(z["ZoneName"], z["ZoneId"]) for z in zones][0] == ("eu-central-1a", "euc1-az1")
    names = [r["RegionName"] for r in ec2.describe_regions()["Regions"]]
    assert "eu-central-1" in names and "us-east-1" in names


def test_account_attributes(ec2):
    found, = ec2.describe_account_attributes(AttributeNames=["supported-platforms"])["AccountAttributes"]
    assert found["AttributeValues"] == [{"AttributeValue": "VPC"}]


def test_secondary_block(ec2, lab):
    vpc = lab.vpc()
    added = ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.9.0.0/16")["CidrBlockAssociation"]
    shown = ec2.describe_vpcs(Filters=filters(cidr_block_association__association_id=added["AssociationId"]))["Vpcs"]
    assert [v["VpcId"] for v in shown] == [vpc]
    lab.subnet(vpc, "10.9.1.0/24")
    with refused("InvalidCidrBlock.InUse"):
        ec2.disassociate_vpc_cidr_block(AssociationId=added["AssociationId"])


def test_what_is_not_served_says_so(ec2):
    with refused("UnsupportedOperation"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)
    with refused("InvalidAction"):
        ec2.describe_transit_gateways()
