"""The programs that data.py measures beside nubecita. Each is installed once, by its own package manager, in
~/.cache/nubecita/peers, and runs with its own defaults; `durable` says what an answer of it promises."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

from harness import wait_until

CACHE = pathlib.Path.home() / ".cache/nubecita/peers"


def processes(pid):
    """A process and all that it started."""
    try:
        kids = [int(k) for task in pathlib.Path(f"/proc/{pid}/task").iterdir() for k in (task / "children").read_text().split()]
    except OSError:
        return []
    return [pid] + [p for k in kids for p in processes(k)]


class Peer:
    name = durable = ""
    port = 18900
    key, secret = "benchkey", "benchsecret"
    warm_up = 1  # seconds of load before a part is measured
    large = True  # whether it takes many objects of 256 MiB
    every_round = True  # False: no goal is about it, so that one round is enough

    def __init__(self):
        self.folder = self.log = self.process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def endpoint(self):
        return "http://" + self.address

    def home(self):
        return CACHE / self.name.lower().replace(" ", "-")

    def install(self):
        """Installs it, unless it is there. An exception says why it cannot be had."""

    def command(self):
        raise NotImplementedError

    def environment(self):
        """What it needs beside ours."""
        return {}

    def start(self):
        self.folder = tempfile.mkdtemp(prefix="nbc-bench-peer-")
        self.log = open(os.path.join(self.folder, "log"), "wb")
        env = dict(os.environ, **self.environment())
        self.process = subprocess.Popen(self.command(), cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            wait_until(self.answers, 30, what=lambda: f"{self.name} answers: " + pathlib.Path(self.folder, "log").read_text(errors="replace")[-500:])
        except BaseException:
            self.stop()
            raise

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended: " + pathlib.Path(self.folder, "log").read_text(errors="replace")[-500:])
        try:
            urllib.request.urlopen(self.endpoint + "/", timeout=2).close()
        except urllib.error.HTTPError:
            pass
        except OSError:
            return False
        return True

    def pids(self):
        return processes(self.process.pid)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def run(*command, **env):
        out = subprocess.run(command, env=dict(os.environ, **env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if out.returncode != 0:
            raise RuntimeError(f"{command[0]}: " + " ".join(out.stdout.strip().splitlines()[-2:])[-300:])

    def go(self, module, program):
        if not (self.home() / program).exists():
            self.run("nice", "go", "install", module, GOBIN=str(self.home()), GOMAXPROCS="1", CGO_ENABLED="0")

    def pip(self, package, program):
        if not (self.home() / "bin" / program).exists():
            self.run("/usr/bin/python3", "-m", "venv", str(self.home()))
            self.run(str(self.home() / "bin/pip"), "install", "-q", "--disable-pip-version-check", package)

    def maven(self, group, artifact, versions):
        """The artifact and all it needs, in lib/."""
        done = self.home() / "installed"
        if done.exists():
            return
        self.home().mkdir(parents=True, exist_ok=True)
        (self.home() / "pom.xml").write_text(
            "<project><modelVersion>4.0.0</modelVersion><groupId>bench</groupId><artifactId>peer</artifactId><version>1</version><dependencies>"
            f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{versions}</version></dependency>"
            "</dependencies></project>\n")
        self.run("nice", "mvn", "-q", "-B", "-f", str(self.home() / "pom.xml"), "dependency:copy-dependencies", "-DoutputDirectory=lib", "-DincludeScope=runtime")
        done.touch()


class Minio(Peer):
    name, durable = "MinIO", "its default, one drive: one fdatasync a PUT"
    port = 18901

    def install(self):
        self.go("github.com/minio/minio@latest", "minio")

    def environment(self):
        return {"MINIO_ROOT_USER": self.key, "MINIO_ROOT_PASSWORD": self.secret}

    def command(self):
        return [self.home() / "minio", "server", "--quiet", "--address", self.address, self.folder + "/data"]


class Versitygw(Peer):
    name, durable = "versitygw", "its default: files are not synced"
    port = 18902

    def install(self):
        self.go("github.com/versity/versitygw/cmd/versitygw@latest", "versitygw")

    def command(self):
        os.mkdir(self.folder + "/data")
        return [self.home() / "versitygw", "--port", self.address, "--access", self.key, "--secret", self.secret, "posix", self.folder + "/data"]


class Moto(Peer):
    name, durable = "moto", "in memory"
    port = 18903
    large = every_round = False

    def install(self):
        self.pip("moto[s3,sqs,dynamodb,server]", "moto_server")

    def command(self):
        return [self.home() / "bin/moto_server", "-H", "127.0.0.1", "-p", str(self.port)]


class Ministack(Peer):
    name, durable = "ministack", "in memory"
    port = 18909
    large = every_round = False

    def install(self):
        self.pip("ministack", "ministack")

    def environment(self):
        return {"GATEWAY_PORT": str(self.port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1"}

    def command(self):
        return [self.home() / "bin/ministack"]


class Fakecloud(Peer):
    name, durable = "fakecloud", "in memory; signatures are not verified"
    port = 18910
    large = False

    def install(self):
        if not (self.home() / "bin/fakecloud").exists():
            raise RuntimeError(f"its build takes an hour of two cores: by hand, `cargo install fakecloud --root {self.home()}`")

    def command(self):
        return [self.home() / "bin/fakecloud", "--addr", self.address]


class Nginx(Peer):
    """Static files below <folder>/bench, by sendfile."""
    name, durable = "nginx", "static files"
    port = 18904

    def command(self):
        os.makedirs(self.folder + "/bench")
        pathlib.Path(self.folder, "nginx.conf").write_text(f"""
