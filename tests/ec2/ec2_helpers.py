"""What the EC2 tests share. They know only boto3 clients, so they run against AWS too (in an account without limits)."""
import contextlib
import uuid

import pytest
from botocore.exceptions import ClientError


@contextlib.contextmanager
def refused(code, text=None):
    """The call inside fails with this error code (and message)."""
    with pytest.raises(ClientError) as caught:
        yield caught
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    if text is not None:
        assert error["Message"] == text, error


def tags(kind, **values):
    return [{"ResourceType": kind, "Tags": [{"Key": k, "Value": v} for k, v in values.items()]}]


def filters(**values):
    """filters(vpc_id="vpc-1") -> [{"Name": "vpc-id", "Values": ["vpc-1"]}]"""
    return [{"Name": k.replace("__", ".").replace("_", "-"), "Values": v if isinstance(v, list) else [v]} for k, v in values.items()]


def unique(prefix="t"):
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


class Lab:
    """Makes things and takes them away again in the reverse order."""

    def __init__(self, ec2):
        self.ec2 = ec2
        self.undo = contextlib.ExitStack()

    def vpc(self, cidr="10.0.0.0/16", **kwargs):
        vpc = self.ec2.create_vpc(CidrBlock=cidr, **kwargs)["Vpc"]["VpcId"]
        self.undo.callback(self.ec2.delete_vpc, VpcId=vpc)
        return vpc

    def subnet(self, vpc, cidr="10.0.1.0/24", **kwargs):
        subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, **kwargs)["Subnet"]["SubnetId"]
        self.undo.callback(self.ec2.delete_subnet, SubnetId=subnet)
        return subnet

    def gateway(self, vpc):
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.undo.callback(self.ec2.delete_internet_gateway, InternetGatewayId=gateway)
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        self.undo.callback(self.ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
        return gateway

    def address(self):
        address = self.ec2.allocate_address(Domain="vpc")
        self.undo.callback(self.ec2.release_address, AllocationId=address["AllocationId"])
        return address

    def group(self, vpc, name=None):
        group = self.ec2.create_security_group(VpcId=vpc, GroupName=name or unique("group"), Description="made by a test")["GroupId"]
        self.undo.callback(self.ec2.delete_security_group, GroupId=group)
        return group

    def table(self, vpc):
        table = self.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        self.undo.callback(self.ec2.delete_route_table, RouteTableId=table)
        return table

    def interface(self, subnet, **kwargs):
        eni = self.ec2.create_network_interface(SubnetId=subnet, **kwargs)["NetworkInterface"]["NetworkInterfaceId"]
        self.undo.callback(self.ec2.delete_network_interface, NetworkInterfaceId=eni)
        return eni
