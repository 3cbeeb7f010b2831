#!/usr/bin/env python3
"""Runs ceph's s3-tests against a cloud of its own and prints passed, failed, skipped.

    tests/suites/s3tests.py CHECKOUT [--nubecita PATH] [--workers N] [--failed FILE] [--as-before-2023] [pytest arguments]

CHECKOUT is the folder of a checkout of github.com/ceph/s3-tests. Tests of ceph's own extensions and those marked as
failing on AWS are left out (docs/suites.md). --as-before-2023: new buckets have ACLs and no public access block, as most tests presume.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness import ROOT, Cloud  # noqa: E402

LEFT_OUT = ("fails_on_aws or fails_on_s3 or appendobject or cloud_transition or cloud_restore or target_by_bucket or "
            "bucket_logging or bucket_logging_cleanup or s3select or iam_account or webidentity_test or test_of_sts or "
            "lifecycle_expiration or lifecycle_transition or abac_test or fails_on_rgw_only")


def account(cloud, name):
    return tuple(cloud.init("credentials-" + name, "--account", name).values())


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("checkout")
    args.add_argument("--nubecita", default=str(ROOT / "build/release/nubecita"))
    args.add_argument("--workers", default="2")
    args.add_argument("--failed", help="write the failing tests and their reasons here")
    args.add_argument("--as-before-2023", action="store_true")
    given, rest = args.parse_known_args()
    cloud = Cloud(given.nubecita)
    try:
        cloud.stop()
        keys = {"s3 alt": account(cloud, "alt"), "s3 tenant": account(cloud, "tenant")}
        cloud.start()
        keys["s3 main"] = keys["iam"] = keys["iam root"] = (cloud.key, cloud.secret)
        keys["iam alt root"] = keys["s3 alt"]
        host, port = cloud.endpoint.removeprefix("http://").split(":")
        text = f"[DEFAULT]\nhost = {host}\nport = {port}\nis_secure = False\n\n[fixtures]\nbucket prefix = s3t-{{random}}-\n"
        for section, (key, secret) in keys.items():
            user = cloud.client("s3", key=key, secret=secret).list_buckets()["Owner"]["ID"]
            text += (f"\n[{section}]\ndisplay_name =\nuser_id = {user}\nemail = {user[:8]}@example.com\napi_name = us-east-1\n"
                     f"access_key = {key}\nsecret_key = {secret}\ntenant = t\n")
            if section == "s3 main":
                kms = cloud.client("kms", key=key, secret=secret)
                for name in ("kms_keyid", "kms_keyid2"):
                    text += f"{name} = {kms.create_key()['KeyMetadata']['Arn']}\n"
        with tempfile.TemporaryDirectory() as folder:
            conf, report = os.path.join(folder, "s3tests.conf"), os.path.join(folder, "report.xml")
            pathlib.Path(conf).write_text(text)
            selected = rest or ["s3tests/functional/test_s3.py", "s3tests/functional/test_headers.py"]
            plugin = ["-p", "s3tests_plugin"] if given.as_before_2023 else []
            subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout", "60", *plugin,
                            "-n", given.workers, "-m", f"not ({LEFT_OUT})", "--junitxml", report, "--no-header", "--tb=line", *selected],
                           cwd=given.checkout, stdout=sys.stderr,
                           env=dict(os.environ, S3TEST_CONF=conf, PYTHONPATH=str(pathlib.Path(__file__).resolve().parent)))
            suite = xml.etree.ElementTree.parse(report).getroot().find("testsuite")
        counts = {k: int(suite.get(k)) for k in ("tests", "failures", "errors", "skipped")}
        passed = counts["tests"] - counts["failures"] - counts["errors"] - counts["skipped"]
        print(f"s3-tests: {passed} passed, {counts['failures']} failed, {counts['errors']} errors, {counts['skipped']} skipped")
        if given.failed:
            with open(given.failed, "w", encoding="utf-8") as f:
                for case in suite.iter("testcase"):
                    for fault in (*case.findall("failure"), *case.findall("error")):
                        f.write(f"{case.get('name')}: {fault.get('message', '')[:300]!r}\n")
    finally:
        cloud.destroy()


if __name__ == "__main__":
    main()
