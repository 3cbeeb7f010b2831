"""The measurements that need containers and load balancers: bench.py takes them from here."""
import pathlib
import statistics
import subprocess
import tempfile
import time

import images
from bench import tell
from harness import wait_until


class Place:
    """A VPC with two public subnets, a group that lets everything in, a cluster and the test image."""

    def __init__(self, cloud, cidr):
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
            family="bench", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512", executionRoleArn=role,
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
    out = subprocess.run(["wrk", "-t1", "-c16", "-d6s", "-H", f"Host: {host}", url], capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    return float(next(line.split()[1] for line in out.splitlines() if line.startswith("Requests/sec")))


def bench_balancer(cloud):
    """The same two targets through our load balancer and through HAProxy configured by hand, turn by turn."""
    place = Place(cloud, "10.81.0.0/16")
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
    status = {b["name"]: b for b in __import__("json").loads(cloud.run("status", "--json").stdout)["load_balancers"]}["bench"]
    ours = f"http://{status['address']}:80/"

    folder = tempfile.mkdtemp(prefix="nbc-bench-haproxy-")
    pathlib.Path(folder, "h.cfg").write_text(f"""
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:18991
  default_backend b
backend b
  balance roundrobin
  option httpchk GET /
  {chr(10).join(f"  server s{i} {ip}:8080 namespace {namespace} check inter 5s" for i, ip in enumerate(targets))}
""")
    by_hand = subprocess.Popen(["haproxy", "-f", f"{folder}/h.cfg", "-db"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)
        mine, theirs = [], []
        for _ in range(3):
            mine.append(wrk(ours, lb["DNSName"]))
            theirs.append(wrk("http://127.0.0.1:18991/", "bench"))
        ratio = statistics.median(mine) / statistics.median(theirs)
        tell("through our load balancer", f"{statistics.median(mine):,.0f}/s against {statistics.median(theirs):,.0f}/s by hand: {ratio:.2f} (goal 0.95)",
             per_second=statistics.median(mine), by_hand=statistics.median(theirs), ratio=ratio)
    finally:
        by_hand.terminate()
        by_hand.wait()


BENCHES = {"task": bench_task, "balancer": bench_balancer}