daemon off; user root; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/error.log;
events {{ worker_connections 512; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
  client_body_temp_path {self.folder}; proxy_temp_path {self.folder}; fastcgi_temp_path {self.folder};
  uwsgi_temp_path {self.folder}; scgi_temp_path {self.folder};
  server {{ listen {self.address}; root {self.folder}; }} }}
""")
        os.chmod(self.folder, 0o755)
        return ["nginx", "-c", f"{self.folder}/nginx.conf", "-p", self.folder]

    def store(self, size, clients, objects):
        """The names that the load generator reads."""
        content = os.urandom(min(size, 1 << 20)) * max(1, size >> 20)
        folder = pathlib.Path(self.folder, f"bench/{size}/{clients}")
        folder.mkdir(parents=True)
        for i in range(objects):
            (folder / str(i)).write_bytes(content)


class ElasticMQ(Peer):
    name, durable = "ElasticMQ", "in memory"
    port = 18905
    warm_up = 6

    def install(self):
        self.maven("org.elasticmq", "elasticmq-server_2.13", "[1,)")

    def command(self):
        return ["java", "-Drest-sqs.bind-hostname=127.0.0.1", f"-Drest-sqs.bind-port={self.port}", "-Drest-stats.enabled=false",
                "-cp", f"{self.home()}/lib/*", "org.elasticmq.server.Main"]


class Redis(Peer):
    name, durable = "Redis lists", "appendfsync always"
    port = 18906

    def install(self):
        if not shutil.which("redis-server"):
            raise RuntimeError("redis-server is not installed")

    def command(self):
        return ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "yes", "--appendfsync", "always",
                "--dir", self.folder]

    def answers(self):
        return subprocess.run(["redis-cli", "-p", str(self.port), "ping"], capture_output=True, text=True).stdout.strip() == "PONG"


class DynamoDBLocal(Peer):
    name, durable = "DynamoDB Local", "its default: a SQLite file"
    port = 18907
    warm_up = 6

    def install(self):
        self.maven("com.amazonaws", "DynamoDBLocal", "[2,3)")

    def command(self):
        return ["java", f"-Djava.library.path={self.home()}/lib", "-cp", f"{self.home()}/lib/*",
                "com.amazonaws.services.dynamodbv2.local.main.ServerRunner", "-port", str(self.port), "-disableTelemetry", "-dbPath", self.folder]


class Dynalite(Peer):
    name, durable = "dynalite", "in memory"
    port = 18908
    warm_up = 3

    def install(self):
        if not (self.home() / "node_modules/.bin/dynalite").exists():
            self.run("npm", "install", "--no-audit", "--no-fund", "--prefix", str(self.home()), "dynalite")

    def command(self):
        return [self.home() / "node_modules/.bin/dynalite", "--host", "127.0.0.1", "--port", str(self.port), "--createTableMs", "0"]


EMULATORS = [Fakecloud, Ministack, Moto]
PEERS = {"s3": [Minio, Versitygw, Nginx, *EMULATORS], "sqs": [ElasticMQ, Redis, *EMULATORS], "dynamodb": [DynamoDBLocal, Dynalite, *EMULATORS]}
