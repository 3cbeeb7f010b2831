"""A ledger of what the data services have acknowledged, kept by 16 clients while nubecita is killed again and again:

    tests/crash/ledger.py [--kills N] [--power-cuts] [--seed N] [--nubecita PATH]

S3 objects and multipart uploads, DynamoDB items and transactions, SQS standard and FIFO queues, SNS topics. A call that
answered is certain; one that was cut off may have happened or not, until its outcome has been seen. In the end nothing
acknowledged may be missing, nothing deleted be back, no message lost; FIFO queues keep their order and deduplicate; an
upload is whole or absent. With --power-cuts each kill also loses what was not synced (power_cut.py). test_ledger.py runs
both with few kills.
"""
import argparse
import hashlib
import json
import pathlib
import random
import sys
import threading
import time
import uuid

import botocore.exceptions

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from crash.power_cut import Power, library  # noqa: E402
from harness import ROOT, Cloud, wait_until  # noqa: E402

CUT = (botocore.exceptions.EndpointConnectionError, botocore.exceptions.ConnectionClosedError, botocore.exceptions.ReadTimeoutError,
       botocore.exceptions.ConnectTimeoutError, botocore.exceptions.HTTPClientError, botocore.exceptions.ResponseStreamingError,
       botocore.exceptions.IncompleteReadError)
PART = 5 << 20  # the smallest part that is not the last


class Lost(AssertionError):
    """What the cloud answered does not fit the ledger."""


class Client(threading.Thread):
    service = ""

    def __init__(self, cloud, number, seed):
        super().__init__(daemon=True, name=f"{type(self).__name__}-{number}")
        self.random = random.Random(f"{seed}-{self.name}")
        options = {"s3": {"addressing_style": "path"}} if self.service == "s3" else {}
        self.api = cloud.client(self.service, connect_timeout=2, read_timeout=15, **options)
        self.acknowledged, self.problem, self.ending = 0, None, False

    def run(self):
        while not self.ending and not self.problem:
            try:
                self.step()
                self.acknowledged += 1
            except CUT:
                time.sleep(0.02)
            except Exception as e:  # an answer that a correct server does not give
                self.problem = f"{self.name}: {type(e).__name__}: {e}"

    def need(self, condition, what):
        if not condition:
            raise Lost(f"{self.name}: {what}")

    def step(self): ...
    def check(self): ...


class Objects(Client):
    """Puts, overwrites, reads and deletes objects of its own."""
    service = "s3"
    SIZES = (0, 100, 4096, 60_000, 300_000)

    def __init__(self, *args):
        super().__init__(*args)
        self.may_be = {}  # key → digests that may be there now; None: nothing

    def content(self, key):
        try:
            return hashlib.md5(self.api.get_object(Bucket="ledger", Key=key)["Body"].read()).hexdigest()
        except self.api.exceptions.NoSuchKey:
            return None

    def step(self):
        key = f"{self.name}/{self.random.randrange(10)}"
        before = self.may_be.setdefault(key, {None})
        if self.random.random() < 0.2:
            found = self.content(key)
            self.need(found in before, f"{key} is {found}, not {before}")
            self.may_be[key] = {found}
            return
        body = None if self.random.random() < 0.25 else self.random.randbytes(self.random.choice(self.SIZES))
        after = None if body is None else hashlib.md5(body).hexdigest()
        self.may_be[key] = before | {after}
        if body is None:
            self.api.delete_object(Bucket="ledger", Key=key)
        else:
            self.api.put_object(Bucket="ledger", Key=key, Body=body)
        self.may_be[key] = {after}

    def check(self):
        for key, allowed in self.may_be.items():
            found = self.content(key)
            self.need(found in allowed, f"{key} is {found}, not {allowed}")


