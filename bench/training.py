"""What runs how often in a server under load: the profile that release builds are laid out by.

training.py NUBECITA OUT [SECONDS]

NUBECITA is built to count (NUBECITA_PROFILE=make) and tells when it ends. Functions that did not run are left out: they are compiled as
without a profile, not as if they never ran.
"""
import glob
import os
import signal
import subprocess
import sys
import tempfile

import data
from harness import Cloud

LOADS = (("caller", 16), ("vpcs", 16), ("s3-put:4096:1000000", 32), ("s3-get:4096:1000", 32), ("s3-put:1048576:100", 16), ("s3-get:1048576:50", 16),
         ("s3-list", 4), ("sqs", 64), ("sqs:10", 64), ("sqs:10", 1), ("dynamodb-put", 64), ("dynamodb-get", 64), ("dynamodb-query", 64),
         ("dynamodb-transact", 64))


def run(binary, seconds):
    cloud = Cloud(binary)
    try:
        server = data.Ours(cloud)
        data.client(server, "s3").create_bucket(Bucket="bench")
        queue = data.client(server, "sqs").create_queue(QueueName="bench")["QueueUrl"]
        data.make_table(server)
        cloud.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
        for mode, clients in LOADS:
            r = data.load(server, mode, clients, seconds, queue)
            if "error" in r:
                raise RuntimeError(f"{mode}: {r['error']}")
            print(f"{mode:<22} {clients:>3} clients {r['per_second']:>10,.0f}/s", flush=True)
        cloud.process.send_signal(signal.SIGTERM)
        cloud.process.wait(60)
    finally:
        cloud.destroy()


def main():
    binary, out = sys.argv[1:3]
    data.LOAD = os.path.join(os.path.dirname(binary), "bench/nubecita_load")
    with tempfile.TemporaryDirectory(prefix="nbc-profile-") as folder:
        os.environ["LLVM_PROFILE_FILE"] = folder + "/%p.profraw"
        run(binary, float(sys.argv[3]) if len(sys.argv) > 3 else 4)
        # The command-line program writes some, too.
        subprocess.run(["llvm-profdata-19", "merge", "--sparse", "-o", out, max(glob.glob(folder + "/*"), key=os.path.getsize)], check=True)
    print(f"{out}: {os.path.getsize(out) / 1024:.0f} KiB")


main()
