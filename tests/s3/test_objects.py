"""Objects as boto3 sees them: bytes in and out, ranges, conditions, metadata, checksums, copies, versions, parts."""
import base64
import hashlib
import io
import json
import os
import pathlib
import threading
import time
import urllib.request
import uuid
import zlib

import boto3.s3.transfer
import botocore.exceptions
import pytest
from harness import wait_until


def code(call, **args):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**args)
    return e.value.response["Error"]["Code"]


@pytest.mark.parametrize("size", [0, 1, 1024, 1025, 4096, 65536, 65537, 3_000_000])
def test_bytes_come_back(s3, bucket, size):
    body = os.urandom(size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=body)
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body
    assert got["ContentLength"] == size
    assert got["ContentType"] == "binary/octet-stream"
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == size


def test_headers_metadata_and_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b/ü?&+", Body=b"x", ContentType="text/plain", CacheControl="no-cache",
                  ContentDisposition="attachment", ContentEncoding="identity", ContentLanguage="de",
                  Metadata={"One": "1", "two": "zwei"}, Tagging="a=1&b=x%20y", StorageClass="STANDARD_IA")
    got = s3.head_object(Bucket=bucket, Key="a b/ü?&+")
    assert got["ContentType"] == "text/plain" and got["CacheControl"] == "no-cache"
    assert got["ContentDisposition"] == "attachment" and got["ContentLanguage"] == "de"
    assert got["Metadata"] == {"one": "1", "two": "zwei"} and got["StorageClass"] == "STANDARD_IA"
    tags = s3.get_object_tagging(Bucket=bucket, Key="a b/ü?&+")["TagSet"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "x y"}]
    [listed] = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert listed["Key"] == "a b/ü?&+"


def test_ranges(s3, bucket):
    body = os.urandom(300_000)
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    for spec, expected in [("bytes=0-0", body[:1]), ("bytes=65530-65550", body[65530:65551]), ("bytes=299990-", body[299990:]),
                           ("bytes=-7", body[-7:]), ("bytes=100-999999", body[100:])]:
        got = s3.get_object(Bucket=bucket, Key="k", Range=spec)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert got["Body"].read() == expected, spec
    assert code(s3.get_object, Bucket=bucket, Key="k", Range="bytes=300000-") == "InvalidRange"


def test_a_large_object_to_slow_clients_and_to_those_that_leave(s3, bucket, cloud):
    body = os.urandom(12_000_000)
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})

    def open_files():
        return len(os.listdir(f"/proc/{cloud.pid}/fd"))
    before = open_files()
    leaving = [urllib.request.urlopen(url) for _ in range(10)]
    for n, answer in enumerate(leaving):
        assert answer.read(1 + n * 300_000) == body[:1 + n * 300_000]
    slow = urllib.request.urlopen(url)
    got = b""
    while part := slow.read(1_000_000):
        got += part
        time.sleep(0.01)
        if leaving:
            leaving.pop().close()
    assert got == body
    slow.close()
    wait_until(lambda: open_files() <= before, what="the descriptors of connections that ended")


