"""SQS as boto3 (JSON protocol) and the AWS CLI see it."""
import hashlib
import json
import socket
import threading
import time
import urllib.parse
import uuid
from concurrent.futures import ThreadPoolExecutor

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import pytest
from harness import wait_until


@pytest.fixture(scope="module")
def sqs(client):
    return client("sqs")


@pytest.fixture
def make_queue(sqs):
    made = []

    def make(fifo=False, **attributes):
        name = "q-" + uuid.uuid4().hex[:12] + (".fifo" if fifo else "")
        if fifo:
            attributes["FifoQueue"] = "true"
        made.append(sqs.create_queue(QueueName=name, Attributes={k: str(v) for k, v in attributes.items()})["QueueUrl"])
        return made[-1]

    yield make
    for url in made:
        sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def queue(make_queue):
    return make_queue()


def arn_of(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def counts(sqs, url):
    a = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return tuple(int(a["ApproximateNumberOfMessages" + s]) for s in ("", "NotVisible", "Delayed"))


def receive(sqs, url, n=10, **options):
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=n, **options).get("Messages", [])


def error_of(call, **args):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**args)
    return e.value.response["Error"]


def test_send_receive_delete(sqs, queue):
    sent = sqs.send_message(QueueUrl=queue, MessageBody="hello ünï")
    assert sent["MD5OfMessageBody"] == hashlib.md5("hello ünï".encode()).hexdigest()
    assert counts(sqs, queue) == (1, 0, 0)
    [m] = receive(sqs, queue, AttributeNames=["All"])
    assert m["Body"] == "hello ünï" and m["MessageId"] == sent["MessageId"]
    assert m["Attributes"]["ApproximateReceiveCount"] == "1"
    assert counts(sqs, queue) == (0, 1, 0)
    assert receive(sqs, queue) == []
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=m["ReceiptHandle"])
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=m["ReceiptHandle"])
    assert counts(sqs, queue) == (0, 0, 0)


