"""Topics encrypted at rest by KMS keys."""
import json
import urllib.request
import uuid

import botocore.exceptions
import pytest
from at_rest import allow, in_store, key_policy, secret
from harness import wait_until
from sns.test_sns import Receiver, bodies, queue_for


def code_of(call, **args):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**args)
    return e.value.response["Error"]["Code"]


@pytest.fixture(scope="module")
def sns(client):
    return client("sns")


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
def topic(sns, key):
    arn = sns.create_topic(Name="e-" + uuid.uuid4().hex, Attributes={"KmsMasterKeyId": key})["TopicArn"]
    yield arn
    sns.delete_topic(TopicArn=arn)


def test_publishers_need_the_key(cloud, sns, kms, key, topic, scratch_user):
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"] == key
    def user(*actions):
        _, access, secret_ = scratch_user(allow(("sns:*", "*"), *[(a, key) for a in actions]))
        return cloud.client("sns", key=access, secret=secret_)
    for who in (user(), user("kms:GenerateDataKey"), user("kms:Decrypt")):
        assert code_of(who.publish, TopicArn=topic, Message="x") == "KMSAccessDenied"
        assert code_of(who.publish_batch, TopicArn=topic, PublishBatchRequestEntries=[{"Id": "a", "Message": "x"}]) == "KMSAccessDenied"
    user("kms:GenerateDataKey*", "kms:Decrypt").publish(TopicArn=topic, Message="x")
    kms.disable_key(KeyId=key)
    assert code_of(sns.publish, TopicArn=topic, Message="x") == "KMSDisabled"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert code_of(sns.publish, TopicArn=topic, Message="x") == "KMSInvalidState"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue="alias/there-is-none")
    assert code_of(sns.publish, TopicArn=topic, Message="x") == "KMSNotFound"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue="")
    assert "KmsMasterKeyId" not in sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    sns.publish(TopicArn=topic, Message="x")


def test_encrypted_queues_want_sns_in_their_keys_policy(sns, sqs, kms, topic):
    url, arn = queue_for(sqs, topic)
    own = kms.create_key()["KeyMetadata"]["Arn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": own})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    sns.publish(TopicArn=topic, Message="lost")
    key_policy(kms, own, "sns.amazonaws.com")
    sns.publish(TopicArn=topic, Message="there")
    assert bodies(sqs, url) == ["there"]
    sqs.delete_queue(QueueUrl=url)


def test_services_publish_by_the_keys_policy(client, sns, sqs, kms, key, topic):
    s3 = client("s3", s3={"addressing_style": "path"})
    bucket = "n-" + uuid.uuid4().hex
    s3.create_bucket(Bucket=bucket)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic}]}))
    notify = dict(Bucket=bucket, NotificationConfiguration={"TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]})
    assert code_of(s3.put_bucket_notification_configuration, **notify) == "InvalidArgument"
    key_policy(kms, key, "s3.amazonaws.com")
    s3.put_bucket_notification_configuration(**notify)
    s3.delete_bucket(Bucket=bucket)


def test_what_waits_is_sealed_and_outlives_kill_9(make_cloud):
    cloud = make_cloud()
    sns, kms = cloud.client("sns"), cloud.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    policy = {"healthyRetryPolicy": {"numRetries": 50, "minDelayTarget": 1, "maxDelayTarget": 1}}
    words = {}
    with Receiver() as receiver:
        for name, attributes in (("sealed", {"KmsMasterKeyId": key}), ("open", {})):
            topic = sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
            sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url, Attributes={"DeliveryPolicy": json.dumps(policy)})
            wait_until(lambda: receiver.got, 10)
            urllib.request.urlopen(json.loads(receiver.got.pop()[1])["SubscribeURL"]).read()
            words[topic] = secret()
        receiver.failing = 1000
        for topic, word in words.items():
            sns.publish(TopicArn=topic, Message=word)
        sealed, open_ = words.values()
        assert in_store(cloud, open_), "the test would see it"
        assert not in_store(cloud, sealed)
        cloud.kill9()
        cloud.start()
        assert not in_store(cloud, sealed)
        receiver.failing = 0
        wait_until(lambda: len(receiver.got) == 2, 20)
        assert {json.loads(body)["Message"] for _, body in receiver.got} == {sealed, open_}
