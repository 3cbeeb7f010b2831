"""Lifecycle rules: what is old enough goes, and who wants to know is told. Age is made by a clock that stood three days ago."""
import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from harness import wait_until
from s3.bucket_events import Told

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
    told = Told(own_cloud, "gone")
    rules = {
        "plain": [rule("old", "old", Expiration={"Days": 1}),
                  rule("uploads", "", AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1})],
        "versions": [rule("old", "old", Expiration={"Days": 1}),
                     rule("versions", "", NoncurrentVersionExpiration={"NoncurrentDays": 1}, Expiration={"ExpiredObjectDeleteMarker": True})],
    }
    for bucket, its in rules.items():
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": its})
        told.of(s3, bucket, "s3:LifecycleExpiration:*")
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

    records = told.records(5)
    assert sorted((r["s3"]["bucket"]["name"], r["eventName"], r["s3"]["object"]["key"]) for r in records) == [
        ("plain", "LifecycleExpiration:Delete", "old"),
        ("versions", "LifecycleExpiration:Delete", "deleted"),  # the version
        ("versions", "LifecycleExpiration:Delete", "deleted"),  # and the marker that hid nothing then
        ("versions", "LifecycleExpiration:Delete", "twice"),
        ("versions", "LifecycleExpiration:DeleteMarkerCreated", "old")]
    assert {r["userIdentity"]["principalId"] for r in records} == {"s3.amazonaws.com"}


def test_a_date_that_has_come(own_cloud):
    s3 = own_cloud.client("s3", s3={"addressing_style": "path"})
    s3.create_bucket(Bucket="dated")
    s3.put_object(Bucket="dated", Key="k", Body=b"x")
    s3.put_bucket_lifecycle_configuration(Bucket="dated", LifecycleConfiguration={"Rules": [
        rule("past", "", Expiration={"Date": "2020-01-01T00:00:00Z"})]})
    own_cloud.restart()
    wait_until(lambda: "Contents" not in s3.list_objects_v2(Bucket="dated"))


LONG_AGO = """
import boto3
s3 = boto3.client("s3", config=__import__("botocore.config").config.Config(s3={"addressing_style": "path"}))
for key, size, storage in (("logs/large", 200_000, "STANDARD"), ("logs/small", 10, "STANDARD"), ("logs/ice", 200_000, "DEEP_ARCHIVE"),
                           ("any/small", 10, "STANDARD"), ("cold/large", 200_000, "STANDARD_IA"), ("else", 200_000, "STANDARD")):
    s3.put_object(Bucket="moves", Key=key, Body=b"x" * size, StorageClass=storage, Tagging="a=b")
for n in range(3):
    s3.put_object(Bucket="moves", Key="versions", Body=bytes([65 + n]) * 200_000)
"""


def storage_of(s3, bucket):
    return {(v["Key"], v["IsLatest"]): v["StorageClass"] for v in s3.list_object_versions(Bucket=bucket)["Versions"]}


