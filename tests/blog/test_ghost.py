"""The main job: `make run` puts the Ghost blog on a fresh cloud; its posts outlive `make stop`; `make stop` leaves nothing."""
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

import pytest
from harness import ROOT, wait_until
from load import Load

pytestmark = [pytest.mark.host, pytest.mark.slow, pytest.mark.timeout(1500)]


class Installation:
    """What a person has: a data directory and the two commands."""

    def __init__(self):
        self.data = tempfile.mkdtemp(prefix="nbc-ghost-")
        self.url = None
        self.http_port = random.randrange(20000, 29000)
        config = {"listen": f"127.0.0.1:{random.randrange(10000, 19000)}", "http_port": self.http_port,
                  "https_port": self.http_port + 1, "public_pool": f"127.{random.randrange(200, 250)}.0.0/24"}
        pathlib.Path(self.data, "nubecita.json").write_text(json.dumps(config))
        self.env = dict(os.environ, DATA=self.data, HOME=self.data + "-home")
        os.makedirs(self.env["HOME"], exist_ok=True)
        # Images are built once for all tests and users of this machine; npm keeps its settings.
        self.env["NUBECITA_IMAGES"] = os.environ.get("NUBECITA_IMAGES", os.path.expanduser("~/.cache/nubecita/images"))
        self.env["NPM_CONFIG_USERCONFIG"] = os.path.expanduser("~/.npmrc")

    def script(self, name, timeout):
        out = subprocess.run([ROOT / "scripts" / name], env=self.env, capture_output=True, text=True, timeout=timeout)
        assert out.returncode == 0, f"{name}: {out.stdout[-4000:]}\n{out.stderr[-4000:]}\n" + self.log()
        return out.stdout.strip().splitlines()

    def log(self):
        path = pathlib.Path(self.data, "log", "serve.log")
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def run(self):
        last = self.script("run.sh", 1200)[-1]
        assert last.startswith("ready: http://"), last
        self.url = last.removeprefix("ready: ")
        return self.url

    def running(self):
        """The blog's URL; it is put up unless a test before has done it (a hundred calls of the AWS CLI: a minute)."""
        return self.url or self.run()

    def stop(self):
        self.url = None
        self.script("stop.sh", 120)

    def aws(self, *args):
        out = subprocess.run([ROOT / "build/release/nubecita", "as", "nubecita", "--data", self.data, "--", "aws", "--output", "json", *args],
                             env=self.env, capture_output=True, text=True)
        assert out.returncode == 0, out.stderr
        return json.loads(out.stdout) if out.stdout.strip() else None


def fetch(url, method="GET", body=None, headers=None):
    """(status, text); names below .localhost are this machine."""
    host = url.split("/")[2]
    local = url.replace(host, "127.0.0.1:" + (host.split(":")[1] if ":" in host else "80"), 1)
    request = urllib.request.Request(local, data=json.dumps(body).encode() if body else None, method=method,
                                     headers={"Host": host, "Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode(errors="replace")


def traces(data):
    """Everything on the machine that belongs to the installation of this data directory."""
    import hashlib
    tag = hashlib.sha256(os.path.abspath(data).encode()).hexdigest()[:4]
    run = lambda *c: subprocess.run(c, capture_output=True, text=True).stdout.splitlines()
    found = [n for n in os.listdir("/run/netns") if n.startswith("n" + tag)] if os.path.isdir("/run/netns") else []
    found += [line for line in run("nft", "list", "tables") if tag in line]
    found += [line for line in open("/proc/mounts") if data + "/" in line]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
        if data + "/" in command:
            found.append(f"process {pid}: {command[:120]}")
    return found


@pytest.fixture(scope="module")
def blog():
    b = Installation()
    yield b
    subprocess.run([ROOT / "scripts/stop.sh"], env=b.env, capture_output=True)
    assert traces(b.data) == []
    shutil.rmtree(b.data, ignore_errors=True)
    shutil.rmtree(b.data + "-home", ignore_errors=True)


def test_run_stop_and_run_again(blog):
    url = blog.run()
    status, page = fetch(url)
    assert status == 200 and "Ghost" in page
    origin = url.rstrip("/")
    status, text = fetch(origin + "/ghost/api/admin/authentication/setup/", "POST", headers={"Origin": origin}, body={"setup": [
        {"name": "Nube", "email": "nube@example.org", "password": "a-long-pass-phrase-9", "blogTitle": "La propia nubecita"}]})
    assert status in (200, 201), text[:500]
    wait_until(lambda: "La propia nubecita" in fetch(url)[1], 60, 1, "the blog's new title")

    blog.stop()
    assert traces(blog.data) == []

    again = blog.run()
    assert again == url, "the same blog has the same address"
    wait_until(lambda: "La propia nubecita" in fetch(url)[1], 60, 1, "the blog's posts and settings are back")
    assert "ProxyFailed" not in pathlib.Path(blog.data, "log", "serve.log").read_text(), "the load balancer waits for its interface"


def test_rolling_update_of_the_blog_loses_no_request(blog):
    url = blog.running()
    clusters = blog.aws("ecs", "list-clusters")["clusterArns"]
    cluster = next(c for c in clusters if "ghost" in c)
    service = blog.aws("ecs", "list-services", "--cluster", cluster)["serviceArns"][0]

    def described():
        return blog.aws("ecs", "describe-services", "--cluster", cluster, "--services", service)["services"][0]

    with Load(url, clients=3, rate=10, timeout=60) as load:
        blog.aws("ecs", "update-service", "--cluster", cluster, "--service", service, "--force-new-deployment")
        wait_until(lambda: len(described()["deployments"]) == 1 and described()["runningCount"] == 2, 300, 2, "the update is complete")
        # A quick update is over after a few of Ghost's slow pages: the new tasks answer the rest.
        wait_until(lambda: load.total > 20, 120, 0.5, "enough requests to count")
    assert load.bad == [], f"{len(load.bad)} of {load.total} lost: {load.bad[:3]}"


def test_destroy_leaves_an_empty_account(blog):
    blog.running()
    destroy = [ROOT / "build/release/nubecita", "as", "nubecita", "--data", blog.data, "--", ROOT / "examples/ghost/destroy.sh"]
    out = subprocess.run(destroy, env=blog.env, capture_output=True, text=True, timeout=600)
    assert out.returncode == 0 and out.stdout.endswith("nothing is left of ghost\n"), f"{out.stdout[-3000:]}\n{out.stderr[-3000:]}"
    assert blog.aws("ec2", "describe-vpcs")["Vpcs"] == []
    assert blog.aws("ec2", "describe-addresses")["Addresses"] == []
    assert blog.aws("ec2", "describe-network-interfaces")["NetworkInterfaces"] == []
    assert blog.aws("elbv2", "describe-load-balancers")["LoadBalancers"] == []
    assert blog.aws("rds", "describe-db-instances")["DBInstances"] == []
    assert blog.aws("ecr", "describe-repositories")["repositories"] == []
    assert not [c for c in blog.aws("ecs", "list-clusters")["clusterArns"] if "ghost" in c]
    again = subprocess.run(destroy, env=blog.env, capture_output=True, text=True, timeout=600)
    assert again.returncode == 0, "what is gone already is passed over: " + again.stderr[-3000:]