def test_a_large_object_that_many_read_again(s3, bucket, cloud):
    def files():
        return sum(f.is_file() for f in pathlib.Path(cloud.data, "s3").rglob("*"))
    before = files()
    body = os.urandom(5_300_000)
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    time.sleep(2.1)  # from then on its pages may stay in memory once they have been checked
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    ranges = [(0, len(body) - 1), (0, 70_000), (1_048_576, 3_145_727), (999_999, 4_200_000), (5_200_000, 5_299_999)]
    wrong = []

    def read(n):
        for i in range(12):
            first, last = ranges[(n + i) % len(ranges)]
            request = urllib.request.Request(url, headers={"Range": f"bytes={first}-{last}"})
            with urllib.request.urlopen(request) as answer:
                if answer.read() != body[first:last + 1]:
                    wrong.append((first, last))
    threads = [threading.Thread(target=read, args=(n,)) for n in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not wrong
    locked = next(line for line in pathlib.Path(f"/proc/{cloud.pid}/status").read_text().splitlines() if line.startswith("VmLck"))
    assert int(locked.split()[1]) * 1024 >= 5 << 20, locked  # less than 64 KiB at the end is sent as a copy
    slow = urllib.request.urlopen(url)
    got = slow.read(100_000)
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")  # the old file goes when its last reader is done
    assert urllib.request.urlopen(url).read() == b"new"
    assert got + slow.read() == body
    slow.close()
    wait_until(lambda: files() <= before, what="the old file is gone")


def test_conditional_reads(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    assert s3.get_object(Bucket=bucket, Key="k", IfMatch=etag)["Body"].read() == b"x"
    assert code(s3.get_object, Bucket=bucket, Key="k", IfMatch='"other"') == "PreconditionFailed"
    assert code(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag) == "304"
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    assert code(s3.get_object, Bucket=bucket, Key="k", IfModifiedSince=modified) == "304"


def test_conditional_writes(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=etag)
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"4", IfMatch=etag) == "PreconditionFailed"
    assert code(s3.put_object, Bucket=bucket, Key="none", Body=b"4", IfMatch=etag) == "NoSuchKey"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"3"


def test_only_one_of_many_creates(s3, bucket):
    results = []

    def put(i):
        try:
            s3.put_object(Bucket=bucket, Key="lock", Body=str(i).encode(), IfNoneMatch="*")
            results.append(i)
        except botocore.exceptions.ClientError as e:
            assert e.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict")

    threads = [threading.Thread(target=put, args=(i,)) for i in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(results) == 1
    assert s3.get_object(Bucket=bucket, Key="lock")["Body"].read() == str(results[0]).encode()


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_are_checked_and_kept(s3, bucket, algorithm):
    body = os.urandom(100_000)
    make = {"CRC32": lambda b: zlib.crc32(b).to_bytes(4, "big"), "SHA1": lambda b: hashlib.sha1(b).digest(),
            "SHA256": lambda b: hashlib.sha256(b).digest()}[algorithm]
    good = base64.b64encode(make(body)).decode()
    member = "Checksum" + algorithm
    assert s3.put_object(Bucket=bucket, Key="k", Body=body, **{member: good})[member] == good
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[member] == good
    bad = base64.b64encode(make(b"other")).decode()
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=body, **{member: bad}) == "BadDigest"
    assert s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["Body"].read() == body  # boto3 checks it


def test_content_md5(s3, bucket):
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"body", ContentMD5=wrong) == "BadDigest"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"body", ContentMD5="junk") == "InvalidDigest"
    assert code(s3.head_object, Bucket=bucket, Key="k") == "404"


def test_streams_with_trailers(cloud, bucket):
    """Over TLS boto3 sends unsigned chunks with a trailer; over HTTP it signs them as a whole: both come here."""
    body = os.urandom(1_000_000)
    s3 = cloud.client("s3", s3={"addressing_style": "path"}, request_checksum_calculation="when_supported")
    s3.upload_fileobj(io.BytesIO(body), bucket, "k")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body


def test_copy(s3, bucket):
    body = os.urandom(200_000)
    s3.put_object(Bucket=bucket, Key="from", Body=body, Metadata={"a": "1"}, ContentType="text/plain", Tagging="t=1")
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "from"})
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    s3.copy_object(Bucket=bucket, Key="again", CopySource={"Bucket": bucket, "Key": "from"}, MetadataDirective="REPLACE",
                   Metadata={"b": "2"}, TaggingDirective="REPLACE", Tagging="u=2")
    s3.delete_object(Bucket=bucket, Key="from")
    to, again = s3.get_object(Bucket=bucket, Key="to"), s3.get_object(Bucket=bucket, Key="again")
    assert to["Body"].read() == again["Body"].read() == body
    assert to["Metadata"] == {"a": "1"} and to["ContentType"] == "text/plain" and again["Metadata"] == {"b": "2"}
    assert s3.get_object_tagging(Bucket=bucket, Key="to")["TagSet"] == [{"Key": "t", "Value": "1"}]
    assert s3.get_object_tagging(Bucket=bucket, Key="again")["TagSet"] == [{"Key": "u", "Value": "2"}]
    assert code(s3.copy_object, Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "to"}) == "InvalidRequest"
    assert code(s3.copy_object, Bucket=bucket, Key="x", CopySource={"Bucket": bucket, "Key": "none"}) == "NoSuchKey"


