"""JavaScript clients: the AWS SDK version 3, sqs-consumer, dynamodb-toolbox. Each script in js/ asserts what the client sees;
here stands what the server holds afterwards."""
import collections
import hashlib
import json
import pathlib
import platform
import subprocess
import uuid

import pytest
from clients_helpers import objects, run
from harness import wait_until

SCRIPTS = pathlib.Path(__file__).parent / "js"


@pytest.fixture(scope="module")
def node(cloud):
    folder = subprocess.run([SCRIPTS / "install.sh"], check=True, capture_output=True, text=True).stdout.strip() + "/node_modules"
    program = f"{folder}/node-linux-{'arm64' if platform.machine() == 'aarch64' else 'x64'}/bin/node"
    env = dict(cloud.env(), NODE_PATH=folder, AWS_REGION="us-east-1")
    return lambda script, *args: run(program, SCRIPTS / script, *args, env=env, timeout=60)


def test_s3(node, s3, bucket):
    digests = json.loads(node("s3.js", bucket))
    there = objects(s3, bucket)
    assert set(there) == {"a/ü +%.txt", "stream", "upload", "list/4/24", "by-url", "copied"}
    assert there["copied"] == there["a/ü +%.txt"] == b"some text" and there["by-url"] == b"put by url"
    for key, digest in digests.items():
        assert hashlib.sha256(there[key]).hexdigest() == digest
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


@pytest.fixture
def make_table(client):
    db, made = client("dynamodb"), []

    def make(sort, index, owner):
        made.append("js-" + uuid.uuid4().hex[:12])
        db.create_table(
            TableName=made[-1], BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in (("p", "S"), ("c", sort), (owner, "S"))],
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
            GlobalSecondaryIndexes=[{"IndexName": index, "Projection": {"ProjectionType": "ALL"},
                                     "KeySchema": [{"AttributeName": owner, "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}]}])
        return made[-1]

    yield make
    for name in made:
        db.delete_table(TableName=name)


def items(client, table):
    return {(i["p"]["S"], *i["c"].values()): i for page in client("dynamodb").get_paginator("scan").paginate(TableName=table) for i in page["Items"]}


def test_document_client(node, client, make_table):
    table = make_table("N", "by-owner", "owner")
    node("dynamodb.js", table)
    there = items(client, table)
    assert set(there) == {("whole", "1.5"), ("counter", "0"), ("receipt", "1")} | {("many", str(n)) for n in range(23)}
    assert there["counter", "0"]["n"] == {"N": "11"}
    whole = there["whole", "1.5"]
    assert whole["big"] == {"N": "12345678901234567890123456789012345678"} and whole["bytes"] == {"B": b"\0\xff"} and whole["empty"] == {"S": ""}
    assert whole["list"]["L"][3] == {"M": {"deep": {"L": [{"BOOL": True}]}}} and "nothing" not in whole


def test_document_mapper(node, client, make_table):
    table = make_table("S", "by-state", "state")
    node("mapper.js", table)
    there = items(client, table)
    assert set(there) == {("ann", "customer")} | {("ann", f"o{n}") for n in range(4)}
    assert {k[1]: i["state"]["S"] for k, i in there.items() if "state" in i} == {"o0": "open", "o1": "paid", "o2": "paid", "o3": "open"}
    assert there["ann", "customer"]["spent"] == {"N": "20"} and there["ann", "o1"]["total"] == {"N": "15"}


def test_queues_and_topics(node, client):
    name = "js-" + uuid.uuid4().hex[:12]
    node("messages.js", name)
    sqs = client("sqs")
    [url] = sqs.list_queues(QueueNamePrefix=name)["QueueUrls"]
    assert "left for the test" in [m["Body"] for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]]
    sqs.delete_queue(QueueUrl=url)


def test_consumer(node, client):
    sqs, name = client("sqs"), "js-" + uuid.uuid4().hex[:12]
    dead = sqs.create_queue(QueueName=name + "-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    single = sqs.create_queue(QueueName=name, Attributes={
        "VisibilityTimeout": "30", "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})})["QueueUrl"]
    batched = sqs.create_queue(QueueName=name + "-b", Attributes={"VisibilityTimeout": "20"})["QueueUrl"]
    for body in ["0", "1", "fails once", "2", "fails always", "3", "4"]:
        sqs.send_message(QueueUrl=single, MessageBody=body)
    for n in range(11):
        sqs.send_message(QueueUrl=batched, MessageBody=f"b{n}")
    sqs.send_message(QueueUrl=batched, MessageBody="kept")
    handled = json.loads(node("consumer.js", single, batched))
    assert sorted(handled["single"]) == ["0", "1", "2", "3", "4", "fails once"]
    assert collections.Counter(handled["failed"]) == {"fails once": 1, "fails always": 2}
    assert collections.Counter(sum(handled["batches"], [])) == collections.Counter([f"b{n}" for n in range(11)] + ["kept"])
    assert max(len(b) for b in handled["batches"]) == 10 and not handled["errors"], handled

    def count(url):
        a = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return int(a["ApproximateNumberOfMessages"]), int(a["ApproximateNumberOfMessagesNotVisible"])

    [gone] = wait_until(lambda: sqs.receive_message(QueueUrl=dead).get("Messages"), 5, what="the dead letter")
    assert gone["Body"] == "fails always"
    assert count(single) == (0, 0), "all others are deleted"
    assert count(batched) == (0, 1), "what was not acknowledged is in flight"
    for url in (dead, single, batched):
        sqs.delete_queue(QueueUrl=url)
