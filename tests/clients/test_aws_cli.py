"""The AWS CLI. NUBECITA_LARGE_MIB=1024 for objects of a GiB instead of 64 MiB (a minute more)."""
import hashlib
import json
import os
import uuid

import pytest
import requests
from clients_helpers import Memory, files, objects, run

LARGE = int(os.environ.get("NUBECITA_LARGE_MIB", "64")) << 20


@pytest.fixture(scope="module")
def cli(cloud):
    env = cloud.env()

    def call(*args, **more):
        return run("/usr/bin/aws", "--endpoint-url", cloud.endpoint, *args, env=env, **more)
    return call


def test_copy_of_folders(cli, s3, bucket, tree, tmp_path):
    cli("s3", "cp", "--recursive", "--quiet", tree, f"s3://{bucket}/dir/")
    assert objects(s3, bucket, "dir/") == files(tree)
    cli("s3", "cp", "--recursive", "--quiet", f"s3://{bucket}/dir/", f"s3://{bucket}/copy/", "--exclude", "*.tmp")
    assert objects(s3, bucket, "copy/") == {k: v for k, v in files(tree).items() if not k.endswith(".tmp")}
    cli("s3", "cp", "--recursive", "--quiet", f"s3://{bucket}/dir/", tmp_path / "back")
    assert files(tmp_path / "back") == files(tree)
    cli("s3", "rm", "--recursive", "--quiet", f"s3://{bucket}/dir/folder/")
    assert set(objects(s3, bucket, "dir/")) == {"a.txt", "empty", "large.bin"}


def test_sync_up(cli, s3, bucket, tree):
    target = f"s3://{bucket}/site/"
    cli("s3", "sync", tree, target)
    assert objects(s3, bucket, "site/") == files(tree)
    assert cli("s3", "sync", tree, target) == "", "nothing differs, nothing is sent"
    (tree / "a.txt").write_bytes(b"of another size than it was")
    (tree / "new.txt").write_bytes(b"new")
    (tree / "large.bin").unlink()
    (tree / "new.tmp").write_bytes(b"excluded")
    said = cli("s3", "sync", tree, target, "--exclude", "*.tmp")
    assert sorted(line.split()[0] for line in said.replace("\r", "\n").splitlines() if line.startswith("upload:")) == ["upload:"] * 2
    there = objects(s3, bucket, "site/")
    assert there["a.txt"] == b"of another size than it was" and there["new.txt"] == b"new"
    assert "large.bin" in there and "new.tmp" not in there
    cli("s3", "sync", tree, target, "--delete", "--exclude", "*.tmp")
    there = objects(s3, bucket, "site/")
    assert "large.bin" not in there and "folder/deep/er/x.tmp" in there, "what is excluded is not deleted"


def test_sync_down(cli, s3, bucket, tree, tmp_path):
    cli("s3", "sync", "--quiet", tree, f"s3://{bucket}")
    back = tmp_path / "back"
    cli("s3", "sync", "--quiet", f"s3://{bucket}", back)
    assert files(back) == files(tree)
    s3.put_object(Bucket=bucket, Key="a.txt", Body=b"changed there, and of another size")
    s3.delete_object(Bucket=bucket, Key="empty")
    (back / "only here.txt").write_bytes(b"x")
    cli("s3", "sync", "--quiet", f"s3://{bucket}", back)
    assert (back / "a.txt").read_bytes() == b"changed there, and of another size"
    assert (back / "only here.txt").exists() and (back / "empty").exists()
    cli("s3", "sync", "--quiet", f"s3://{bucket}", back, "--delete")
    assert files(back) == objects(s3, bucket)


