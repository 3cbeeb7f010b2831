"""What the black-box tests and the benches share: a cloud of their own, and waiting for what must come."""
import configparser
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid

import boto3
import botocore.config

ROOT = pathlib.Path(__file__).resolve().parent.parent

# One session for all clients: it reads a service's model once (0.5 s for EC2's). Making clients is not thread-safe.
_session = boto3.session.Session()
_session_lock = threading.Lock()


class Cloud:
    """One running nubecita with its own data directory, public pool and ports."""

    environment = {}  # more of it, for the server

    def __init__(self, binary, data=None, config=None):
        self.binary = binary
        self.data = data or tempfile.mkdtemp(prefix="nbc-test-")
        number = random.randrange(1, 250)
        self.config = {
            "public_pool": f"127.{100 + random.randrange(100)}.{number}.0/24",
            "http_port": random.randrange(20000, 29000),
            "https_port": random.randrange(29001, 32000),
        }
        self.config.update(config or {})
        pathlib.Path(self.data, "nubecita.json").write_text(json.dumps(self.config))
        self.process = None
        self.endpoint = None
        self.log = open(os.path.join(self.data, "serve.log"), "ab")
        self.key, self.secret = self.init("credentials").values()
        self.start()

    def init(self, file, *args):
        """Makes an account; the keys of its administrator, as arguments of client(). `file`: its name among the data."""
        path = os.path.join(self.data, file)
        self.run("init", *args, "--profile-file", path)
        profile = configparser.ConfigParser()
        profile.read(path)
        section = profile[profile.sections()[-1]]
        return {"key": section["aws_access_key_id"], "secret": section["aws_secret_access_key"]}

    def another_account(self):
        name = "another-" + uuid.uuid4().hex[:6]
        return self.init(name, "--account", name)

    def run(self, *args, check=True):
        out = subprocess.run([self.binary, *args, "--data", self.data], capture_output=True, text=True)
        if check and out.returncode != 0:
            raise AssertionError(f"nubecita {args}: exit {out.returncode}\n{out.stdout}\n{out.stderr}")
        return out

    def start(self, listen="127.0.0.1:0"):
        if self.endpoint:
            listen = self.endpoint.removeprefix("http://")
        marker = pathlib.Path(self.data, "run", "endpoint")
        marker.unlink(missing_ok=True)
        self.process = subprocess.Popen([self.binary, "serve", "--data", self.data, "--listen", listen],
                                        stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, env=dict(os.environ, **self.environment))
        deadline = time.time() + 20
        while not marker.exists():
            if self.process.poll() is not None or time.time() > deadline:
                raise AssertionError("nubecita did not start:\n" + self.log_tail())
            time.sleep(0.005)
        self.endpoint = marker.read_text().strip()

    @property
    def pid(self):
        return self.process.pid

    def log_tail(self, size=6000):
        return pathlib.Path(self.data, "serve.log").read_text(errors="replace")[-size:]

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def restart(self):
        self.stop()
        self.start()

    def client(self, service, region="us-east-1", key=None, secret=None, token=None, **options):
        config = botocore.config.Config(retries={"max_attempts": 0, "mode": "standard"}, **options)
        with _session_lock:
            return _session.client(
                service, region_name=region, endpoint_url=self.endpoint, config=config,
                aws_access_key_id=key or self.key, aws_secret_access_key=secret or self.secret, aws_session_token=token)

    def env(self, region="us-east-1"):
        env = dict(os.environ)
        env.update(AWS_ACCESS_KEY_ID=self.key, AWS_SECRET_ACCESS_KEY=self.secret, AWS_DEFAULT_REGION=region,
                   AWS_ENDPOINT_URL=self.endpoint, AWS_PAGER="", AWS_EC2_METADATA_DISABLED="true")
        env.pop("AWS_PROFILE", None)
        return env

    def aws(self, *args, region="us-east-1", check=True):
        """The AWS CLI; its JSON answer. Debian's CLI is older than AWS_ENDPOINT_URL: the option says the same."""
        out = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.endpoint, "--output", "json", *args],
                             env=self.env(region), capture_output=True, text=True)
        if check and out.returncode != 0:
            raise AssertionError(f"aws {args}: {out.stderr}")
        if not check:
            return out
        return json.loads(out.stdout) if out.stdout.strip() else None

    def destroy(self):
        """Ends the server and everything that it runs on the machine, and removes its data."""
        self.stop()
        out = self.run("down", check=False)
        self.log.close()
        if out.returncode == 0:
            shutil.rmtree(self.data, ignore_errors=True)
        else:
            raise AssertionError(f"nubecita down: {out.stdout}{out.stderr}")


def wait_until(condition, timeout=30, every=0.05, what="condition"):
    """The first true answer of `condition()`; fails with `what` after `timeout` seconds."""
    deadline = time.time() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.time() > deadline:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(every)
