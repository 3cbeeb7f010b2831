"""What the data services cost beside others that speak the same APIs, in one run on one machine.

data.py [s3] [sqs] [dynamodb] [--peers none|all|NAME,...] [--seconds N] [--full] [--nubecita BINARY]

Every answer of nubecita is durable; what an answer of a peer promises is printed. CPU is user and system time of a server's processes, from /proc.
"""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
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
READ_AHEAD = 4  # seconds that objects of 1 MiB and more are read before it counts: all come from memory then, and have been checked
results = {"machine": {}, "peers": {}, "measurements": {}, "goals": []}


class Ours:
    """nubecita, as a peer is seen."""
    name, durable, warm_up, large = "nubecita", "on disk before the answer", 1, True

    def __init__(self, cloud):
        self.cloud, self.key, self.secret, self.endpoint = cloud, cloud.key, cloud.secret, cloud.endpoint
        self.address = cloud.endpoint.removeprefix("http://")

    def pids(self):
        return peers.processes(self.cloud.pid)


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
    after = cpu()
    if out.returncode != 0:
        return {"error": " ".join(out.stderr.split())[:200] or f"exit {out.returncode}"}
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


def row(what, clients, server, r):
    """Prints and keeps one measurement; beside a peer's the ratio of its CPU to ours."""
    of = results["measurements"].setdefault(what, {}).setdefault(str(clients), {})
    of[server.name] = r
    head = f"{what:<26} {clients:>3}  {server.name:<15}"
    if "error" in r:
        print(f"{head} -- {r['error']}", flush=True)
        return
    ours = of.get("nubecita", {})
    ratio = ""
    if server.name != "nubecita" and ours.get("cpu_us") and r["cpu_us"]:
        ratio = f"{r['cpu_us'] / ours['cpu_us']:6.1f}x CPU, {r['per_second'] / ours['per_second']:5.2f}x per second"
    print(f"{head} {r['per_second']:>10,.1f}/s {amount(r['cpu_us']):>9} CPU  p50 {amount(r['p50_us']):>9}  p99 {amount(r['p99_us']):>9}  {ratio}", flush=True)


def figure(what, clients, server, name="cpu_us"):
    return results["measurements"].get(what, {}).get(str(clients), {}).get(server, {}).get(name)


def s3_clients(size):
    """256 MiB from 32 clients are 8 GiB a round: minutes, and only when asked for."""
    return (1, 32 if size <= 1 << 20 or results["machine"]["full"] else 4)


def measure_s3(server, seconds):
    client(server, "s3").create_bucket(Bucket="bench")
    load(server, "s3-put:4096", 8, server.warm_up)
    for title, size in SIZES.items():
        # 64 clients: for the share of the store's ceiling
        for clients in s3_clients(size) + ((64,) if size == 4096 and server.name == "nubecita" else ()):
            if size > 1 << 20 and clients > 1 and not server.large:
                for verb in ("PUT", "GET"):
                    row(f"S3 {verb} {title}", clients, server, {"error": "left out: it holds all objects in memory"})
                continue
            most = 1_000_000 if size == 4096 else 1000 if size <= 1 << 20 else 32
            r = load(server, f"s3-put:{size}:{most}", clients, seconds)
            row(f"S3 PUT {title}", clients, server, r)
            if "error" not in r:
                measure_get(server, title, clients, seconds, min(r["requests"], READ[title]))


def measure_get(server, title, clients, seconds, objects):
    mode = f"s3-get:{SIZES[title]}:{objects}"
    if SIZES[title] > 4096:
        row(f"S3 GET {title}, first reads", clients, server, load(server, mode, clients, 3600, most=objects))
        load(server, mode, clients, READ_AHEAD)
    row(f"S3 GET {title}", clients, server, load(server, mode, clients, seconds))


