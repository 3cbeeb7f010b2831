"""SNS as boto3 sees it, with queues and an HTTP server as receivers."""
import base64
import http.server
import json
import subprocess
import threading
import time
import urllib.request
import uuid

import botocore.exceptions
import pytest
from harness import wait_until


@pytest.fixture(scope="module")
def sns(client):
    return client("sns")


@pytest.fixture(scope="module")
def sqs(client):
    return client("sqs")


@pytest.fixture
def topic(sns):
    arn = sns.create_topic(Name="t-" + uuid.uuid4().hex[:10])["TopicArn"]
    yield arn
    sns.delete_topic(TopicArn=arn)


def queue_for(sqs, topic, fifo=False, permitted=True):
    attributes = {"FifoQueue": "true"} if fifo else {}
    url = sqs.create_queue(QueueName="s-" + uuid.uuid4().hex[:10] + (".fifo" if fifo else ""), Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}]}
    if permitted:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    return url, arn


def bodies(sqs, url, wait=0):
    return [m["Body"] for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=wait).get("Messages", [])]


def error_of(call, **args):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**args)
    return e.value.response["Error"]


def verify(message):
    """As AWS's message validators do: the canonical text, the certificate at SigningCertURL."""
    names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"] if message["Type"] == "Notification" else \
        ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{n}\n{message[n]}\n" for n in names if n in message)
    pem = urllib.request.urlopen(message["SigningCertURL"]).read()
    public = subprocess.run(["openssl", "x509", "-pubkey", "-noout"], input=pem, capture_output=True, check=True).stdout
    with open("/tmp/nbc-test-sns-" + uuid.uuid4().hex, "wb") as key, open(key.name + ".sig", "wb") as signature:
        key.write(public)
        signature.write(base64.b64decode(message["Signature"]))
    digest = "-sha1" if message["SignatureVersion"] == "1" else "-sha256"
    out = subprocess.run(["openssl", "dgst", digest, "-verify", key.name, "-signature", signature.name], input=text.encode(), capture_output=True)
    subprocess.run(["rm", key.name, signature.name], check=True)
    return out.returncode == 0


def test_a_queue_gets_what_its_policy_lets(sns, sqs, topic):
    url, arn = queue_for(sqs, topic)
    other, other_arn = queue_for(sqs, topic, permitted=False)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=other_arn)
    sent = sns.publish(TopicArn=topic, Message="hello", Subject="s", MessageAttributes={"k": {"DataType": "String", "StringValue": "v"}})
    [body] = bodies(sqs, url)
    message = json.loads(body)
    assert (message["Type"], message["Message"], message["Subject"], message["MessageId"]) == ("Notification", "hello", "s", sent["MessageId"])
    assert message["MessageAttributes"] == {"k": {"Type": "String", "Value": "v"}}
    assert verify(message)
    assert not verify({**message, "Message": "forged"})
    assert bodies(sqs, other) == []
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    sns.publish(TopicArn=topic, Message="two")
    message = json.loads(bodies(sqs, url)[0])
    assert message["SignatureVersion"] == "2" and verify(message)


def test_raw_and_structure(sns, sqs, topic):
    url, arn = queue_for(sqs, topic)
    sub = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})["SubscriptionArn"]
    sns.publish(TopicArn=topic, Message=json.dumps({"default": "d", "sqs": "for queues"}), MessageStructure="json",
                MessageAttributes={"n": {"DataType": "Number", "StringValue": "7"}})
    [m] = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert m["Body"] == "for queues" and m["MessageAttributes"]["n"]["StringValue"] == "7"
    assert sns.get_subscription_attributes(SubscriptionArn=sub)["Attributes"]["RawMessageDelivery"] == "true"
    for wrong in ({"DataType": "Number", "StringValue": "x"}, {"DataType": "Float", "StringValue": "1"}, {"DataType": "String", "StringValue": ""}):
        assert error_of(sns.publish, TopicArn=topic, Message="m", MessageAttributes={"a": wrong})["Code"] == "ParameterValueInvalid"
    assert error_of(sns.publish, TopicArn=topic, Message="{}", MessageStructure="json")["Code"] == "InvalidParameter"


@pytest.mark.parametrize("policy,scope,good,bad", [
    ({"a": ["x", {"prefix": "y"}]}, "MessageAttributes", {"a": ("String", "yes")}, {"a": ("String", "no")}),
    ({"n": [{"numeric": [">", 5, "<=", 10]}]}, "MessageAttributes", {"n": ("Number", "10")}, {"n": ("Number", "5")}),
    ({"a": [{"exists": False}]}, "MessageAttributes", {"b": ("String", "1")}, {"a": ("String", "1")}),
    ({"a": [{"anything-but": ["x"]}]}, "MessageAttributes", {"a": ("String", "y")}, {"a": ("String", "x")}),
    ({"a": ["x"]}, "MessageAttributes", {"a": ("String.Array", '["w","x"]')}, {"a": ("String.Array", '["w"]')}),
    ({"ip": [{"cidr": "10.0.0.0/8"}]}, "MessageAttributes", {"ip": ("String", "10.1.2.3")}, {"ip": ("String", "11.1.2.3")}),
    ({"$or": [{"a": ["1"]}, {"b": ["2"]}]}, "MessageAttributes", {"b": ("String", "2")}, {"b": ("String", "3")}),
])
def test_filters_on_attributes(sns, sqs, topic, policy, scope, good, bad):
    url, arn = queue_for(sqs, topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={
        "FilterPolicy": json.dumps(policy), "FilterPolicyScope": scope, "RawMessageDelivery": "true"})
    for name, attributes in (("bad", bad), ("good", good)):
        sns.publish(TopicArn=topic, Message=name, MessageAttributes={k: {"DataType": t, "StringValue": v} for k, (t, v) in attributes.items()})
    assert bodies(sqs, url) == ["good"]


