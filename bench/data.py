"""What the data services cost beside others that speak the same APIs, in turns on one machine.

data.py [s3] [sqs] [dynamodb] [--peers none|all|NAME,...] [--seconds N] [--rounds N] [--full] [--nubecita BINARY]

All servers of a part run beside each other and are measured one after the other, round after round, so that an hour in which the machine is slow
is slow for all; emulators, which no goal is about, once. Figures are medians of the rounds, ratios medians of the rounds' own.
Every answer of nubecita is durable; what an answer of a peer promises is printed. CPU is user and system time of a server's processes, from /proc;
nubecita's writes are counted until it is at rest again: what compacts the store afterwards is theirs.
"""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import boto3
import botocore.config

import bench
from bench import LOAD, ROOT, STORE
import peers
from harness import Cloud

SIZES = {"4 KiB": 4096, "1 MiB": 1 << 20, "256 MiB": 256 << 20}
READ = {"4 KiB": 1000, "1 MiB": 100, "256 MiB": 4}  # that many objects, or all if there are fewer
WRITES = ("s3-put", "sqs", "dynamodb-put", "dynamodb-transact")  # modes of the load generator
READ_AHEAD = 4  # seconds that objects of 1 MiB and more are read before it counts: all come from memory then, and have been checked
results = {"machine": {}, "peers": {}, "measurements": {}, "goals": []}


class Ours:
    """nubecita, as a peer is seen."""
    name, durable, warm_up, large, every_round = "nubecita", "on disk before the answer", 1, True, True

    def __init__(self, cloud):
        self.cloud, self.key, self.secret, self.endpoint = cloud, cloud.key, cloud.secret, cloud.endpoint
        self.address = cloud.endpoint.removeprefix("http://")

    def pids(self):
        return peers.processes(self.cloud.pid)

    def settle(self):
        bench.settle(self.cloud.pid, 900)


