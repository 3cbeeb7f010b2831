"""Load balancers with real targets: what clients see, what the API tells, and that nobody loses a request."""
import base64
import json
import os
import re
import signal
import socket
import pathlib
import subprocess
import sys
import time

import pytest
from botocore.exceptions import ClientError

from harness import wait_until
from netns import ask, in_namespace, namespace, reaches

sys.path.append(str(pathlib.Path(__file__).parent))
from elbv2_helpers import Load, World, curl, get, open_port, whose  # noqa: E402

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def world(cloud):
    w = World(cloud)
    yield w
    w.destroy()


@pytest.fixture(scope="module")
def targets(world):
    return world.target("one"), world.target("two")


@pytest.fixture(scope="module")
def site(world, targets):
    """(load balancer, target group, listener) with both targets healthy; tests leave it so."""
    lb, group = world.balancer(), world.group()
    world.attributes(group, **{"deregistration_delay.timeout_seconds": 5})
    listener = world.listener(lb, group)
    world.register(group, *targets)
    for t in targets:
        world.until(group, t, "healthy")
    return lb, group, listener


def serves(address):
    try:
        return get(address).status == 200
    except OSError:
        return False


def test_it_answers_as_aws_describes_it(world, site):
    lb, group, listener = site
    seen = world.elb.describe_load_balancers(Names=[lb["LoadBalancerName"]])["LoadBalancers"][0]
    assert re.fullmatch(r"arn:aws:elasticloadbalancing:us-east-1:\d{12}:loadbalancer/app/lb-\w{8}/[0-9a-f]{16}", seen["LoadBalancerArn"])
    assert re.fullmatch(r"lb-\w{8}-\d+\.us-east-1\.elb\.nubecita\.localhost", seen["DNSName"])
    assert seen["Type"] == "application" and seen["Scheme"] == "internet-facing" and seen["VpcId"] == world.vpc
    assert {z["SubnetId"] for z in seen["AvailabilityZones"]} == set(world.subnets)
    tg = world.elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]
    assert tg["LoadBalancerArns"] == [lb["LoadBalancerArn"]] and tg["HealthCheckPath"] == "/" and tg["Matcher"] == {"HttpCode": "200"}
    rules = world.elb.describe_rules(ListenerArn=listener)["Rules"]
    assert [(r["Priority"], r["IsDefault"]) for r in rules] == [("default", True)]
    assert rules[0]["Actions"][0]["TargetGroupArn"] == group
    enis = world.ec2.describe_network_interfaces(Filters=[{"Name": "requester-id", "Values": ["amazon-elb"]}, {"Name": "subnet-id", "Values": world.subnets}])
    mine = [e for e in enis["NetworkInterfaces"] if lb["LoadBalancerName"] in e["Description"]]
    assert len(mine) == 2 and all(e["Groups"][0]["GroupId"] == world.lb_group for e in mine)


def test_both_ways_in_reach_both_targets(world, site):
    lb = site[0]
    address = world.address(lb)
    assert {whose(get(address)) for _ in range(8)} == {"one", "two"}
    door = world.cloud.config["http_port"]
    answer = wait_until(lambda: (a := get("127.0.0.1", port=door, host=lb["DNSName"])).status == 200 and a, 10, what="the front door leads there")
    headers = json.loads(answer.body)["headers"]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http" and headers["x-forwarded-port"] == "80"
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", headers["x-amzn-trace-id"])
    assert get("127.0.0.1", port=door, host="nobody.localhost").status == 404
    by_name = curl(f"http://{lb['DNSName']}:{door}/")
    assert '"name"' in by_name.stdout, by_name.stderr


def test_security_group_governs_the_listener(world, site):
    lb, address = site[0], world.address(site[0])
    door = world.cloud.config["http_port"]
    assert get(address).status == 200
    world.ec2.revoke_security_group_ingress(GroupId=world.lb_group, IpPermissions=[open_port(80, "0.0.0.0/0")])
    wait_until(lambda: not reaches(None, address, 80, 0.3), 10, what="the closed port refuses")

    def refused():
        try:
            return get("127.0.0.1", port=door, host=lb["DNSName"], timeout=2).status != 200
        except OSError:
            return True
    wait_until(refused, 10, what="the front door refuses too")
    world.ec2.authorize_security_group_ingress(GroupId=world.lb_group, IpPermissions=[open_port(80, "127.0.0.0/8")])
    wait_until(lambda: serves(address), 10, what="the port is open for local clients")
    world.ec2.authorize_security_group_ingress(GroupId=world.lb_group, IpPermissions=[open_port(80, "0.0.0.0/0")])
    world.ec2.revoke_security_group_ingress(GroupId=world.lb_group, IpPermissions=[open_port(80, "127.0.0.0/8")])


