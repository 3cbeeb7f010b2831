"""ECS's API by boto3, without tasks: what is answered, what is refused. Runs nothing on the machine."""
import uuid

import botocore.exceptions
import pytest


@pytest.fixture(scope="module")
def ecs(cloud):
    return cloud.client("ecs")


@pytest.fixture
def name():
    return "x-" + uuid.uuid4().hex[:8]


def refused(call, code, text="", **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    assert text in error["Message"], error


def definition(name, **container):
    return dict(family=name, requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
                containerDefinitions=[{"name": "c", "image": "busybox", **container}])


def test_a_cluster_from_make_to_inactive(ecs, name):
    made = ecs.create_cluster(clusterName=name, tags=[{"key": "a", "value": "1"}])["cluster"]
    assert made["status"] == "ACTIVE" and made["settings"] == [{"name": "containerInsights", "value": "disabled"}]
    assert ecs.create_cluster(clusterName=name)["cluster"]["clusterArn"] == made["clusterArn"], "the same name is the same cluster"
    ecs.put_cluster_capacity_providers(cluster=name, capacityProviders=["FARGATE", "FARGATE_SPOT"],
                                       defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}])
    ecs.update_cluster_settings(cluster=name, settings=[{"name": "containerInsights", "value": "enabled"}])
    seen = ecs.describe_clusters(clusters=[name], include=["TAGS", "SETTINGS"])["clusters"][0]
    assert seen["tags"] == [{"key": "a", "value": "1"}] and seen["settings"][0]["value"] == "enabled"
    assert seen["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"]
    assert ecs.describe_clusters(clusters=[made["clusterArn"]])["clusters"][0]["tags"] == []
    ecs.delete_cluster(cluster=name)
    assert ecs.describe_clusters(clusters=[name])["clusters"][0]["status"] == "INACTIVE"
    refused(ecs.delete_cluster, "ClusterNotFoundException", cluster=name)
    assert ecs.describe_clusters(clusters=["nosuch"])["failures"][0]["reason"] == "MISSING"


def test_a_definition_comes_back_with_awss_defaults(ecs, name):
    asked = definition(name, portMappings=[{"containerPort": 80}], environment=[{"name": "A", "value": "ü"}],
                       healthCheck={"command": ["CMD", "true"]})
    first = ecs.register_task_definition(**asked)["taskDefinition"]
    assert first["revision"] == 1 and first["status"] == "ACTIVE" and first["compatibilities"] == ["EC2", "FARGATE"]
    c = ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]["containerDefinitions"][0]
    assert c == {"name": "c", "image": "busybox", "cpu": 0, "essential": True, "mountPoints": [], "volumesFrom": [], "systemControls": [],
                 "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
                 "environment": [{"name": "A", "value": "ü"}],
                 "healthCheck": {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3}}
    assert ecs.register_task_definition(**asked)["taskDefinition"]["revision"] == 2
    assert [a.split(":")[-1] for a in ecs.list_task_definitions(familyPrefix=name, sort="DESC")["taskDefinitionArns"]] == ["2", "1"]
    ecs.deregister_task_definition(taskDefinition=f"{name}:2")
    assert ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]["revision"] == 1
    assert ecs.describe_task_definition(taskDefinition=f"{name}:2")["taskDefinition"]["status"] == "INACTIVE"
    assert ecs.register_task_definition(**asked)["taskDefinition"]["revision"] == 3, "a number is given once"
    gone = ecs.delete_task_definitions(taskDefinitions=[f"{name}:2", f"{name}:3"])
    assert gone["taskDefinitions"][0]["status"] == "DELETE_IN_PROGRESS" and len(gone["failures"]) == 1
    assert name in ecs.list_task_definition_families(familyPrefix=name)["families"]


@pytest.mark.parametrize("change, text", [
    (dict(memory="300"), "No Fargate configuration exists for given values."),
    (dict(networkMode="bridge"), "Fargate only supports network mode 'awsvpc'."),
    (dict(cpu="", memory=""), "Fargate requires that 'cpu' and 'memory' be defined at the task level."),
    (dict(containerDefinitions=[{"name": "c", "image": "b", "essential": False}]), "At least one container must be marked as essential."),
    (dict(containerDefinitions=[{"name": "c", "image": "b"}, {"name": "c", "image": "b"}]), "must be unique"),
    (dict(containerDefinitions=[{"name": "c", "image": "b", "mountPoints": [{"sourceVolume": "v", "containerPath": "/v"}]}]), "Unknown volume 'v'."),
    (dict(containerDefinitions=[{"name": "c", "image": "b", "dependsOn": [{"containerName": "d", "condition": "START"}]},
                                {"name": "d", "image": "b", "dependsOn": [{"containerName": "c", "condition": "START"}]}]), "cycle"),
    (dict(containerDefinitions=[{"name": "c", "image": "b", "logConfiguration": {"logDriver": "splunk"}}]), "use awslogs"),
])
def test_bad_definitions(ecs, name, change, text):
    refused(ecs.register_task_definition, "ClientException", text, **{**definition(name), **change})