def test_message_attributes_and_their_digests(sqs, queue):
    attributes = {"text": {"DataType": "String", "StringValue": "x"}, "n": {"DataType": "Number.int", "StringValue": "12"},
                  "raw": {"DataType": "Binary", "BinaryValue": b"\0\1\xff"}}
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    # botocore checks MD5OfMessageBody; the attributes' digests are checked here by its own algorithm
    sent = sqs.send_message(QueueUrl=queue, MessageBody="b", MessageAttributes=attributes, MessageSystemAttributes=trace)
    [m] = receive(sqs, queue, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"])
    assert m["MessageAttributes"] == attributes
    assert m["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert m["Attributes"]["AWSTraceHeader"] == trace["AWSTraceHeader"]["StringValue"]

    def digest(items):
        h = hashlib.md5()
        for name in sorted(items):
            v = items[name]
            value = v.get("BinaryValue") or v["StringValue"].encode()
            for part in (name.encode(), v["DataType"].encode()):
                h.update(len(part).to_bytes(4, "big") + part)
            h.update((b"\2" if "BinaryValue" in v else b"\1") + len(value).to_bytes(4, "big") + value)
        return h.hexdigest()
    assert sent["MD5OfMessageAttributes"] == digest(attributes)
    assert sent["MD5OfMessageSystemAttributes"] == digest(trace)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=m["ReceiptHandle"], VisibilityTimeout=0)
    [m] = receive(sqs, queue, MessageAttributeNames=["te*", "text"])
    assert set(m["MessageAttributes"]) == {"text"}
    assert m["MD5OfMessageAttributes"] == digest({"text": attributes["text"]})


def test_long_poll_wakes_on_arrival(sqs, client, queue):
    got = []

    def wait():
        began = time.time()
        got.append((receive(client("sqs"), queue, WaitTimeSeconds=20), time.time() - began))
    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(1)
    sqs.send_message(QueueUrl=queue, MessageBody="now")
    thread.join(10)
    [(messages, took)] = got
    assert [m["Body"] for m in messages] == ["now"] and took < 3


def test_a_poll_whose_client_has_left_takes_nothing(cloud, sqs, client, queue):
    body = json.dumps({"QueueUrl": queue, "WaitTimeSeconds": 20})
    request = botocore.awsrequest.AWSRequest(method="POST", url=cloud.endpoint + "/", data=body, headers={
        "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ReceiveMessage"})
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(cloud.key, cloud.secret), "sqs", "us-east-1").add_auth(request)
    sent = request.prepare()
    where = urllib.parse.urlsplit(cloud.endpoint)
    head = {**sent.headers, "Host": where.netloc, "Content-Length": len(body)}
    for _ in range(3):
        with socket.create_connection((where.hostname, where.port)) as s:
            s.sendall(("POST / HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in head.items()) + "\r\n" + body).encode())
            s.settimeout(0.3)
            with pytest.raises(TimeoutError):
                s.recv(1)  # it waits
    with ThreadPoolExecutor() as pool:  # who came later and still waits gets it
        waits = pool.submit(receive, client("sqs"), queue, WaitTimeSeconds=10)
        time.sleep(0.5)
        began = time.time()
        sqs.send_message(QueueUrl=queue, MessageBody="for the living")
        [m] = waits.result()
        assert m["Body"] == "for the living" and time.time() - began < 3


def test_long_poll_ends_empty(sqs, queue):
    began = time.time()
    assert receive(sqs, queue, WaitTimeSeconds=1) == []
    assert 0.9 < time.time() - began < 4


def test_visibility_ends_and_wakes(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    [first] = receive(sqs, queue, VisibilityTimeout=1)
    assert receive(sqs, queue) == []
    [again] = receive(sqs, queue, WaitTimeSeconds=5, AttributeNames=["ApproximateReceiveCount"])
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    assert again["ReceiptHandle"] != first["ReceiptHandle"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"])
    assert counts(sqs, queue) == (0, 0, 0)


def test_an_old_receipt_hides_the_message_as_the_new_one_does(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    [first] = receive(sqs, queue, VisibilityTimeout=0)
    change = lambda: sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=100)
    assert error_of(change)["Code"].endswith("MessageNotInflight")
    assert len(receive(sqs, queue, VisibilityTimeout=1)) == 1
    change()
    assert receive(sqs, queue, WaitTimeSeconds=2) == []


def test_delay(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=2)
    assert receive(sqs, queue) == []
    assert counts(sqs, queue) == (0, 0, 1)
    began = time.time()
    [m] = receive(sqs, queue, WaitTimeSeconds=5)
    assert m["Body"] == "later" and time.time() - began < 4


def test_batches_answer_per_entry(sqs, queue):
    sent = sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "\x01"}])
    assert [e["Id"] for e in sent["Successful"]] == ["a"]
    assert sent["Failed"][0]["Code"] == "InvalidMessageContents" and sent["Failed"][0]["SenderFault"]
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(i), "MessageBody": str(i)} for i in range(9)])
    got = receive(sqs, queue)
    assert len(got) == 10
    done = sqs.delete_message_batch(QueueUrl=queue, Entries=[{"Id": "good", "ReceiptHandle": got[0]["ReceiptHandle"]},
                                                             {"Id": "bad", "ReceiptHandle": "nonsense"}])
    assert [e["Id"] for e in done["Successful"]] == ["good"]
    assert [e["Code"] for e in done["Failed"]] == ["ReceiptHandleIsInvalid"]
    assert error_of(sqs.send_message_batch, QueueUrl=queue, Entries=[])["Code"] == "AWS.SimpleQueueService.EmptyBatchRequest"


def test_of_a_fifo_batch_one_entry_without_its_ids_refuses_all(sqs, make_queue):
    q = make_queue(fifo=True)
    good = {"Id": "a", "MessageBody": "1", "MessageGroupId": "g", "MessageDeduplicationId": "1"}
    for lacks, code in (("MessageDeduplicationId", "InvalidParameterValue"), ("MessageGroupId", "MissingParameter")):
        bad = {k: v for k, v in good.items() if k != lacks} | {"Id": "b"}
        assert error_of(sqs.send_message_batch, QueueUrl=q, Entries=[good, bad])["Code"] == code
    assert counts(sqs, q) == (0, 0, 0)