def test_targets_admit_only_the_load_balancer(world, site, targets):
    outsider = world.target("outsider")
    assert not reaches(outsider.netns, targets[0].ip, 8080)


def test_deregistered_target_drains(world, site, targets):
    lb, group, _ = site
    address = world.address(lb)
    targets[0].delay = 1
    try:
        with Load(address) as load:
            time.sleep(0.5)
            world.deregister(group, targets[0])
            assert world.health(group, targets[0])["State"] == "draining"
            assert world.health(group, targets[0])["Reason"] == "Target.DeregistrationInProgress"
            time.sleep(1.5)
            served = targets[0].served
            time.sleep(1)
            assert targets[0].served == served, "a draining target gets no new requests"
            wait_until(lambda: world.health(group, targets[0])["State"] == "gone", 10, what="the drained target is gone")
        assert load.total > 50 and not load.bad, load.bad
    finally:
        targets[0].delay = 0
        world.register(group, targets[0])
        world.until(group, targets[0], "healthy")


def test_health_tells_the_truth(world, site, targets):
    lb, group, _ = site
    address = world.address(lb)
    targets[1].status = 500
    health = world.until(group, targets[1], "unhealthy", 30)
    assert health["Reason"] == "Target.ResponseCodeMismatch" and health["Description"] == "Health checks failed with these codes: [500]"
    assert {whose(get(address)) for _ in range(10)} == {"one"}
    targets[1].status = 200
    world.until(group, targets[1], "healthy", 30)
    unknown = world.elb.describe_target_health(TargetGroupArn=group, Targets=[{"Id": "10.7.0.99"}])["TargetHealthDescriptions"][0]
    assert unknown["TargetHealth"]["State"] == "unused" and unknown["TargetHealth"]["Reason"] == "Target.NotRegistered"


def test_all_unhealthy_fails_open(world, site, targets):
    """AWS: a group that contains only unhealthy registered targets gets requests on all of them; health says what is true."""
    lb, group, _ = site
    address = world.address(lb)
    try:
        for t in targets:
            t.failing_checks = True
        for t in targets:
            world.until(group, t, "unhealthy", 30)
        assert {whose(get(address)) for _ in range(10)} == {"one", "two"}
        assert {world.health(group, t)["State"] for t in targets} == {"unhealthy"}
    finally:
        for t in targets:
            t.failing_checks = False
    for t in targets:
        world.until(group, t, "healthy", 30)


def test_dead_target_costs_no_idempotent_request(world, site, targets):
    lb, group, _ = site
    with Load(world.address(lb)) as load:
        time.sleep(0.5)
        targets[1].kill()
        time.sleep(2)
    assert load.total > 100 and not load.bad, load.bad
    assert world.until(group, targets[1], "unhealthy", 30)["Reason"] == "Target.FailedHealthChecks"
    targets[1].start()
    world.until(group, targets[1], "healthy", 30)


def test_rules_redirects_and_fixed_answers(world, site, targets):
    lb, group, listener = site
    address, elb = world.address(lb), world.elb
    other = world.group()
    made = []

    def rule(priority, conditions, action):
        made.append(elb.create_rule(ListenerArn=listener, Priority=priority, Conditions=conditions, Actions=[action])["Rules"][0]["RuleArn"])

    fixed = lambda code, body: {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": code, "ContentType": "text/plain", "MessageBody": body}}
    rule(1, [{"Field": "path-pattern", "Values": ["/teapot*"]}], fixed("418", "tea \"pot\"\nwith % and $"))
    rule(2, [{"Field": "host-header", "Values": ["*.old.test"]}],
         {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "Host": "new.test", "StatusCode": "HTTP_301"}})
    rule(3, [{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Kind", "Values": ["be*"]}},
             {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["PUT"]}}], fixed("202", "put"))
    rule(4, [{"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2"}]}}], fixed("203", "query"))
    rule(5, [{"Field": "source-ip", "SourceIpConfig": {"Values": ["192.0.2.0/24"]}}], fixed("403", "never"))
    rule(6, [{"Field": "path-pattern", "Values": ["/empty"]}], {"Type": "forward", "TargetGroupArn": other})
    answer = wait_until(lambda: (a := get(address, "/teapot/1")).status == 418 and a, 10, what="the rule is in force")
    assert answer.body == "tea \"pot\"\nwith % and $" and answer.headers["server"] == "awselb/2.0"
    wait_until(lambda: get(address, "/empty").status == 503, 10, what="a group without targets")
    assert "503 Service Temporarily Unavailable" in get(address, "/empty").body
    answer = get(address, "/a/b?c=d", host="www.old.test")
    assert answer.status == 301 and answer.headers["location"] == "https://new.test:443/a/b?c=d"
    assert get(address, "/", headers={"X-Kind": "beta"}, method="PUT").body == "put"
    assert get(address, "/", headers={"X-Kind": "beta"}).status == 200
    assert get(address, "/?a=1&V=2").status == 203
    assert [r["Priority"] for r in elb.describe_rules(ListenerArn=listener)["Rules"]] == ["1", "2", "3", "4", "5", "6", "default"]
    elb.set_rule_priorities(RulePriorities=[{"RuleArn": made[0], "Priority": 60}])
    assert elb.describe_rules(RuleArns=[made[0]])["Rules"][0]["Priority"] == "60"
    with pytest.raises(ClientError, match="currently in use by a listener or a rule"):
        elb.delete_target_group(TargetGroupArn=other)
    for arn in made:
        elb.delete_rule(RuleArn=arn)
    wait_until(lambda: get(address, "/teapot").status == 200, 10, what="the rules are gone")


