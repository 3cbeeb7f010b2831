"""Packets obey what the EC2 API was told: real interfaces, real connections, boto3 as the only way in."""
import os
import random
import socket
import subprocess

import pytest
from botocore.exceptions import ClientError

from harness import wait_until
from netns import ask, connect, listen, make_socket, namespace, reaches, udp_arrives

pytestmark = pytest.mark.host


class Vpc:
    """A VPC with a public subnet (10.0.1.0/24, a route to its internet gateway) and a private one (10.0.2.0/24)."""

    def __init__(self, cloud):
        self.cloud, self.ec2 = cloud, cloud.client("ec2")
        ec2 = self.ec2
        self.id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.public = ec2.create_subnet(VpcId=self.id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        self.private = ec2.create_subnet(VpcId=self.id, CidrBlock="10.0.2.0/24")["Subnet"]["SubnetId"]
        self.gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.id)
        self.public_table = ec2.create_route_table(VpcId=self.id)["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(RouteTableId=self.public_table, SubnetId=self.public)
        ec2.create_route(RouteTableId=self.public_table, DestinationCidrBlock="0.0.0.0/0", GatewayId=self.gateway)
        self.private_table = ec2.create_route_table(VpcId=self.id)["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(RouteTableId=self.private_table, SubnetId=self.private)
        self.interfaces, self.addresses, self.nats = [], [], []

    def group(self, name, *rules):
        """rules: (protocol, port, CIDR or group id)"""
        group = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.id)["GroupId"]
        for rule in rules:
            self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission(*rule)])
        return group

    def interface(self, subnet, *groups, public=False):
        out = self.ec2.create_network_interface(SubnetId=subnet, Groups=list(groups))["NetworkInterface"]
        self.interfaces.append(out["NetworkInterfaceId"])
        ns = wait_until(lambda: namespace(out["NetworkInterfaceId"]), 20, 0.01, "the interface's namespace")
        eni = Interface(out["NetworkInterfaceId"], out["PrivateIpAddress"], ns)
        # That it gets an answer from its VPC's resolver shows that it is up: what is refused later is refused by a rule.
        wait_until(lambda: answers(ns), 20, 0.01, "the interface is up")
        if public:
            eni.public, _ = self.elastic(eni.id)
        return eni

    def elastic(self, eni=None):
        a = self.ec2.allocate_address(Domain="vpc")
        self.addresses.append(a["AllocationId"])
        if eni:
            self.ec2.associate_address(AllocationId=a["AllocationId"], NetworkInterfaceId=eni)
        return a["PublicIp"], a["AllocationId"]

    def nat(self):
        address, allocation = self.elastic()
        nat = self.ec2.create_nat_gateway(SubnetId=self.public, AllocationId=allocation)["NatGateway"]["NatGatewayId"]
        self.nats.append(nat)
        wait_until(lambda: self.ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"] == "available", 20, what="NAT")
        return nat, address

    def delete(self):
        ec2 = self.ec2
        for nat in self.nats:
            ec2.delete_nat_gateway(NatGatewayId=nat)
        for nat in self.nats:
            wait_until(lambda: ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"] == "deleted", 20, what="NAT gone")
        for allocation in self.addresses:
            association = ec2.describe_addresses(AllocationIds=[allocation])["Addresses"][0].get("AssociationId")
            if association:
                ec2.disassociate_address(AssociationId=association)
            ec2.release_address(AllocationId=allocation)
        for eni in self.interfaces:
            ec2.delete_network_interface(NetworkInterfaceId=eni)
        ec2.detach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.id)
        ec2.delete_internet_gateway(InternetGatewayId=self.gateway)
        for subnet in (self.public, self.private):
            ec2.delete_subnet(SubnetId=subnet)
        for table in (self.public_table, self.private_table):
            ec2.delete_route_table(RouteTableId=table)
        groups = [g for g in ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [self.id]}])["SecurityGroups"]
                  if g["GroupName"] != "default"]
        for g in groups:  # groups may name each other
            if g["IpPermissions"]:
                ec2.revoke_security_group_ingress(GroupId=g["GroupId"], IpPermissions=g["IpPermissions"])
        for g in groups:
            ec2.delete_security_group(GroupId=g["GroupId"])
        ec2.delete_vpc(VpcId=self.id)
        wait_until(lambda: not namespace(self.id), 20, what="the router is gone")