def test_filter_on_the_body(sns, sqs, topic):
    url, arn = queue_for(sqs, topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={
        "FilterPolicy": json.dumps({"order": {"total": [{"numeric": [">=", 100]}], "tags": [{"equals-ignore-case": "VIP"}]}}),
        "FilterPolicyScope": "MessageBody", "RawMessageDelivery": "true"})
    good = json.dumps({"order": {"total": 100, "tags": ["a", "vip"]}})
    for body in ("no json", json.dumps({"order": {"total": 99, "tags": ["vip"]}}), good):
        sns.publish(TopicArn=topic, Message=body)
    assert bodies(sqs, url) == [good]
    assert error_of(sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=arn + "x", Attributes={"FilterPolicy": "{"})["Code"] == "InvalidParameter"


def test_fifo_topic(sns, sqs):
    topic = sns.create_topic(Name="t-" + uuid.uuid4().hex[:8] + ".fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"})["TopicArn"]
    url, arn = queue_for(sqs, topic, fifo=True)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    for i in (0, 1, 1, 2):
        sns.publish(TopicArn=topic, Message=str(i), MessageGroupId="g")
    assert bodies(sqs, url) == ["0", "1", "2"]
    # One without its group refuses the whole batch; what is wrong with a message alone refuses the message.
    entry = lambda i, message, **more: {"Id": i, "Message": message, **more}
    batch = [entry("a", "3", MessageGroupId="h"), entry("b", "4")]
    assert error_of(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=batch)["Code"] == "InvalidParameter"
    assert bodies(sqs, url) == []
    sent = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[
        entry("a", "3", MessageGroupId="h"), entry("b", "4", MessageGroupId="h", Subject="x" * 101)])
    assert [e["Id"] for e in sent["Successful"]] == ["a"] and [e["Id"] for e in sent["Failed"]] == ["b"]
    sns.delete_topic(TopicArn=topic)


class Receiver:
    """An HTTP endpoint that keeps what it gets; `failing` requests are answered 500 first."""

    def __init__(self, failing=0):
        self.got, self.failing = [], failing
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                failed = receiver.failing > 0 and self.headers["x-amz-sns-message-type"] == "Notification"
                receiver.failing -= failed
                if not failed:
                    receiver.got.append((dict(self.headers), body))
                self.send_response(500 if failed else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/in"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()


def test_http_confirmation_delivery_and_retry(sns, topic):
    policy = {"healthyRetryPolicy": {"numRetries": 3, "minDelayTarget": 1, "maxDelayTarget": 1}}
    with Receiver(failing=2) as receiver:
        answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url, Attributes={"DeliveryPolicy": json.dumps(policy)})
        assert answer["SubscriptionArn"] == "pending confirmation"
        sns.publish(TopicArn=topic, Message="too early")
        wait_until(lambda: receiver.got, 10)
        headers, body = receiver.got.pop()
        confirmation = json.loads(body)
        assert headers["x-amz-sns-message-type"] == confirmation["Type"] == "SubscriptionConfirmation" and verify(confirmation)
        urllib.request.urlopen(confirmation["SubscribeURL"]).read()
        [sub] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        assert sub["SubscriptionArn"].startswith(topic)
        sns.publish(TopicArn=topic, Message="now")
        wait_until(lambda: receiver.got, 15)
        headers, body = receiver.got.pop()
        message = json.loads(body)
        assert message["Message"] == "now" and verify(message) and headers["x-amz-sns-subscription-arn"] == sub["SubscriptionArn"]
        urllib.request.urlopen(message["UnsubscribeURL"]).read()
        assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_undeliverable_goes_to_the_dead_letter_queue(sns, sqs, topic):
    dead, dead_arn = queue_for(sqs, topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=dead_arn.rsplit(":", 1)[0] + ":gone", Attributes={
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn}), "RawMessageDelivery": "true"})
    sns.publish(TopicArn=topic, Message="lost")
    assert bodies(sqs, dead) == ["lost"]


def test_topics_tags_and_errors(sns, topic):
    assert sns.create_topic(Name=topic.rsplit(":", 1)[1])["TopicArn"] == topic
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "env", "Value": "x"}])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "env", "Value": "x"}]
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert attributes["TopicArn"] == topic and attributes["SubscriptionsConfirmed"] == "0"
    assert error_of(sns.get_topic_attributes, TopicArn=topic + "x")["Code"] == "NotFound"
    assert error_of(sns.publish, TopicArn=topic + "x", Message="m")["Code"] == "NotFound"
    assert error_of(sns.subscribe, TopicArn=topic, Protocol="email", Endpoint="a@b.c")["Code"] == "InvalidParameter"