@pytest.mark.parametrize("container, member", [
    ({"privileged": True}, "privileged"),
    ({"secrets": [{"name": "S", "valueFrom": "arn:aws:ssm:us-east-1:1:parameter/x"}]}, "secrets"),
    ({"resourceRequirements": [{"type": "GPU", "value": "1"}]}, "resourceRequirements"),
    ({"firelensConfiguration": {"type": "fluentd"}}, "firelensConfiguration"),
])
def test_what_is_not_served_is_refused_by_name(ecs, name, container, member):
    refused(ecs.register_task_definition, "InvalidParameterException", member, **definition(name, **container))
    ecs.register_task_definition(**definition(name, privileged=False, secrets=[]))  # asks for nothing


def test_roles_are_passed_only_by_who_may(ecs, cloud, scratch_user, name):
    iam = cloud.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
                           '"Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}')["Role"]["Arn"]
    _, key, secret = scratch_user({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}]})
    theirs = cloud.client("ecs", key=key, secret=secret)
    refused(theirs.register_task_definition, "AccessDeniedException", "iam:PassRole", taskRoleArn=role, **definition(name))
    assert ecs.register_task_definition(taskRoleArn=role, **definition(name))["taskDefinition"]["taskRoleArn"] == role


def test_users_need_permission(cloud, scratch_user, name):
    _, key, secret = scratch_user({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ecs:CreateCluster", "Resource": f"arn:aws:ecs:*:*:cluster/{name}"}]})
    theirs = cloud.client("ecs", key=key, secret=secret)
    theirs.create_cluster(clusterName=name)
    refused(theirs.create_cluster, "AccessDeniedException", f"cluster/{name}-b", clusterName=name + "-b")
    refused(theirs.delete_cluster, "AccessDeniedException", "ecs:DeleteCluster", cluster=name)


def test_tasks_and_services_say_what_is_wrong(ecs, cloud, name):
    ecs.create_cluster(clusterName=name)
    ecs.register_task_definition(**definition(name))
    network = {"awsvpcConfiguration": {"subnets": ["subnet-00000000000000000"]}}
    refused(ecs.run_task, "ClusterNotFoundException", cluster="nosuch", taskDefinition=name)
    refused(ecs.run_task, "InvalidParameterException", "Network Configuration must be provided", cluster=name, taskDefinition=name)
    refused(ecs.run_task, "InvalidParameterException", "subnet-00000000000000000", cluster=name, taskDefinition=name, networkConfiguration=network)
    refused(ecs.run_task, "InvalidParameterException", "No Container Instances were found in your cluster.", cluster=name,
            taskDefinition=name, launchType="EC2", networkConfiguration=network)
    refused(ecs.run_task, "ClientException", "TaskDefinition not found.", cluster=name, taskDefinition="nosuch", networkConfiguration=network)
    refused(ecs.update_service, "ServiceNotFoundException", cluster=name, service="nosuch", desiredCount=1)
    assert ecs.describe_services(cluster=name, services=["nosuch"])["failures"][0]["reason"] == "MISSING"
    assert ecs.describe_tasks(cluster=name, tasks=["0" * 32])["failures"][0]["reason"] == "MISSING"
    refused(ecs.create_service, "InvalidParameterException", "will block deployments", cluster=name, serviceName="s", taskDefinition=name, desiredCount=1,
            networkConfiguration=network, deploymentConfiguration={"maximumPercent": 100, "minimumHealthyPercent": 100})
    refused(ecs.stop_task, "InvalidParameterException", "The referenced task was not found.", cluster=name, task="0" * 32)


def test_tags_of_everything_by_arn(ecs, name):
    arn = ecs.create_cluster(clusterName=name, tags=[{"key": "a", "value": "1"}])["cluster"]["clusterArn"]
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "2"}, {"key": "b", "value": "3"}])
    ecs.untag_resource(resourceArn=arn, tagKeys=["b"])
    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "a", "value": "2"}]
    revision = ecs.register_task_definition(tags=[{"key": "t", "value": "d"}], **definition(name))["taskDefinition"]["taskDefinitionArn"]
    assert ecs.describe_task_definition(taskDefinition=revision, include=["TAGS"])["tags"] == [{"key": "t", "value": "d"}]
    refused(ecs.tag_resource, "InvalidParameterException", "reserved", resourceArn=arn, tags=[{"key": "aws:x", "value": ""}])


def test_pages_of_clusters(ecs, name):
    wanted = {ecs.create_cluster(clusterName=f"{name}-{i}")["cluster"]["clusterArn"] for i in range(5)}
    seen = [arn for page in ecs.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 2}) for arn in page["clusterArns"]]
    assert wanted <= set(seen) and len(seen) == len(set(seen))


def test_account_settings(ecs):
    ecs.put_account_setting_default(name="containerInsights", value="enabled")
    effective = {s["name"]: s["value"] for s in ecs.list_account_settings(effectiveSettings=True)["settings"]}
    assert effective["containerInsights"] == "enabled" and effective["taskLongArnFormat"] == "enabled"
    refused(ecs.put_account_setting, "InvalidParameterException", "can only be enabled", name="taskLongArnFormat", value="disabled")


def test_capacity_providers(ecs):
    assert {p["name"] for p in ecs.describe_capacity_providers()["capacityProviders"]} == {"FARGATE", "FARGATE_SPOT"}
    assert ecs.describe_capacity_providers(capacityProviders=["mine"])["failures"][0]["reason"] == "MISSING"