class Interface:
    def __init__(self, eni, address, ns):
        self.id, self.address, self.ns, self.public = eni, address, ns, None


def permission(protocol, port, peer):
    p = {"IpProtocol": protocol, "FromPort": port, "ToPort": port}
    if peer.startswith("sg-"):
        p["UserIdGroupPairs"] = [{"GroupId": peer}]
    else:
        p["IpRanges"] = [{"CidrIp": peer}]
    return p


def answers(ns):
    try:
        return ask(ns, "10.0.0.2", "ip-10-0-0-9.ec2.internal", timeout=0.2, tries=1)
    except OSError:  # made, but not mounted yet
        return None


def soon(condition, what, timeout=10):
    """The cloud answers before the machine has followed: a moment later the packets do."""
    wait_until(condition, timeout, 0.02, what)


@pytest.fixture
def vpc(cloud):
    made = []

    def make():
        made.append(Vpc(cloud))
        return made[-1]

    yield make
    for v in made:
        v.delete()


@pytest.fixture
def internet():
    """A host beyond this one, which no VPC knows: (address, namespace)."""
    n = random.randrange(1, 250)
    name, link = f"nbctest{n}", f"nbctest{n}"
    run = lambda command: subprocess.run(command.split(), check=True)
    run(f"ip netns add {name}")
    try:
        run(f"ip link add {link} type veth peer name eth0 netns {name}")
        run(f"ip addr add 198.19.{n}.1/24 dev {link}")
        run(f"ip link set {link} up")
        run(f"ip -n {name} addr add 198.19.{n}.2/24 dev eth0")
        run(f"ip -n {name} link set eth0 up")
        yield f"198.19.{n}.2", f"/run/netns/{name}"
    finally:
        run(f"ip netns del {name}")


def test_database_answers_its_services_group_and_nothing_else(vpc):
    v = vpc()
    app, other = v.group("app"), v.group("other")
    db_group = v.group("db", ("tcp", 5432, app))
    db, task, stranger = v.interface(v.private, db_group), v.interface(v.private, app), v.interface(v.private, other)
    far = v.interface(v.public, app)
    server, ssh = listen(db.ns, 5432), listen(db.ns, 22)
    soon(lambda: reaches(task.ns, db.address, 5432), "the service reaches its database")
    soon(lambda: reaches(far.ns, db.address, 5432), "from another subnet too")
    assert not reaches(stranger.ns, db.address, 5432)
    assert not reaches(task.ns, db.address, 22)

    held = connect(task.ns, db.address, 5432)
    end = None
    while end is None or end.getpeername()[1] != held.getsockname()[1]:
        end, _ = server.accept()
    v.ec2.revoke_security_group_ingress(GroupId=db_group, IpPermissions=[permission("tcp", 5432, app)])
    soon(lambda: not reaches(task.ns, db.address, 5432), "new connections stop")
    held.send(b"still here")
    assert end.recv(64) == b"still here", "a connection that was there lives on, as on AWS"

    v.ec2.authorize_security_group_ingress(GroupId=db_group, IpPermissions=[permission("tcp", 5432, app)])
    soon(lambda: reaches(task.ns, db.address, 5432), "the rule is back")
    v.ec2.modify_network_interface_attribute(NetworkInterfaceId=task.id, Groups=[other])
    soon(lambda: not reaches(task.ns, db.address, 5432), "it has left the group")
    ssh.close()


