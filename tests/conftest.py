"""Fixtures of the black-box tests: a cloud of its own per test session, and real clients that talk to it.

The tests could also run against AWS: they know only the endpoint and credentials. `--nubecita PATH` names the binary.
"""
import json
import os
import subprocess
import tempfile
import uuid

import pytest
from harness import ROOT, Cloud


def pytest_addoption(parser):
    parser.addoption("--nubecita", default=str(ROOT / "build/release/nubecita"), help="the binary under test")


@pytest.fixture(scope="session")
def binary(request):
    path = request.config.getoption("--nubecita")
    assert os.access(path, os.X_OK), f"{path} is missing: run `make build`"
    return path


@pytest.fixture(scope="session")
def cloud(binary):
    c = Cloud(binary)
    yield c
    c.destroy()


@pytest.fixture
def own_cloud(binary):
    """A cloud for this test alone, for those that kill or starve it."""
    c = Cloud(binary)
    yield c
    c.destroy()


@pytest.fixture
def make_cloud(binary):
    made = []

    def make(**kwargs):
        made.append(Cloud(binary, **kwargs))
        return made[-1]

    yield make
    for c in made:
        c.destroy()


@pytest.fixture
def small_disk():
    """A file system of 96 MiB."""
    folder = tempfile.mkdtemp(prefix="nbc-full-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m,mode=755", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    os.rmdir(folder)


@pytest.fixture
def fill():
    """fill(folder) -> the file that takes all the room that was left on the folder's disk."""

    def make(folder):
        filler = os.path.join(folder, "filler")
        with open(filler, "wb", buffering=0) as f:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        f.write(b"x" * size)
                except OSError:
                    pass
        return filler

    return make


@pytest.fixture(scope="session")
def client(cloud):
    return cloud.client


@pytest.fixture(scope="session")
def aws(cloud):
    return cloud.aws


@pytest.fixture
def scratch_user(cloud):
    """scratch_user(policy=None, boundary=None) -> (user name, key id, secret); removed afterwards."""
    iam = cloud.client("iam")
    made = []

    def make(policy=None, boundary=None):
        name = "u-" + uuid.uuid4().hex[:10]
        iam.create_user(UserName=name, **({"PermissionsBoundary": boundary} if boundary else {}))
        made.append(name)
        if policy:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return name, key["AccessKeyId"], key["SecretAccessKey"]

    yield make
    for name in made:
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
            iam.delete_user_policy(UserName=name, PolicyName=policy)
        for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
            iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
        iam.delete_user(UserName=name)
