"""Lifecycle rules: what is old enough goes, and who wants to know is told. Age is made by a clock that stood three days ago."""
import json
import subprocess
import sys

import pytest
from harness import wait_until

CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec* t) {
  static int (*real)(clockid_t, struct timespec*);
  if (!real) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  int answer = real(clock, t);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) t->tv_sec -= 3 * 86400;
  return answer;
}
"""

THREE_DAYS_AGO = """
import boto3
s3 = boto3.client("s3", config=__import__("botocore.config").config.Config(s3={"addressing_style": "path"}))
for key in ("old", "kept"):
    s3.put_object(Bucket="plain", Key=key, Body=b"x")
upload = s3.create_multipart_upload(Bucket="plain", Key="unfinished")["UploadId"]
s3.upload_part(Bucket="plain", Key="unfinished", UploadId=upload, PartNumber=1, Body=b"x" * 100000)
for body in (b"first", b"second"):
    s3.put_object(Bucket="versions", Key="twice", Body=body)
for key in ("deleted", "old"):
    s3.put_object(Bucket="versions", Key=key, Body=b"x")
s3.delete_object(Bucket="versions", Key="deleted")
"""


@pytest.fixture
def slow_clock(tmp_path):
    source, library = tmp_path / "clock.c", tmp_path / "clock.so"
    source.write_text(CLOCK)
    subprocess.run(["clang-19", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return str(library)


def rule(name, prefix, **action):
    return {"ID": name, "Filter": {"Prefix": prefix}, "Status": "Enabled", **action}


def test_what_is_old_goes_and_is_told(own_cloud, slow_clock, monkeypatch):
    s3 = own_cloud.client("s3", s3={"addressing_style": "path"})
    sqs = own_cloud.client("sqs")
    queue = sqs.create_queue(QueueName="gone")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": [{
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]})})
    rules = {
        "plain": [rule("old", "old", Expiration={"Days": 1}),
                  rule("uploads", "", AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1})],
        "versions": [rule("old", "old", Expiration={"Days": 1}),
                     rule("versions", "", NoncurrentVersionExpiration={"NoncurrentDays": 1}, Expiration={"ExpiredObjectDeleteMarker": True})],
    }
    for bucket, its in rules.items():
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": its})
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [
            {"Id": "told", "QueueArn": arn, "Events": ["s3:LifecycleExpiration:*"]}]}, SkipDestinationValidation=True)
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})

    own_cloud.stop()
    with monkeypatch.context() as then:
        then.setenv("LD_PRELOAD", slow_clock)
        own_cloud.start()
        subprocess.run([sys.executable, "-c", THREE_DAYS_AGO], env=own_cloud.env(), check=True)
        own_cloud.stop()
    own_cloud.start()

    def versions():
        page = s3.list_object_versions(Bucket="versions")
        return {kind: sorted((o["Key"], o["IsLatest"]) for o in page.get(kind, [])) for kind in ("Versions", "DeleteMarkers")}
    # "old" has a marker of just now; its version is noncurrent since then, and not yet old.
    left = {"Versions": [("old", False), ("twice", True)], "DeleteMarkers": [("old", True)]}
    wait_until(lambda: versions() == left and "Uploads" not in s3.list_multipart_uploads(Bucket="plain"), what=versions)
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="plain")["Contents"]] == ["kept"]
    assert s3.get_object(Bucket="versions", Key="twice")["Body"].read() == b"second"

    told = []

    def all_told():
        for m in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            told.extend(json.loads(m["Body"])["Records"])
        return len(told) >= 5
    wait_until(all_told, what=lambda: told)
    assert sorted((r["s3"]["bucket"]["name"], r["eventName"], r["s3"]["object"]["key"]) for r in told) == [
        ("plain", "LifecycleExpiration:Delete", "old"),
        ("versions", "LifecycleExpiration:Delete", "deleted"),  # the version
        ("versions", "LifecycleExpiration:Delete", "deleted"),  # and the marker that hid nothing then
        ("versions", "LifecycleExpiration:Delete", "twice"),
        ("versions", "LifecycleExpiration:DeleteMarkerCreated", "old")]
    assert {r["userIdentity"]["principalId"] for r in told} == {"s3.amazonaws.com"}


def test_a_date_that_has_come(own_cloud):
    s3 = own_cloud.client("s3", s3={"addressing_style": "path"})
    s3.create_bucket(Bucket="dated")
    s3.put_object(Bucket="dated", Key="k", Body=b"x")
    s3.put_bucket_lifecycle_configuration(Bucket="dated", LifecycleConfiguration={"Rules": [
        rule("past", "", Expiration={"Date": "2020-01-01T00:00:00Z"})]})
    own_cloud.restart()
    wait_until(lambda: "Contents" not in s3.list_objects_v2(Bucket="dated"))