class Uploads(Objects):
    """Objects of two parts."""

    def step(self):
        key = f"{self.name}/{self.random.randrange(3)}"
        before = self.may_be.setdefault(key, {None})
        parts = [self.random.randbytes(64) * (PART // 64), self.random.randbytes(1000)]
        after = hashlib.md5(b"".join(parts)).hexdigest()
        upload = self.api.create_multipart_upload(Bucket="ledger", Key=key)["UploadId"]
        where = {"Bucket": "ledger", "Key": key, "UploadId": upload}
        tags = [self.api.upload_part(**where, PartNumber=n, Body=p)["ETag"] for n, p in enumerate(parts, 1)]
        self.may_be[key] = before | {after}
        self.api.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": n, "ETag": t} for n, t in enumerate(tags, 1)]})
        self.may_be[key] = {after}


class Items(Client):
    """Puts, counts and deletes items; moves an amount between two by a transaction, so that their sum never changes."""
    service = "dynamodb"

    def __init__(self, *args):
        super().__init__(*args)
        self.may_be = {}
        self.count = [0, 0]  # of the counter: certain, at most
        for side in "ab":
            self.api.put_item(TableName="ledger", Item={**self.key("account-" + side), "amount": {"N": "1000"}})

    def key(self, name):
        return {"p": {"S": self.name}, "c": {"S": name}}

    def value(self, name, member="v"):
        item = self.api.get_item(TableName="ledger", Key=self.key(name), ConsistentRead=True).get("Item")
        return None if item is None else list(item[member].values())[0]

    def step(self):
        choice = self.random.random()
        if choice < 0.2:
            self.count[1] += 1
            self.api.update_item(TableName="ledger", Key=self.key("counter"), UpdateExpression="ADD n :one",
                                 ExpressionAttributeValues={":one": {"N": "1"}})
            self.count[0] += 1
            return
        if choice < 0.4:
            amount = {":x": {"N": str(self.random.randrange(-50, 50))}}
            change = {"TableName": "ledger", "ExpressionAttributeValues": amount}
            self.api.transact_write_items(TransactItems=[
                {"Update": {**change, "Key": self.key("account-a"), "UpdateExpression": "SET amount = amount - :x"}},
                {"Update": {**change, "Key": self.key("account-b"), "UpdateExpression": "SET amount = amount + :x"}}])
            return
        name = f"item-{self.random.randrange(10)}"
        before = self.may_be.setdefault(name, {None})
        after = None if choice > 0.85 else uuid.UUID(int=self.random.getrandbits(128)).hex
        self.may_be[name] = before | {after}
        if after is None:
            self.api.delete_item(TableName="ledger", Key=self.key(name))
        else:
            self.api.put_item(TableName="ledger", Item={**self.key(name), "v": {"S": after}, "owner": {"S": self.name}})
        self.may_be[name] = {after}

    def check(self):
        for name, allowed in self.may_be.items():
            found = self.value(name)
            self.need(found in allowed, f"{name} is {found}, not {allowed}")
        counted = int(self.value("counter", "n") or 0)
        self.need(self.count[0] <= counted <= self.count[1], f"counted {counted}, acknowledged {self.count}")
        total = sum(int(self.value(f"account-{side}", "amount")) for side in "ab")
        self.need(total == 2000, f"the accounts hold {total}: half a transaction")
        # The index agrees with the table.
        indexed = {i["c"]["S"]: i["v"]["S"] for page in self.api.get_paginator("query").paginate(
            TableName="ledger", IndexName="by-owner", KeyConditionExpression="#o = :o", ExpressionAttributeNames={"#o": "owner"},
            ExpressionAttributeValues={":o": {"S": self.name}}) for i in page["Items"]}
        self.need(indexed == {n: v for n in self.may_be if (v := self.value(n)) is not None}, "the index is not as the table")


class Messages(Client):
    """Sends to a queue of its own, receives and deletes."""
    service = "sqs"

    def __init__(self, cloud, number, seed):
        super().__init__(cloud, number, seed)
        # A message that was received and whose answer got lost comes back soon.
        self.url = self.api.create_queue(QueueName=self.name, Attributes={"VisibilityTimeout": "2"})["QueueUrl"]
        self.sent, self.maybe_sent, self.deleted, self.maybe_deleted = set(), set(), set(), set()

    def step(self):
        if self.random.random() < 0.6:
            batch = [uuid.UUID(int=self.random.getrandbits(128)).hex for _ in range(self.random.randrange(1, 6))]
            self.maybe_sent.update(batch)
            answer = self.api.send_message_batch(QueueUrl=self.url, Entries=[{"Id": b, "MessageBody": b} for b in batch])
            self.sent.update(e["Id"] for e in answer["Successful"])
            self.need(len(answer["Successful"]) == len(batch), f"not sent: {answer}")
            return
        self.receive()

    def receive(self):
        got = self.api.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        for m in got:
            body = m["Body"]
            self.need(body in self.maybe_sent, f"{body} was never sent")
            self.need(body not in self.deleted, f"{body} is back")
            self.maybe_deleted.add(body)
            self.api.delete_message(QueueUrl=self.url, ReceiptHandle=m["ReceiptHandle"])
            self.deleted.add(body)
        return len(got)

    def check(self):
        drain(self, lambda: self.sent <= self.deleted | self.maybe_deleted)
        lost = self.sent - self.deleted - self.maybe_deleted
        self.need(not lost, f"{len(lost)} messages are lost, {len(self.sent)} were sent")


class Ordered(Client):
    """A FIFO queue: numbers in order. What was cut off is sent again with its number as deduplication id."""
    service = "sqs"

    def __init__(self, cloud, number, seed):
        super().__init__(cloud, number, seed)
        self.url = self.api.create_queue(QueueName=self.name + ".fifo", Attributes={"FifoQueue": "true", "VisibilityTimeout": "2"})["QueueUrl"]
        self.next, self.expected, self.in_doubt = 0, 0, None

    def step(self):
        if self.random.random() < 0.6:
            self.api.send_message(QueueUrl=self.url, MessageBody=str(self.next), MessageGroupId="g", MessageDeduplicationId=f"n{self.next}")
            self.next += 1
            return
        self.receive()

    def receive(self):
        got = self.api.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        for m in got:
            n = int(m["Body"])
            # One whose delete was cut off may come once more, or not.
            if self.in_doubt is not None and n == self.in_doubt + 1 == self.expected + 1:
                self.expected, self.in_doubt = n, None
            self.need(n == self.expected, f"received {n}, expected {self.expected}")
            self.in_doubt = n
            self.api.delete_message(QueueUrl=self.url, ReceiptHandle=m["ReceiptHandle"])
            self.expected, self.in_doubt = n + 1, None
        return len(got)

    def done(self):
        return self.expected + (1 if self.in_doubt is not None else 0) >= self.next

    def check(self):
        drain(self, self.done)
        self.need(self.done(), f"received up to {self.expected}, sent up to {self.next}")


class Topics(Messages):
    """Publishes to a topic whose subscriber is a queue; deliveries that were accepted outlive a kill."""
    service = "sqs"

    def __init__(self, cloud, number, seed):
        super().__init__(cloud, number, seed)
        self.sns = cloud.client("sns", connect_timeout=2, read_timeout=15)
        queue = self.api.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.topic = self.sns.create_topic(Name=self.name)["TopicArn"]
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
                                                          "Action": "sqs:SendMessage", "Resource": queue}]}
        self.api.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": json.dumps(policy)})
        self.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})

    def step(self):
        if self.random.random() < 0.6:
            body = uuid.UUID(int=self.random.getrandbits(128)).hex
            self.maybe_sent.add(body)
            self.sns.publish(TopicArn=self.topic, Message=body)
            self.sent.add(body)
            return
        self.receive()

    def receive(self):
        # Delivery is at least once: what was deleted may be delivered again.
        got = self.api.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        for m in got:
            self.need(m["Body"] in self.maybe_sent, f"{m['Body']} was never published")
            self.maybe_deleted.add(m["Body"])
            self.api.delete_message(QueueUrl=self.url, ReceiptHandle=m["ReceiptHandle"])
        return len(got)


