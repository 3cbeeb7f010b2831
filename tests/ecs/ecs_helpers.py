"""A VPC, a cluster, a role and an image for the tests of ECS, and waiting for tasks."""
import json
import subprocess
import time
import uuid

import images
from harness import wait_until

TRUST = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


class Lab:
    """Everything that tasks need, in one VPC whose instances may talk to each other on port 80."""

    def __init__(self, cloud, region="us-east-1"):
        self.cloud, self.region = cloud, region
        self.name = "lab-" + uuid.uuid4().hex[:6]
        self.ec2 = cloud.client("ec2", region=region)
        self.ecs = cloud.client("ecs", region=region)
        self.iam = cloud.client("iam")
        self.logs = cloud.client("logs", region=region)
        self.elb = cloud.client("elbv2", region=region)
        self.image = images.push(cloud, images.web_image(), self.name, "1", region)
        self.vpc = self.ec2.create_vpc(CidrBlock="10.60.0.0/16")["Vpc"]["VpcId"]
        zones = [z["ZoneName"] for z in self.ec2.describe_availability_zones()["AvailabilityZones"]]
        self.subnets = [self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.60.{i}.0/24", AvailabilityZone=zones[i])["Subnet"]["SubnetId"]
                        for i in range(2)]
        self.group = self.ec2.create_security_group(GroupName=self.name, Description="tasks", VpcId=self.vpc)["GroupId"]
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.60.0.0/16"}]}])
        self.role = self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        self.iam.attach_role_policy(RoleName=self.name, PolicyArn="arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
        self.logs.create_log_group(logGroupName="/" + self.name)
        self.ecs.create_cluster(clusterName=self.name)

    @property
    def network(self):
        return {"awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": [self.group], "assignPublicIp": "DISABLED"}}

    def container(self, name="web", **more):
        c = {"name": name, "image": self.image, "essential": True,
             "logConfiguration": {"logDriver": "awslogs", "options": {
                 "awslogs-group": "/" + self.name, "awslogs-region": self.region, "awslogs-stream-prefix": "t"}}}
        c.update(more)
        return c

    def register(self, *containers, family=None, **more):
        options = dict(family=family or "f-" + uuid.uuid4().hex[:6], requiresCompatibilities=["FARGATE"], networkMode="awsvpc",
                       cpu="256", memory="512", executionRoleArn=self.role, containerDefinitions=list(containers))
        options.update(more)
        return self.ecs.register_task_definition(**options)["taskDefinition"]["taskDefinitionArn"]

    def run(self, definition, **more):
        answer = self.ecs.run_task(cluster=self.name, taskDefinition=definition, networkConfiguration=self.network, launchType="FARGATE", **more)
        assert answer["failures"] == []
        return answer["tasks"][0]["taskArn"]

    def task(self, arn):
        return self.ecs.describe_tasks(cluster=self.name, tasks=[arn])["tasks"][0]

    def wait(self, arn, status="RUNNING", timeout=60):
        def reached():
            t = self.task(arn)
            if t["lastStatus"] == "STOPPED" and status != "STOPPED":
                raise AssertionError(f"the task stopped: {t.get('stoppedReason')} {t['containers']}")
            return t if t["lastStatus"] == status else None
        return wait_until(reached, timeout, 0.05, f"task {status}: {self.task(arn).get('lastStatus')}")

    def stop(self, arn):
        self.ecs.stop_task(cluster=self.name, task=arn)
        return self.wait(arn, "STOPPED")

    def netns(self, arn):
        eni = {d["name"]: d["value"] for d in self.task(arn)["attachments"][0]["details"]}["networkInterfaceId"]
        names = subprocess.run(["ls", "/run/netns"], capture_output=True, text=True).stdout.split()
        return next(n for n in names if n.endswith(eni))

    def get(self, arn, path="/", timeout=5):
        """Asks the task's web server, from inside its own network interface. RUNNING may come before it listens."""
        ip = self.task(arn)["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
        out = subprocess.run(["nsenter", f"--net=/run/netns/{self.netns(arn)}", "curl", "-sS", "--retry", "10", "--retry-connrefused", "--retry-delay", "1",
                              "-m", str(timeout), f"http://{ip}{path}"],
                             capture_output=True, text=True)
        if out.returncode:
            raise ConnectionError(out.stderr)
        return out.stdout

    def lines(self, arn, container="web"):
        stream = f"t/{container}/{arn.split('/')[-1]}"
        return [e["message"] for e in self.logs.get_log_events(logGroupName="/" + self.name, logStreamName=stream, startFromHead=True)["events"]]

    def close(self):
        for arn in self.ecs.list_services(cluster=self.name)["serviceArns"]:
            self.ecs.delete_service(cluster=self.name, service=arn, force=True)
        for arn in self.ecs.list_tasks(cluster=self.name)["taskArns"]:
            self.ecs.stop_task(cluster=self.name, task=arn)
        wait_until(lambda: self.ecs.describe_clusters(clusters=[self.name])["clusters"][0]["runningTasksCount"] == 0, 60, 0.1, "no tasks")


def container_pids(lab, arn):
    """The first processes of a task's containers, by their cgroups."""
    ids = lab.netns(arn)
    out = subprocess.run(["ip", "netns", "pids", ids], capture_output=True, text=True).stdout.split()
    return sorted(int(p) for p in out)


def events(lab, service):
    return [e["message"] for e in lab.ecs.describe_services(cluster=lab.name, services=[service])["services"][0]["events"]]


def steady(lab, service, timeout=90):
    def done():
        s = lab.ecs.describe_services(cluster=lab.name, services=[service])["services"][0]
        ok = len(s["deployments"]) == 1 and s["runningCount"] == s["desiredCount"] and s["deployments"][0]["rolloutState"] == "COMPLETED"
        return s if ok else None
    try:
        return wait_until(done, timeout, 0.1)
    except AssertionError:
        raise AssertionError(f"{service} is not steady: {events(lab, service)[:10]}") from None
