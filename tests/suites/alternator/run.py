#!/usr/bin/env python3
"""Runs ScyllaDB's DynamoDB tests (scylladb/scylladb, test/alternator) against nubecita and prints what passed.

    tests/suites/alternator/run.py CHECKOUT [--nubecita PATH | --url URL] [-k EXPRESSION] [-n WORKERS] [--report FILE]

CHECKOUT is a checkout of scylladb/scylladb; nothing of it is copied into this repository. The tests' own conftest needs
ScyllaDB's test library: standins/ has as much of it as these tests ask for. The last line is a summary; --report writes
one line per test that did not pass. With --url, the credentials come from the environment.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
# Of ScyllaDB only, whatever server answers: its metrics, logs, tablets, CQL, configuration.
SCYLLA_ONLY = ["test_audit", "test_cql_rbac", "test_cql_schema", "test_logs", "test_metrics", "test_scylla", "test_service_levels",
               "test_streams_tablets", "test_system_tables", "test_tablets", "test_tracing", "test_vector", "test_write_isolation",
               "test_compressed_response", "test_expression_caching"]


def lay_out(checkout):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nubecita-alternator-"))
    shutil.copytree(HERE / "standins", folder, dirs_exist_ok=True)
    shutil.copytree(pathlib.Path(checkout, "test", "alternator"), folder / "test" / "alternator")
    return folder


def run(given, url, env):
    folder = lay_out(given.checkout)
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", ".", "-p", "no:cacheprovider", "--tb=short",
               f"--junitxml={report}", f"--url={url}"]
    for plugin, flags in (("pytest_timeout", ["--timeout", "60"]), ("xdist", ["-n", str(given.n)])):
        if subprocess.run([sys.executable, "-c", f"import {plugin}"], capture_output=True).returncode == 0:
            command += flags
    if not given.all:
        command += [f"--ignore=test/alternator/{name}.py" for name in SCYLLA_ONLY]
    if given.k:
        command += ["-k", given.k]
    command += [f"test/alternator/{name}" for name in given.files] or ["test/alternator"]
    with open(given.log, "w", encoding="utf-8") as log:
        subprocess.run(command, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT)
    results = list(read(report))
    shutil.rmtree(folder)
    return results


def read(report):
    """(test, outcome, first line of what it says) of every test."""
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        name = case.get("classname", "").removeprefix("test.alternator.") + "::" + case.get("name", "")
        outcome, text = "passed", ""
        for kind in ("error", "failure", "skipped"):
            node = case.find(kind)
            if node is not None:
                outcome, text = {"failure": "failed"}.get(kind, kind), node.get("message", "")
                if kind == "skipped" and node.get("type") == "pytest.xfail":
                    outcome = "xfailed"
                break
        yield name, outcome, re.sub(r"\s+", " ", text)[:300]


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("checkout")
    args.add_argument("--nubecita", default=str(ROOT / "build/release/nubecita"))
    args.add_argument("--url")
    args.add_argument("--all", action="store_true", help="also the tests of ScyllaDB's own things")
    args.add_argument("-k")
    args.add_argument("-n", type=int, default=2)
    args.add_argument("--report")
    args.add_argument("--log", default="/dev/null", help="pytest's output")
    args.add_argument("--files", nargs="*", default=[])
    given = args.parse_args()
    env = dict(os.environ, AWS_EC2_METADATA_DISABLED="true", AWS_DEFAULT_REGION="us-east-1")
    cloud = None
    if not given.url:
        sys.path.insert(0, str(ROOT / "tests"))
        from harness import Cloud
        cloud = Cloud(given.nubecita)
        given.url = cloud.endpoint
        env.update(cloud.env())
        env.pop("AWS_ENDPOINT_URL", None)
    try:
        results = run(given, given.url, env)
    finally:
        if cloud:
            cloud.destroy()
    counts = {}
    for _, outcome, _ in results:
        counts[outcome] = counts.get(outcome, 0) + 1
    if given.report:
        with open(given.report, "w", encoding="utf-8") as f:
            f.writelines(f"{outcome}\t{name}\t{text}\n" for name, outcome, text in sorted(results) if outcome != "passed")
    print("alternator: " + ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())))


if __name__ == "__main__":
    main()