@pytest.mark.parametrize("encryption", [{}, {"ServerSideEncryption": "AES256"}, {"ServerSideEncryption": "aws:kms"}], ids=["plain", "AES256", "aws:kms"])
def test_small_objects(own_cloud, encryption):
    """They stand in their records: copied, versioned, made parts of and listed with them."""
    s3 = own_cloud.client("s3", s3={"addressing_style": "path"}, signature_version="s3v4")
    s3.create_bucket(Bucket="small")
    s3.put_bucket_versioning(Bucket="small", VersioningConfiguration={"Status": "Enabled"})
    bodies = {f"k{n}": os.urandom(n) for n in (1, 500, 1024, 1025)}
    for key, body in bodies.items():
        old = s3.put_object(Bucket="small", Key=key, Body=b"old", **encryption)["VersionId"]
        s3.put_object(Bucket="small", Key=key, Body=body, **encryption)
        assert s3.get_object(Bucket="small", Key=key, VersionId=old)["Body"].read() == b"old"
        for how in ({}, encryption):
            s3.copy_object(Bucket="small", Key=key + "-copy", CopySource=f"small/{key}", **how)
            assert s3.get_object(Bucket="small", Key=key + "-copy")["Body"].read() == body
        # Onto itself, which takes other metadata and the same bytes.
        s3.copy_object(Bucket="small", Key=key, CopySource=f"small/{key}", MetadataDirective="REPLACE", Metadata={"a": "b"}, **encryption)
        upload = s3.create_multipart_upload(Bucket="small", Key=key + "-parts", **encryption)["UploadId"]
        part = s3.upload_part_copy(Bucket="small", Key=key + "-parts", UploadId=upload, PartNumber=1, CopySource=f"small/{key}")
        s3.complete_multipart_upload(Bucket="small", Key=key + "-parts", UploadId=upload,
                                     MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]})
        # What the copies were made of is gone: they have their own.
        for version in s3.list_object_versions(Bucket="small", Prefix=key)["Versions"]:
            if version["Key"] == key and not version["IsLatest"]:
                s3.delete_object(Bucket="small", Key=key, VersionId=version["VersionId"])
    own_cloud.restart()
    s3 = own_cloud.client("s3", s3={"addressing_style": "path"}, signature_version="s3v4")
    for key, body in bodies.items():
        for copy in (key, key + "-copy", key + "-parts"):
            assert s3.get_object(Bucket="small", Key=copy)["Body"].read() == body, copy
            if len(body) > 9:
                assert s3.get_object(Bucket="small", Key=copy, Range="bytes=3-8")["Body"].read() == body[3:9], copy
    if not encryption:  # what is written on the disk is what was sent, or nothing like it
        return
    text = b"this is not to be found " * 40
    s3.put_object(Bucket="small", Key="text", Body=text, **encryption)
    own_cloud.stop()
    for file in pathlib.Path(own_cloud.data).rglob("*"):
        assert not file.is_file() or text[:48] not in file.read_bytes(), file


def test_contents_are_not_taken_for_what_is_said_of_them(s3, versioned):
    body = b'{"marker":true,"etag":"x","size":7}\0"marker":true'
    for key in ("d/1", "e"):
        s3.put_object(Bucket=versioned, Key=key, Body=body)
    page = s3.list_objects_v2(Bucket=versioned, Delimiter="/")
    assert [p["Prefix"] for p in page["CommonPrefixes"]] == ["d/"] and [(o["Key"], o["Size"]) for o in page["Contents"]] == [("e", len(body))]
    versions = s3.list_object_versions(Bucket=versioned)
    assert [v["Key"] for v in versions["Versions"]] == ["d/1", "e"] and "DeleteMarkers" not in versions


def test_encryption_at_rest(cloud, s3, bucket):
    secret = b"top secret " * 10_000
    put = s3.put_object(Bucket=bucket, Key="k", Body=secret, ServerSideEncryption="AES256")
    assert put["ServerSideEncryption"] == "AES256"
    got = s3.get_object(Bucket=bucket, Key="k", Range="bytes=70000-70099")
    assert got["ServerSideEncryption"] == "AES256" and got["Body"].read() == secret[70000:70100]
    for folder, _, files in os.walk(os.path.join(cloud.data, "s3")):
        for f in files:
            assert b"top secret" not in open(os.path.join(folder, f), "rb").read()
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="aws:kms:dsse") == "NotImplemented"


