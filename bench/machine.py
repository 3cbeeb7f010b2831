"""The measurements that need containers and load balancers: bench.py takes them from here."""
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

import images
from bench import tell
from harness import wait_until


class Place:
    """A VPC with two public subnets, a group that lets everything in, a cluster and the test image."""

    def __init__(self, cloud, cidr, cpu="256", memory="512"):
        ec2 = self.ec2 = cloud.client("ec2")
        base = cidr.rsplit(".", 2)[0]
        self.vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["RouteTables"][0]["RouteTableId"]
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        zones = [z["ZoneName"] for z in ec2.describe_availability_zones()["AvailabilityZones"]]
        self.subnets = [ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"{base}.{i}.0/24", AvailabilityZone=zones[i])["Subnet"]["SubnetId"]
                        for i in (0, 1)]
        self.group = ec2.create_security_group(GroupName="bench", Description="bench", VpcId=self.vpc)["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
        self.image = images.push(cloud, images.web_image(), "bench-web", "1")
        ecs = self.ecs = cloud.client("ecs")
        ecs.create_cluster(clusterName="bench")
        role = self.role(cloud)
        ecs.register_task_definition(
            family="bench", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu=cpu, memory=memory, executionRoleArn=role,
            containerDefinitions=[{"name": "web", "image": self.image, "essential": True, "portMappings": [{"containerPort": 8080}],
                                   "environment": [{"name": "PORT", "value": "8080"}]}])
        self.network = {"awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": [self.group]}}

    @staticmethod
    def role(cloud):
        iam = cloud.client("iam")
        trust = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
        arn = iam.create_role(RoleName="bench-execution", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        iam.attach_role_policy(RoleName="bench-execution", PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
        return arn


def bench_task(cloud):
    place = Place(cloud, "10.80.0.0/16")
    times = []
    for i in range(8):
        started = time.perf_counter()
        task = place.ecs.run_task(cluster="bench", taskDefinition="bench", launchType="FARGATE",
                                  networkConfiguration=place.network)["tasks"][0]["taskArn"]
        wait_until(lambda: place.ecs.describe_tasks(cluster="bench", tasks=[task])["tasks"][0]["lastStatus"] == "RUNNING", 60, 0.005, "RUNNING")
        times.append((time.perf_counter() - started) * 1000)
        place.ecs.stop_task(cluster="bench", task=task)
    tell("RunTask to RUNNING", f"first {times[0]:.0f} ms (pulls the image), then median {statistics.median(times[1:]):.0f} ms (goal 400)",
         first_ms=times[0], ms=statistics.median(times[1:]))


def wrk(url, host):
    """Requests per second, and how many there were."""
    out = subprocess.run(["wrk", "-t1", "-c16", "-d2s", "-H", f"Host: {host}", url], capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    lines = [line.split() for line in out.splitlines()]
    return float(next(w[1] for w in lines if w and w[0] == "Requests/sec:")), int(next(w[0] for w in lines if w[1:3] == ["requests", "in"]))


def cpu_us(pid):
    """CPU time of all threads; /proc/PID/stat counts in ticks, which is too coarse."""
    return sum(int((t / "schedstat").read_text().split()[0]) for t in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1000


# What a careful person would write for the same job. The second one also repeats what a dying target leaves unanswered,
# as ours does; the first one answers it with 502.
BY_HAND = """
global
  nbthread 1
defaults
  mode http
  timeout connect 3s
  timeout client 60s
  timeout server 60s
  timeout http-request 60s
  {retry}
frontend f
  bind {address}:{port}
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Port 80
  {safe}
  default_backend b
backend b
  balance roundrobin
  option httpchk GET /
{servers}
"""
RETRY = {"retry": "retry-on conn-failure empty-response", "safe": "http-request disable-l7-retry unless METH_GET"}


class ByHand:
    """HAProxy in the place of the load balancer's: same public address, targets through the same interface."""

    def __init__(self, address, port, targets, namespace, **options):
        self.url = f"http://{address}:{port}/"
        servers = "\n".join(f"  server s{i} {ip}:8080 namespace {namespace} check inter 5s" for i, ip in enumerate(targets))
        self.folder = tempfile.mkdtemp(prefix="nbc-bench-haproxy-")
        config = pathlib.Path(self.folder, "h.cfg")
        config.write_text(BY_HAND.format(**{"retry": "", "safe": "", "address": address, "port": port, "servers": servers, **options}))
        # A session of its own, as every service has: the scheduler shares out the processors among sessions.
        self.process = subprocess.Popen(["haproxy", "-f", config, "-db"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.pid = self.process.pid

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


class Ours:
    def __init__(self, cloud, address, arn):
        self.url = f"http://{address}:80/"
        master = json.loads(pathlib.Path(cloud.data, "run/proc", f"proxy-{arn.rsplit('/', 1)[1]}.json").read_text())["pid"]
        self.pid = max(int(p) for p in pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split())


def bench_balancer(cloud, rounds=12):
    """The same two targets through our load balancer and through HAProxy configured by hand, turn by turn.

    Load generator, proxy and targets share the machine's cores, so requests per second tell of all three: the proxy's CPU
    time per request is the figure that compares. Ratios are medians of the rounds' own ratios."""
    place = Place(cloud, "10.81.0.0/16", cpu="1024", memory="2048")  # with less the targets would be what is measured
    elb = cloud.client("elbv2")
    lb = elb.create_load_balancer(Name="bench", Subnets=place.subnets, SecurityGroups=[place.group])["LoadBalancers"][0]
    tg = elb.create_target_group(Name="bench", Protocol="HTTP", Port=8080, VpcId=place.vpc, TargetType="ip", HealthCheckIntervalSeconds=5,
                                 HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
    elb.create_listener(LoadBalancerArn=lb["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": tg}])
    place.ecs.create_service(cluster="bench", serviceName="bench", taskDefinition="bench", desiredCount=2, launchType="FARGATE",
                             networkConfiguration=place.network,
                             loadBalancers=[{"targetGroupArn": tg, "containerName": "web", "containerPort": 8080}])
    wait_until(lambda: [t["TargetHealth"]["State"] for t in elb.describe_target_health(TargetGroupArn=tg)["TargetHealthDescriptions"]]
               == ["healthy"] * 2, 90, 0.2, "two healthy targets")
    targets = [t["Target"]["Id"] for t in elb.describe_target_health(TargetGroupArn=tg)["TargetHealthDescriptions"]]
    enis = place.ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [place.vpc]}])["NetworkInterfaces"]
    eni = next(e for e in enis if e["Description"].startswith("ELB app/"))
    namespace = next(n for n in pathlib.Path("/run/netns").iterdir() if n.name.endswith(eni["NetworkInterfaceId"])).name
    address = {b["name"]: b for b in json.loads(cloud.run("status", "--json").stdout)["load_balancers"]}["bench"]["address"]

    proxies = {"ours": Ours(cloud, address, lb["LoadBalancerArn"]), "by hand": ByHand(address, 18991, targets, namespace),
               "by hand, with retries": ByHand(address, 18992, targets, namespace, **RETRY)}
    rate, cpu = ({name: [] for name in proxies} for _ in range(2))
    try:
        time.sleep(2)
        for turn in range(rounds):
            for name in sorted(proxies, reverse=turn % 2 == 1):
                before = cpu_us(proxies[name].pid)
                per_second, requests = wrk(proxies[name].url, lb["DNSName"])
                rate[name].append(per_second)
                cpu[name].append((cpu_us(proxies[name].pid) - before) / requests)
        for name in proxies:
            ratio = statistics.median(a / b for a, b in zip(rate["ours"], rate[name]))
            by_cpu = statistics.median(b / a for a, b in zip(cpu["ours"], cpu[name]))
            compared = "" if name == "ours" else f"; ours / this: {ratio:.2f}, by CPU {by_cpu:.2f} (goal 0.95)"
            tell(f"load balancer, {name}", f"{statistics.median(rate[name]):,.0f}/s, {statistics.median(cpu[name]):.1f} µs CPU{compared}",
                 per_second=rate[name], cpu_us=cpu[name], ratio=ratio, ratio_cpu=by_cpu)
    finally:
        for name in proxies:
            if name != "ours":
                proxies[name].stop()


BENCHES = {"task": bench_task, "balancer": bench_balancer}