class HashAndWrite:
    """The least that a PUT costs: SHA-256, MD5, a synced write. Python's hashlib is OpenSSL's; without a socket."""
    name, every_round = "SHA-256 + MD5 + write", True

    def measure(self, size, seconds):
        piece, done, began = os.urandom(min(size, 1 << 20)), 0, time.monotonic()
        folder = tempfile.mkdtemp(prefix="nbc-bench-files-")
        cpu = time.process_time()
        while time.monotonic() < began + seconds:
            sha256, md5 = hashlib.sha256(), hashlib.md5()
            with open(f"{folder}/{done % 100}", "wb", buffering=0) as file:
                for _ in range(size // len(piece)):
                    sha256.update(piece)
                    md5.update(piece)
                    file.write(piece)
                os.fdatasync(file.fileno())
            done += 1
        used, took = time.process_time() - cpu, time.monotonic() - began
        shutil.rmtree(folder)
        return {"per_second": done / took, "cpu_us": used / done * 1e6, "requests": done}


class StoreCommits:
    """nubecita's store alone: its own group commit with so many writers."""
    every_round = True

    def __init__(self, size):
        self.size, self.name = size, f"the store, {size:,} bytes"

    def measure(self, clients, seconds):
        with tempfile.TemporaryDirectory(prefix="nbc-bench-store-") as folder:
            out = json.loads(subprocess.run([STORE, folder, str(clients), str(seconds), str(self.size)], capture_output=True, text=True, check=True).stdout)
        return {"per_second": out["commits"] / out["seconds"], "cpu_us": out["cpu_us"], "requests": out["commits"]}


def client(server, service):
    config = botocore.config.Config(retries={"max_attempts": 3, "mode": "standard"}, s3={"addressing_style": "path"})
    return boto3.client(service, region_name="us-east-1", endpoint_url=server.endpoint, aws_access_key_id=server.key,
                        aws_secret_access_key=server.secret, config=config)


def load(server, mode, clients, seconds, queue="", most=0):
    """One run of the load generator, of `most` operations if not 0: operations per second, CPU microseconds an operation, p50, p99; or `error`."""
    def cpu():
        return {p: bench.cpu_seconds(p) for p in server.pids()}
    before = cpu()
    out = subprocess.run([LOAD, server.address, mode, str(clients), str(seconds), server.key, server.secret, queue] + ([str(most)] if most else []), capture_output=True, text=True)
    if out.returncode != 0:
        return {"error": " ".join(out.stderr.split())[:200] or f"exit {out.returncode}"}
    if mode.startswith(WRITES) and hasattr(server, "settle"):
        server.settle()
    after = cpu()
    if before.keys() - after.keys():
        return {"error": "a process of it ended meanwhile: its CPU is not known"}
    r = json.loads(out.stdout)
    used = sum(after.values()) - sum(before.values())
    return {"per_second": r["requests"] / r["seconds"], "cpu_us": used / r["requests"] * 1e6, "p50_us": r["p50_us"], "p99_us": r["p99_us"],
            "requests": r["requests"]}


def amount(microseconds):
    for limit, unit, of in ((1000, "µs", 1), (1e6, "ms", 1e3)):
        if microseconds < limit:
            return f"{microseconds / of:.{0 if microseconds / of >= 100 else 1}f} {unit}"
    return f"{microseconds / 1e6:.2f} s"


def turns(what, clients, servers, measure, rounds=None):
    """Measures all servers, in turns; keeps every round, prints the medians and what others take of ours. Answers how many operations each
    had at least in a round."""
    of = results["measurements"].setdefault(what, {}).setdefault(str(clients), {})
    for i in range(rounds or results["machine"]["rounds"]):
        for server in servers if i % 2 == 0 else reversed(servers):
            found = of.setdefault(server.name, [])
            if i and (not server.every_round or "error" in found[-1]):
                continue
            try:
                found.append(measure(server))
            except Exception as e:
                found.append({"error": f"{type(e).__name__}: {e}"[:200]})
    for server in servers:
        head = f"{what:<26} {clients:>3}  {server.name:<21}"
        if "error" in of[server.name][-1]:
            print(f"{head} -- {of[server.name][-1]['error']}", flush=True)
            continue
        cpu, compared = ratio(what, clients, server.name, "nubecita"), ""
        if server.name != "nubecita" and cpu:
            compared = f"{cpu:6.1f}x CPU, {ratio(what, clients, server.name, 'nubecita', 'per_second'):5.2f}x per second"
        latencies = "".join(f"  {p} {amount(v):>9}" for p in ("p50", "p99") if (v := figure(what, clients, server.name, p + "_us")))
        print(f"{head} {figure(what, clients, server.name, 'per_second'):>10,.1f}/s {amount(figure(what, clients, server.name)):>9} CPU{latencies}  {compared}", flush=True)
    return {name: min(r.get("requests", 0) for r in found) for name, found in of.items()}


def rounds_of(what, clients, server, name):
    return [r.get(name) for r in results["measurements"].get(what, {}).get(str(clients), {}).get(server, [])]


def figure(what, clients, server, name="cpu_us"):
    """The median of the rounds; None: not measured."""
    found = rounds_of(what, clients, server, name)
    return statistics.median(found) if found and None not in found else None


def ratio(what, clients, a, b, name="cpu_us"):
    """The median of what `a` took of `b` in the same round; None: not measured."""
    of = [x / y for x, y in zip(rounds_of(what, clients, a, name), rounds_of(what, clients, b, name)) if x and y]
    return statistics.median(of) if of else None


def s3_clients(size):
    """256 MiB from 32 clients are 8 GiB a round: minutes, and only when asked for."""
    return (1, 32 if size <= 1 << 20 or results["machine"]["full"] else 4)


def measure_s3(servers, seconds):
    writers = [s for s in servers if not isinstance(s, peers.Nginx)]
    for server in writers:
        client(server, "s3").create_bucket(Bucket="bench")
        load(server, "s3-put:4096", 8, server.warm_up)
    for title, size in SIZES.items():
        for clients in s3_clients(size):
            most = 1_000_000 if size == 4096 else 1000 if size <= 1 << 20 else 32

            def put(server):
                if isinstance(server, HashAndWrite):
                    return server.measure(size, seconds)
                if size > 1 << 20 and clients > 1 and not server.large:
                    return {"error": "left out: it holds all objects in memory"}
                return load(server, f"s3-put:{size}:{most}", clients, seconds)
            measure_get(title, clients, servers, seconds, turns(f"S3 PUT {title}", clients, writers + ([HashAndWrite()] if clients == 1 else []), put))
    turns("S3 PUT 4 KiB", 64, [servers[0], StoreCommits(100), StoreCommits(4096)],
          lambda s: s.measure(64, seconds) if isinstance(s, StoreCommits) else load(s, "s3-put:4096:1000000", 64, seconds))


def measure_get(title, clients, servers, seconds, stored):
    """`stored`: how many objects a server has, by its name."""
    for server in servers:
        if isinstance(server, peers.Nginx):
            server.store(SIZES[title], clients, READ[title])
            stored[server.name] = READ[title]
    readable = [s for s in servers if stored.get(s.name)]
    mode = {s: f"s3-get:{SIZES[title]}:{min(stored[s.name], READ[title])}" for s in readable}
    if SIZES[title] > 4096:
        turns(f"S3 GET {title}, first reads", clients, readable, lambda s: load(s, mode[s], clients, 3600, most=min(stored[s.name], READ[title])), 1)
        for server in readable:
            load(server, mode[server], clients, READ_AHEAD)
    turns(f"S3 GET {title}", clients, readable, lambda s: load(s, mode[s], clients, seconds))


def measure_sqs(servers, seconds):
    queues, modes = {}, {}
    for server in servers:
        queues[server] = client(server, "sqs").create_queue(QueueName="bench")["QueueUrl"] if server.name != "Redis lists" else ""
        modes[server] = "sqs" if queues[server] else "redis"
        load(server, modes[server] + ":1", 16, server.warm_up, queues[server])
    for batch in (1, 10):
        for clients in (1, 64):
            turns(f"SQS messages, batch of {batch}", clients, servers, lambda s: load(s, f"{modes[s]}:{batch}", clients, seconds, queues[s]))


def make_table(server):
    c = client(server, "dynamodb")
    c.create_table(TableName="bench", BillingMode="PAY_PER_REQUEST",
                   KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
                   AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "c", "AttributeType": "N"}])
    c.get_waiter("table_exists").wait(TableName="bench", WaiterConfig={"Delay": 1})


