"""What the tests of clients share."""
import os
import pathlib
import subprocess
import threading
import time


def files(folder):
    """Name -> bytes of all files below `folder`."""
    folder = pathlib.Path(folder)
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def objects(s3, bucket, prefix=""):
    """Key -> bytes of all objects, as boto3 reads them; keys without the prefix."""
    return {o["Key"].removeprefix(prefix): s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read()
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix) for o in page.get("Contents", [])}


def own_env(**more):
    """This process's environment without what it says of AWS: keys, regions, certificates."""
    return {**{k: v for k, v in os.environ.items() if not k.startswith("AWS_")}, **more}


def run(*command, env, cwd=None, timeout=300, fails=False):
    """The client's standard output; with `fails`, what it wrote to standard error while failing."""
    out = subprocess.run([str(c) for c in command], env=env, cwd=cwd, capture_output=True, text=True, timeout=timeout)
    assert (out.returncode != 0) == fails, f"{command}: exit {out.returncode}\n{out.stdout[-3000:]}\n{out.stderr[-3000:]}"
    return out.stderr if fails else out.stdout


class Memory:
    """The most that a process took of its own memory (RssAnon: what it mapped of files is not counted) while in `with`."""

    def __init__(self, pid):
        self.status = pathlib.Path(f"/proc/{pid}/status")

    def now(self):
        line = next(l for l in self.status.read_text().splitlines() if l.startswith("RssAnon:"))
        return int(line.split()[1]) * 1024

    def __enter__(self):
        self.before = self.most = self.now()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.done.is_set():
            self.most = max(self.most, self.now())
            time.sleep(0.02)

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    @property
    def grown(self):
        return self.most - self.before