def test_weights_shift_without_loss(world, site, targets):
    lb, group, listener = site
    address = world.address(lb)
    blue = group
    green = world.group()
    third = world.target("three")
    world.register(green, third)

    def share(b, g, sticky=False):
        world.elb.modify_listener(ListenerArn=listener, DefaultActions=[{"Type": "forward", "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": blue, "Weight": b}, {"TargetGroupArn": green, "Weight": g}],
            "TargetGroupStickinessConfig": {"Enabled": sticky, "DurationSeconds": 60}}}])

    with Load(address) as load:
        share(100, 0)
        world.until(green, third, "healthy")
        share(50, 50)
        wait_until(lambda: {"one", "two", "three"} == {whose(get(address)) for _ in range(20)}, 10, what="both groups")
        share(0, 100)
        wait_until(lambda: {"three"} == {whose(get(address)) for _ in range(20)}, 10, what="the new group only")
        share(50, 50, sticky=True)
        cookie = wait_until(lambda: get(address).headers.get("set-cookie"), 10, what="a stickiness cookie").split(";")[0]
        assert cookie.startswith("AWSALBTG=")
        once = whose(get(address, headers={"Cookie": cookie})) == "three"
        assert all((whose(get(address, headers={"Cookie": cookie})) == "three") == once for _ in range(20))
        share(100, 0)
    assert not load.bad, load.bad
    world.elb.modify_listener(ListenerArn=listener, DefaultActions=[{"Type": "forward", "TargetGroupArn": blue}])


def test_sticky_targets(world, site):
    lb, group, _ = site
    address = world.address(lb)
    world.attributes(group, **{"stickiness.enabled": "true", "stickiness.lb_cookie.duration_seconds": 100})
    cookie = wait_until(lambda: (c := get(address).headers.get("set-cookie", "")).startswith("AWSALB=") and c, 10, what="a cookie").split(";")[0]
    assert len({whose(get(address, headers={"Cookie": cookie})) for _ in range(20)}) == 1
    world.attributes(group, **{"stickiness.enabled": "false"})


def test_websocket_and_streaming(world, site):
    address = world.address(site[0])
    with socket.create_connection((address, 80), 5) as s:
        s.sendall(b"GET /ws HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
                  + base64.b64encode(os.urandom(16)) + b"\r\n\r\n")
        assert b" 101 " in s.recv(4096)
        s.sendall(b"frame")
        assert s.recv(100) == b"frame"
    with socket.create_connection((address, 80), 5) as s:
        s.sendall(b"GET /stream HTTP/1.1\r\nHost: app.test\r\n\r\n")
        start, first = time.time(), None
        data = b""
        while b"\r\n0\r\n\r\n" not in data:
            data += s.recv(4096)
            if b"parts" in data and first is None:
                first = time.time() - start
        assert first < 0.3 and time.time() - start > 0.6, "the parts come as they are made"


def test_control_plane_may_die(world, site, targets):
    lb, group, _ = site
    address, pid = world.address(lb), world.proxy_pid(lb)
    with Load(address) as load:
        world.cloud.kill9()
        time.sleep(1)
        world.cloud.start()
        world.deregister(group, targets[1])
        wait_until(lambda: world.health(group, targets[1])["State"] == "gone", 15, what="it works on after the restart")
        world.register(group, targets[1])
        world.until(group, targets[1], "healthy")
    assert load.total > 100 and not load.bad, load.bad
    assert world.proxy_pid(lb) == pid, "the proxy was adopted"


