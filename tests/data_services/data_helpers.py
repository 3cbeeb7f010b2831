"""The four data services as these tests use them, with a ledger of what was acknowledged."""
import json
import os

import botocore.exceptions
import requests

# What AWS's clients try again.
LACKS = {"ServiceUnavailable", "ServiceUnavailableException", "InternalError", "InternalServerError", "InternalFailure", "SlowDown"}


def lack(error):
    """The message of an error of the server's side, as AWS would answer it; fails for any other."""
    code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    assert code in LACKS and status in (500, 503), error
    return error.response["Error"]["Message"]


class Data:
    """A bucket, a table, a queue, and a topic with a queue. `objects`, `items`, `sent`, `published`: what was acknowledged."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.connect()
        self.s3.create_bucket(Bucket="data")
        self.db.create_table(TableName="data", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
                             AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}])
        self.queue = self.sqs.create_queue(QueueName="q")["QueueUrl"]
        self.sink = self.sqs.create_queue(QueueName="sink")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.sink, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.topic = self.sns.create_topic(Name="t")["TopicArn"]
        self.sqs.set_queue_attributes(QueueUrl=self.sink, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]})})
        self.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
        self.objects, self.items, self.sent, self.published = {}, {}, set(), set()
        self.number = 0

    def connect(self):
        options = dict(connect_timeout=5, read_timeout=20)
        self.s3 = self.cloud.client("s3", s3={"addressing_style": "path"}, **options)
        self.db, self.sqs, self.sns = (self.cloud.client(s, **options) for s in ("dynamodb", "sqs", "sns"))

    def write(self, kind):
        """One write of a kind: "file" and "value" (an object on the disk and one in the store), "item", "message", "publication"."""
        self.number += 1
        name, body = f"{kind}-{self.number}", os.urandom({"file": 100_000, "value": 15_000, "item": 60_000}.get(kind, 40_000)).hex()
        if kind in ("file", "value"):
            self.s3.put_object(Bucket="data", Key=name, Body=body)
            self.objects[name] = body
        elif kind == "item":
            self.db.put_item(TableName="data", Item={"p": {"S": name}, "v": {"S": body}})
            self.items[name] = body
        elif kind == "message":
            self.sqs.send_message(QueueUrl=self.queue, MessageBody=name + body)
            self.sent.add(name + body)
        else:
            self.sns.publish(TopicArn=self.topic, Message=name + body)
            self.published.add(name + body)

    KINDS = ("file", "value", "item", "message", "publication")

    def can_write(self, kind):
        try:
            self.write(kind)
            return True
        except botocore.exceptions.ClientError as e:
            lack(e)
            return False

    def check_reads(self):
        """Every object and item that was acknowledged is there as it was, and no others."""
        listed = {o["Key"] for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket="data") for o in page.get("Contents", [])}
        assert listed == set(self.objects)
        for key, body in self.objects.items():
            assert self.s3.get_object(Bucket="data", Key=key)["Body"].read() == body.encode(), key
        items = {i["p"]["S"]: i["v"]["S"] for page in self.db.get_paginator("scan").paginate(TableName="data") for i in page["Items"]}
        assert items == self.items

    def check_messages(self):
        """Takes all messages: each that was acknowledged is there, and no others."""
        for queue, expected in ((self.queue, self.sent), (self.sink, self.published)):
            got = set()
            while messages := self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
                got |= {m["Body"] for m in messages}
            assert got == expected, f"{len(expected - got)} lost, {len(got - expected)} never acknowledged"


def answers(url, **arguments):
    """Status and body of a request; None and what came of the body if the connection broke."""
    with requests.get(url, stream=True, timeout=20, **arguments) as r:
        got = b""
        try:
            for part in r.iter_content(65536):
                got += part
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError):
            return None, got
        if len(got) != int(r.headers.get("content-length", len(got))):
            return None, got
        return r.status_code, got