def test_what_is_old_moves_to_another_storage_class(own_cloud, slow_clock, monkeypatch):
    s3 = own_cloud.client("s3", s3={"addressing_style": "path"})
    told = Told(own_cloud, "moved")
    s3.create_bucket(Bucket="moves")
    s3.put_bucket_versioning(Bucket="moves", VersioningConfiguration={"Status": "Enabled"})
    told.of(s3, "moves", "s3:LifecycleTransition")
    s3.put_bucket_lifecycle_configuration(Bucket="moves", LifecycleConfiguration={"Rules": [
        rule("logs", "logs/", Transitions=[{"Days": 1, "StorageClass": "INTELLIGENT_TIERING"}, {"Days": 2, "StorageClass": "GLACIER"}, {"Days": 50, "StorageClass": "DEEP_ARCHIVE"}]),
        {"ID": "any", "Filter": {"And": {"Prefix": "any/", "ObjectSizeGreaterThan": 1}}, "Status": "Enabled", "Transitions": [{"Date": "2020-01-01T00:00:00Z", "StorageClass": "GLACIER_IR"}]},
        rule("cold", "cold/", Transitions=[{"Days": 0, "StorageClass": "INTELLIGENT_TIERING"}]),
        rule("not yet", "else", Transitions=[{"Days": 30, "StorageClass": "STANDARD_IA"}]),
        rule("older", "versions", NoncurrentVersionTransitions=[{"NoncurrentDays": 1, "StorageClass": "GLACIER", "NewerNoncurrentVersions": 1}])]})
    own_cloud.stop()
    with monkeypatch.context() as then:
        then.setenv("LD_PRELOAD", slow_clock)
        own_cloud.start()
        subprocess.run([sys.executable, "-c", LONG_AGO], env=own_cloud.env(), check=True)
        own_cloud.stop()
    own_cloud.start()
    expected = {("logs/large", True): "GLACIER", ("logs/small", True): "STANDARD", ("logs/ice", True): "DEEP_ARCHIVE", ("any/small", True): "GLACIER_IR",
                ("cold/large", True): "INTELLIGENT_TIERING", ("else", True): "STANDARD", ("versions", True): "STANDARD", ("versions", False): "GLACIER"}
    wait_until(lambda: storage_of(s3, "moves") == expected, what=lambda: storage_of(s3, "moves"))
    # Of the two older versions the newer one stays.
    assert [v["StorageClass"] for v in s3.list_object_versions(Bucket="moves", Prefix="versions")["Versions"]] == ["STANDARD", "STANDARD", "GLACIER"]
    after = s3.head_object(Bucket="moves", Key="logs/large")
    assert after["ETag"] == f'"{hashlib.md5(b"x" * 200_000).hexdigest()}"' and after["ContentLength"] == 200_000
    assert after["LastModified"] < datetime.now(UTC) - timedelta(days=2)
    assert s3.get_object_tagging(Bucket="moves", Key="logs/large")["TagSet"] == [{"Key": "a", "Value": "b"}]
    records = told.records(4)
    assert sorted((r["eventName"], r["s3"]["object"]["key"]) for r in records) == [
        ("LifecycleTransition", k) for k in ("any/small", "cold/large", "logs/large", "versions")]


def test_small_objects_move_to_archives_if_the_bucket_says_so(own_cloud):
    s3 = own_cloud.client("s3", s3={"addressing_style": "path"})
    rules = {"Rules": [rule("now", "", Transitions=[{"Date": "2020-01-01T00:00:00Z", "StorageClass": "GLACIER"}])]}
    for bucket, minimum in (("varies", "varies_by_storage_class"), ("default", None)):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=rules, **({"TransitionDefaultMinimumObjectSize": minimum} if minimum else {}))
        assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["TransitionDefaultMinimumObjectSize"] == (minimum or "all_storage_classes_128K")
    own_cloud.restart()
    wait_until(lambda: s3.head_object(Bucket="varies", Key="k").get("StorageClass") == "GLACIER")
    assert "StorageClass" not in s3.head_object(Bucket="default", Key="k")


@pytest.mark.parametrize("action", [
    {"Transitions": [{"Days": 29, "StorageClass": "STANDARD_IA"}]},
    {"Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 59, "StorageClass": "GLACIER"}]},
    {"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}, {"Days": 2, "StorageClass": "GLACIER"}]},
    {"Transitions": [{"Days": 10, "StorageClass": "GLACIER"}], "Expiration": {"Days": 10}},
    {"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}, {"Date": "2030-01-01T00:00:00Z", "StorageClass": "DEEP_ARCHIVE"}]},
    {"Transitions": [{"Date": "2030-01-01T01:00:00Z", "StorageClass": "GLACIER"}]},
    {"Transitions": [{"Days": -1, "StorageClass": "GLACIER"}]},
    {"Transitions": [{"StorageClass": "GLACIER"}]},
    {"Transitions": [{"Days": 1, "StorageClass": "WARM"}]},
    {"NoncurrentVersionTransitions": [{"NoncurrentDays": 29, "StorageClass": "ONEZONE_IA"}]},
    {"NoncurrentVersionTransitions": [{"NoncurrentDays": 5, "StorageClass": "GLACIER"}], "NoncurrentVersionExpiration": {"NoncurrentDays": 5}}])
def test_transitions_that_are_refused(cloud, action):
    s3 = cloud.client("s3", s3={"addressing_style": "path"})
    s3.create_bucket(Bucket="transitions")
    with pytest.raises(ClientError) as e:
        s3.put_bucket_lifecycle_configuration(Bucket="transitions", LifecycleConfiguration={"Rules": [rule("r", "", **action)]})
    assert e.value.response["Error"]["Code"] in ("InvalidArgument", "MalformedXML")
