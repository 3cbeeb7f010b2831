"""ECS by boto3: tasks and services that really run. The API's own answers are in test_ecs_api.py."""
import json
import os
import signal
import time
import uuid

import botocore.exceptions
import pytest

from harness import wait_until
from ecs_helpers import TRUST, Lab, container_pids, events, steady

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def lab(cloud):
    made = Lab(cloud)
    yield made
    made.close()


def test_a_task_runs_answers_logs_and_stops(lab):
    definition = lab.register(lab.container(environment=[{"name": "REVISION", "value": "r1"}], portMappings=[{"containerPort": 80}]))
    arn = lab.run(definition)
    task = lab.wait(arn)
    assert task["desiredStatus"] == "RUNNING" and task["launchType"] == "FARGATE"
    assert json.loads(lab.get(arn))["revision"] == "r1"
    assert task["containers"][0]["imageDigest"].startswith("sha256:")
    wait_until(lambda: any("listening on 80" in line for line in lab.lines(arn)), 5, what="log line")
    task = lab.stop(arn)
    assert task["stopCode"] == "UserInitiated" and task["stoppedReason"] == "Task stopped by user"
    assert task["containers"][0]["exitCode"] == 0, "SIGTERM lets it end by itself"
    assert lab.lines(arn)[-1] == "bye", "what it prints while it ends is kept"


def test_running_soon_with_the_image_present(lab):
    definition = lab.register(lab.container())
    lab.stop(lab.run(definition))
    times = []
    for _ in range(3):
        began = time.time()
        arn = lab.run(definition)
        lab.wait(arn)
        times.append(time.time() - began)
        lab.stop(arn)
    print("RunTask to RUNNING:", [f"{t * 1000:.0f} ms" for t in times])
    assert min(times) < 3, times


def test_essential_container_exits(lab):
    arn = lab.run(lab.register(lab.container(environment=[{"name": "EXIT_AT_START", "value": "3"}])))
    task = lab.wait(arn, "STOPPED")
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["stoppedReason"] == "Essential container in task exited"
    assert task["containers"][0]["exitCode"] == 3


