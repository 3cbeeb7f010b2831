"""Bytes on the disk that are not those that were written: never answered as if they were; the log says which; the rest is served."""
import hashlib
import json
import os
import pathlib
import re

import botocore.exceptions
import pytest
import requests
from data_helpers import answers, lack
from harness import wait_until

CHUNK = 64 * 1024  # what S3 has a checksum of


@pytest.fixture
def bucket(data):
    data.s3.create_bucket(Bucket="files")
    return data


def put(data, key, body, **more):
    """The file that holds the object."""
    folder = pathlib.Path(data.cloud.data, "s3")
    before = set(folder.rglob("*"))
    data.s3.put_object(Bucket="files", Key=key, Body=body, **more)
    [file] = [f for f in set(folder.rglob("*")) - before if f.is_file()]
    return file


def flip(file, at):
    with file.open("r+b") as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 0x40]))


def truncate(file, at):
    os.truncate(file, at)


DAMAGE = {"first byte": (flip, 0), "in the middle": (flip, 3 * CHUNK + 17), "last byte": (flip, 5 * CHUNK - 1),
          "a checksum": (flip, 5 * CHUNK + 9), "cut": (truncate, 2 * CHUNK + 5), "empty": (truncate, 0)}


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_objects(bucket, encrypted):
    data, more = bucket, {"ServerSideEncryption": "AES256"} if encrypted else {}
    body, files = os.urandom(5 * CHUNK), {}
    for name in [*DAMAGE, "whole"]:
        files[name] = put(data, name, body, **more)
    for name, (damage, at) in DAMAGE.items():
        damage(files[name], at)
    for name, (_, at) in DAMAGE.items():
        url = data.s3.generate_presigned_url("get_object", {"Bucket": "files", "Key": name})
        status, got = answers(url)
        assert status != 200 and (status is None and body.startswith(got) or status in (500, 503)), (name, status, len(got))
        assert len(got) <= at or status, name
        assert name not in ("first byte", "empty") or status == 500 and b"<Code>InternalError</Code>" in got, "known before the answer begins"
        assert files[name].name in data.cloud.log_tail(), "the log says which"
        with pytest.raises(botocore.exceptions.ClientError) as e:  # a copy that writes the bytes anew takes over nothing
            data.s3.copy_object(Bucket="files", Key="copy of " + name, CopySource={"Bucket": "files", "Key": name},
                                **({} if encrypted else {"ServerSideEncryption": "AES256"}), ChecksumAlgorithm="SHA256")
        lack(e.value)
    # What can still be proven right is served.
    whole = lambda key, **r: data.s3.get_object(Bucket="files", Key=key, **r)["Body"].read()
    assert whole("whole") == body
    assert whole("in the middle", Range=f"bytes=0-{3 * CHUNK - 1}") == body[:3 * CHUNK]
    assert whole("in the middle", Range=f"bytes={4 * CHUNK}-") == body[4 * CHUNK:]
    listed = {o["Key"]: o["Size"] for o in data.s3.list_objects_v2(Bucket="files")["Contents"]}
    assert listed == dict.fromkeys([*DAMAGE, "whole"], len(body))
    # And what is damaged can be replaced and deleted.
    data.s3.put_object(Bucket="files", Key="cut", Body=body)
    assert whole("cut") == body
    for name in DAMAGE:
        data.s3.delete_object(Bucket="files", Key=name)
    assert [o["Key"] for o in data.s3.list_objects_v2(Bucket="files")["Contents"]] == ["whole"]