def measure_nginx(server, seconds):
    for title, size in SIZES.items():
        content = os.urandom(min(size, 1 << 20)) * max(1, size >> 20)
        for clients in s3_clients(size):
            folder = f"{server.folder}/bench/{size}/{clients}"
            os.makedirs(folder)
            for i in range(READ[title]):
                pathlib.Path(folder, str(i)).write_bytes(content)
            measure_get(server, title, clients, seconds, READ[title])
            shutil.rmtree(folder)


def hash_and_write(folder):
    """The least that a PUT costs: SHA-256, MD5, a synced write. CPU microseconds an object, by its size."""
    costs = {}
    for title, size in SIZES.items():
        piece = os.urandom(min(size, 1 << 20))
        rounds = 200 if size == 4096 else 30 if size <= 1 << 20 else 2
        began = time.process_time()
        for i in range(rounds):
            sha256, md5 = hashlib.sha256(), hashlib.md5()
            with open(f"{folder}/{i}", "wb", buffering=0) as file:
                for _ in range(size // len(piece)):
                    sha256.update(piece)
                    md5.update(piece)
                    file.write(piece)
                os.fdatasync(file.fileno())
        costs[title] = (time.process_time() - began) / rounds * 1e6
    shutil.rmtree(folder)
    return costs


def s3_references(seconds):
    costs = hash_and_write(tempfile.mkdtemp(prefix="nbc-bench-files-"))
    results["sha256_md5_write_us"] = costs
    print("SHA-256 + MD5 + synced write, CPU: " + ", ".join(f"{t} {amount(c)}" for t, c in costs.items()), flush=True)
    ceilings = {}
    for size in (100, 4096):
        with tempfile.TemporaryDirectory(prefix="nbc-bench-store-") as folder:
            out = json.loads(subprocess.run([STORE, folder, "64", str(seconds), str(size)], capture_output=True, text=True, check=True).stdout)
        ceilings[size] = out["commits"] / out["seconds"]
    results["store_commits_per_second"] = ceilings
    print("the store's group commit, 64 writers: " + ", ".join(f"{c:,.0f}/s of {s} bytes" for s, c in ceilings.items()), flush=True)


def measure_sqs(server, seconds):
    queue = client(server, "sqs").create_queue(QueueName="bench")["QueueUrl"] if server.name != "Redis lists" else ""
    mode = "sqs" if queue else "redis"
    load(server, mode + ":1", 16, server.warm_up, queue)
    for batch in (1, 10):
        for clients in (1, 64):
            row(f"SQS messages, batch of {batch}", clients, server, load(server, f"{mode}:{batch}", clients, seconds, queue))


def make_table(server):
    c = client(server, "dynamodb")
    c.create_table(TableName="bench", BillingMode="PAY_PER_REQUEST",
                   KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
                   AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "c", "AttributeType": "N"}])
    c.get_waiter("table_exists").wait(TableName="bench", WaiterConfig={"Delay": 1})


def measure_dynamodb(server, seconds):
    make_table(server)
    load(server, "dynamodb-put:1000", 16, max(2, server.warm_up))
    for name, title in (("put", "PutItem"), ("get", "GetItem"), ("query", "Query 10 items"), ("transact", "TransactWriteItems 2")):
        if server.warm_up > 1 and name != "put":
            load(server, f"dynamodb-{name}:1000", 16, server.warm_up / 3)
        for clients in (1, 64):
            row(f"DynamoDB {title}", clients, server, load(server, f"dynamodb-{name}:1000", clients, seconds))


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


def over(a, b):
    return a / b if a and b else None