def test_delete_many(s3, bucket):
    for i in range(5):
        s3.put_object(Bucket=bucket, Key=f"k{i}", Body=b"x")
    out = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": f"k{i}"} for i in range(4)] + [{"Key": "none"}]})
    assert sorted(d["Key"] for d in out["Deleted"]) == ["k0", "k1", "k2", "k3", "none"]
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k4"]


def test_listing(s3, bucket):
    keys = ["a", "b/1", "b/2", "b/c/3", "d", "e/", "é"]
    for k in keys:
        s3.put_object(Bucket=bucket, Key=k, Body=b"x")
    assert [o["Key"] for o in s3.list_objects(Bucket=bucket)["Contents"]] == keys
    page = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [o["Key"] for o in page["Contents"]] == ["a", "d", "é"]
    assert [p["Prefix"] for p in page["CommonPrefixes"]] == ["b/", "e/"]
    assert page["KeyCount"] == 5 and not page["IsTruncated"]
    page = s3.list_objects_v2(Bucket=bucket, Prefix="b/", Delimiter="/")
    assert [o["Key"] for o in page["Contents"]] == ["b/1", "b/2"] and page["CommonPrefixes"] == [{"Prefix": "b/c/"}]
    for size in (1, 2, 3):
        found, prefixes = [], []
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": size}):
            found += [o["Key"] for o in page.get("Contents", [])]
            prefixes += [p["Prefix"] for p in page.get("CommonPrefixes", [])]
        assert found == ["a", "d", "é"] and prefixes == ["b/", "e/"], size
        found = [o["Key"] for page in s3.get_paginator("list_objects").paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
                 for o in page.get("Contents", [])]
        assert found == keys
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, StartAfter="b/2")["Contents"]] == keys[3:]
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=0)["KeyCount"] == 0


def test_versions(s3, versioned):
    ids = [s3.put_object(Bucket=versioned, Key="k", Body=str(i).encode())["VersionId"] for i in range(3)]
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"2"
    assert s3.get_object(Bucket=versioned, Key="k", VersionId=ids[0])["Body"].read() == b"0"
    marker = s3.delete_object(Bucket=versioned, Key="k")
    assert marker["DeleteMarker"]
    assert code(s3.get_object, Bucket=versioned, Key="k") == "NoSuchKey"
    assert code(s3.get_object, Bucket=versioned, Key="k", VersionId=marker["VersionId"]) == "MethodNotAllowed"
    assert "Contents" not in s3.list_objects_v2(Bucket=versioned)
    listed = s3.list_object_versions(Bucket=versioned)
    assert [v["VersionId"] for v in listed["Versions"]] == ids[::-1]
    assert [m["IsLatest"] for m in listed["DeleteMarkers"]] == [True]
    found = [v["VersionId"] for page in s3.get_paginator("list_object_versions").paginate(Bucket=versioned, PaginationConfig={"PageSize": 1})
             for v in page.get("Versions", []) + page.get("DeleteMarkers", [])]
    assert found == [marker["VersionId"], *ids[::-1]]
    s3.delete_object(Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"2"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[2])
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"1"
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})
    for body in (b"null", b"null2"):
        s3.put_object(Bucket=versioned, Key="k", Body=body)
    assert len(s3.list_object_versions(Bucket=versioned)["Versions"]) == 3
    assert code(s3.delete_bucket, Bucket=versioned) == "BucketNotEmpty"