def test_a_receive_count_given_as_text_is_answered_as_a_number(sqs, make_queue):
    policy = {"deadLetterTargetArn": arn_of(sqs, make_queue()), "maxReceiveCount": "2"}
    q = make_queue(RedrivePolicy=json.dumps(policy))
    kept = sqs.get_queue_attributes(QueueUrl=q, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    assert json.loads(kept) == policy | {"maxReceiveCount": 2}


def test_dead_letters_and_back(sqs, make_queue):
    dead, main = make_queue(), None
    main = make_queue(RedrivePolicy=json.dumps({"deadLetterTargetArn": arn_of(sqs, dead), "maxReceiveCount": 2}))
    sqs.send_message(QueueUrl=main, MessageBody="poison")
    for _ in range(2):
        assert len(receive(sqs, main, VisibilityTimeout=0)) == 1
    assert receive(sqs, main) == []
    [m] = receive(sqs, dead, VisibilityTimeout=0, AttributeNames=["All"])
    assert m["Body"] == "poison" and m["Attributes"]["DeadLetterQueueSourceArn"] == arn_of(sqs, main)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [main]
    sqs.start_message_move_task(SourceArn=arn_of(sqs, dead))
    [m] = receive(sqs, main, WaitTimeSeconds=10)
    assert m["Body"] == "poison"

    def finished():
        [task] = sqs.list_message_move_tasks(SourceArn=arn_of(sqs, dead))["Results"]
        return task["Status"] == "COMPLETED" and task["ApproximateNumberOfMessagesMoved"] == 1
    wait_until(finished, 10)


def test_fifo_order_groups_and_deduplication(sqs, make_queue):
    q = make_queue(fifo=True, VisibilityTimeout=1)
    for i in range(3):
        for group in "ab":
            sqs.send_message(QueueUrl=q, MessageBody=f"{group}{i}", MessageGroupId=group, MessageDeduplicationId=f"{group}{i}")
    again = sqs.send_message(QueueUrl=q, MessageBody="a0", MessageGroupId="a", MessageDeduplicationId="a0")
    first = receive(sqs, q, 1, AttributeNames=["All"])[0]
    assert first["Body"] == "a0" and first["Attributes"]["SequenceNumber"] == again["SequenceNumber"]
    # a's group is locked: b's messages come, all of them
    assert [m["Body"] for m in receive(sqs, q)] == ["b0", "b1", "b2"]
    assert receive(sqs, q) == []
    sqs.delete_message(QueueUrl=q, ReceiptHandle=first["ReceiptHandle"])
    assert [m["Body"] for m in receive(sqs, q, 2)] == ["a1", "a2"]
    time.sleep(1.2)
    rest = receive(sqs, q)
    # In order within each group; which group comes first is nobody's promise.
    assert sorted((m["Body"] for m in rest), key=lambda body: body[0]) == ["a1", "a2", "b0", "b1", "b2"]
    sqs.delete_message_batch(QueueUrl=q, Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(rest)])
    assert counts(sqs, q) == (0, 0, 0)


def test_fifo_receive_attempt_is_repeated(sqs, make_queue):
    q = make_queue(fifo=True, ContentBasedDeduplication="true")
    sqs.send_message(QueueUrl=q, MessageBody="once", MessageGroupId="g")
    one = receive(sqs, q, ReceiveRequestAttemptId="try")
    two = receive(sqs, q, ReceiveRequestAttemptId="try")
    assert one[0]["MessageId"] == two[0]["MessageId"]
    assert receive(sqs, q) == []
    assert error_of(sqs.delete_message, QueueUrl=q, ReceiptHandle=one[0]["ReceiptHandle"])["Code"] == "InvalidParameterValue"
    sqs.delete_message(QueueUrl=q, ReceiptHandle=two[0]["ReceiptHandle"])


def test_purge(sqs, queue):
    for i in range(20):
        sqs.send_message(QueueUrl=queue, MessageBody=str(i))
    [held] = receive(sqs, queue, 1)
    sqs.purge_queue(QueueUrl=queue)
    assert counts(sqs, queue) == (0, 0, 0) and receive(sqs, queue) == []
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=held["ReceiptHandle"])
    assert error_of(sqs.purge_queue, QueueUrl=queue)["Code"] == "AWS.SimpleQueueService.PurgeQueueInProgress"
    sqs.send_message(QueueUrl=queue, MessageBody="new")
    assert [m["Body"] for m in receive(sqs, queue)] == ["new"]


