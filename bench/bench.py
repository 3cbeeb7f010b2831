"""The README's numbers. Each figure is measured here and now; a reference, where there is one, in the same run.

bench.py [name...]   names: start memory calls writes dynamodb eni task database balancer (default: all)
"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from harness import Cloud, wait_until  # noqa: E402

LOAD = ROOT / "build/release/bench/nubecita_load"
STORE = ROOT / "build/release/bench/store_bench"
BINARY = str(ROOT / "build/release/nubecita")
results = {}


def tell(name, text, **figures):
    results[name] = figures
    print(f"{name:<34} {text}", flush=True)


def cpu_seconds(pid):
    """User and system time of a process and of the children it has waited for."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(fields[i]) for i in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid, name="VmRSS"):
    """All that is resident; RssAnon: without the pages of the program's file, which are the machine's page cache."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024


def load(address, mode, clients, seconds, pids, key="k", secret="s"):
    """Requests per second, CPU microseconds of `pids` per request, p50, p99."""
    before = sum(cpu_seconds(p) for p in pids)
    out = subprocess.run([LOAD, address, mode, str(clients), str(seconds), key, secret], capture_output=True, text=True, check=True)
    used = sum(cpu_seconds(p) for p in pids) - before
    r = json.loads(out.stdout)
    assert r["requests"] > 0, r
    return {"per_second": r["requests"] / r["seconds"], "cpu_us": used / r["requests"] * 1e6, "p50_us": r["p50_us"], "p99_us": r["p99_us"]}


class Nginx:
    """nginx answering 200 with a short body: the reference for what HTTP alone costs."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="nbc-bench-nginx-")
        self.port = 18990
        pathlib.Path(self.folder, "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {self.folder}/pid; error_log {self.folder}/error.log;
events {{ worker_connections 512; }}
http {{ access_log off; keepalive_requests 1000000000;
  client_body_temp_path {self.folder}; proxy_temp_path {self.folder}; fastcgi_temp_path {self.folder};
  uwsgi_temp_path {self.folder}; scgi_temp_path {self.folder};
  server {{ listen 127.0.0.1:{self.port}; location / {{ return 200 "{'x' * 400}"; }} }} }}
""")
        self.process = subprocess.Popen(["nginx", "-c", f"{self.folder}/nginx.conf", "-p", self.folder], stderr=subprocess.DEVNULL)
        wait_until(lambda: self.answers(), 5, what="nginx")

    def answers(self):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/").status == 200
        except OSError:
            return False

    def pids(self):
        kids = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid] + [int(k) for k in kids]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


def first_answer_ms(cloud):
    """exec of `nubecita serve` to its first answered (signed) request."""
    times = []
    for _ in range(7):
        cloud.stop()
        request = caller_request(cloud)
        port = int(cloud.endpoint.rsplit(":", 1)[1])
        started = time.perf_counter()
        cloud.process = subprocess.Popen([BINARY, "serve", "--data", cloud.data, "--listen", f"127.0.0.1:{port}"],
                                         stdout=cloud.log, stderr=cloud.log, stdin=subprocess.DEVNULL)
        import socket
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
                    s.sendall(request)
                    if s.recv(4096).startswith(b"HTTP/1.1 200"):
                        break
            except OSError:
                pass
        times.append((time.perf_counter() - started) * 1000)
        time.sleep(0.2)
    return statistics.median(times)


def caller_request(cloud):
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials
    body = "Action=GetCallerIdentity&Version=2011-06-15"
    r = botocore.awsrequest.AWSRequest("POST", cloud.endpoint + "/", data=body,
                                       headers={"Content-Type": "application/x-www-form-urlencoded"})
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(cloud.key, cloud.secret), "sts", "us-east-1").add_auth(r)
    p = r.prepare()
    host = cloud.endpoint.removeprefix("http://")
    head = "".join(f"{k}: {v.decode() if isinstance(v, bytes) else v}\r\n" for k, v in p.headers.items())
    return f"POST / HTTP/1.1\r\nHost: {host}\r\n{head}\r\n{body}".encode()


def bench_start(cloud):
    empty = first_answer_ms(cloud)
    tell("exec to first answer, empty", f"{empty:.1f} ms (goal 20)", ms=empty)
    logs = cloud.client("logs")
    address = cloud.endpoint.removeprefix("http://")
    made = 0
    while made < 100_000:
        out = subprocess.run([LOAD, address, "write", "64", "10", cloud.key, cloud.secret], capture_output=True, text=True, check=True)
        made += json.loads(out.stdout)["requests"]
    full = first_answer_ms(cloud)
    tell("exec to first answer, 100,000", f"{full:.1f} ms with {made:,} resources (goal 100)", ms=full, resources=made)
    rest(cloud.pid)
    tell_memory(cloud.pid, "idle memory, 100,000 resources")
    del logs


def settle(pid, seconds=60):
    """Waits until the process has used no processor time for a second: after a start the controllers look at all there is."""
    before = None
    for _ in range(seconds):
        if before == (before := cpu_seconds(pid)):
            return
        time.sleep(1)


def rest(pid):
    """Until nothing is done, and a few seconds more: then memory that only reading needs goes back."""
    settle(pid)
    time.sleep(6)


def tell_memory(pid, name):
    own, all_of_it = rss_mib(pid, "RssAnon"), rss_mib(pid)
    tell(name, f"{own:.1f} MiB of its own, {all_of_it:.1f} MiB with the program's file (goal 15), after a restart", own_mib=own, mib=all_of_it)


def bench_memory(cloud):
    cloud.restart()
    rest(cloud.pid)
    tell_memory(cloud.pid, "idle memory")


def bench_calls(cloud):
    nginx = Nginx()
    address = cloud.endpoint.removeprefix("http://")
    try:
        cloud.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
        reference = load(f"127.0.0.1:{nginx.port}", "plain", 16, 4, nginx.pids())
        tell("nginx return 200", f"{reference['per_second']:,.0f}/s, {reference['cpu_us']:.1f} µs CPU", **reference)
        for mode, name in (("caller", "signed GetCallerIdentity"), ("vpcs", "signed DescribeVpcs")):
            r = load(address, mode, 16, 4, [cloud.pid], cloud.key, cloud.secret)
            ratio = reference["cpu_us"] / r["cpu_us"]
            tell(name, f"{r['per_second']:,.0f}/s, {r['cpu_us']:.1f} µs CPU, p50 {r['p50_us']:.0f} µs, p99 {r['p99_us']:.0f} µs; "
                 f"{ratio:.2f} of nginx by CPU", ratio=ratio, **r)
    finally:
        nginx.stop()


def bench_writes(cloud):
    """The ceiling is the same store without HTTP, signatures and IAM, on the same disk."""
    address = cloud.endpoint.removeprefix("http://")
    for clients in (1, 64):
        with tempfile.TemporaryDirectory(prefix="nbc-bench-store-") as folder:
            out = json.loads(subprocess.run([STORE, folder, str(clients), "5"], capture_output=True, text=True, check=True).stdout)
        ceiling = out["commits"] / out["seconds"]
        r = load(address, "write", clients, 5, [cloud.pid], cloud.key, cloud.secret)
        tell(f"durable writes, {clients} clients", f"{r['per_second']:,.0f}/s, {r['cpu_us']:.0f} µs CPU, p50 {r['p50_us']:.0f} µs, "
             f"p99 {r['p99_us']:.0f} µs; {r['per_second'] / ceiling:.2f} of the store's {ceiling:,.0f}/s", ceiling=ceiling, **r)


def bench_dynamodb(cloud):
    """Items of 300 bytes in a table with a sort key; Query answers ten of them; a transaction is a Put and an Update."""
    cloud.client("dynamodb").create_table(
        TableName="bench", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "c", "AttributeType": "N"}])
    address = cloud.endpoint.removeprefix("http://")
    load(address, "dynamodb-put", 64, 3, [cloud.pid], cloud.key, cloud.secret)
    for name in ("put", "get", "query", "transact"):
        for clients in (1, 64):
            r = load(address, "dynamodb-" + name, clients, 4, [cloud.pid], cloud.key, cloud.secret)
            tell(f"DynamoDB {name}, {clients} clients",
                 f"{r['per_second']:,.0f}/s, {r['cpu_us']:.1f} µs CPU, p50 {r['p50_us']:.0f} µs, p99 {r['p99_us']:.0f} µs", **r)


def bench_eni(cloud):
    """CreateNetworkInterface to the moment its namespace is there and enforced, seen from outside."""
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.77.1.0/24")["Subnet"]["SubnetId"]
    times = []
    for _ in range(10):
        started = time.perf_counter()
        eni = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
        path = None
        while not path:
            path = next((n for n in os.listdir("/run/netns") if n.endswith(eni)), None)
        times.append((time.perf_counter() - started) * 1000)
        time.sleep(0.1)
    tell("API call to ENI's namespace", f"median {statistics.median(times):.1f} ms, API call and commit included", ms=statistics.median(times))


def bench_database(cloud):
    ec2, rds = cloud.client("ec2"), cloud.client("rds")
    vpc = ec2.create_vpc(CidrBlock="10.78.0.0/16")["Vpc"]["VpcId"]
    zones = [z["ZoneName"] for z in ec2.describe_availability_zones()["AvailabilityZones"]]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.78.{i}.0/24", AvailabilityZone=zones[i])["Subnet"]["SubnetId"] for i in (0, 1)]
    rds.create_db_subnet_group(DBSubnetGroupName="bench", DBSubnetGroupDescription="bench", SubnetIds=subnets)
    for engine in ("postgres", "mariadb"):
        times = []
        for i in range(3):
            started = time.perf_counter()
            rds.create_db_instance(DBInstanceIdentifier=f"bench-{engine}-{i}", Engine=engine, DBInstanceClass="db.t3.micro", AllocatedStorage=5,
                                   MasterUsername="bench", MasterUserPassword="bench-password", DBSubnetGroupName="bench", DBName="bench")
            wait_until(lambda: rds.describe_db_instances(DBInstanceIdentifier=f"bench-{engine}-{i}")["DBInstances"][0]["DBInstanceStatus"] == "available",
                       120, 0.02, f"{engine} available")
            times.append(time.perf_counter() - started)
        tell(f"CreateDBInstance {engine}", f"first {times[0]:.2f} s (makes the template), then {min(times[1:]):.2f} s (goal 3)", first=times[0], s=min(times[1:]))
        for i in range(3):
            rds.delete_db_instance(DBInstanceIdentifier=f"bench-{engine}-{i}", SkipFinalSnapshot=True)


BENCHES = {"start": bench_start, "memory": bench_memory, "calls": bench_calls, "writes": bench_writes, "eni": bench_eni,
           "dynamodb": bench_dynamodb, "database": bench_database}


def main(names):
    sys.path.insert(0, str(ROOT / "bench"))
    import machine  # the parts that need containers and load balancers
    BENCHES.update(machine.BENCHES)
    for name in names or BENCHES:
        cloud = Cloud(BINARY)
        try:
            BENCHES[name](cloud)
        finally:
            cloud.destroy()
    pathlib.Path(ROOT, "build/bench.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
