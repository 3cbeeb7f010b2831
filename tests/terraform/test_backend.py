"""Terraform's own S3 backend with DynamoDB locking: the first phase of any real project, before there is any provider.
State bucket and lock table are made by the AWS CLI; then init, apply, workspaces, and a lock that holds."""
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from harness import wait_until

pytestmark = [pytest.mark.timeout(300), pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not installed")]

BACKEND = """
terraform {
  backend "s3" {
    bucket  = "tf-state"
    key     = "site/terraform.tfstate"
    region  = "eu-central-1"
    encrypt = true
    %s
  }
}
"""
SITE = """
variable "gate" { default = "" }
resource "terraform_data" "site" {
  input = terraform.workspace
  triggers_replace = var.gate
  # Holds the apply, and with it the lock, until the file is there.
  provisioner "local-exec" { command = var.gate == "" ? "true" : "touch ${var.gate}.held; until [ -e ${var.gate} ]; do sleep 0.1; done" }
}
output "where" { value = terraform_data.site.output }
"""


class Site:
    def __init__(self, cloud, folder):
        self.cloud, self.folder = cloud, folder
        self.env = dict(os.environ, CHECKPOINT_DISABLE="1", TF_IN_AUTOMATION="1")
        # A person's own settings of the machine must not matter.
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
            self.env.pop(name, None)
        (folder / "main.tf").write_text(SITE)

    def command(self, *args):
        return [self.cloud.binary, "as", "staging", "--data", self.cloud.data, "--", *args]

    def run(self, *args, code=0):
        out = subprocess.run(self.command(*args), cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=120)
        assert out.returncode == code, f"{args}: exit {out.returncode}\n{out.stdout[-3000:]}\n{out.stderr[-3000:]}"
        return out.stdout + out.stderr

    def aws(self, *args):
        text = self.run("/usr/bin/aws", "--region", "eu-central-1", "--output", "json", *args)
        return json.loads(text) if text.strip() else None

    def terraform(self, *args, code=0):
        return self.run("terraform", *args, "-no-color", code=code)

    def apply(self, *args, code=0):
        return self.terraform("apply", "-auto-approve", "-input=false", *args, code=code)


@pytest.fixture(scope="module")
def site(binary, tmp_path_factory):
    from harness import Cloud
    cloud = Cloud(binary)
    cloud.run("init", "--account", "staging", "--profile-file", "-")
    s = Site(cloud, tmp_path_factory.mktemp("site"))
    s.aws("s3api", "create-bucket", "--bucket", "tf-state", "--create-bucket-configuration", "LocationConstraint=eu-central-1")
    s.aws("s3api", "put-bucket-versioning", "--bucket", "tf-state", "--versioning-configuration", "Status=Enabled")
    s.aws("s3api", "put-public-access-block", "--bucket", "tf-state", "--public-access-block-configuration",
          "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true")
    s.aws("dynamodb", "create-table", "--table-name", "tf-lock", "--billing-mode", "PAY_PER_REQUEST",
          "--key-schema", "AttributeName=LockID,KeyType=HASH", "--attribute-definitions", "AttributeName=LockID,AttributeType=S")
    yield s
    cloud.destroy()


@pytest.fixture(scope="module", params=['dynamodb_table = "tf-lock"', "use_lockfile = true"], ids=["table", "lockfile"])
def locked_site(site, request):
    (site.folder / "backend.tf").write_text(BACKEND % request.param)
    if "use_lockfile" in request.param and "unsupported argument" in site.run("sh", "-c", "terraform init -no-color -reconfigure || true").lower():
        pytest.skip("this terraform has no lock files")
    site.terraform("init", "-input=false", "-reconfigure")
    for name in ("default", "staging", "production"):
        if name not in site.terraform("workspace", "list"):
            site.terraform("workspace", "new", name)
    return site


def test_each_workspace_has_its_state(locked_site):
    for name in ("staging", "production"):
        locked_site.terraform("workspace", "select", name)
        locked_site.apply()
        assert name in locked_site.terraform("output")
        locked_site.terraform("plan", "-detailed-exitcode")
    keys = [o["Key"] for o in locked_site.aws("s3api", "list-objects-v2", "--bucket", "tf-state")["Contents"]]
    assert {f"env:/{name}/site/terraform.tfstate" for name in ("staging", "production")} <= set(keys)


def test_a_second_apply_is_refused_while_the_lock_is_held(locked_site, tmp_path):
    locked_site.terraform("workspace", "select", "staging")
    gate = tmp_path / "gate"
    first = subprocess.Popen(locked_site.command("terraform", "apply", "-auto-approve", "-input=false", "-no-color", f"-var=gate={gate}"),
                             cwd=locked_site.folder, env=locked_site.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_until(pathlib.Path(f"{gate}.held").exists, 60, 0.1, "the first apply holds the lock")
        refused = locked_site.apply(code=1)
        assert "Error acquiring the state lock" in refused and "Lock Info" in refused, refused
        locked_site.cloud.kill9()  # the lock is as durable as the state
        locked_site.cloud.start()
        assert "Error acquiring the state lock" in locked_site.apply(code=1)
    finally:
        gate.touch()
        try:
            text, _ = first.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            first.send_signal(signal.SIGKILL)
            raise
    assert first.returncode == 0, text
    locked_site.apply()  # the lock is gone with its holder


def test_a_lost_lock_can_be_broken(locked_site, tmp_path):
    locked_site.terraform("workspace", "select", "production")
    gate = tmp_path / "gate"
    first = subprocess.Popen(locked_site.command("terraform", "apply", "-auto-approve", "-input=false", "-no-color", f"-var=gate={gate}"),
                             cwd=locked_site.folder, env=locked_site.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    wait_until(pathlib.Path(f"{gate}.held").exists, 60, 0.1, "the lock is held")
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    refused = locked_site.apply(code=1)
    lock = next(line.split()[-1] for line in refused.splitlines() if " ID:" in line)
    locked_site.terraform("force-unlock", "-force", lock)
    locked_site.apply()