def test_presign(cli, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b/ü.txt", Body=b"by url")
    url = cli("s3", "presign", f"s3://{bucket}/a b/ü.txt", "--expires-in", "60").strip()
    assert requests.get(url).content == b"by url"
    assert requests.put(url, data=b"mine").status_code == 403, "signed for reading"
    assert requests.get(url.replace("Expires=60", "Expires=6000")).status_code == 403
    assert s3.get_object(Bucket=bucket, Key="a b/ü.txt")["Body"].read() == b"by url"


def test_streams_and_errors(cli, cloud, s3, bucket, tmp_path):
    (tmp_path / "f").write_bytes(b"from a pipe")
    run("sh", "-c", f"cat {tmp_path}/f | /usr/bin/aws --endpoint-url {cloud.endpoint} s3 cp - s3://{bucket}/piped", env=cloud.env())
    assert objects(s3, bucket) == {"piped": b"from a pipe"}
    assert cli("s3", "cp", f"s3://{bucket}/piped", "-") == "from a pipe"
    assert "(404)" in cli("s3", "cp", f"s3://{bucket}/none", "-", fails=True)


def test_large_objects_take_no_memory(cli, cloud, s3, bucket, tmp_path):
    """Up in parts and back: the bytes are the same, and the server's memory does not grow with the object."""
    whole, path = hashlib.sha256(), tmp_path / "large"
    with path.open("wb") as f:
        for _ in range(LARGE >> 20):
            part = os.urandom(1 << 20)
            whole.update(part)
            f.write(part)
    with Memory(cloud.pid) as memory:
        cli("s3", "cp", "--quiet", path, f"s3://{bucket}/large", timeout=500)
        path.unlink()
        cli("s3", "cp", "--quiet", f"s3://{bucket}/large", path, timeout=500)
    head = s3.head_object(Bucket=bucket, Key="large")
    assert head["ContentLength"] == LARGE and head["ETag"].strip('"').endswith(f"-{LARGE >> 23}")
    with path.open("rb") as f:
        assert hashlib.file_digest(f, "sha256").hexdigest() == whole.hexdigest()
    part = s3.get_object(Bucket=bucket, Key="large", Range=f"bytes={LARGE - 5_000_000}-{LARGE - 1}")["Body"].read()
    assert part == path.read_bytes()[-5_000_000:] and not s3.list_multipart_uploads(Bucket=bucket).get("Uploads")
    assert memory.grown < 40 << 20, f"the server's memory grew by {memory.grown >> 20} MiB"


def test_dynamodb(aws, client):
    table, db = "cli-" + uuid.uuid4().hex[:12], client("dynamodb")

    def at(p, c):
        return {"p": {"S": p}, "c": {"N": str(c)}}

    aws("dynamodb", "create-table", "--table-name", table, "--billing-mode", "PAY_PER_REQUEST", "--key-schema",
        "AttributeName=p,KeyType=HASH", "AttributeName=c,KeyType=RANGE", "--attribute-definitions",
        "AttributeName=p,AttributeType=S", "AttributeName=c,AttributeType=N")
    aws("dynamodb", "wait", "table-exists", "--table-name", table)
    aws("dynamodb", "batch-write-item", "--request-items",
        json.dumps({table: [{"PutRequest": {"Item": {**at("x", n), "v": {"S": f"v{n}"}}}} for n in range(5)]}))
    got = aws("dynamodb", "get-item", "--table-name", table, "--key", json.dumps(at("x", 3)), "--consistent-read")
    assert got["Item"]["v"] == {"S": "v3"}
    pages = aws("dynamodb", "query", "--table-name", table, "--key-condition-expression", "p = :p AND c >= :c", "--page-size", "2",
                "--expression-attribute-values", json.dumps({":p": {"S": "x"}, ":c": {"N": "1"}}), "--no-scan-index-forward")
    assert [i["c"]["N"] for i in pages["Items"]] == ["4", "3", "2", "1"]

    def transact(condition):
        return aws("dynamodb", "transact-write-items", "--transact-items", json.dumps([
            {"Put": {"TableName": table, "Item": {**at("x", 9), "v": {"S": "new"}}}},
            {"Update": {"TableName": table, "Key": at("x", 0), "UpdateExpression": "SET v = :n", "ConditionExpression": "v = :o",
                        "ExpressionAttributeValues": {":n": {"S": "changed"}, ":o": {"S": condition}}}}]), check=False)

    refused = transact("not so")
    assert refused.returncode != 0 and "TransactionCanceledException" in refused.stderr and "ConditionalCheckFailed" in refused.stderr
    assert "Item" not in db.get_item(TableName=table, Key=at("x", 9))
    assert transact("v0").returncode == 0
    assert db.get_item(TableName=table, Key=at("x", 9))["Item"]["v"] == {"S": "new"}
    assert db.get_item(TableName=table, Key=at("x", 0))["Item"]["v"] == {"S": "changed"}
    aws("dynamodb", "delete-table", "--table-name", table)
    assert table not in db.list_tables()["TableNames"]


def test_queues_and_topics(aws, client):
    sqs, name = client("sqs"), "cli-" + uuid.uuid4().hex[:12]
    url = aws("sqs", "create-queue", "--queue-name", name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = aws("sns", "create-topic", "--name", name)["TopicArn"]
    policy = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}]}
    aws("sqs", "set-queue-attributes", "--queue-url", url, "--attributes", json.dumps({"Policy": json.dumps(policy)}))
    aws("sns", "subscribe", "--topic-arn", topic, "--protocol", "sqs", "--notification-endpoint", arn)
    aws("sns", "publish", "--topic-arn", topic, "--message", "through the topic", "--subject", "s")
    [m] = aws("sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "5")["Messages"]
    assert json.loads(m["Body"])["Message"] == "through the topic"
    aws("sqs", "delete-message", "--queue-url", url, "--receipt-handle", m["ReceiptHandle"])
    aws("sqs", "send-message-batch", "--queue-url", url, "--entries", json.dumps([{"Id": str(n), "MessageBody": f"b{n}"} for n in range(3)]))
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert sorted(m["Body"] for m in got) == ["b0", "b1", "b2"], "and what was deleted is gone"
    client("sns").delete_topic(TopicArn=topic)
    aws("sqs", "delete-queue", "--queue-url", url)
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=name)
