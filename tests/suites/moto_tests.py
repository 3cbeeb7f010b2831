#!/usr/bin/env python3
"""Runs moto's own SQS, SNS and KMS tests, in its server mode, against a nubecita of their own.

    tests/suites/moto_tests.py CHECKOUT [--nubecita BINARY] [--open-queues] [pytest arguments]

CHECKOUT is a clone of github.com/getmoto/moto; the package moto itself must be installed (pip install 'moto[all]' freezegun). Prints
passed, failed and skipped per service; the reports are CHECKOUT/nubecita-<service>.xml. --open-queues: each queue that an SNS test makes lets
SNS in.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from harness import Cloud  # noqa: E402

SERVICES = ("sqs", "sns", "kms")


def run(cloud, checkout, service, open_queues, more):
    report = checkout / f"nubecita-{service}.xml"
    account = cloud.client("sts").get_caller_identity()["Account"]
    env = dict(os.environ, TEST_SERVER_MODE="true", TEST_SERVER_MODE_ENDPOINT=cloud.endpoint, MOTO_ACCOUNT_ID=account,
               NUBECITA_KEY=cloud.key, NUBECITA_SECRET=cloud.secret, PYTHONPATH=f"{ROOT}/tests/suites:{checkout}",
               OPEN_QUEUES="yes" if open_queues and service == "sns" else "")
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "moto_plugin", f"--junitxml={report}",
                    f"tests/test_{service}", *more], cwd=checkout, env=env)
    suite = xml.parse(report).getroot().find("testsuite")
    total, failed, errors, skipped = (int(suite.get(k)) for k in ("tests", "failures", "errors", "skipped"))
    return f"{service}: {total - failed - errors - skipped} passed, {failed + errors} failed, {skipped} skipped"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("checkout", type=pathlib.Path)
    arguments.add_argument("--nubecita", default=str(ROOT / "build/release/nubecita"))
    arguments.add_argument("--service", action="append", choices=SERVICES)
    arguments.add_argument("--open-queues", action="store_true")
    given, more = arguments.parse_known_args()
    cloud = Cloud(given.nubecita)
    try:
        results = [run(cloud, given.checkout.resolve(), s, given.open_queues, more) for s in given.service or SERVICES]
    finally:
        cloud.destroy()
    print("\n".join(results))


if __name__ == "__main__":
    main()
