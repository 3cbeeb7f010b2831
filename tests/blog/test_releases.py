"""Releases, accidents and scaling under a steady load, on a service of two tasks behind a load balancer: no request is lost.

The same on the Ghost blog itself is tests/blog/test_ghost.py; here a small web server shows more cases in less time.
"""
import json
import os
import signal
import subprocess
import time
import urllib.request

import images
import pytest
from harness import wait_until
from load import Load

pytestmark = [pytest.mark.host, pytest.mark.timeout(900)]
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]})


class Site:
    """The network, service and load balancer that every test of this file shares."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.ec2, self.ecs, self.elb, self.iam = (cloud.client(s) for s in ("ec2", "ecs", "elbv2", "iam"))
        ec2 = self.ec2
        self.vpc = ec2.create_vpc(CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]
        self.igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=self.igw, VpcId=self.vpc)
        zones = [z["ZoneName"] for z in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
        subnet = lambda third, zone: ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.40.{third}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        self.public = [subnet(i, z) for i, z in enumerate(zones)]
        self.private = [subnet(10 + i, z) for i, z in enumerate(zones)]
        table = ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=self.igw)
        for s in self.public:
            ec2.associate_route_table(RouteTableId=table, SubnetId=s)
        group = lambda name: ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"]
        self.lb_group, self.task_group = group("lb"), group("tasks")
        ec2.authorize_security_group_ingress(GroupId=self.lb_group, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
        ec2.authorize_security_group_ingress(GroupId=self.task_group, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "UserIdGroupPairs": [{"GroupId": self.lb_group}]}])
        self.image = images.push(cloud, images.web_image(), "site", "1")
        self.role = self.iam.create_role(RoleName="site-execution", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        self.iam.attach_role_policy(RoleName="site-execution", PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
        self.ecs.create_cluster(clusterName="site")
        self.balancer = self.elb.create_load_balancer(Name="site", Subnets=self.public, SecurityGroups=[self.lb_group])["LoadBalancers"][0]
        self.targets = self.elb.create_target_group(
            Name="site", Protocol="HTTP", Port=8080, VpcId=self.vpc, TargetType="ip", HealthCheckPath="/health",
            HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2, HealthyThresholdCount=2, UnhealthyThresholdCount=2)["TargetGroups"][0]["TargetGroupArn"]
        self.elb.modify_target_group_attributes(TargetGroupArn=self.targets, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "3"}])
        self.elb.create_listener(LoadBalancerArn=self.balancer["LoadBalancerArn"], Protocol="HTTP", Port=80,
                                 DefaultActions=[{"Type": "forward", "TargetGroupArn": self.targets}])
        self.register("1")
        self.ecs.create_service(
            cluster="site", serviceName="web", taskDefinition="web", desiredCount=2, launchType="FARGATE", healthCheckGracePeriodSeconds=20,
            deploymentConfiguration={"minimumHealthyPercent": 100, "maximumPercent": 200,
                                     "deploymentCircuitBreaker": {"enable": True, "rollback": True}},
            networkConfiguration={"awsvpcConfiguration": {"subnets": self.private, "securityGroups": [self.task_group]}},
            loadBalancers=[{"targetGroupArn": self.targets, "containerName": "web", "containerPort": 8080}])
        self.url = f"http://{self.balancer['DNSName']}:{cloud.config['http_port']}/"
        self.wait_steady(2)

    def register(self, revision, **environment):
        environment.update(REVISION=revision, PORT="8080")
        return self.ecs.register_task_definition(
            family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512", executionRoleArn=self.role,
            containerDefinitions=[{"name": "web", "image": self.image, "essential": True, "portMappings": [{"containerPort": 8080}],
                                   "environment": [{"name": k, "value": v} for k, v in environment.items()]}])["taskDefinition"]["taskDefinitionArn"]

    def service(self):
        return self.ecs.describe_services(cluster="site", services=["web"])["services"][0]

    def healthy(self):
        states = self.elb.describe_target_health(TargetGroupArn=self.targets)["TargetHealthDescriptions"]
        return [t["TargetHealth"]["State"] for t in states]

    def tasks(self):
        arns = self.ecs.list_tasks(cluster="site", serviceName="web")["taskArns"]
        return self.ecs.describe_tasks(cluster="site", tasks=arns)["tasks"] if arns else []

    def wait_steady(self, count, definition=None, timeout=120):
        def steady():
            s = self.service()
            return (len(s["deployments"]) == 1 and s["runningCount"] == s["desiredCount"] == count and self.healthy() == ["healthy"] * count
                    and s["deployments"][0].get("rolloutState") == "COMPLETED"
                    and (definition is None or s["taskDefinition"] == definition))
        wait_until(steady, timeout, 0.2, lambda: f"a steady service of {count}: {self.service()} {self.healthy()}")

    def revision(self):
        request = urllib.request.Request(f"http://127.0.0.1:{self.cloud.config['http_port']}/", headers={"Host": self.balancer["DNSName"]})
        return json.loads(urllib.request.urlopen(request, timeout=10).read())["revision"]

    def pids(self):
        """Process ids of the containers, from podman's own inspection by way of `nubecita status`."""
        status = json.loads(self.cloud.run("status", "--json").stdout)
        return {t["task"]: t["pids"] for t in status["tasks"]}


