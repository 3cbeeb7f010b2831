"""The stacks once more by a client that nobody here wrote: Ansible's amazon.aws and community.aws, through `nubecita as`.
Applied, applied again without a change, changed in place, removed, nothing left."""
import configparser
import json
import os
import pathlib
import re
import subprocess
import time
import types

import harness
import images
import pytest

HERE = pathlib.Path(__file__).resolve().parent
RECAP = re.compile(r"^localhost\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.M)


@pytest.fixture(scope="module")
def site(binary, tmp_path_factory):
    cloud = harness.Cloud(binary)
    cloud.run("init", "--account", "ansible", "--profile-file", "-")
    keys = configparser.ConfigParser()
    keys.read(pathlib.Path(cloud.data, "credentials"))
    folder = tmp_path_factory.mktemp("ansible")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=ansible.example.org",
                    "-keyout", folder / "site.key", "-out", folder / "site.crt"], check=True, capture_output=True)
    account = types.SimpleNamespace(client=lambda service, region="eu-central-1": cloud.client(
        service, region=region, key=keys["ansible"]["aws_access_key_id"], secret=keys["ansible"]["aws_secret_access_key"]))
    yield types.SimpleNamespace(cloud=cloud, client=account.client, folder=folder, image=images.push(
        account, images.web_image(), "web", "1", region="eu-central-1"))
    cloud.destroy()


def play(site, book, **variables):
    """(ok, changed, output) of a run."""
    variables = {"image": site.image, "database_password": "correct-horse-battery", "certificate": str(site.folder / "site"), **variables}
    env = dict(os.environ, ANSIBLE_NOCOLOR="1", ANSIBLE_LOCALHOST_WARNING="0", ANSIBLE_INVENTORY_UNPARSED_WARNING="0",
               ANSIBLE_DEPRECATION_WARNINGS="0",
               ANSIBLE_CALLBACKS_ENABLED="ansible.posix.profile_tasks", ANSIBLE_HOME=str(site.folder / "home"), LC_ALL="C.UTF-8")
    began = time.monotonic()
    out = subprocess.run([site.cloud.binary, "as", "ansible", "--data", site.cloud.data, "--", os.environ["NUBECITA_ANSIBLE"],
                          "-i", "localhost,", "-e", json.dumps(variables), HERE / book], env=env, capture_output=True, text=True)
    log = site.folder / f"{book}.log"
    log.write_text(out.stdout + out.stderr)
    recap = RECAP.search(out.stdout)
    assert out.returncode == 0 and recap, f"{book}: exit {out.returncode}\n{out.stdout[-8000:]}\n{out.stderr[-4000:]}"
    print(f"{book}: {time.monotonic() - began:.1f} s, {recap[1]} tasks, {recap[2]} changed", flush=True)
    return int(recap[1]), int(recap[2]), out.stdout


def changed_tasks(text):
    found, task = [], None
    for line in text.splitlines():
        if line.startswith("TASK ["):
            task = line[6:line.index("]")]
        elif line.startswith("changed:"):
            found.append(task)
    return found


CHANGES = {"tasks_wanted": 3, "open_ports": [80, 443], "deregistration_delay": 10, "idle_timeout": 90, "refusal": "closed", "max_connections": 80,
           "log_days": 14, "images_kept": 5, "session_seconds": 3600, "pushes": ["ecr:GetAuthorizationToken", "ecr:PutImage"],
           "labels": {"environment": "changed", "made-by": "ansible"}}


