"""Queues encrypted at rest, by KMS keys (SSE-KMS) and by SQS's own (SSE-SQS)."""
import json
import uuid

import botocore.exceptions
import pytest
from at_rest import allow, in_store, key_policy, secret
from harness import wait_until


def code_of(call, **args):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**args)
    return e.value.response["Error"]["Code"]


def make_queue(sqs, fifo=False, **attributes):
    if fifo:
        attributes["FifoQueue"] = "true"
    return sqs.create_queue(QueueName="e-" + uuid.uuid4().hex + (".fifo" if fifo else ""), Attributes=attributes)["QueueUrl"]


def attributes_of(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def bodies(sqs, url, **more):
    return [m["Body"] for m in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, **more).get("Messages", [])]


@pytest.fixture(scope="module")
def sqs(client):
    return client("sqs")


@pytest.fixture(scope="module")
def kms(client):
    return client("kms")


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]["Arn"]


@pytest.fixture
def queue(sqs, key):
    url = make_queue(sqs, KmsMasterKeyId=key)
    yield url
    sqs.delete_queue(QueueUrl=url)


def test_attributes_take_each_others_place(sqs, key):
    url = make_queue(sqs)
    assert attributes_of(sqs, url)["SqsManagedSseEnabled"] == "true" and "KmsDataKeyReusePeriodSeconds" not in attributes_of(sqs, url)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": key})
    a = attributes_of(sqs, url)
    assert (a["KmsMasterKeyId"], a["SqsManagedSseEnabled"], a["KmsDataKeyReusePeriodSeconds"]) == (key, "false", "300")
    name = url.rsplit("/", 1)[1]
    assert sqs.create_queue(QueueName=name, Attributes={"KmsMasterKeyId": key, "KmsDataKeyReusePeriodSeconds": "300"})["QueueUrl"] == url
    assert code_of(sqs.create_queue, QueueName=name, Attributes={"SqsManagedSseEnabled": "true"}) == "QueueAlreadyExists"
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "true"})
    assert "KmsMasterKeyId" not in attributes_of(sqs, url)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"SqsManagedSseEnabled": "false"})
    assert attributes_of(sqs, url)["SqsManagedSseEnabled"] == "false"
    both = {"KmsMasterKeyId": key, "SqsManagedSseEnabled": "true"}
    assert code_of(sqs.set_queue_attributes, QueueUrl=url, Attributes=both) == "InvalidAttributeName"
    for seconds in ("59", "86401", "x"):
        assert code_of(sqs.set_queue_attributes, QueueUrl=url, Attributes={"KmsDataKeyReusePeriodSeconds": seconds}) == "InvalidAttributeValue"
    sqs.delete_queue(QueueUrl=url)


@pytest.mark.parametrize("fifo", [False, True])
def test_the_store_has_no_plain_text(make_cloud, fifo):
    cloud = make_cloud()
    sqs, key = cloud.client("sqs"), cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    open_, by_us, by_kms = (make_queue(sqs, fifo, **a) for a in (
        {"SqsManagedSseEnabled": "false"}, {}, {"KmsMasterKeyId": key}))
    words = {url: secret() for url in (open_, by_us, by_kms)}
    for url, word in words.items():
        more = {"MessageGroupId": "g", "MessageDeduplicationId": word} if fifo else {}
        attributes = {"a": {"DataType": "String", "StringValue": word}}
        sqs.send_message(QueueUrl=url, MessageBody=word, MessageAttributes=attributes, **more)
    assert in_store(cloud, words[open_]), "the test would see it"
    assert not in_store(cloud, words[by_us]) and not in_store(cloud, words[by_kms])
    cloud.kill9()
    cloud.start()
    cloud.restart()  # so that nothing is in the log alone
    assert not in_store(cloud, words[by_us]) and not in_store(cloud, words[by_kms])
    sqs = cloud.client("sqs")
    for url, word in words.items():
        [m] = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"])["Messages"]
        assert m["Body"] == m["MessageAttributes"]["a"]["StringValue"] == word
        if fifo:
            assert m["Attributes"]["MessageDeduplicationId"] == word
    assert cloud.client("sqs").send_message(QueueUrl=by_kms, MessageBody="x", **({"MessageGroupId": "g", "MessageDeduplicationId": "y"} if fifo else {}))


def test_senders_and_receivers_need_the_key(cloud, sqs, key, queue, scratch_user):
    def user(*actions):
        _, access, secret_ = scratch_user(allow(("sqs:*", "*"), *[(a, key) for a in actions]))
        return cloud.client("sqs", key=access, secret=secret_)
    nobody, half, sender, receiver = user(), user("kms:GenerateDataKey"), user("kms:GenerateDataKey", "kms:Decrypt"), user("kms:Decrypt")
    for who in (nobody, half, receiver):
        assert code_of(who.send_message, QueueUrl=queue, MessageBody="x") == "KMS.AccessDeniedException"
        assert code_of(who.send_message_batch, QueueUrl=queue, Entries=[{"Id": "a", "MessageBody": "x"}]) == "KMS.AccessDeniedException"
    sender.send_message(QueueUrl=queue, MessageBody="x")
    assert code_of(nobody.send_message, QueueUrl=queue, MessageBody="the data key is there now") == "KMS.AccessDeniedException"
    assert code_of(nobody.receive_message, QueueUrl=queue) == "KMS.AccessDeniedException"
    assert bodies(receiver, queue) == ["x"]
    # Only through SQS, only for this queue.
    arn = attributes_of(sqs, queue)["QueueArn"]
    policy = allow(("sqs:*", "*"))
    policy["Statement"].append({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key, "Condition": {"StringEquals": {
        "kms:ViaService": "sqs.us-east-1.amazonaws.com", "kms:EncryptionContext:aws:sqs:arn": arn}}})
    _, access, secret_ = scratch_user(policy)
    assert bodies(cloud.client("sqs", key=access, secret=secret_), queue) == ["x"]