@pytest.fixture(scope="module")
def site(cloud):
    return Site(cloud)


def check(load, at_least=50):
    assert load.bad == [], f"{len(load.bad)} of {load.total} requests lost: {load.bad[:5]}"
    assert load.total >= at_least


def test_rolling_update(site):
    before = site.revision()
    definition = site.register(str(int(before) + 1))
    with Load(site.url) as load:
        site.ecs.update_service(cluster="site", service="web", taskDefinition=definition)
        site.wait_steady(2, definition)
    check(load)
    assert site.revision() == str(int(before) + 1)


def test_kill_of_one_task(site):
    with Load(site.url) as load:
        time.sleep(1)
        victim, pids = sorted(site.pids().items())[0]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: victim not in site.pids(), 60, 0.2, "the killed task is replaced")
        site.wait_steady(2)
    check(load)


def test_scaling(site):
    with Load(site.url) as load:
        site.ecs.update_service(cluster="site", service="web", desiredCount=4)
        site.wait_steady(4)
        site.ecs.update_service(cluster="site", service="web", desiredCount=2)
        site.wait_steady(2)
    check(load)


def test_kill_9_of_the_control_plane(site):
    before = site.pids()
    processes = json.loads(site.cloud.run("status", "--json").stdout)["processes"]
    with Load(site.url) as load:
        for _ in range(5):
            time.sleep(0.5)
            site.cloud.kill9()
            time.sleep(0.5)
            site.cloud.start()
        site.wait_steady(2)
    check(load)
    assert site.pids() == before, "tasks are adopted, not recreated"
    assert json.loads(site.cloud.run("status", "--json").stdout)["processes"] == processes, "proxies and name servers are adopted"


def test_bad_revision_is_rolled_back(site):
    good = site.service()["taskDefinition"]
    bad = site.register("999", FAIL_HEALTH="1")
    with Load(site.url) as load:
        site.ecs.update_service(cluster="site", service="web", taskDefinition=bad)
        wait_until(lambda: site.service()["taskDefinition"] == good, 400, 0.5, "roll-back")
        site.wait_steady(2, good)
    check(load)
    said = " ".join(e["message"] for e in site.service()["events"])
    assert "rolling back" in said, said[:2000]


def test_wrong_order_and_clean_removal(site):
    """Last: AWS's DependencyViolation in the wrong order, and nothing left on the machine in the right one."""
    from botocore.exceptions import ClientError

    def refused(code, call, **arguments):
        with pytest.raises(ClientError) as e:
            call(**arguments)
        assert e.value.response["Error"]["Code"] == code, e.value

    refused("DependencyViolation", site.ec2.delete_vpc, VpcId=site.vpc)
    refused("DependencyViolation", site.ec2.delete_subnet, SubnetId=site.private[0])
    refused("DependencyViolation", site.ec2.delete_security_group, GroupId=site.task_group)
    refused("DependencyViolation", site.ec2.detach_internet_gateway, InternetGatewayId=site.igw, VpcId=site.vpc)
    refused("ResourceInUse", site.elb.delete_target_group, TargetGroupArn=site.targets)
    refused("ClusterContainsServicesException", site.ecs.delete_cluster, cluster="site")

    site.ecs.delete_service(cluster="site", service="web", force=True)
    wait_until(lambda: not site.tasks(), 60, 0.2, "tasks end")
    wait_until(lambda: site.service()["status"] == "INACTIVE", 60, 0.2, "the service is gone")
    site.elb.delete_load_balancer(LoadBalancerArn=site.balancer["LoadBalancerArn"])
    site.elb.delete_target_group(TargetGroupArn=site.targets)
    site.ecs.delete_cluster(cluster="site")

    def delete(call, **arguments):
        def gone():
            try:
                call(**arguments)
                return True
            except ClientError as e:
                assert e.response["Error"]["Code"] == "DependencyViolation", e
                return False
        wait_until(gone, 30, 0.2, f"{call.__name__}")

    for s in site.public + site.private:
        delete(site.ec2.delete_subnet, SubnetId=s)
    delete(site.ec2.delete_security_group, GroupId=site.task_group)
    delete(site.ec2.delete_security_group, GroupId=site.lb_group)
    for table in site.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [site.vpc]}])["RouteTables"]:
        if not any(a["Main"] for a in table["Associations"]):
            site.ec2.delete_route_table(RouteTableId=table["RouteTableId"])
    site.ec2.detach_internet_gateway(InternetGatewayId=site.igw, VpcId=site.vpc)
    site.ec2.delete_internet_gateway(InternetGatewayId=site.igw)
    site.ec2.delete_vpc(VpcId=site.vpc)
    wait_until(lambda: site.vpc not in subprocess.run(["ip", "netns"], capture_output=True, text=True).stdout, 30, 0.2, "the router is gone")
    status = json.loads(site.cloud.run("status", "--json").stdout)
    assert not status["tasks"] and not status["load_balancers"], status