def test_multipart(s3, bucket):
    parts = [os.urandom(5 << 20), os.urandom(5 << 20), os.urandom(1000)]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big", ContentType="text/x", Metadata={"m": "1"})["UploadId"]
    etags = [s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=n + 1, Body=p)["ETag"]
             for n, p in enumerate(parts)]
    assert [p["Size"] for p in s3.list_parts(Bucket=bucket, Key="big", UploadId=upload)["Parts"]] == [len(p) for p in parts]
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["big"]
    assert code(s3.head_object, Bucket=bucket, Key="big") == "404"
    listed = [{"PartNumber": n + 1, "ETag": e} for n, e in enumerate(etags)]
    finish = dict(Bucket=bucket, Key="big", UploadId=upload)
    assert code(s3.complete_multipart_upload, **finish, MultipartUpload={"Parts": listed[::-1]}) == "InvalidPartOrder"
    wrong = [dict(listed[0], ETag=etags[1])] + listed[1:]
    assert code(s3.complete_multipart_upload, **finish, MultipartUpload={"Parts": wrong}) == "InvalidPart"
    done = s3.complete_multipart_upload(**finish, MultipartUpload={"Parts": listed})
    digest = hashlib.md5(b"".join(hashlib.md5(p).digest() for p in parts)).hexdigest()
    assert done["ETag"] == f'"{digest}-3"'
    got = s3.get_object(Bucket=bucket, Key="big")
    assert got["Body"].read() == b"".join(parts) and got["ContentType"] == "text/x" and got["Metadata"] == {"m": "1"}
    second = s3.get_object(Bucket=bucket, Key="big", PartNumber=2)
    assert second["Body"].read() == parts[1] and second["PartsCount"] == 3
    assert code(s3.get_object, Bucket=bucket, Key="big", PartNumber=4) == "InvalidPartNumber"
    across = s3.get_object(Bucket=bucket, Key="big", Range=f"bytes={(5 << 20) - 3}-{(5 << 20) + 2}")["Body"].read()
    assert across == parts[0][-3:] + parts[1][:3]
    assert code(s3.list_parts, **finish) == "NoSuchUpload"
    attributes = s3.get_object_attributes(Bucket=bucket, Key="big", ObjectAttributes=["ETag", "ObjectSize", "ObjectParts"])
    assert attributes["ObjectSize"] == sum(map(len, parts)) and attributes["ObjectParts"]["TotalPartsCount"] == 3


def test_completing_again_answers_the_same(own_cloud):
    s3 = own_cloud.client("s3", s3={"addressing_style": "path"})
    s3.create_bucket(Bucket="twice")
    s3.put_bucket_versioning(Bucket="twice", VersioningConfiguration={"Status": "Enabled"})
    upload = s3.create_multipart_upload(Bucket="twice", Key="k", ChecksumAlgorithm="SHA256")["UploadId"]
    part = s3.upload_part(Bucket="twice", Key="k", UploadId=upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA256")
    parts = [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}]

    def complete(key="k", parts=parts):
        out = s3.complete_multipart_upload(Bucket="twice", Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
        return {k: v for k, v in out.items() if k != "ResponseMetadata"}
    first = complete()
    assert first["VersionId"] and first["ChecksumSHA256"].endswith("-1")
    assert complete() == first
    own_cloud.restart()
    assert complete() == first
    assert len(s3.list_object_versions(Bucket="twice")["Versions"]) == 1
    s3.delete_object(Bucket="twice", Key="k")
    assert complete() == first and "Contents" not in s3.list_objects_v2(Bucket="twice")
    assert code(complete, key="other") == "NoSuchUpload"
    assert code(complete, parts=[dict(parts[0], PartNumber=2)]) == "NoSuchUpload"


def test_multipart_copy_abort_and_small_parts(s3, bucket):
    body = os.urandom(6 << 20)
    s3.put_object(Bucket=bucket, Key="source", Body=body)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    args = dict(Bucket=bucket, Key="k", UploadId=upload)
    copy = s3.upload_part_copy(**args, PartNumber=1, CopySource={"Bucket": bucket, "Key": "source"}, CopySourceRange="bytes=1-5242880")
    tail = s3.upload_part(**args, PartNumber=2, Body=b"tail")
    s3.delete_object(Bucket=bucket, Key="source")
    s3.complete_multipart_upload(**args, MultipartUpload={"Parts": [
        {"PartNumber": 1, "ETag": copy["CopyPartResult"]["ETag"]}, {"PartNumber": 2, "ETag": tail["ETag"]}]})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body[1:5242881] + b"tail"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k2")["UploadId"]
    args = dict(Bucket=bucket, Key="k2", UploadId=upload)
    etags = [s3.upload_part(**args, PartNumber=n, Body=b"small")["ETag"] for n in (1, 2)]
    parts = [{"PartNumber": n + 1, "ETag": e} for n, e in enumerate(etags)]
    assert code(s3.complete_multipart_upload, **args, MultipartUpload={"Parts": parts}) == "EntityTooSmall"
    s3.abort_multipart_upload(**args)
    assert code(s3.upload_part, **args, PartNumber=1, Body=b"x") == "NoSuchUpload"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA256", "CRC64NVME"])
def test_multipart_checksums(s3, bucket, algorithm):
    body = os.urandom(11 << 20)
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    s3.upload_fileobj(io.BytesIO(body), bucket, "k", ExtraArgs={"ChecksumAlgorithm": algorithm}, Config=config)
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["Checksum" + algorithm]
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body


def test_presigned(s3, bucket):
    import requests
    put = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "p"}, ExpiresIn=60)
    assert requests.put(put, data=b"by url").status_code == 200
    get = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "p"}, ExpiresIn=60)
    assert requests.get(get).content == b"by url"
    assert requests.get(get.replace("/p?", "/q?")).status_code == 403
    stolen = requests.put(put, data=b"", headers={"x-amz-copy-source": f"/{bucket}/p"})
    assert stolen.status_code == 403 and b"not signed" in stolen.content


