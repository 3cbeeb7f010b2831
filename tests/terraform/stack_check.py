"""stacks/ as a user would apply it: no endpoints in it, run through `nubecita as`, one workspace and account each for
staging and production. Apply, an empty plan, in-place changes, an empty plan, destroy, nothing left."""
import configparser
import json
import os
import pathlib
import shutil
import subprocess
import time
import types

import images
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Stacks:
    def __init__(self, cloud, folder):
        self.cloud, self.folder = cloud, folder
        shutil.copytree(ROOT / "stacks", folder / "stacks", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        config = folder / "terraform.rc"
        config.write_text('provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' % os.environ["NUBECITA_MIRROR"])
        self.env = dict(os.environ, TF_CLI_CONFIG_FILE=str(config), CHECKPOINT_DISABLE="1", TF_IN_AUTOMATION="1",
                        TF_VAR_database_password="correct-horse-battery")

    def terraform(self, component, environment, *args, codes=(0,)):
        began = time.monotonic()
        out = subprocess.run([self.cloud.binary, "as", environment, "--data", self.cloud.data, "--", "terraform", *args],
                             cwd=self.folder / "stacks/components" / component, env=self.env, capture_output=True, text=True)
        print(f"{environment} {component} {args[0]}: {time.monotonic() - began:.1f} s", flush=True)
        assert out.returncode in codes, f"terraform {args} in {component}: exit {out.returncode}\n{out.stdout[-6000:]}\n{out.stderr[-6000:]}"
        return out

    def apply(self, component, environment, **variables):
        more = [f"-var={k}={v}" for k, v in variables.items()]
        arguments = [f"-var-file=../../vars/{environment}.tfvars", "-input=false", "-no-color", *more]
        self.terraform(component, environment, "apply", "-auto-approve", *arguments)
        # What was applied must read back as it was asked: an empty plan, twice the test of a real API.
        self.terraform(component, environment, "plan", "-detailed-exitcode", *arguments)

    def prepare(self, component, environment):
        self.terraform(component, environment, "init", "-input=false", "-no-color")
        self.terraform(component, environment, "workspace", "new", environment)


@pytest.fixture(scope="module")
def stacks(make_module_cloud, tmp_path_factory):
    cloud = make_module_cloud()
    for account in ("staging", "production"):
        cloud.run("init", "--account", account, "--profile-file", "-")
    return Stacks(cloud, tmp_path_factory.mktemp("stacks"))


@pytest.fixture(scope="module")
def make_module_cloud(binary):
    import harness
    made = []

    def make():
        made.append(harness.Cloud(binary))
        return made[-1]

    yield make
    for c in made:
        c.destroy()


def account_of(stacks, environment):
    """Clients of the environment's own account, as its administrator."""
    keys = configparser.ConfigParser()
    keys.read(pathlib.Path(stacks.cloud.data, "credentials"))
    return types.SimpleNamespace(client=lambda service, region="eu-central-1": stacks.cloud.client(
        service, region=region, key=keys[environment]["aws_access_key_id"], secret=keys[environment]["aws_secret_access_key"]))


def self_signed(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=blog.example.org",
                    "-keyout", folder / "site.key", "-out", folder / "site.crt"], check=True, capture_output=True)
    return (folder / "site.crt").read_text(), (folder / "site.key").read_text()


def left_behind(account):
    """What is in the account beside what it began with."""
    ec2, elb, ecs, rds, iam = (account.client(s) for s in ("ec2", "elbv2", "ecs", "rds", "iam"))
    everything = {
        "vpcs": [v["VpcId"] for v in ec2.describe_vpcs()["Vpcs"] if not v["IsDefault"]],
        "subnets": [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"] if not s["DefaultForAz"]],
        "interfaces": [i["NetworkInterfaceId"] for i in ec2.describe_network_interfaces()["NetworkInterfaces"]],
        "addresses": ec2.describe_addresses()["Addresses"],
        "gateways": [n["NatGatewayId"] for n in ec2.describe_nat_gateways()["NatGateways"] if n["State"] != "deleted"],
        "groups": [g["GroupId"] for g in ec2.describe_security_groups()["SecurityGroups"] if g["GroupName"] != "default"],
        "load balancers": elb.describe_load_balancers()["LoadBalancers"],
        "target groups": elb.describe_target_groups()["TargetGroups"],
        "clusters": ecs.list_clusters()["clusterArns"],
        "definitions": ecs.list_task_definitions()["taskDefinitionArns"],
        "databases": rds.describe_db_instances()["DBInstances"],
        "subnet groups": rds.describe_db_subnet_groups()["DBSubnetGroups"],
        "repositories": [r["repositoryName"] for r in account.client("ecr").describe_repositories()["repositories"] if r["repositoryName"] != "web"],
        "log groups": account.client("logs").describe_log_groups()["logGroups"],
        "users": [u["UserName"] for u in iam.list_users()["Users"] if u["UserName"] != "administrator"],
        "policies": iam.list_policies(Scope="Local")["Policies"],
        "roles": [r["RoleName"] for r in iam.list_roles()["Roles"] if not r["Path"].startswith("/aws-service-role/")],
        "profiles": iam.list_instance_profiles()["InstanceProfiles"],
        "certificates": iam.list_server_certificates()["ServerCertificateMetadataList"],
        "aliases": iam.list_account_aliases()["AccountAliases"],
    }
    return {kind: found for kind, found in everything.items() if found}


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_apply_replan_change_destroy(stacks, environment):
    components = ["network", "identity", "edge", "blog"]
    account = account_of(stacks, environment)
    account.client("ec2").create_default_vpc()
    body, key = self_signed(stacks.folder)
    stacks.env.update(TF_VAR_image=images.push(account, images.web_image(), "web", "1", region="eu-central-1"),
                      TF_VAR_certificate_body=body, TF_VAR_certificate_key=key)
    for component in components:
        stacks.prepare(component, environment)
        stacks.apply(component, environment)
    outputs = json.loads(stacks.terraform("blog", environment, "output", "-json").stdout)
    assert outputs["url"]["value"].startswith("http://")
    stacks.apply("blog", environment, desired_count=3, log_days=14)
    for component in reversed(components):
        stacks.terraform(component, environment, "destroy", "-auto-approve", "-no-color", "-input=false",
                         f"-var-file=../../vars/{environment}.tfvars")
    left = json.loads(stacks.cloud.run("status", "--json").stdout)
    assert not left["tasks"] and not left["databases"] and not left["load_balancers"], left
    assert left_behind(account) == {}