def goals(parts):
    print("\ngoals")
    if "s3" in parts:
        for verb in ("PUT", "GET"):
            for peer, bound in (("MinIO", 10), ("versitygw", 8)):
                what = f"S3 {verb} 4 KiB"
                goal(f"{what}, 32 clients: CPU of {peer} over ours >= {bound}", over(figure(what, 32, peer), figure(what, 32, "nubecita")), bound)
        for size, ceiling in results["store_commits_per_second"].items():
            goal(f"S3 PUT 4 KiB/s, 64 clients, of the store's ({size} bytes) >= 0.5",
                 over(figure("S3 PUT 4 KiB", 64, "nubecita", "per_second"), ceiling), 0.5)
        for title in ("1 MiB", "256 MiB"):
            goal(f"S3 PUT {title}, 1 client: CPU over SHA-256 + MD5 + write <= 1.3",
                 over(figure(f"S3 PUT {title}", 1, "nubecita"), results["sha256_md5_write_us"][title]), 1.3, False)
            clients = s3_clients(SIZES[title])[1]
            goal(f"S3 GET {title}, {clients} clients: CPU over nginx's <= 1.2",
                 over(figure(f"S3 GET {title}", clients, "nubecita"), figure(f"S3 GET {title}", clients, "nginx")), 1.2, False)
    if "dynamodb" in parts:
        for what in ("DynamoDB PutItem", "DynamoDB GetItem"):
            for peer, bound in (("dynalite", 8), ("DynamoDB Local", 8), ("fakecloud", 1)):
                goal(f"{what}, 64 clients: CPU of {peer} over ours >= {bound}", over(figure(what, 64, peer), figure(what, 64, "nubecita")), bound)
    if "sqs" in parts:
        for batch in (1, 10):
            what = f"SQS messages, batch of {batch}"
            goal(f"{what}, 64 clients: CPU of ElasticMQ over ours >= 20", over(figure(what, 64, "ElasticMQ"), figure(what, 64, "nubecita")), 20)
            goal(f"{what}, 64 clients: messages/s of Redis's >= 0.5",
                 over(figure(what, 64, "nubecita", "per_second"), figure(what, 64, "Redis lists", "per_second")), 0.5)
    memory = results.get("idle_memory_mib")
    if memory:
        goal("idle memory with the run's data over empty <= 1.1", over(memory["with data"], memory["empty"]), 1.1, False,
             f"  ({memory['empty']:.1f} MiB, {memory['with data']:.1f} MiB with {memory['data_gib']:.1f} GiB stored)")


def run_peer(kind, measure, seconds):
    peer = kind()
    try:
        peer.install()
        peer.start()
    except Exception as e:
        results["peers"][peer.name] = f"not to be had: {e}"
        print(f"{peer.name}: not to be had: {e}", flush=True)
        return
    results["peers"][peer.name] = peer.durable
    try:
        measure(peer, seconds)
    except Exception as e:
        results["peers"][peer.name] = f"failed: {e}"
        print(f"{peer.name}: failed: {e}", flush=True)
    finally:
        peer.stop()


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
    p.add_argument("--full", action="store_true", help="256 MiB from 32 clients at a time, not from 4")
    p.add_argument("--nubecita", default=bench.BINARY)
    options = p.parse_args()
    parts = options.parts or list(MEASURES)
    unknown = [n for n in parts if n not in MEASURES]
    if unknown:
        p.error("no such part: " + " ".join(unknown))
    results["machine"] = {"host": socket.gethostname(), "cores": os.cpu_count(), "seconds": options.seconds, "full": options.full}
    cloud = Cloud(options.nubecita)
    try:
        empty = idle(cloud)
        for part in parts:
            print(f"\n{part}: operations/s, CPU of the server an operation, latencies; nubecita: {Ours.durable}", flush=True)
            MEASURES[part](Ours(cloud), options.seconds)
            if part == "s3":
                s3_references(options.seconds)
            for kind in peers.PEERS[part] + ([peers.Nginx] if part == "s3" else []):
                if wanted(kind, options.peers):
                    print(f"-- {kind.name}: {kind.durable}", flush=True)
                    run_peer(kind, measure_nginx if kind is peers.Nginx else MEASURES[part], options.seconds)
                else:
                    results["peers"][kind.name] = "not asked for"
        stored = sum(f.stat().st_blocks * 512 for f in pathlib.Path(cloud.data).rglob("*") if f.is_file())
        results["idle_memory_mib"] = {"empty": empty, "with data": idle(cloud), "data_gib": stored / 2**30}
    finally:
        cloud.destroy()
    goals(parts)
    pathlib.Path(ROOT, "build/bench_data.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