def test_presigned_url_of_a_revoked_key(cloud, s3, bucket, scratch_user):
    import requests
    s3.put_object(Bucket=bucket, Key="p", Body=b"x")
    user, key, secret = scratch_user({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
    url = cloud.client("s3", key=key, secret=secret, signature_version="s3v4").generate_presigned_url(
        "get_object", {"Bucket": bucket, "Key": "p"}, ExpiresIn=600)
    assert requests.get(url).status_code == 200
    cloud.client("iam").update_access_key(UserName=user, AccessKeyId=key, Status="Inactive")
    assert requests.get(url).status_code == 403


def test_form_upload(s3, bucket):
    import requests
    post = s3.generate_presigned_post(bucket, "up/${filename}", Fields={"acl": "private"},
                                      Conditions=[{"acl": "private"}, ["content-length-range", 1, 100]])
    ok = requests.post(post["url"], data=post["fields"], files={"file": ("a.txt", b"from a browser")})
    assert ok.status_code == 204, ok.text
    assert s3.get_object(Bucket=bucket, Key="up/a.txt")["Body"].read() == b"from a browser"
    large = requests.post(post["url"], data=post["fields"], files={"file": ("b.txt", b"x" * 101)})
    assert large.status_code == 400 and "EntityTooLarge" in large.text
    forged = dict(post["fields"], acl="public-read")
    assert requests.post(post["url"], data=forged, files={"file": ("c.txt", b"x")}).status_code == 403


def test_form_upload_with_tags(s3, bucket):
    import requests
    tags = "<Tagging><TagSet><Tag><Key>a b</Key><Value>1&amp;2</Value></Tag></TagSet></Tagging>"
    post = s3.generate_presigned_post(bucket, "k", Fields={"tagging": tags}, Conditions=[["starts-with", "$tagging", ""]])
    assert requests.post(post["url"], data=post["fields"], files={"file": ("a", b"x")}).status_code == 204
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a b", "Value": "1&2"}]
    broken = dict(post["fields"], tagging="a=b")
    assert "MalformedXML" in requests.post(post["url"], data=broken, files={"file": ("a", b"x")}).text


def test_a_form_policy_expires_in_utc(cloud, s3, bucket):
    import hmac
    import requests

    def post(expiration):
        policy = base64.b64encode(json.dumps({"expiration": expiration, "conditions": [{"bucket": bucket}, {"key": "k"}]}).encode())
        signature = base64.b64encode(hmac.new(cloud.secret.encode(), policy, hashlib.sha1).digest())
        return requests.post(f"{cloud.endpoint}/{bucket}", files={"file": ("a", b"x")}, data={
            "key": "k", "AWSAccessKeyId": cloud.key, "policy": policy, "signature": signature})
    assert post("2099-01-01T00:00:00.000Z").status_code == 204
    for other in ("2099-01-01 00:00:00+00:00", "2099-01-01", "2099-01-01T00:00:00"):
        assert "InvalidPolicyDocument" in post(other).text


def test_a_bucket_signed_with_v2(cloud, s3):
    # boto3 asks for /bucket and signs /bucket/.
    old = cloud.client("s3", s3={"addressing_style": "path"}, signature_version="s3")
    name = "v2-" + uuid.uuid4().hex[:16]
    old.create_bucket(Bucket=name)
    old.put_object(Bucket=name, Key="k", Body=b"x")
    assert [o["Key"] for o in old.list_objects(Bucket=name)["Contents"]] == ["k"]
    forged = cloud.client("s3", s3={"addressing_style": "path"}, signature_version="s3", secret="wrong")
    assert code(forged.list_objects, Bucket=name) == "SignatureDoesNotMatch"
    for date in ("", "Tue, 07 Jul 1950 21:53:04 GMT"):  # x-amz-date counts instead of Date, whatever it says
        dated = cloud.client("s3", s3={"addressing_style": "path"}, signature_version="s3")
        dated.meta.events.register("before-call.s3.ListObjects", lambda params, date=date, **_: params["headers"].update({"x-amz-date": date}))
        assert code(dated.list_objects, Bucket=name) == "AccessDenied"
    old.delete_object(Bucket=name, Key="k")
    old.delete_bucket(Bucket=name)


def test_a_version_that_is_null_is_not_told_when_it_is_made(s3, versioned):
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})
    assert "VersionId" not in s3.put_object(Bucket=versioned, Key="k", Body=b"x")
    assert "VersionId" not in s3.copy_object(Bucket=versioned, Key="copy", CopySource={"Bucket": versioned, "Key": "k"})
    assert s3.head_object(Bucket=versioned, Key="k")["VersionId"] == "null"
    assert s3.delete_object(Bucket=versioned, Key="k")["VersionId"] == "null"