def measure_dynamodb(servers, seconds):
    for server in servers:
        make_table(server)
        load(server, "dynamodb-put:1000", 16, max(2, server.warm_up))
    for name, title in (("put", "PutItem"), ("get", "GetItem"), ("query", "Query 10 items"), ("transact", "TransactWriteItems 2")):
        for server in servers:
            if server.warm_up > 1 and name != "put":
                load(server, f"dynamodb-{name}:1000", 16, server.warm_up / 3)
        for clients in (1, 64):
            turns(f"DynamoDB {title}", clients, servers, lambda s: load(s, f"dynamodb-{name}:1000", clients, seconds))


MEASURES = {"s3": measure_s3, "sqs": measure_sqs, "dynamodb": measure_dynamodb}


def goal(text, value, bound, at_least=True, raw=""):
    """One line: what was wanted, what was measured."""
    if value is None:
        print(f"  {text:<62} not measured")
        results["goals"].append({"goal": text, "value": None})
        return
    met = value >= bound if at_least else value <= bound
    print(f"  {text:<62} {value:8.2f}  {'met' if met else 'NOT met'}{raw}")
    results["goals"].append({"goal": text, "value": value, "bound": bound, "met": met})


def goals(parts):
    print("\ngoals")
    if "s3" in parts:
        for verb in ("PUT", "GET"):
            for peer, bound in (("MinIO", 10), ("versitygw", 8)):
                what = f"S3 {verb} 4 KiB"
                goal(f"{what}, 32 clients: CPU of {peer} over ours >= {bound}", ratio(what, 32, peer, "nubecita"), bound)
        for size in (100, 4096):
            goal(f"S3 PUT 4 KiB/s, 64 clients, of the store's ({size} bytes) >= 0.5",
                 ratio("S3 PUT 4 KiB", 64, "nubecita", StoreCommits(size).name, "per_second"), 0.5)
        for title in ("1 MiB", "256 MiB"):
            goal(f"S3 PUT {title}, 1 client: CPU over SHA-256 + MD5 + write <= 1.3", ratio(f"S3 PUT {title}", 1, "nubecita", HashAndWrite.name), 1.3, False)
            clients = s3_clients(SIZES[title])[1]
            goal(f"S3 GET {title}, {clients} clients: CPU over nginx's <= 1.2", ratio(f"S3 GET {title}", clients, "nubecita", "nginx"), 1.2, False)
    if "dynamodb" in parts:
        for what in ("DynamoDB PutItem", "DynamoDB GetItem"):
            for peer, bound in (("dynalite", 8), ("DynamoDB Local", 8), ("fakecloud", 1)):
                goal(f"{what}, 64 clients: CPU of {peer} over ours >= {bound}", ratio(what, 64, peer, "nubecita"), bound)
    if "sqs" in parts:
        for batch in (1, 10):
            what = f"SQS messages, batch of {batch}"
            goal(f"{what}, 64 clients: CPU of ElasticMQ over ours >= 20", ratio(what, 64, "ElasticMQ", "nubecita"), 20)
            goal(f"{what}, 64 clients: messages/s of Redis's >= 0.5", ratio(what, 64, "nubecita", "Redis lists", "per_second"), 0.5)
    memory = results.get("idle_memory_mib")
    if memory:
        goal("idle memory with the run's data over empty <= 1.1", memory["with data"] / memory["empty"], 1.1, False,
             f"  ({memory['empty']:.1f} MiB, {memory['with data']:.1f} MiB with {memory['data_gib']:.1f} GiB stored)")