def test_memory_runs_out(lab):
    arn = lab.run(lab.register(lab.container(memory=64)))
    lab.wait(arn)
    with pytest.raises(ConnectionError):
        lab.get(arn, "/eat", 30)
    task = lab.wait(arn, "STOPPED")
    assert "OutOfMemoryError" in task["stoppedReason"]
    assert task["containers"][0]["exitCode"] == 137
    assert task["containers"][0]["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_image_that_is_not_there(lab):
    arn = lab.run(lab.register(lab.container(image=lab.image.rsplit(":", 1)[0] + ":nosuch")))
    task = lab.wait(arn, "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError:")


def test_program_that_is_not_there(lab):
    arn = lab.run(lab.register(lab.container(entryPoint=["/nosuch"])))
    task = lab.wait(arn, "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotStartContainerError:") and "/nosuch" in task["stoppedReason"]


def test_log_group_that_is_not_there(lab):
    c = lab.container()
    c["logConfiguration"]["options"]["awslogs-group"] = "/nosuch"
    task = lab.wait(lab.run(lab.register(c)), "STOPPED")
    assert task["stoppedReason"].startswith("ResourceInitializationError:") and "ResourceNotFoundException" in task["stoppedReason"]


def test_containers_wait_for_each_other(lab):
    definition = lab.register(
        lab.container("first", essential=False, entryPoint=["/web", "print", "3"]),
        lab.container("second", environment=[{"name": "PORT", "value": "81"}],
                      healthCheck={"command": ["CMD", "/web", "healthcheck"], "interval": 5, "retries": 2},
                      dependsOn=[{"containerName": "first", "condition": "SUCCESS"}]),
        lab.container("web", dependsOn=[{"containerName": "second", "condition": "HEALTHY"}]))
    arn = lab.run(definition)
    task = lab.wait(arn)
    by_name = {c["name"]: c for c in task["containers"]}
    assert by_name["first"]["exitCode"] == 0
    assert by_name["second"]["healthStatus"] == "HEALTHY"
    assert json.loads(lab.get(arn))["pid"] == 1
    assert lab.get(arn, "/tcp/127.0.0.1/81") == "open", "containers of a task share one network interface"
    assert lab.lines(arn, "first") == ["line 1", "line 2", "line 3"]
    lab.stop(arn)


def test_a_dependency_that_fails_ends_the_task(lab):
    arn = lab.run(lab.register(lab.container("first", essential=False, environment=[{"name": "EXIT_AT_START", "value": "1"}]),
                               lab.container("web", dependsOn=[{"containerName": "first", "condition": "SUCCESS"}])))
    assert lab.wait(arn, "STOPPED")["stopCode"] == "TaskFailedToStart"


def test_settings_reach_the_container(lab):
    definition = lab.register(
        lab.container(user="1000", readonlyRootFilesystem=True, environment=[{"name": "PORT", "value": "8080"}, {"name": "A", "value": "from the definition"}],
                      ulimits=[{"name": "nofile", "softLimit": 1024, "hardLimit": 2048}],
                      mountPoints=[{"sourceVolume": "shared", "containerPath": "/shared"}],
                      linuxParameters={"tmpfs": [{"containerPath": "/scratch", "size": 16}]}),
        volumes=[{"name": "shared"}])
    arn = lab.run(definition, overrides={"containerOverrides": [{"name": "web", "environment": [{"name": "A", "value": "overridden"}]}]})
    lab.wait(arn)
    at = lambda path: lab.get(arn, ":8080" + path)  # noqa: E731
    assert at("/env/A") == "overridden"
    status = at("/cat/proc/self/status")
    assert "Uid:\t1000" in status
    caps = int(next(line for line in status.splitlines() if line.startswith("CapBnd")).split()[1], 16)
    assert not caps & 1 << 21, "CAP_SYS_ADMIN is dropped"
    assert "Max open files            1024                 2048" in at("/cat/proc/self/limits")
    mounts = at("/cat/proc/self/mounts")
    assert " /shared " in mounts and " /scratch tmpfs " in mounts
    assert any(line.split()[1] == "/" and "ro" in line.split()[3].split(",") for line in mounts.splitlines())
    assert "nameserver 10.60.0.2" in at("/cat/etc/resolv.conf")
    lab.stop(arn)


def test_metadata_and_role_credentials(lab, cloud):
    role = "t-" + uuid.uuid4().hex[:6]
    role_arn = lab.iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    lab.iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:ListClusters", "Resource": "*"}]}))
    arn = lab.run(lab.register(lab.container(), taskRoleArn=role_arn))
    lab.wait(arn)
    uri = lab.get(arn, "/env/ECS_CONTAINER_METADATA_URI_V4")
    document = json.loads(lab.get(arn, "/get/" + uri.removeprefix("http://")))
    assert document["Name"] == "web" and document["KnownStatus"] == "RUNNING"
    task = json.loads(lab.get(arn, "/get/" + uri.removeprefix("http://") + "/task"))
    assert task["TaskARN"] == arn and task["Family"]
    path = lab.get(arn, "/env/AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    keys = json.loads(lab.get(arn, "/get/169.254.170.2" + path))
    assert keys["RoleArn"] == role_arn
    session = dict(key=keys["AccessKeyId"], secret=keys["SecretAccessKey"], token=keys["Token"])
    assert cloud.client("sts", **session).get_caller_identity()["Arn"].endswith(f"assumed-role/{role}/{arn.split('/')[-1]}")
    cloud.client("ecs", **session).list_clusters()
    with pytest.raises(botocore.exceptions.ClientError) as denied:
        cloud.client("ecs", **session).create_cluster(clusterName="no")
    assert denied.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "InvalidIdInRequest" in lab.get(arn, "/get/169.254.170.2/v2/credentials/" + str(uuid.uuid4()))
    lab.stop(arn)


def test_pull_needs_the_execution_roles_permission(lab):
    role = "x-" + uuid.uuid4().hex[:6]
    arn = lab.iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    task = lab.wait(lab.run(lab.register(lab.container(), executionRoleArn=arn)), "STOPPED")
    assert task["stoppedReason"].startswith("CannotPullContainerError:")
    assert "ecr:BatchGetImage" in task["stoppedReason"]


def test_a_service_keeps_its_tasks(lab):
    definition = lab.register(lab.container())
    lab.ecs.create_service(cluster=lab.name, serviceName="keep", taskDefinition=definition, desiredCount=2, launchType="FARGATE",
                           networkConfiguration=lab.network)
    steady(lab, "keep")
    arns = lab.ecs.list_tasks(cluster=lab.name, serviceName="keep")["taskArns"]
    zones = {lab.task(a)["availabilityZone"] for a in arns}
    assert len(zones) == 2, "spread over the zones of its subnets"
    assert any("has started 2 tasks: (task " in e for e in events(lab, "keep"))
    assert events(lab, "keep")[0] == "(service keep) has reached a steady state."
    os.kill(container_pids(lab, arns[0])[0], signal.SIGKILL)
    began = time.time()
    wait_until(lambda: lab.task(arns[0])["lastStatus"] == "STOPPED", 10, what="the killed task is noticed")
    wait_until(lambda: (now := lab.ecs.list_tasks(cluster=lab.name, serviceName="keep")["taskArns"]) and arns[0] not in now and len(now) == 2,
               20, what="a replacement")
    print(f"replaced after {time.time() - began:.2f} s")
    steady(lab, "keep")
    for count in (4, 1):
        lab.ecs.update_service(cluster=lab.name, service="keep", desiredCount=count)
        assert steady(lab, "keep")["runningCount"] == count
    lab.ecs.update_service(cluster=lab.name, service="keep", desiredCount=0)
    steady(lab, "keep")
    lab.ecs.delete_service(cluster=lab.name, service="keep")
    wait_until(lambda: lab.ecs.describe_services(cluster=lab.name, services=["keep"])["services"][0]["status"] == "INACTIVE", 20)


def test_an_update_replaces_the_tasks_and_a_bad_one_is_rolled_back(lab):
    family = "roll-" + uuid.uuid4().hex[:6]
    good = lab.register(lab.container(environment=[{"name": "REVISION", "value": "good"}]), family=family)
    configuration = {"maximumPercent": 200, "minimumHealthyPercent": 100, "deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    lab.ecs.create_service(cluster=lab.name, serviceName="roll", taskDefinition=good, desiredCount=2, launchType="FARGATE",
                           networkConfiguration=lab.network, deploymentConfiguration=configuration)
    first = steady(lab, "roll")["deployments"][0]["id"]
    better = lab.register(lab.container(environment=[{"name": "REVISION", "value": "better"}]), family=family)
    lab.ecs.update_service(cluster=lab.name, service="roll", taskDefinition=better)
    s = steady(lab, "roll")
    second = s["deployments"][0]["id"]
    assert second != first and s["taskDefinition"] == better
    for arn in lab.ecs.list_tasks(cluster=lab.name, serviceName="roll")["taskArns"]:
        assert json.loads(lab.get(arn))["revision"] == "better"
    before = set(lab.ecs.list_tasks(cluster=lab.name, serviceName="roll")["taskArns"])

    bad = lab.register(lab.container(environment=[{"name": "EXIT_AT_START", "value": "1"}]), family=family)
    lab.ecs.update_service(cluster=lab.name, service="roll", taskDefinition=bad)
    wait_until(lambda: any("rolling back to deployment" in e for e in events(lab, "roll")), 90, what="rollback")
    s = steady(lab, "roll")
    assert s["taskDefinition"] == better and s["deployments"][0]["id"] == second
    told = events(lab, "roll")
    assert any("deployment failed: tasks failed to start." in e for e in told)
    assert any(f"rolling back to deployment {second}." in e for e in told)
    assert before == set(lab.ecs.list_tasks(cluster=lab.name, serviceName="roll")["taskArns"]), "the good tasks were never touched"

    history = lab.ecs.list_service_deployments(cluster=lab.name, service="roll")["serviceDeployments"]
    assert [d["status"] for d in history] == ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL", "SUCCESSFUL"], history
    last, middle = lab.ecs.describe_service_deployments(serviceDeploymentArns=[d["serviceDeploymentArn"] for d in history[:2]])["serviceDeployments"]
    assert last["rollback"]["serviceRevisionArn"] == middle["targetServiceRevision"]["arn"]
    assert last["deploymentCircuitBreaker"]["status"] == "TRIGGERED" and last["finishedAt"] >= last["startedAt"]
    revision = lab.ecs.describe_service_revisions(serviceRevisionArns=[middle["targetServiceRevision"]["arn"]])["serviceRevisions"][0]
    assert revision["taskDefinition"] == better and revision["containerImages"][0]["imageDigest"].startswith("sha256:")
    lab.ecs.delete_service(cluster=lab.name, service="roll", force=True)


def test_tasks_outlive_nubecita_and_are_adopted(own_cloud):
    lab = Lab(own_cloud)
    stays = lab.run(lab.register(lab.container()))
    dies = lab.run(lab.register(lab.container()))
    lab.wait(stays), lab.wait(dies)
    pids = container_pids(lab, stays)
    doomed = container_pids(lab, dies)
    own_cloud.kill9()
    os.kill(doomed[0], signal.SIGKILL)
    own_cloud.start()
    assert lab.wait(stays)["lastStatus"] == "RUNNING"
    assert container_pids(lab, stays) == pids, "the same processes"
    task = lab.wait(dies, "STOPPED", 20)
    assert task["containers"][0]["exitCode"] == 137
    assert json.loads(lab.get(stays))["pid"] == 1
    uri = lab.get(stays, "/env/ECS_CONTAINER_METADATA_URI_V4")
    assert json.loads(lab.get(stays, "/get/" + uri.removeprefix("http://")))["Name"] == "web", "its metadata is served again"
    lab.stop(stays)
    assert lab.lines(stays)[-1] == "bye", "its log goes on where it was"
    assert sum("listening" in line for line in lab.lines(stays)) == 1, "and nothing is told twice"
