"""When the machine fails: a full disk, a missing podman, a database that cannot start. A clear error, nothing lost, and
recovery once the cause has gone."""
import json
import os
import pathlib
import time

import pytest
from botocore.exceptions import ClientError
from harness import Cloud, wait_until

pytestmark = pytest.mark.host


def test_full_disk(binary, small_disk, fill):
    data = os.path.join(small_disk, "data")
    os.mkdir(data)
    cloud = Cloud(binary, data=data)
    try:
        logs = cloud.client("logs")
        kept = []
        for i in range(50):
            logs.create_log_group(logGroupName=f"/before/{i}")
            kept.append(f"/before/{i}")
        filler = fill(small_disk)
        # The store's log has some room set aside: fill that too, with large events.
        logs.create_log_group(logGroupName="/large")
        logs.create_log_stream(logGroupName="/large", logStreamName="s")
        refused = 0
        for i in range(200):
            try:
                logs.put_log_events(logGroupName="/large", logStreamName="s",
                                    logEvents=[{"timestamp": int(time.time() * 1000), "message": f"{i} " + "x" * 200_000}])
                kept_events = i
            except ClientError as e:
                assert e.response["Error"]["Code"] in ("ServiceUnavailable", "ServiceUnavailableException"), e
                assert e.response["ResponseMetadata"]["HTTPStatusCode"] == 503, e
                assert "space" in e.response["Error"]["Message"].lower(), e
                refused += 1
                if refused > 3:
                    break
        assert refused, "the disk was not full"
        assert cloud.client("sts").get_caller_identity()["Account"], "reading goes on"
        os.unlink(filler)
        wait_until(lambda: made(logs, "/after"), 30, 0.5, "writing goes on once there is room")
        kept.append("/after")
        cloud.kill9()
        cloud.start()
        names = {g["logGroupName"] for page in cloud.client("logs").get_paginator("describe_log_groups").paginate() for g in page["logGroups"]}
        assert set(kept) <= names, set(kept) - names
        events = cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName="/large")
        there = {int(e["message"].split()[0]) for page in events for e in page["events"]}
        assert set(range(kept_events + 1)) <= there
    finally:
        cloud.destroy()


def made(logs, name):
    try:
        logs.create_log_group(logGroupName=name)
        return True
    except ClientError as e:
        if e.response["Error"]["Code"] == "ResourceAlreadyExistsException":
            return True
        return False


def test_missing_podman(make_cloud, tmp_path):
    """The task says why it does not run; the cloud goes on; with podman back, tasks run without a restart."""
    podman = tmp_path / "podman"
    cloud = make_cloud(config={"podman": str(podman)})
    ec2, ecs = cloud.client("ec2"), cloud.client("ecs")
    vpc = ec2.create_vpc(CidrBlock="10.60.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.60.1.0/24")["Subnet"]["SubnetId"]
    ecs.create_cluster(clusterName="c")
    ecs.register_task_definition(family="t", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
                                 containerDefinitions=[{"name": "m", "image": "localhost/nowhere:1", "essential": True}])

    def run():
        return ecs.run_task(cluster="c", taskDefinition="t", launchType="FARGATE",
                            networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}})["tasks"][0]["taskArn"]

    def reason(task):
        t = ecs.describe_tasks(cluster="c", tasks=[task])["tasks"][0]
        return t.get("stoppedReason", "") if t["lastStatus"] == "STOPPED" else ""

    def troubles():
        return json.dumps(json.loads(cloud.run("status", "--json").stdout)["troubles"])

    task = run()
    text = wait_until(lambda: reason(task) if reason(task) else (troubles() if "podman" in troubles() else ""), 60, 0.2, "the reason is told")
    assert "podman" in text, text
    assert ec2.describe_vpcs()["Vpcs"], "the rest goes on"
    podman.symlink_to("/usr/bin/podman")
    after = run()
    said = wait_until(lambda: reason(after), 90, 0.2, "with podman back the pull is tried")
    assert "CannotPullContainerError" in said, said


def test_database_that_cannot_start(make_cloud):
    """Its data directory is taken away under it: the instance says that it is not available, and comes back with it."""
    cloud = make_cloud()
    ec2, rds = cloud.client("ec2"), cloud.client("rds")
    vpc = ec2.create_vpc(CidrBlock="10.61.0.0/16")["Vpc"]["VpcId"]
    zones = [z["ZoneName"] for z in ec2.describe_availability_zones()["AvailabilityZones"]]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.61.{i}.0/24", AvailabilityZone=zones[i])["Subnet"]["SubnetId"] for i in (0, 1)]
    rds.create_db_subnet_group(DBSubnetGroupName="g", DBSubnetGroupDescription="g", SubnetIds=subnets)
    rds.create_db_instance(DBInstanceIdentifier="d", Engine="postgres", DBInstanceClass="db.t3.micro", AllocatedStorage=5,
                           MasterUsername="master", MasterUserPassword="a-password", DBSubnetGroupName="g")

    def state():
        return rds.describe_db_instances(DBInstanceIdentifier="d")["DBInstances"][0]["DBInstanceStatus"]

    wait_until(lambda: state() == "available", 60, 0.1, "available")
    control = next(pathlib.Path(cloud.data, "db").glob("db-*/data/global/pg_control"))  # not the template's
    pid = next(d["pid"] for d in json.loads(cloud.run("status", "--json").stdout)["databases"])
    control.rename(control.with_suffix(".away"))
    os.kill(pid, 9)
    shown = lambda: json.loads(cloud.run("status", "--json").stdout)
    wait_until(lambda: state() != "available" or "d" in json.dumps(shown()["troubles"]) or shown()["databases"][0]["problem"], 60, 0.2,
               "the instance or the status tells that it does not run")
    control.with_suffix(".away").rename(control)
    wait_until(lambda: state() == "available" and shown()["databases"][0]["state"] == "running", 90, 0.3, "it comes back by itself")