def start(kind):
    """A running peer; None, and said why, if it cannot be had."""
    peer = kind()
    try:
        peer.install()
        peer.start()
    except Exception as e:
        results["peers"][peer.name] = f"not to be had: {e}"
        print(f"{peer.name}: not to be had: {e}", flush=True)
        return None
    results["peers"][peer.name] = peer.durable
    print(f"{peer.name}: {peer.durable}", flush=True)
    return peer


def idle(cloud):
    """The memory that is the process's own (RssAnon; the rest is the program's file), after a restart and a few seconds of rest."""
    cloud.restart()
    bench.rest(cloud.pid)
    return bench.rss_mib(cloud.pid, "RssAnon")


def wanted(kind, choice):
    return choice == "all" or kind.name.lower() in [n.strip().lower() for n in choice.split(",")]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("parts", nargs="*", metavar="s3|sqs|dynamodb")
    p.add_argument("--peers", default="all", help="none, all, or names, separated by commas")
    p.add_argument("--seconds", type=float, default=1.5, help="of each measurement (1.5)")
    p.add_argument("--rounds", type=int, default=3, help="so often each is measured (3)")
    p.add_argument("--full", action="store_true", help="256 MiB from 32 clients at a time, not from 4")
    p.add_argument("--nubecita", default=bench.BINARY)
    options = p.parse_args()
    parts = options.parts or list(MEASURES)
    unknown = [n for n in parts if n not in MEASURES]
    if unknown:
        p.error("no such part: " + " ".join(unknown))
    results["machine"] = {"host": socket.gethostname(), "cores": os.cpu_count(), "seconds": options.seconds, "rounds": options.rounds, "full": options.full}
    cloud = Cloud(options.nubecita)
    try:
        empty = idle(cloud)
        for part in parts:
            print(f"\n{part}: operations/s, CPU of the server an operation, latencies; nubecita: {Ours.durable}", flush=True)
            beside = []
            try:
                for kind in peers.PEERS[part]:
                    if not wanted(kind, options.peers):
                        results["peers"][kind.name] = "not asked for"
                    elif peer := start(kind):
                        beside.append(peer)
                MEASURES[part]([Ours(cloud), *beside], options.seconds)
            finally:
                for peer in beside:
                    peer.stop()
        stored = sum(f.stat().st_blocks * 512 for f in pathlib.Path(cloud.data).rglob("*") if f.is_file())
        results["idle_memory_mib"] = {"empty": empty, "with data": idle(cloud), "data_gib": stored / 2**30}
    finally:
        cloud.destroy()
    goals(parts)
    pathlib.Path(ROOT, "build/bench_data.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
