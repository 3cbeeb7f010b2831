"""stacks/ as a user would apply it: no endpoints in it, run through `nubecita as`, one workspace and account each for
staging and production. Apply, an empty plan, an in-place change, an empty plan, destroy, nothing left."""
import configparser
import json
import os
import pathlib
import shutil
import subprocess
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
        out = subprocess.run([self.cloud.binary, "as", environment, "--data", self.cloud.data, "--", "terraform", *args],
                             cwd=self.folder / "stacks/components" / component, env=self.env, capture_output=True, text=True)
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


def image_of(stacks, environment):
    """The tests' web server in the environment's own account, in a repository beside those of the stack."""
    keys = configparser.ConfigParser()
    keys.read(pathlib.Path(stacks.cloud.data, "credentials"))
    account = types.SimpleNamespace(client=lambda service, region: stacks.cloud.client(
        service, region=region, key=keys[environment]["aws_access_key_id"], secret=keys[environment]["aws_secret_access_key"]))
    return images.push(account, images.web_image(), "web", "1", region="eu-central-1")


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_apply_replan_change_destroy(stacks, environment):
    components = ["network", "identity", "blog"]
    stacks.env["TF_VAR_image"] = image_of(stacks, environment)
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