def test_a_read_says_nothing_of_encryption(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="AES256")
    s3.meta.events.register_first("before-sign.s3.GetObject", lambda request, **_: request.headers.add_header(
        "x-amz-server-side-encryption", "AES256"), unique_id="encrypt")
    try:
        assert code(s3.get_object, Bucket=bucket, Key="k") == "InvalidArgument"
    finally:
        s3.meta.events.unregister("before-sign.s3.GetObject", unique_id="encrypt")
    assert s3.get_object(Bucket=bucket, Key="k")["ServerSideEncryption"] == "AES256"


def test_metadata_beyond_ascii_comes_back_encoded(s3, bucket):
    import requests
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k", "Metadata": {"m": "?"}}, ExpiresIn=60)
    # A presigned URL signs the header's value, so the bucket takes it unsigned.
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]}))
    put = requests.put(url.split("?")[0], data=b"x", headers={"x-amz-meta-m": "Ä S3".encode("latin-1"), "x-amz-meta-n": "plain"})
    assert put.status_code == 200, put.text
    encoded = "=?UTF-8?B?" + base64.b64encode("Ä S3".encode()).decode() + "?="
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"m": encoded, "n": "plain"}


def test_content_encoding_is_as_it_was_written(s3, bucket):
    for given, kept in (("deflate, gzip", "deflate, gzip"), ("aws-chunked, gzip", "gzip"), ("gzip, aws-chunked", "gzip")):
        s3.put_object(Bucket=bucket, Key="k", Body=b"", ContentEncoding=given)
        assert s3.head_object(Bucket=bucket, Key="k")["ContentEncoding"] == kept


def test_not_served_says_so(s3, bucket):
    assert code(s3.list_bucket_inventory_configurations, Bucket=bucket) == "NotImplemented"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"", StorageClass="EXPRESS_ONEZONE") == "NotImplemented"
    assert code(s3.get_object, Bucket=bucket, Key="missing") == "NoSuchKey"
    assert code(s3.get_object, Bucket="no-such-bucket-" + uuid.uuid4().hex[:8], Key="k") == "NoSuchBucket"


def test_survives_a_restart(own_cloud):
    s3 = own_cloud.client("s3", s3={"addressing_style": "path"})
    s3.create_bucket(Bucket="kept")
    bodies = {f"k{n}": os.urandom(n) for n in (0, 10, 5000, 70_000, 1_000_000)}
    for k, b in bodies.items():
        s3.put_object(Bucket="kept", Key=k, Body=b)
    own_cloud.kill9()
    own_cloud.start()
    for k, b in bodies.items():
        assert s3.get_object(Bucket="kept", Key=k)["Body"].read() == b


def test_a_part_comes_with_its_own_checksum(s3, bucket):
    bodies = [os.urandom(5 << 20), os.urandom(100)]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="CRC32")
    parts = []
    for number, body in enumerate(bodies, 1):
        part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload["UploadId"], PartNumber=number, Body=body, ChecksumAlgorithm="CRC32")
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumCRC32": part["ChecksumCRC32"]})
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload["UploadId"], MultipartUpload={"Parts": parts})
    for part, body in zip(parts, bodies):
        got = s3.get_object(Bucket=bucket, Key="k", PartNumber=part["PartNumber"], ChecksumMode="ENABLED")
        assert got["Body"].read() == body and got["ChecksumCRC32"] == part["ChecksumCRC32"]
