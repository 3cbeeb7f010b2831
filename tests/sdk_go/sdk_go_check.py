"""The calls of Terraform's AWS provider 5 and 6 by the Go SDK v2: the tests are the *_test.go beside this file, run through
`nubecita as` against a cloud of their own."""
import configparser
import os
import pathlib
import subprocess
import types

import harness
import images


def test_go_sdk(binary):
    cloud = harness.Cloud(binary)
    try:
        cloud.run("init", "--account", "go", "--profile-file", "-")
        keys = configparser.ConfigParser()
        keys.read(pathlib.Path(cloud.data, "credentials"))
        account = types.SimpleNamespace(client=lambda service, region: cloud.client(
            service, region=region, key=keys["go"]["aws_access_key_id"], secret=keys["go"]["aws_secret_access_key"]))
        image = images.push(account, images.web_image(), "web", "1", region=keys["go"]["region"])
        out = subprocess.run([binary, "as", "go", "--data", cloud.data, "--", os.environ["NUBECITA_SDK_TEST"], "-test.v"],
                             env=dict(os.environ, IMAGE=image), capture_output=True, text=True)
        print(out.stdout)
        assert out.returncode == 0, f"{out.stdout[-8000:]}\n{out.stderr[-4000:]}"
    finally:
        cloud.destroy()
