"""What an operation costs with little and with much stored: two clouds side by side, one with a thousand of each and one with millions,
measured in turns, so that an hour in which the machine is slow is slow for both.

scale.py [--keys N] [--messages N] [--items N] [--seconds N] [--rounds N]     a million keys, ten million messages and items: a quarter of an hour, 10 GiB

Objects of 1 KiB in one bucket, messages of 256 bytes in one queue, items of 300 bytes in one table; objects and items are read in an
order that scatters them.
CPU is the server's, user and system time from /proc: the median of the rounds. A page of ListObjectsV2 has a thousand keys.
"""
import argparse
import json
import pathlib

import bench
import data
from bench import ROOT, settle
from harness import Cloud

GOAL = 1.3


class Stage:
    """A cloud of its own with so much stored."""

    def __init__(self, keys, messages, items):
        self.cloud = Cloud(bench.BINARY)
        self.keys, self.messages, self.items = keys, messages, items

    def run(self, mode, seconds, most=0):
        r = data.load(data.Ours(self.cloud), mode, 64, seconds, self.queue, most)
        if "error" in r:
            raise RuntimeError(f"{mode}: {r['error']}")
        return r

    def fill(self):
        self.cloud.client("s3").create_bucket(Bucket="bench")
        self.queue = self.cloud.client("sqs").create_queue(QueueName="bench", Attributes={"MessageRetentionPeriod": "1209600"})["QueueUrl"]
        data.make_table(data.Ours(self.cloud))
        for what, mode, most in ((f"{self.keys:,} keys", f"s3-put:1024:{self.keys}", self.keys), (f"{self.messages:,} messages", "sqs-send:10", self.messages),
                                 (f"{self.items:,} items", f"dynamodb-fill:{self.items}", self.items)):
            r = self.run(mode, 3600, most)
            print(f"stored {what}: {r['per_second']:,.0f}/s, {r['cpu_us']:.1f} µs CPU each", flush=True)

    def modes(self):
        return {"S3 GET 1 KiB": f"s3-get:1024:{self.keys}", "S3 PUT 1 KiB": f"s3-put:1024:{self.keys}", "S3 LIST, a page of 1,000": "s3-list",
                "SQS, a message, one at a time": "sqs", "SQS, a message, in tens": "sqs:10", "DynamoDB GetItem": f"dynamodb-get:{self.items}",
                "DynamoDB PutItem": f"dynamodb-put:{self.items}", "DynamoDB Query 10 items": f"dynamodb-query:{self.items}"}

    def measure(self, what, seconds):
        settle(self.cloud.pid, 900)  # what is compacted afterwards is not the next measurement's
        # Writes three times as long: what compacts the store comes in bursts.
        return self.run(self.modes()[what], seconds * (3 if "PUT" in what or "PutItem" in what else 1))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--keys", type=int, default=1_000_000)
    p.add_argument("--messages", type=int, default=10_000_000)
    p.add_argument("--items", type=int, default=10_000_000)
    p.add_argument("--seconds", type=float, default=2, help="of each measurement, of writes three times as long (2)")
    p.add_argument("--rounds", type=int, default=5)
    options = p.parse_args()
    stages = []
    try:
        for keys, messages, items in ((1000, 1000, 1000), (options.keys, options.messages, options.items)):
            stages.append(Stage(keys, messages, items))
            stages[-1].fill()
        found = [{}, {}]
        for what in stages[0].modes():
            rounds = [[stage.measure(what, options.seconds) for stage in stages] for _ in range(options.rounds)]
            for i in range(2):
                found[i][what] = sorted((r[i] for r in rounds), key=lambda r: r["cpu_us"])[len(rounds) // 2]
            print(f"{what}: " + ", ".join(f"{a['cpu_us']:.1f} -> {b['cpu_us']:.1f}" for a, b in rounds), flush=True)
        for stage, of in zip(stages, found):
            of["exec to the first answer, ms"] = bench.first_answer_ms(stage.cloud)
            of["idle memory, MiB"] = data.idle(stage.cloud)
        stored = sum(f.stat().st_blocks * 512 for f in pathlib.Path(stages[1].cloud.data).rglob("*") if f.is_file())
    finally:
        for stage in stages:
            stage.cloud.destroy()
    few, many = found
    print(f"\n{'':<32}{'a thousand':>14}{'millions':>14}   ({stored / 2**30:.1f} GiB on disk; an operation's CPU: goal <= {GOAL})")
    for what, little in few.items():
        much = many[what]
        if isinstance(little, dict):
            ratio = much["cpu_us"] / little["cpu_us"]
            print(f"{what:<32}{little['cpu_us']:>11.1f} µs{much['cpu_us']:>11.1f} µs  {ratio:5.2f}  {'met' if ratio <= GOAL else 'NOT met'}"
                  f"   {little['per_second']:,.0f} -> {much['per_second']:,.0f}/s, p99 {little['p99_us']:,.0f} -> {much['p99_us']:,.0f} µs")
        else:
            print(f"{what:<32}{little:>14.1f}{much:>14.1f}")
    pathlib.Path(ROOT, "build/bench_scale.json").write_text(json.dumps({"thousand": few, "millions": many, "bytes": stored}, indent=1))


if __name__ == "__main__":
    main()