def test_attributes_and_errors(sqs, make_queue):
    q = make_queue(DelaySeconds=3, VisibilityTimeout=7)
    a = sqs.get_queue_attributes(QueueUrl=q, AttributeNames=["All"])["Attributes"]
    assert (a["DelaySeconds"], a["VisibilityTimeout"], a["MessageRetentionPeriod"]) == ("3", "7", "345600")
    sqs.set_queue_attributes(QueueUrl=q, Attributes={"DelaySeconds": "0"})
    assert error_of(sqs.set_queue_attributes, QueueUrl=q, Attributes={"DelaySeconds": "901"})["Code"] == "InvalidAttributeValue"
    missing = q.rsplit("/", 1)[0] + "/not-there"
    assert error_of(sqs.get_queue_attributes, QueueUrl=missing)["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert error_of(sqs.create_queue, QueueName=q.rsplit("/", 1)[1], Attributes={"VisibilityTimeout": "8"})["Code"] == "QueueAlreadyExists"
    sqs.tag_queue(QueueUrl=q, Tags={"env": "x"})
    assert sqs.list_queue_tags(QueueUrl=q)["Tags"] == {"env": "x"}
    sqs.untag_queue(QueueUrl=q, TagKeys=["env"])
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=q)


def test_restart_keeps_what_was_answered(make_cloud):
    cloud = make_cloud()
    sqs = cloud.client("sqs")
    q = sqs.create_queue(QueueName="kept.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"})["QueueUrl"]
    for i in range(5):
        sqs.send_message(QueueUrl=q, MessageBody=str(i), MessageGroupId="g" if i < 3 else "h")
    held = receive(sqs, q, 1)
    cloud.kill9()
    cloud.start()
    sqs = cloud.client("sqs")
    assert counts(sqs, q) == (4, 1, 0)
    # the group of what was in flight is still held
    assert [m["Body"] for m in receive(sqs, q)] == ["3", "4"]
    sqs.delete_message(QueueUrl=q, ReceiptHandle=held[0]["ReceiptHandle"])
    assert [m["Body"] for m in receive(sqs, q)] == ["1", "2"]


def test_policy_lets_another_account(cloud, sqs, queue):
    keys = cloud.another_account()
    other = cloud.client("sqs", **keys)
    account = cloud.client("sts", **keys).get_caller_identity()["Account"]
    assert error_of(other.send_message, QueueUrl=queue, MessageBody="x")["Code"] in ("AccessDenied", "AccessDeniedException")
    sqs.add_permission(QueueUrl=queue, Label="other", AWSAccountIds=[account], Actions=["SendMessage"])
    other.send_message(QueueUrl=queue, MessageBody="from there")
    assert error_of(other.receive_message, QueueUrl=queue)["Code"] in ("AccessDenied", "AccessDeniedException")
    assert [m["Body"] for m in receive(sqs, queue)] == ["from there"]
    sqs.remove_permission(QueueUrl=queue, Label="other")
    assert error_of(other.send_message, QueueUrl=queue, MessageBody="x")["Code"] in ("AccessDenied", "AccessDeniedException")


def test_retention_deletes(sqs, make_queue):
    q = make_queue(MessageRetentionPeriod=60)
    assert sqs.get_queue_attributes(QueueUrl=q, AttributeNames=["MessageRetentionPeriod"])["Attributes"] == {"MessageRetentionPeriod": "60"}


def test_many_waiters_share_what_comes(sqs, cloud, queue):
    got, lock = [], threading.Lock()

    def wait():
        for m in receive(cloud.client("sqs"), queue, 1, WaitTimeSeconds=15):
            with lock:
                got.append(m["Body"])
    threads = [threading.Thread(target=wait) for _ in range(12)]
    for t in threads:
        t.start()
    time.sleep(1.5)
    for i in range(12):
        sqs.send_message(QueueUrl=queue, MessageBody=str(i))
    for t in threads:
        t.join(20)
    assert sorted(got, key=int) == [str(i) for i in range(12)]