def test_the_managed_key_is_for_all_of_the_account(cloud, sqs, kms, scratch_user):
    url = make_queue(sqs, KmsMasterKeyId="alias/aws/sqs")
    _, access, secret_ = scratch_user(allow(("sqs:*", "*")))
    user = cloud.client("sqs", key=access, secret=secret_)
    user.send_message(QueueUrl=url, MessageBody="x")
    assert bodies(user, url) == ["x"]
    sealed = code_of(kms.encrypt, KeyId="alias/aws/sqs", Plaintext=b"x")
    assert sealed == "AccessDeniedException"  # through SQS only
    sqs.delete_queue(QueueUrl=url)


def test_a_key_that_cannot_be_used(sqs, kms, key, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    kms.disable_key(KeyId=key)
    assert code_of(sqs.send_message, QueueUrl=queue, MessageBody="y") == "KMS.DisabledException"
    assert code_of(sqs.receive_message, QueueUrl=queue) == "KMS.DisabledException"
    kms.enable_key(KeyId=key)
    [m] = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=0, AttributeNames=["All"])["Messages"]
    assert m["Body"] == "x" and m["Attributes"]["ApproximateReceiveCount"] == "1", "a receive that failed is none"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert code_of(sqs.send_message, QueueUrl=queue, MessageBody="y") == "KMS.InvalidStateException"
    with pytest.raises(sqs.exceptions.KmsInvalidState):
        sqs.receive_message(QueueUrl=queue)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"KmsMasterKeyId": "alias/there-is-none"})
    assert code_of(sqs.send_message, QueueUrl=queue, MessageBody="y") == "KMS.NotFoundException"
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"KmsMasterKeyId": ""})
    sqs.send_message(QueueUrl=queue, MessageBody="without a key")
    kms.cancel_key_deletion(KeyId=key)
    kms.enable_key(KeyId=key)
    assert sorted(bodies(sqs, queue) + bodies(sqs, queue))[-1] in ("without a key", "x")


def test_a_message_keeps_its_key_whatever_becomes_of_the_queue(sqs, kms, key, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="first")
    alias = "alias/" + uuid.uuid4().hex
    other = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"KmsMasterKeyId": alias})
    sqs.send_message(QueueUrl=queue, MessageBody="second")
    kms.update_alias(AliasName=alias, TargetKeyId=other)
    sqs.send_message(QueueUrl=queue, MessageBody="third")
    assert sorted(bodies(sqs, queue)) == ["first", "second", "third"]
    kms.disable_key(KeyId=key)
    assert code_of(sqs.receive_message, QueueUrl=queue, MaxNumberOfMessages=10) == "KMS.DisabledException"
    sqs.send_message(QueueUrl=queue, MessageBody="the alias names another")


def test_dead_letters_stay_encrypted(sqs, kms, key):
    dead = make_queue(sqs, SqsManagedSseEnabled="false")
    url = make_queue(sqs, KmsMasterKeyId=key, VisibilityTimeout="0", RedrivePolicy=json.dumps(
        {"deadLetterTargetArn": attributes_of(sqs, dead)["QueueArn"], "maxReceiveCount": 1}))
    sqs.send_message(QueueUrl=url, MessageBody="bad")
    assert bodies(sqs, url) == ["bad"] and bodies(sqs, url) == []
    kms.disable_key(KeyId=key)
    assert code_of(sqs.receive_message, QueueUrl=dead) == "KMS.DisabledException"
    kms.enable_key(KeyId=key)
    assert bodies(sqs, dead) == ["bad"]
    sqs.start_message_move_task(SourceArn=attributes_of(sqs, dead)["QueueArn"])
    wait_until(lambda: bodies(sqs, url) == ["bad"], 15)
    for q in (url, dead):
        sqs.delete_queue(QueueUrl=q)


def test_services_need_the_keys_policy(client, sqs, kms, key, queue):
    s3 = client("s3", s3={"addressing_style": "path"})
    bucket = "n-" + uuid.uuid4().hex
    s3.create_bucket(Bucket=bucket)
    arn = attributes_of(sqs, queue)["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]})})
    notify = dict(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]})
    assert code_of(s3.put_bucket_notification_configuration, **notify) == "InvalidArgument"
    key_policy(kms, key, "s3.amazonaws.com")
    s3.put_bucket_notification_configuration(**notify)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert any("ObjectCreated:Put" in b for b in bodies(sqs, queue))
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
