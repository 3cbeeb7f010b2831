"""Server access logging: what is asked of a bucket is told in another."""
import json
import re
import urllib.parse

import boto3
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
FIELDS = ["owner", "bucket", "time", "ip", "requester", "id", "operation", "key", "uri", "status", "error", "sent", "size", "total", "turnaround",
          "referer", "agent", "version", "host_id", "signature", "cipher", "authentication", "host", "tls", "access_point", "acl"]


def parse(text):
    lines = [re.findall(r'\[[^\]]*\]|"[^"]*"|\S+', line) for line in text.splitlines()]
    assert all(len(line) == len(FIELDS) for line in lines), text
    return [dict(zip(FIELDS, line)) for line in lines]


def allow_delivery(s3, target, source="*"):
    s3.put_bucket_policy(Bucket=target, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{target}/*",
         "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{source}"}}}]}))


def enable(s3, source, target, prefix="log/", **more):
    s3.put_bucket_logging(Bucket=source, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": prefix, **more}})


def logs(s3, target, prefix=""):
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket=target, Prefix=prefix).get("Contents", [])]
    return keys, parse("".join(s3.get_object(Bucket=target, Key=k)["Body"].read().decode() for k in keys))


@pytest.fixture
def own(own_cloud):
    s3 = own_cloud.client("s3", s3={"addressing_style": "path"})
    for name in ("source", "target"):
        s3.create_bucket(Bucket=name)
    return own_cloud, s3


def test_requests_are_told(own):
    cloud, s3 = own
    allow_delivery(s3, "target", "source")
    enable(s3, "source", "target")
    asked = s3.get_bucket_logging(Bucket="source")["LoggingEnabled"]
    assert asked["TargetBucket"] == "target" and asked["TargetPrefix"] == "log/"
    s3.put_object(Bucket="source", Key="a b/ü", Body=b"x" * 10)
    s3.get_object(Bucket="source", Key="a b/ü")["Body"].read()
    with pytest.raises(ClientError):
        s3.get_object(Bucket="source", Key="none")
    s3.get_bucket_versioning(Bucket="source")
    nobody = boto3.client("s3", endpoint_url=cloud.endpoint, region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    with pytest.raises(ClientError):
        nobody.list_objects_v2(Bucket="source")
    url = s3.generate_presigned_url("head_object", Params={"Bucket": "source", "Key": "a b/ü"})
    requests.head(url, headers={"User-Agent": 'said "so"', "Referer": "http://here"})
    with pytest.raises(ClientError):
        s3.get_object(Bucket="source", Key="k", VersionId="a b\nforged line")
    forged = cloud.client("s3", secret="forged")
    with pytest.raises(ClientError):
        forged.delete_object(Bucket="source", Key="a b/ü")
    assert logs(s3, "target")[0] == []  # they are gathered first
    cloud.restart()
    keys, told = logs(s3, "target")
    assert len(keys) == 1 and re.fullmatch(r"log/\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9A-F]{16}", keys[0])
    assert [(t["operation"], t["status"], t["error"]) for t in told] == [
        ("REST.PUT.LOGGING_STATUS", "200", "-"), ("REST.GET.LOGGING_STATUS", "200", "-"), ("REST.PUT.OBJECT", "200", "-"),
        ("REST.GET.OBJECT", "200", "-"), ("REST.GET.OBJECT", "404", "NoSuchKey"), ("REST.GET.VERSIONING", "200", "-"),
        ("REST.GET.BUCKET", "403", "AccessDenied"), ("REST.HEAD.OBJECT", "200", "-"), ("REST.GET.OBJECT", "404", "NoSuchVersion"),
        ("REST.DELETE.OBJECT", "403", "SignatureDoesNotMatch")]
    put, get, head, forged = told[2], told[3], told[7], told[9]
    owner = s3.list_buckets()["Owner"]["ID"]
    assert all(t["owner"] == owner and t["bucket"] == "source" and t["ip"] == "127.0.0.1" for t in told)
    assert urllib.parse.unquote(get["key"].replace("+", " ")) == "a b/ü" and (put["size"], get["size"], get["sent"]) == ("10", "10", "10")
    assert get["signature"] == "SigV4" and get["authentication"] == "AuthHeader" and get["requester"] not in ("-", "")
    assert head["authentication"] == "QueryString" and head["referer"] == '"http://here"' and head["agent"] == '"said %22so%22"' and head["sent"] == "-"
    assert forged["requester"] == "-" and told[6]["requester"] == "-" and told[6]["authentication"] == "-"
    assert s3.head_object(Bucket="target", Key=keys[0])["ContentType"] == "text/plain"


def test_who_does_not_let_it_in_gets_nothing(own):
    cloud, s3 = own
    s3.create_bucket(Bucket="listed", ObjectOwnership="BucketOwnerPreferred")
    enable(s3, "source", "target")  # without a policy, and later with one for another bucket
    allow_delivery(s3, "target", "another")
    with pytest.raises(ClientError, match="InvalidTargetBucketForLogging.*log-delivery group"):
        enable(s3, "source", "listed")
    cloud.restart()
    assert logs(s3, "target")[0] == []
    s3.put_bucket_acl(Bucket="listed", ACL="log-delivery-write")
    enable(s3, "source", "listed", "by-list-")
    cloud.restart()
    keys, told = logs(s3, "listed", "by-list-")
    assert len(keys) == 1 and told[-1]["operation"] == "REST.PUT.LOGGING_STATUS"


def test_a_target_that_has_changed_gets_nothing(own):
    cloud, s3 = own
    allow_delivery(s3, "target", "source")
    enable(s3, "source", "target")
    sealed = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
    s3.put_bucket_encryption(Bucket="target", ServerSideEncryptionConfiguration=sealed)
    cloud.restart()
    assert logs(s3, "target")[0] == [] and "must not be encrypted by aws:kms" in cloud.log_tail()
    with pytest.raises(ClientError, match="InvalidTargetBucketForLogging.*aws:kms"):
        enable(s3, "source", "target")

    s3.delete_bucket(Bucket="target")
    cloud.restart()
    assert "the access log of source cannot be put into target: The specified bucket does not exist" in cloud.log_tail()

    # Another account has taken the name, and would be pleased to read them.
    other = cloud.client("s3", **cloud.another_account())
    other.create_bucket(Bucket="target")
    allow_delivery(other, "target")
    s3.list_objects_v2(Bucket="source")
    cloud.restart()
    assert logs(other, "target")[0] == [] and "the target bucket must be the same" in cloud.log_tail()


def test_parts_of_requests_have_lines_of_their_own(own):
    cloud, s3 = own
    s3.create_bucket(Bucket="other")
    allow_delivery(s3, "target")
    enable(s3, "source", "target")
    for key in ("a", "b c", "kept"):
        s3.put_object(Bucket="source", Key=key, Body=b"x" * 7)
    s3.put_bucket_policy(Bucket="source", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::source/kept"}]}))
    s3.copy_object(Bucket="other", Key="copy", CopySource="source/a")
    upload = s3.create_multipart_upload(Bucket="other", Key="parts")["UploadId"]
    s3.upload_part_copy(Bucket="other", Key="parts", UploadId=upload, PartNumber=1, CopySource="source/b c")
    with pytest.raises(ClientError):  # nothing was read for it
        s3.copy_object(Bucket="no-such-bucket", Key="copy", CopySource="source/a")
    errors = s3.delete_objects(Bucket="source", Delete={"Objects": [{"Key": k} for k in ("a", "b c", "none", "kept")] + [{"Key": "kept", "Size": 7}]})["Errors"]
    assert [(e["Key"], e["Code"]) for e in errors] == [("kept", "AccessDenied"), ("kept", "NotImplemented")]
    cloud.restart()
    _, told = logs(s3, "target")
    [batch] = [t for t in told if t["operation"] == "REST.POST.MULTI_OBJECT_DELETE"]
    parts = [t for t in told if t["operation"] == "BATCH.DELETE.OBJECT"]
    assert [(t["key"], t["status"], t["error"], t["size"]) for t in parts] == [
        ("a", "204", "-", "7"), ("b+c", "204", "-", "7"), ("none", "204", "-", "-"), ("kept", "403", "AccessDenied", "-"),
        ("kept", "501", "NotImplemented", "-")]
    assert all((t["id"], t["requester"], t["host_id"]) == (batch["id"], batch["requester"], batch["host_id"]) for t in parts)
    assert all({t[f] for f in ("uri", "sent", "total", "referer", "agent")} == {"-"} for t in parts)
    assert [(t["operation"], t["key"], t["status"], t["size"]) for t in told if ".COPY." in t["operation"]] == [
        ("REST.COPY.OBJECT_GET", "a", "200", "7"), ("REST.COPY.PART_GET", "b+c", "200", "7")]


def test_visits_to_websites(own):
    cloud, s3 = own
    allow_delivery(s3, "target")
    s3.delete_public_access_block(Bucket="source")
    s3.put_bucket_policy(Bucket="source", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::source/*", "arn:aws:s3:::source"]}]}))
    s3.put_bucket_website(Bucket="source", WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"}})
    for key, body in (("index.html", b"x" * 20), ("error.html", b"gone"), ("d/index.html", b"d")):
        s3.put_object(Bucket="source", Key=key, Body=body)
    enable(s3, "source", "target")

    def visit(path, method="GET", **headers):
        return requests.request(method, cloud.endpoint + path, headers={"Host": "source.s3-website-us-east-1.amazonaws.com", **headers}, allow_redirects=False)
    first = visit("/", Referer="http://here")
    assert first.content == b"x" * 20 and re.fullmatch(r"[0-9A-F]{16}", first.headers["x-amz-request-id"])
    assert [visit("/", "HEAD").status_code, visit("/", Range="bytes=0-4").status_code, visit("/d").status_code, visit("/none?x").status_code] == [200, 206, 302, 404]
    refused = visit("/form", "POST")
    assert refused.status_code == 405
    cloud.restart()
    told = [t for t in logs(s3, "target")[1] if t["operation"].startswith("WEBSITE")]
    assert [(t["operation"], t["key"], t["status"], t["error"], t["sent"], t["size"]) for t in told] == [
        ("WEBSITE.GET.OBJECT", "index.html", "200", "-", "20", "20"), ("WEBSITE.HEAD.OBJECT", "index.html", "200", "-", "-", "20"),
        ("WEBSITE.GET.OBJECT", "index.html", "206", "-", "5", "20"), ("WEBSITE.GET.OBJECT", "d", "302", "-", "-", "-"),
        ("WEBSITE.GET.OBJECT", "none", "404", "NoSuchKey", "4", "4"),
        ("WEBSITE.POST.OBJECT", "form", "405", "MethodNotAllowed", str(len(refused.content)), "-")]
    assert told[0]["id"] == first.headers["x-amz-request-id"] and told[0]["referer"] == '"http://here"' and told[0]["requester"] == "-"
    assert told[-2]["uri"] == '"GET /none?x HTTP/1.1"'


def test_partitioned_keys_and_an_end(own):
    cloud, s3 = own
    allow_delivery(s3, "target")
    enable(s3, "source", "target", "p/", TargetObjectKeyFormat={"PartitionedPrefix": {"PartitionDateSource": "EventTime"}})
    asked = s3.get_bucket_logging(Bucket="source")["LoggingEnabled"]
    assert asked["TargetObjectKeyFormat"]["PartitionedPrefix"]["PartitionDateSource"] == "EventTime"
    cloud.restart()
    [key], _ = logs(s3, "target")
    account = cloud.client("sts").get_caller_identity()["Account"]
    assert re.fullmatch(rf"p/{account}/us-east-1/source/\d{{4}}/\d\d/\d\d/\d{{4}}-\d\d-\d\d-00-00-00-[0-9A-F]{{16}}", key)
    s3.put_bucket_logging(Bucket="source", BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket="source")
    s3.list_objects_v2(Bucket="source")
    cloud.restart()
    assert logs(s3, "target")[0] == [key]


def test_refused_configurations(s3, bucket, cloud):
    def code(**asked):
        with pytest.raises(ClientError) as e:
            s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": {"TargetPrefix": "", **asked}})
        return e.value.response["Error"]["Code"]
    assert code(TargetBucket="nothing-of-that-name") == "InvalidTargetBucketForLogging"
    grants = [{"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}]
    assert code(TargetBucket=bucket, TargetGrants=grants) == "NotImplemented"
    west = cloud.client("s3", region="us-west-2")
    elsewhere = bucket + "-west"
    west.create_bucket(Bucket=elsewhere, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    assert code(TargetBucket=elsewhere) == "CrossLocationLoggingProhibitted"
    west.delete_bucket(Bucket=elsewhere)
