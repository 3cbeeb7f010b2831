"""Route tables, NAT gateways, addresses, interfaces."""
import pytest

from ec2_helpers import filters, refused, tags, unique


def route(ec2, table, destination):
    routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    return next((r for r in routes if r["DestinationCidrBlock"] == destination), None)


def test_routes(ec2, lab):
    vpc = lab.vpc()
    gateway, table = lab.gateway(vpc), lab.table(vpc)
    assert ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)["Return"] is True
    assert route(ec2, table, "0.0.0.0/0")["State"] == "active"
    eni = lab.interface(lab.subnet(vpc))
    with refused("RouteAlreadyExists", "The route identified by 0.0.0.0/0 already exists."):
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NetworkInterfaceId=eni)
    ec2.replace_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NetworkInterfaceId=eni)
    assert route(ec2, table, "0.0.0.0/0")["NetworkInterfaceId"] == eni
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    with refused("InvalidRoute.NotFound", f"no route with destination-cidr-block 0.0.0.0/0 in route table {table}"):
        ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    with refused("InvalidParameterValue", f"cannot remove local route 10.0.0.0/16 in route table {table}"):
        ec2.delete_route(RouteTableId=table, DestinationCidrBlock="10.0.0.0/16")


def test_associations(ec2, lab):
    vpc = lab.vpc()
    one, two, subnet = lab.table(vpc), lab.table(vpc), lab.subnet(vpc)
    made = ec2.associate_route_table(RouteTableId=one, SubnetId=subnet)
    assert made["AssociationState"]["State"] == "associated"
    with refused("Resource.AlreadyAssociated"):
        ec2.associate_route_table(RouteTableId=two, SubnetId=subnet)
    with refused("DependencyViolation", f"The routeTable '{one}' has dependencies and cannot be deleted."):
        ec2.delete_route_table(RouteTableId=one)
    moved = ec2.replace_route_table_association(AssociationId=made["AssociationId"], RouteTableId=two)["NewAssociationId"]
    found = ec2.describe_route_tables(Filters=filters(association__subnet_id=subnet))["RouteTables"]
    assert [t["RouteTableId"] for t in found] == [two]
    found = ec2.describe_route_tables(Filters=filters(association__route_table_association_id=moved))["RouteTables"]
    assert [t["RouteTableId"] for t in found] == [two]
    ec2.disassociate_route_table(AssociationId=moved)
    with refused("InvalidAssociationID.NotFound", f"The association ID '{moved}' does not exist"):
        ec2.disassociate_route_table(AssociationId=moved)


def test_the_main_table_can_be_another(ec2, lab):
    vpc = lab.vpc()
    main, = ec2.describe_route_tables(Filters=filters(vpc_id=vpc, association__main="true"))["RouteTables"]
    with refused("DependencyViolation"):
        ec2.delete_route_table(RouteTableId=main["RouteTableId"])
    other = lab.table(vpc)
    moved = ec2.replace_route_table_association(AssociationId=main["Associations"][0]["RouteTableAssociationId"], RouteTableId=other)
    now, = ec2.describe_route_tables(Filters=filters(vpc_id=vpc, association__main="true"))["RouteTables"]
    assert now["RouteTableId"] == other
    ec2.replace_route_table_association(AssociationId=moved["NewAssociationId"], RouteTableId=main["RouteTableId"])


def test_client_tokens(ec2, lab):
    vpc = lab.vpc()
    token = unique("token")
    first = ec2.create_route_table(VpcId=vpc, ClientToken=token)["RouteTable"]["RouteTableId"]
    lab.undo.callback(ec2.delete_route_table, RouteTableId=first)
    assert ec2.create_route_table(VpcId=vpc, ClientToken=token)["RouteTable"]["RouteTableId"] == first
    with refused("IdempotentParameterMismatch"):
        ec2.create_route_table(VpcId=vpc, ClientToken=token, TagSpecifications=tags("route-table", a="b"))


def test_nat_gateway(ec2, lab):
    vpc = lab.vpc()
    lab.gateway(vpc)
    address = lab.address()
    subnet = lab.subnet(vpc)
    made = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address["AllocationId"], TagSpecifications=tags("natgateway", Name="out"))
    nat = made["NatGateway"]["NatGatewayId"]
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat])
    shown, = ec2.describe_nat_gateways(Filter=filters(vpc_id=vpc, state="available"))["NatGateways"]
    assert shown["ConnectivityType"] == "public" and shown["SubnetId"] == subnet
    inside, = shown["NatGatewayAddresses"]
    assert inside["PublicIp"] == address["PublicIp"] and inside["PrivateIp"].startswith("10.0.1.")
    eni, = ec2.describe_network_interfaces(NetworkInterfaceIds=[inside["NetworkInterfaceId"]])["NetworkInterfaces"]
    assert eni["InterfaceType"] == "nat_gateway" and eni["RequesterManaged"] is True and eni["Status"] == "in-use"
    assert eni["Association"]["AllocationId"] == address["AllocationId"]
    table = lab.table(vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    assert route(ec2, table, "0.0.0.0/0")["State"] == "active"
    with refused("InvalidIPAddress.InUse"):
        ec2.release_address(AllocationId=address["AllocationId"])
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=subnet)
    with refused("Resource.AlreadyAssociated"):
        ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address["AllocationId"])

    ec2.delete_nat_gateway(NatGatewayId=nat)
    ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[nat])
    assert ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"] == "deleted"
    assert route(ec2, table, "0.0.0.0/0")["State"] == "blackhole"