def test_a_page_of_a_website(bucket):
    s3 = bucket.s3
    s3.put_bucket_website(Bucket="files", WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    s3.put_public_access_block(Bucket="files", PublicAccessBlockConfiguration={"BlockPublicPolicy": False, "RestrictPublicBuckets": False})
    s3.put_bucket_policy(Bucket="files", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/*"}]}))
    flip(put(bucket, "index.html", os.urandom(2 * CHUNK)), 5)
    answer = requests.get(bucket.cloud.endpoint + "/", headers={"Host": "files.s3-website-us-east-1.amazonaws.com"})
    assert answer.status_code == 500 and "InternalError" in answer.text, "known before the answer begins"


def test_an_object_without_its_file(bucket):
    file = put(bucket, "gone", os.urandom(200_000))
    file.unlink()
    with pytest.raises(botocore.exceptions.ClientError) as e:
        bucket.s3.get_object(Bucket="files", Key="gone")
    lack(e.value)
    assert "files/gone" in bucket.cloud.log_tail(), "the log says which"


def test_the_log_of_the_store(data):
    """A flipped byte in the store's log: either it does not start and says why, or it says what it dropped."""
    cloud = data.cloud
    for n in range(200):
        data.db.put_item(TableName="data", Item={"p": {"S": str(n)}, "v": {"S": "x" * 500}})
    cloud.kill9()
    log = max(pathlib.Path(cloud.data, "store").glob("*.log"), key=lambda f: f.stat().st_size)
    flip(log, log.stat().st_size // 2)
    try:
        cloud.start()
    except AssertionError as e:
        assert "damaged" in str(e) and log.name in str(e), e
    else:
        assert log.name in cloud.log_tail()


def test_a_table_of_the_store(data):
    """A flipped byte in a table file of the store: what lies in the block cannot be read, and everything else can."""
    cloud = data.cloud
    text = lambda n: hashlib.sha256(str(n).encode()).hexdigest() * 20
    data.db.create_table(TableName="large", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
                         AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}])
    for begin in range(0, 12000, 25):  # 16 MB: more than the store keeps in memory and its log
        data.db.batch_write_item(RequestItems={"large": [
            {"PutRequest": {"Item": {"p": {"S": str(n)}, "v": {"S": text(n)}}}} for n in range(begin, begin + 25)]})
    data.write("value")
    data.write("message")
    store = pathlib.Path(cloud.data, "store")
    wait_until(lambda: list(store.rglob("*.sst")), 10, what="a table file")
    cloud.stop()
    file = max(store.rglob("*.sst"), key=lambda f: f.stat().st_size)
    # In the value of an item, which stands there as it is or compressed: in the middle of the blocks either way.
    flip(file, file.stat().st_size // 2)
    cloud.start()
    data.connect()
    right, broken = 0, 0

    def read(numbers):
        """All of them at once if they can be read, else one by one."""
        nonlocal right, broken
        try:
            answer = data.db.batch_get_item(RequestItems={"large": {"Keys": [{"p": {"S": str(n)}} for n in numbers]}})
        except botocore.exceptions.ClientError as e:
            lack(e)
            if len(numbers) == 1:
                broken += 1
            else:
                for n in numbers:
                    read([n])
            return
        found = {i["p"]["S"]: i["v"]["S"] for i in answer["Responses"]["large"]}
        assert found == {str(n): text(n) for n in numbers}, f"of the items {numbers} some are wrong or missing"
        right += len(numbers)
    for begin in range(0, 12000, 25):
        read(range(begin, begin + 25))
    assert 0 < broken < 100 and right + broken == 12000, (right, broken)
    with pytest.raises(botocore.exceptions.ClientError) as e:
        for _ in data.db.get_paginator("scan").paginate(TableName="large"):
            pass
    lack(e.value)
    assert re.search(r"Corruption.*" + re.escape(file.name), cloud.log_tail()), "the log says which"
    data.check_reads()
    for kind in data.KINDS:
        data.write(kind)
    data.check_reads()
    data.check_messages()


def test_orphans_are_swept(bucket):
    """Files that no record needs, as a process that was killed leaves them, go at the next start; all others stay."""
    cloud = bucket.cloud
    body = os.urandom(200_000)
    kept = put(bucket, "kept", body)
    cloud.kill9()
    orphans = []
    for n in range(30):
        orphans.append(kept.with_name(kept.name[:-4] + f"{n:04x}") if n % 2 else kept.parent.parent / f"{n:02x}" / f"{n:032x}")
        orphans[-1].parent.mkdir(exist_ok=True)
        orphans[-1].write_bytes(os.urandom(1000))
    cloud.start()
    bucket.connect()
    wait_until(lambda: not any(f.exists() for f in orphans), 10, 0.1, "the orphans are gone")
    assert kept.exists() and bucket.s3.get_object(Bucket="files", Key="kept")["Body"].read() == body