def drain(client, done, seconds=30):
    """Receives until `done()` and nothing more comes, with time for what is invisible to come back."""
    deadline = time.time() + seconds
    while time.time() < deadline:
        if not client.receive():
            if done():
                return
            time.sleep(0.1)


def clients(cloud, seed):
    cloud.client("s3", s3={"addressing_style": "path"}).create_bucket(Bucket="ledger")
    db = cloud.client("dynamodb")
    text = [{"AttributeName": n, "AttributeType": "S"} for n in ("p", "c", "owner")]
    db.create_table(TableName="ledger", BillingMode="PAY_PER_REQUEST", AttributeDefinitions=text,
                    KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}],
                    GlobalSecondaryIndexes=[{"IndexName": "by-owner", "Projection": {"ProjectionType": "ALL"},
                                             "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}]}])
    kinds = [Objects] * 4 + [Uploads] + [Items] * 4 + [Messages] * 3 + [Ordered] * 2 + [Topics] * 2
    return [kind(cloud, n, seed) for n, kind in enumerate(kinds)]


def keep(cloud, kills, seed, power=None):
    """The whole run; raises Lost. The clients, with what they got done."""
    moments = random.Random(seed)

    def crash():
        cloud.kill9()
        if power:
            power.cut(moments)
        cloud.start()

    if power:
        cloud.stop()
        cloud.environment = power.environment
        cloud.start()
    all_of_them = clients(cloud, seed)
    for c in all_of_them:
        c.start()
    for kill in range(kills):
        time.sleep(moments.uniform(0.1, 0.8))
        crash()
        problems = [c.problem for c in all_of_them if c.problem]
        if problems:
            raise Lost(f"after {kill + 1} kills: " + "; ".join(problems))
    for c in all_of_them:
        c.ending = True
    for c in all_of_them:
        c.join(60)
        c.need(not c.is_alive(), "its last call does not end")
    crash()  # what was acknowledged just now counts as well
    problems = [c.problem for c in all_of_them if c.problem]
    if problems:
        raise Lost("; ".join(problems))
    for c in all_of_them:
        c.check()
    return all_of_them


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--power-cuts", action="store_true")
    arguments.add_argument("--seed", default=str(random.randrange(10**9)))
    arguments.add_argument("--nubecita", default=str(ROOT / "build/release/nubecita"))
    given = arguments.parse_args()
    print(f"seed {given.seed}", flush=True)
    cloud = Cloud(given.nubecita)
    try:
        power = Power(cloud.data, library(cloud.data)) if given.power_cuts else None
        done = keep(cloud, given.kills, given.seed, power)
        for c in done:
            print(f"{c.name}: {c.acknowledged} acknowledged")
        if power:
            print(f"{power.undone} changes that were not synced were taken back")
        print(f"{given.kills} kills, {sum(c.acknowledged for c in done)} steps acknowledged, nothing lost")
    finally:
        cloud.destroy()


if __name__ == "__main__":
    main()