def test_dead_proxy_comes_back(world, site):
    lb = site[0]
    pid = world.proxy_pid(lb)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: world.proxy_pid(lb) not in (None, pid), 10, what="another proxy")
    address = world.address(lb)
    wait_until(lambda: serves(address), 10, what="it serves again")


def self_signed(tmp_path, name):
    key, cert = tmp_path / f"{name}.key", tmp_path / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
                    "-days", "30", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    return cert.read_text(), key.read_text()


def test_https_with_names_and_http2(world, site, tmp_path):
    lb, group, _ = site
    iam, address = world.cloud.client("iam"), world.address(site[0])
    arns = {}
    for name in ("first.test", "second.test"):
        body, key = self_signed(tmp_path, name)
        arns[name] = iam.upload_server_certificate(ServerCertificateName=name.replace(".", "-") + lb["LoadBalancerName"], CertificateBody=body, PrivateKey=key)["ServerCertificateMetadata"]
    listener = world.listener(lb, group, 443, Protocol="HTTPS", Certificates=[{"CertificateArn": arns["first.test"]["Arn"]}],
                              SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06")
    world.elb.add_listener_certificates(ListenerArn=listener, Certificates=[{"CertificateArn": arns["second.test"]["Arn"]}])
    ask_https = lambda name, *more: curl("--resolve", f"{name}:443:{address}", "--cacert", str(tmp_path / f"{name}.pem"), *more, f"https://{name}/")
    wait_until(lambda: ask_https("second.test").returncode == 0, 15, what="both certificates are served")
    out = ask_https("first.test", "--http2", "-w", "\\n%{http_version}")
    assert out.stdout.endswith("\n2"), out
    assert json.loads(out.stdout.rsplit("\n", 1)[0])["headers"]["x-forwarded-proto"] == "https"
    assert ask_https("first.test", "--tls-max", "1.1").returncode != 0
    door = world.cloud.config["https_port"]
    through = wait_until(lambda: (o := curl("-k", f"https://{lb['DNSName']}:{door}/")).returncode == 0 and o, 10, what="TLS through the front door")
    assert json.loads(through.stdout)["headers"]["x-forwarded-for"] == "127.0.0.1"
    with pytest.raises(ClientError):
        iam.delete_server_certificate(ServerCertificateName=arns["first.test"]["ServerCertificateName"])
    world.elb.delete_listener(ListenerArn=listener)
    for a in arns.values():
        iam.delete_server_certificate(ServerCertificateName=a["ServerCertificateName"])


def test_internal_load_balancer(world, targets):
    lb, group = world.balancer("internal"), world.group()
    assert lb["DNSName"].startswith("internal-")
    world.listener(lb, group)
    world.register(group, targets[0])
    world.until(group, targets[0], "healthy")
    client = world.target("inside")
    addresses = wait_until(lambda: ask(client.netns, "10.7.0.2", lb["DNSName"]), 10, what="the internal name")
    assert len(addresses) == 2
    for a in addresses:
        assert in_namespace(client.netns, lambda: get(a)).status == 200
    world.ec2.revoke_security_group_ingress(GroupId=world.lb_group, IpPermissions=[open_port(80, "0.0.0.0/0")])
    wait_until(lambda: not reaches(client.netns, addresses[0], 80, 0.3), 10, what="its security group")
    world.ec2.authorize_security_group_ingress(GroupId=world.lb_group, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": world.target_group}]}])
    wait_until(lambda: reaches(client.netns, addresses[0], 80, 0.3), 10, what="a rule that names a group")
    world.ec2.authorize_security_group_ingress(GroupId=world.lb_group, IpPermissions=[open_port(80, "0.0.0.0/0")])


def test_names_mean_the_same_in_every_vpc(world, site, targets):
    """As in public DNS: another VPC, of another region, resolves both names and reaches the public address through its gateway."""
    internal = world.balancer("internal")
    ec2 = world.cloud.client("ec2", region="eu-west-1")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.1.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"][0]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    eni = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    association = ec2.associate_address(AllocationId=address, NetworkInterfaceId=eni)["AssociationId"]
    try:
        inside = wait_until(lambda: namespace(eni), 20, 0.01, "the interface's namespace")
        public = wait_until(lambda: ask(inside, "10.8.0.2", site[0]["DNSName"]), 10, what="the name in another VPC")
        assert public == [world.address(site[0])]
        assert wait_until(lambda: reaches(inside, public[0], 80, 0.3), 10, what="the way to it")
        assert in_namespace(inside, lambda: get(public[0])).status == 200
        assert in_namespace(inside, lambda: get(public[0], port=world.cloud.config["http_port"])).status == 200, "by the URL that people have outside"
        assert set(ask(inside, "10.8.0.2", internal["DNSName"])) == set(ask(targets[0].netns, "10.7.0.2", internal["DNSName"]))
        later = world.balancer()
        wait_until(lambda: ask(inside, "10.8.0.2", later["DNSName"]) == [world.address(later)], 10, what="a name made later")
    finally:
        ec2.disassociate_address(AssociationId=association)
        ec2.release_address(AllocationId=address)
        ec2.delete_network_interface(NetworkInterfaceId=eni)
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ec2.delete_internet_gateway(InternetGatewayId=gateway)
        ec2.delete_subnet(SubnetId=subnet)
        ec2.delete_vpc(VpcId=vpc)


def test_attributes_reach_the_proxy(world, site):
    lb = site[0]
    address = world.address(lb)
    set_ = lambda **kv: world.elb.modify_load_balancer_attributes(LoadBalancerArn=lb["LoadBalancerArn"], Attributes=[{"Key": k, "Value": v} for k, v in kv.items()])
    seen = lambda: json.loads(get(address, headers={"X-Forwarded-For": "9.9.9.9", "bad_name": "x"}).body)["headers"]
    assert seen()["x-forwarded-for"] == "9.9.9.9, 127.0.0.1" and "bad_name" in seen()
    set_(**{"routing.http.xff_header_processing.mode": "remove", "routing.http.drop_invalid_header_fields.enabled": "true"})
    wait_until(lambda: "x-forwarded-for" not in (h := seen()) and "bad_name" not in h, 10, what="the attributes")
    set_(**{"routing.http.xff_header_processing.mode": "append", "routing.http.drop_invalid_header_fields.enabled": "false"})
    with pytest.raises(ClientError, match="attribute key 'no.such.key' is not recognized"):
        set_(**{"no.such.key": "1"})


def test_other_operations(world, site):
    lb, group, listener = site
    elb = world.elb
    with pytest.raises(ClientError) as e:
        elb.describe_capacity_reservation(LoadBalancerArn=lb["LoadBalancerArn"])
    assert e.value.response["Error"]["Code"] == "InvalidAction"
    with pytest.raises(ClientError) as e:
        elb.create_load_balancer(Name="net", Type="network", Subnets=world.subnets)
    assert "not served" in str(e.value)
    with pytest.raises(ClientError) as e:
        elb.describe_load_balancers(Names=["nobody"])
    assert e.value.response["Error"]["Code"] == "LoadBalancerNotFound"
    elb.add_tags(ResourceArns=[lb["LoadBalancerArn"], group, listener], Tags=[{"Key": "env", "Value": "t"}])
    tags = elb.describe_tags(ResourceArns=[group, listener])["TagDescriptions"]
    assert [t["Tags"] for t in tags] == [[{"Key": "env", "Value": "t"}]] * 2
    assert any(p["Name"] == "ELBSecurityPolicy-2016-08" for p in elb.describe_ssl_policies()["SslPolicies"])
    assert elb.describe_account_limits()["Limits"]


def test_deleting_leaves_nothing(world, targets):
    lb, group = world.balancer(), world.group()
    world.listener(lb, group)
    world.register(group, targets[0])
    world.until(group, targets[0], "healthy")
    pid, address = world.proxy_pid(lb), world.address(lb)
    with pytest.raises(ClientError) as e:
        world.elb.delete_target_group(TargetGroupArn=group)
    assert e.value.response["Error"]["Code"] == "ResourceInUse"
    world.elb.delete_load_balancer(LoadBalancerArn=lb["LoadBalancerArn"])
    wait_until(lambda: not os.path.exists(f"/proc/{pid}") or "Z" in open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1][:3], 10, what="its proxy has ended")
    assert world.health(group, targets[0])["State"] == "unused"
    description = {"Name": "description", "Values": ["ELB " + lb["LoadBalancerArn"].split("loadbalancer/")[1]]}
    wait_until(lambda: not world.ec2.describe_network_interfaces(Filters=[description])["NetworkInterfaces"], 5, what="its interfaces are gone")
    wait_until(lambda: not reaches(None, address, 80, 0.3), 5, what="its address is closed")
    files = os.path.join(world.cloud.data, "run", "proxies", lb["LoadBalancerArn"].rsplit("/", 1)[1])
    wait_until(lambda: not os.path.exists(files), 5, what="its files are removed")