def test_private_subnet_gets_out_only_through_nat(vpc, internet):
    outside, outside_ns = internet
    server = listen(outside_ns, 80)
    v = vpc()
    g = v.group("app")
    private, public, poor = v.interface(v.private, g), v.interface(v.public, g, public=True), v.interface(v.public, g)
    soon(lambda: reaches(public.ns, outside, 80), "a public address gets out")
    assert not reaches(private.ns, outside, 80)
    assert not reaches(poor.ns, outside, 80), "in a public subnet without a public address: no way out"
    nat, _ = v.nat()
    v.ec2.create_route(RouteTableId=v.private_table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    soon(lambda: reaches(private.ns, outside, 80), "through the NAT gateway")
    v.ec2.delete_route(RouteTableId=v.private_table, DestinationCidrBlock="0.0.0.0/0")
    soon(lambda: not reaches(private.ns, outside, 80), "without its route no more")
    server.close()


def test_two_vpcs_with_one_block_do_not_meet(vpc):
    a, b = vpc(), vpc()
    ga, gb = a.group("g", ("tcp", 8080, "0.0.0.0/0")), b.group("g", ("tcp", 8080, "0.0.0.0/0"))
    server, client, foreign = a.interface(a.public, ga), a.interface(a.public, ga), b.interface(b.public, gb)
    s = listen(server.ns, 8080)
    soon(lambda: reaches(client.ns, server.address, 8080), "inside the VPC")
    if foreign.address != server.address:
        assert not reaches(foreign.ns, server.address, 8080)
    s.close()


def test_spoofed_source_is_dropped(vpc):
    v = vpc()
    g = v.group("g", ("udp", 9000, "0.0.0.0/0"))
    target, bad = v.interface(v.private, g), v.interface(v.private, g)
    listener = make_socket(target.ns, socket.SOCK_DGRAM)
    listener.bind(("0.0.0.0", 9000))
    soon(lambda: udp_arrives(bad.ns, bad.address, target.address, 9000, listener), "under its own address")
    assert not udp_arrives(bad.ns, "10.0.2.99", target.address, 9000, listener)
    assert not udp_arrives(bad.ns, "192.0.2.1", target.address, 9000, listener)
    v.ec2.modify_network_interface_attribute(NetworkInterfaceId=bad.id, SourceDestCheck={"Value": False})
    soon(lambda: udp_arrives(bad.ns, "10.0.2.99", target.address, 9000, listener), "with the check off it may")


def test_elastic_ip_is_reached_from_the_host_as_the_group_allows(vpc):
    v = vpc()
    web = v.interface(v.public, v.group("web", ("tcp", 80, "0.0.0.0/0")), public=True)
    server, ssh = listen(web.ns, 80), listen(web.ns, 22)
    soon(lambda: reaches(None, web.public, 80), "the host reaches the Elastic IP")
    assert not reaches(None, web.public, 22)
    association = v.ec2.describe_addresses(AllocationIds=v.addresses)["Addresses"][0]["AssociationId"]
    v.ec2.disassociate_address(AssociationId=association)
    soon(lambda: not reaches(None, web.public, 80), "and not once it is taken away")
    server.close()
    ssh.close()


def test_network_acl_is_stateless_and_ordered(vpc):
    v = vpc()
    g = v.group("g", ("tcp", 8080, "0.0.0.0/0"))
    server, client, near = v.interface(v.private, g), v.interface(v.public, g), v.interface(v.private, g)
    s = listen(server.ns, 8080)
    soon(lambda: reaches(client.ns, server.address, 8080), "the default ACL allows")
    acl = v.ec2.create_network_acl(VpcId=v.id)["NetworkAcl"]["NetworkAclId"]
    entry = lambda number, egress, action, low, high, cidr="0.0.0.0/0": v.ec2.create_network_acl_entry(
        NetworkAclId=acl, RuleNumber=number, Protocol="6", RuleAction=action, Egress=egress, CidrBlock=cidr, PortRange={"From": low, "To": high})
    entry(100, False, "allow", 8080, 8080)
    entry(100, True, "allow", 1024, 65535)
    old = next(a["NetworkAclAssociationId"] for n in v.ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [v.id]}])["NetworkAcls"]
               for a in n["Associations"] if a["SubnetId"] == v.private)
    default = next(n["NetworkAclId"] for n in v.ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [v.id]}])["NetworkAcls"] if n["IsDefault"])
    new = v.ec2.replace_network_acl_association(AssociationId=old, NetworkAclId=acl)["NewAssociationId"]
    entry(90, False, "deny", 8080, 8080, client.address + "/32")
    soon(lambda: not reaches(client.ns, server.address, 8080), "the lower number wins")
    assert reaches(near.ns, server.address, 8080), "inside its subnet an ACL does not apply"
    v.ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=90, Egress=False)
    soon(lambda: reaches(client.ns, server.address, 8080), "allowed again")
    v.ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=100, Egress=True)
    soon(lambda: not reaches(client.ns, server.address, 8080), "answers are not let out: an ACL remembers nothing")
    v.ec2.replace_network_acl_association(AssociationId=new, NetworkAclId=default)
    v.ec2.delete_network_acl(NetworkAclId=acl)
    s.close()