def test_addresses(ec2, lab):
    vpc = lab.vpc()
    lab.gateway(vpc)
    subnet = lab.subnet(vpc)
    address = lab.address()
    shown, = ec2.describe_addresses(PublicIps=[address["PublicIp"]])["Addresses"]
    assert shown["Domain"] == "vpc" and "AssociationId" not in shown
    eni = lab.interface(subnet, PrivateIpAddress="10.0.1.77")
    made = ec2.associate_address(AllocationId=address["AllocationId"], NetworkInterfaceId=eni)["AssociationId"]
    shown, = ec2.describe_addresses(Filters=filters(network_interface_id=eni))["Addresses"]
    assert shown["AssociationId"] == made and shown["PrivateIpAddress"] == "10.0.1.77"
    attribute = ec2.describe_addresses_attribute(AllocationIds=[address["AllocationId"]], Attribute="domain-name")
    assert attribute["Addresses"] == []
    assert ec2.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"][0]["Association"]["PublicIp"] == address["PublicIp"]
    ec2.disassociate_address(AssociationId=made)
    with refused("InvalidAssociationID.NotFound"):
        ec2.disassociate_address(AssociationId=made)


def test_an_address_needs_an_internet_gateway(ec2, lab):
    eni = lab.interface(lab.subnet(lab.vpc()))
    with refused("Gateway.NotAttached"):
        ec2.associate_address(AllocationId=lab.address()["AllocationId"], NetworkInterfaceId=eni)


def test_interfaces(ec2, lab):
    vpc = lab.vpc()
    subnet, group = lab.subnet(vpc), lab.group(vpc)
    eni = lab.interface(subnet, Description="mine", Groups=[group], TagSpecifications=tags("network-interface", a="b"))
    ec2.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[eni])
    shown, = ec2.describe_network_interfaces(Filters=filters(description="mi*", vpc_id=vpc))["NetworkInterfaces"]
    assert shown["Groups"][0]["GroupId"] == group and shown["SourceDestCheck"] is True
    assert shown["PrivateIpAddresses"][0]["Primary"] is True and shown["TagSet"] == [{"Key": "a", "Value": "b"}]
    other = lab.group(vpc)
    ec2.modify_network_interface_attribute(NetworkInterfaceId=eni, Groups=[other])
    ec2.modify_network_interface_attribute(NetworkInterfaceId=eni, SourceDestCheck={"Value": False})
    shown, = ec2.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"]
    assert shown["Groups"][0]["GroupId"] == other and shown["SourceDestCheck"] is False
    ec2.modify_network_interface_attribute(NetworkInterfaceId=eni, Groups=[group])
    taken = shown["PrivateIpAddress"]
    with refused("InvalidIPAddress.InUse", f"Address {taken} is in use."):
        ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress=taken)
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 250
    with refused("InvalidAttachmentID.NotFound"):
        ec2.detach_network_interface(AttachmentId="eni-attach-0123456789abcdef0")
    with refused("InvalidInstanceID.NotFound"):
        ec2.attach_network_interface(NetworkInterfaceId=eni, InstanceId="i-0123456789abcdef0", DeviceIndex=1)


@pytest.mark.parametrize("region", ["ap-southeast-2"])
def test_the_default_vpc(cloud, region):
    ec2 = cloud.client("ec2", region=region)
    vpc = ec2.create_default_vpc()["Vpc"]
    assert vpc["IsDefault"] and vpc["CidrBlock"] == "172.31.0.0/16"
    with refused("DefaultVpcAlreadyExists"):
        ec2.create_default_vpc()
    assert [v["VpcId"] for v in ec2.describe_vpcs(Filters=filters(is_default="true"))["Vpcs"]] == [vpc["VpcId"]]
    subnets = ec2.describe_subnets(Filters=filters(default_for_az="true"))["Subnets"]
    assert len(subnets) == 3 and all(s["MapPublicIpOnLaunch"] for s in subnets)
    group = ec2.create_security_group(GroupName="by-name", Description="in the default VPC")["GroupId"]
    assert ec2.describe_security_groups(GroupNames=["by-name"])["SecurityGroups"][0]["GroupId"] == group
    ec2.delete_security_group(GroupName="by-name")
    for s in subnets:
        ec2.delete_subnet(SubnetId=s["SubnetId"])
    again = ec2.create_default_subnet(AvailabilityZone=f"{region}b")["Subnet"]
    ec2.delete_subnet(SubnetId=again["SubnetId"])
    gateway, = ec2.describe_internet_gateways(Filters=filters(attachment__vpc_id=vpc["VpcId"]))["InternetGateways"]
    assert gateway["Attachments"][0]["State"] == "available"
    ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc["VpcId"])
    ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])
