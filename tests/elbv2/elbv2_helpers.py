"""A VPC with a load balancer's surroundings, and targets: small HTTP servers in interfaces' namespaces."""
import base64
import collections
import hashlib
import http.client
import json
import os
import random
import socket
import subprocess
import threading
import time

from harness import wait_until
from netns import make_socket, namespace

Answer = collections.namedtuple("Answer", "status headers body")


class Target:
    """Answers every request with JSON about itself and about what it was asked."""

    def __init__(self, vpc, name, subnet, group, port=8080):
        self.name, self.port, self.vpc = name, port, vpc
        made = vpc.ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]
        self.eni, self.ip = made["NetworkInterfaceId"], made["PrivateIpAddress"]
        self.netns = wait_until(lambda: namespace(self.eni), 20, 0.01, "the interface's namespace")
        self.status, self.delay, self.served, self.failing_checks = 200, 0, 0, False
        self.connections = set()
        self.start()

    def start(self):
        def bound():
            s = make_socket(self.netns)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((self.ip, self.port))
            except OSError:  # the address comes a moment after the namespace
                s.close()
                return None
            s.listen(128)
            return s

        self.listener = wait_until(bound, 10, 0.02, "the interface's address")
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def kill(self):
        """As kill -9 of the server: its listener and every connection are gone."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for c in list(self.connections):
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def remove(self):
        try:
            self.kill()
        except OSError:
            pass
        self.vpc.ec2.delete_network_interface(NetworkInterfaceId=self.eni)

    def accept(self, listener):
        while True:
            try:
                c, _ = listener.accept()
            except OSError:
                return
            self.connections.add(c)
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        f = c.makefile("rb")
        try:
            while line := f.readline():
                headers = {}
                while (h := f.readline()) not in (b"\r\n", b""):
                    k, _, v = h.decode().partition(":")
                    headers[k.strip().lower()] = v.strip()
                f.read(int(headers.get("content-length", 0)))
                if headers.get("upgrade") == "websocket":
                    return self.echo(c, f, headers["sec-websocket-key"])
                if b"/stream" in line:
                    self.stream(c)
                    continue
                check = headers.get("user-agent", "").startswith("ELB-HealthChecker")
                if not check:
                    self.served += 1
                    time.sleep(self.delay)
                body = json.dumps({"name": self.name, "line": line.decode().strip(), "headers": headers}).encode()
                status = 500 if check and self.failing_checks else self.status
                c.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nX-Target: %s\r\n\r\n" % (status, len(body), self.name.encode()) + body)
        except OSError:
            pass
        finally:
            self.connections.discard(c)
            c.close()

    def echo(self, c, f, key):
        accept = base64.b64encode(hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        c.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        while data := f.read1(4096):
            c.sendall(data)

    def stream(self, c):
        c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(3):
            c.sendall(b"5\r\nparts\r\n")
            time.sleep(0.3)
        c.sendall(b"0\r\n\r\n")


class World:
    """VPC 10.7.0.0/16, two public subnets, a group for the load balancer (80, 443, 8080 from everywhere), one for targets."""

    def __init__(self, cloud, region="us-east-1"):
        self.cloud, self.region = cloud, region
        self.ec2, self.elb = cloud.client("ec2", region=region), cloud.client("elbv2", region=region)
        ec2 = self.ec2
        self.vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.7.{i}.0/24", AvailabilityZone=region + "ab"[i])["Subnet"]["SubnetId"] for i in range(2)]
        self.gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["RouteTables"]
        ec2.create_route(RouteTableId=tables[0]["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=self.gateway)
        self.lb_group = ec2.create_security_group(GroupName="lb", Description="lb", VpcId=self.vpc)["GroupId"]
        for port in (80, 443, 8080):
            ec2.authorize_security_group_ingress(GroupId=self.lb_group, IpPermissions=[open_port(port, "0.0.0.0/0")])
        self.target_group = ec2.create_security_group(GroupName="targets", Description="targets", VpcId=self.vpc)["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=self.target_group, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8081, "UserIdGroupPairs": [{"GroupId": self.lb_group}]}])
        self.targets, self.balancers, self.groups = [], [], []

    def target(self, name):
        self.targets.append(Target(self, name, self.subnets[len(self.targets) % 2], self.target_group))
        return self.targets[-1]

    def balancer(self, scheme="internet-facing", **more):
        name = f"lb-{random.randrange(1 << 32):08x}"
        lb = self.elb.create_load_balancer(Name=name, Subnets=self.subnets, SecurityGroups=[self.lb_group], Scheme=scheme, **more)["LoadBalancers"][0]
        self.balancers.append(lb["LoadBalancerArn"])
        wait_until(lambda: self.state(lb) == "active", 20, 0.02, "the load balancer is active")
        return lb

    def state(self, lb):
        return self.elb.describe_load_balancers(LoadBalancerArns=[lb["LoadBalancerArn"]])["LoadBalancers"][0]["State"]["Code"]

    def group(self, **more):
        options = dict(Protocol="HTTP", Port=8080, VpcId=self.vpc, TargetType="ip", HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2,
                       HealthyThresholdCount=2, UnhealthyThresholdCount=2)
        options.update(more)
        arn = self.elb.create_target_group(Name=f"tg-{random.randrange(1 << 32):08x}", **options)["TargetGroups"][0]["TargetGroupArn"]
        self.groups.append(arn)
        return arn

    def attributes(self, group, **values):
        self.elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[{"Key": k, "Value": str(v)} for k, v in values.items()])

    def listener(self, lb, group, port=80, **more):
        return self.elb.create_listener(LoadBalancerArn=lb["LoadBalancerArn"], Protocol=more.pop("Protocol", "HTTP"), Port=port,
                                        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}], **more)["Listeners"][0]["ListenerArn"]

    def register(self, group, *targets):
        self.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": t.ip, "Port": t.port} for t in targets])

    def deregister(self, group, *targets):
        self.elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": t.ip, "Port": t.port} for t in targets])

    def health(self, group, target):
        for d in self.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]:
            if d["Target"]["Id"] == target.ip:
                return d["TargetHealth"]
        return {"State": "gone"}

    def until(self, group, target, state, timeout=20):
        return wait_until(lambda: (h := self.health(group, target))["State"] == state and h, timeout, 0.05, f"{target.name} is {state}")

    def address(self, lb):
        enis = self.ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": ["ELB " + lb["LoadBalancerArn"].split("loadbalancer/")[1]]}])
        return next(e["Association"]["PublicIp"] for e in enis["NetworkInterfaces"] if "Association" in e)

    def proxy_pid(self, lb):
        path = os.path.join(self.cloud.data, "run", "proc", f"proxy-{lb['LoadBalancerArn'].rsplit('/', 1)[1]}.json")
        return json.load(open(path))["pid"] if os.path.exists(path) else None

    def destroy(self):
        for lb in self.balancers:
            self.elb.delete_load_balancer(LoadBalancerArn=lb)
        for g in self.groups:
            self.elb.delete_target_group(TargetGroupArn=g)
        for t in self.targets:
            t.remove()


def open_port(port, cidr):
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": cidr}]}


def get(address, path="/", port=80, host="app.test", headers=None, method="GET", timeout=10):
    c = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        c.request(method, path, headers={"Host": host, **(headers or {})})
        r = c.getresponse()
        return Answer(r.status, {k.lower(): v for k, v in r.getheaders()}, r.read().decode())
    finally:
        c.close()


def whose(answer):
    return json.loads(answer.body)["name"] if answer.status == 200 else answer.status


class Load:
    """Steady requests on kept and on new connections, counting every one that is not answered with 200."""

    def __init__(self, address, port=80, host="app.test", kept=3, fresh=2):
        self.total, self.bad, self.stopping = 0, collections.Counter(), False
        self.threads = [threading.Thread(target=self.run, args=(address, port, host, i < kept)) for i in range(kept + fresh)]
        for t in self.threads:
            t.start()

    def run(self, address, port, host, keep):
        c = None
        while not self.stopping:
            try:
                c = c or http.client.HTTPConnection(address, port, timeout=15)
                c.request("GET", "/load", headers={"Host": host})
                r = c.getresponse()
                r.read()
                if r.status != 200:
                    self.bad[r.status] += 1
                if not keep or r.will_close:
                    c.close()
                    c = None
            except OSError as e:
                self.bad[repr(e)] += 1
                c = None
            except http.client.HTTPException as e:
                self.bad[repr(e)] += 1
                c = None
            self.total += 1
            time.sleep(0.005)

    def stop(self):
        self.stopping = True
        for t in self.threads:
            t.join()
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def curl(*args):
    return subprocess.run(["curl", "-sS", "--max-time", "10", *args], capture_output=True, text=True)