def test_resolver_answers_in_the_vpc(vpc):
    v = vpc()
    eni = v.interface(v.private, v.group("closed"))
    name = "ip-" + eni.address.replace(".", "-") + ".ec2.internal"
    for server in ("10.0.0.2", "169.254.169.253"):
        soon(lambda: ask(eni.ns, server, name) == [eni.address], f"{server} knows {name}")


def test_networks_outlive_a_killed_server(own_cloud):
    v = Vpc(own_cloud)
    g = v.group("g", ("tcp", 8080, "0.0.0.0/0"))
    server, client = v.interface(v.private, g), v.interface(v.public, g)
    s = listen(server.ns, 8080)
    soon(lambda: reaches(client.ns, server.address, 8080), "before")
    held = connect(client.ns, server.address, 8080)
    end = None
    while end is None or end.getpeername()[1] != held.getsockname()[1]:
        end, _ = s.accept()
    links = lambda: subprocess.run(["ip", "-n", os.path.basename(namespace(v.id)), "-o", "link"], capture_output=True, text=True).stdout
    before = links()
    own_cloud.kill9()
    held.send(b"a")
    assert end.recv(1) == b"a", "nobody at home, and packets go their way"
    own_cloud.start()
    v.ec2 = own_cloud.client("ec2")
    late = v.interface(v.public, g)
    soon(lambda: reaches(late.ns, server.address, 8080), "what is made after the restart works with what was there")
    assert before in links() or set(before.splitlines()) <= set(links().splitlines()), "links were adopted"
    held.send(b"b")
    assert end.recv(1) == b"b"
    v.delete()


def test_a_deleted_vpc_leaves_nothing(own_cloud):
    """Also one that was deleted while its namespaces could not be removed: the next start sweeps."""
    v = Vpc(own_cloud)
    eni = v.interface(v.private, v.group("g"))
    v.delete()
    assert not namespace(v.id) and not namespace(eni.id)
    tag = os.path.basename(eni.ns).split("-")[0].removeprefix("n")
    wait_until(lambda: f"nubecita_{tag}" not in subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout, 5, what="the table is gone")
    own_cloud.stop()
    subprocess.run(["ip", "netns", "add", f"n{tag}-eni-00000000000000bad"], check=True)
    own_cloud.start()
    wait_until(lambda: not namespace("eni-00000000000000bad"), 10, what="an orphan is swept")


def test_interface_of_a_deleted_group_or_subnet_is_refused(vpc):
    v = vpc()
    g = v.group("g")
    v.interface(v.private, g)
    for call in (lambda: v.ec2.delete_security_group(GroupId=g), lambda: v.ec2.delete_subnet(SubnetId=v.private)):
        with pytest.raises(ClientError) as e:
            call()
        assert e.value.response["Error"]["Code"] == "DependencyViolation"