def as_it_is(site):
    """(what identifies each thing, what a change in place changes)."""
    ec2, elb, rds, logs, ecr, iam, ecs = map(site.client, ("ec2", "elbv2", "rds", "logs", "ecr", "iam", "ecs"))
    vpc, = ec2.describe_vpcs()["Vpcs"]
    group, = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["ansible-lb"]}])["SecurityGroups"]
    lb, = elb.describe_load_balancers()["LoadBalancers"]
    target = elb.describe_target_groups(Names=["ansible-web"])["TargetGroups"][0]["TargetGroupArn"]
    listener, = elb.describe_listeners(LoadBalancerArn=lb["LoadBalancerArn"])["Listeners"]
    rule = next(r for r in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"] if r["Priority"] == "10")
    database, = rds.describe_db_instances()["DBInstances"]
    service, = ecs.describe_services(cluster="ansible", services=["ansible"])["services"]
    role = iam.get_role(RoleName="ansible-instance")["Role"]
    log, = logs.describe_log_groups(logGroupNamePrefix="/ecs/ansible")["logGroups"]
    lifecycle = json.loads(ecr.get_lifecycle_policy(repositoryName="ansible")["lifecyclePolicyText"])
    parameters = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName="ansible", Source="user").search("Parameters[]")

    def attribute(answer, key):
        return int(next(a["Value"] for a in answer["Attributes"] if a["Key"] == key))

    same = [vpc["VpcId"], group["GroupId"], lb["LoadBalancerArn"], target, listener["ListenerArn"], database["DbiResourceId"], role["RoleId"],
            service["createdAt"], log["creationTime"]]
    changed = {
        "tasks_wanted": service["desiredCount"],
        "open_ports": sorted(r["FromPort"] for r in group["IpPermissions"] if r["IpProtocol"] == "tcp"),
        "deregistration_delay": attribute(elb.describe_target_group_attributes(TargetGroupArn=target), "deregistration_delay.timeout_seconds"),
        "idle_timeout": attribute(elb.describe_load_balancer_attributes(LoadBalancerArn=lb["LoadBalancerArn"]), "idle_timeout.timeout_seconds"),
        "refusal": rule["Actions"][0]["FixedResponseConfig"]["MessageBody"],
        "max_connections": int(next(p["ParameterValue"] for p in parameters if p["ParameterName"] == "max_connections")),
        "log_days": log["retentionInDays"],
        "images_kept": lifecycle["rules"][0]["selection"]["countNumber"],
        "session_seconds": role["MaxSessionDuration"],
        "pushes": iam.get_role_policy(RoleName="ansible-instance", PolicyName="push")["PolicyDocument"]["Statement"][0]["Action"],
        "labels": {t["Key"]: t["Value"] for t in vpc["Tags"] if t["Key"] != "Name"}}
    return same, changed


def test_apply_twice_change_remove(site):
    ok, changed, _ = play(site, "apply.yml")
    assert changed > 25, changed
    again, changed, text = play(site, "apply.yml")
    assert changed == 0 and again >= ok - 1, changed_tasks(text)  # the access key is made once only

    def status():
        return json.loads(site.cloud.run("status", "--json").stdout)

    harness.wait_until(lambda: len(status()["tasks"]) == 2, 60, what=lambda: status()["services"])
    assert len(status()["databases"]) == 1 and len(status()["load_balancers"]) == 1, status()

    same, before = as_it_is(site)
    play(site, "apply.yml", **CHANGES)
    still, after = as_it_is(site)
    assert still == same and after == CHANGES and not any(before[k] == v for k, v in CHANGES.items()), (before, after)
    _, changed, text = play(site, "apply.yml", **CHANGES)
    assert changed == 0, changed_tasks(text)
    harness.wait_until(lambda: len(status()["tasks"]) == 3, 60, what=lambda: status()["services"])

    play(site, "remove.yml")
    left = status()
    assert not left["tasks"] and not left["databases"] and not left["load_balancers"], left
    ec2, iam = site.client("ec2"), site.client("iam")
    assert ec2.describe_vpcs()["Vpcs"] == [] and ec2.describe_addresses()["Addresses"] == []
    assert [u["UserName"] for u in iam.list_users()["Users"]] == ["administrator"]
    assert iam.list_policies(Scope="Local")["Policies"] == [] and iam.list_server_certificates()["ServerCertificateMetadataList"] == []
    assert [r["RoleName"] for r in iam.list_roles()["Roles"] if not r["Path"].startswith("/aws-service-role/")] == []
