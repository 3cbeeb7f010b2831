"""Event notifications: every change that was acknowledged has told its queue or topic."""
import json
import uuid

import botocore.exceptions
import pytest
from harness import wait_until


@pytest.fixture(scope="module")
def s3(client):
    return client("s3", s3={"addressing_style": "path"})


@pytest.fixture(scope="module")
def sqs(client):
    return client("sqs")


@pytest.fixture
def bucket(s3):
    name = "n-" + uuid.uuid4().hex
    s3.create_bucket(Bucket=name)
    yield name
    for v in (o for kind in ("Versions", "DeleteMarkers") for o in s3.list_object_versions(Bucket=name).get(kind, [])):
        s3.delete_object(Bucket=name, Key=v["Key"], VersionId=v["VersionId"])
    s3.delete_bucket(Bucket=name)


def queue(sqs, bucket):
    url = sqs.create_queue(QueueName="n-" + uuid.uuid4().hex)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    permit(lambda p: sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": p}), "s3.amazonaws.com", "sqs:SendMessage", arn,
           f"arn:aws:s3:::{bucket}")
    return url, arn


def permit(put, service, action, resource, source):
    put(json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": resource,
        "Condition": {"ArnLike": {"aws:SourceArn": source}}}]}))


def received(sqs, url):
    out = []
    while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for m in got:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
            out.append(json.loads(m["Body"]))
    return out


def configure(s3, bucket, arn, events, rules=None, kind="Queue"):
    one = {kind + "Arn": arn, "Events": events}
    if rules:
        one["Filter"] = {"Key": {"FilterRules": [{"Name": n, "Value": v} for n, v in rules.items()]}}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={kind + "Configurations": [one]})


def test_each_change_is_told_once(s3, sqs, bucket):
    url, arn = queue(sqs, bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    configure(s3, bucket, arn, ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:Put"])
    assert [m["Event"] for m in received(sqs, url)] == ["s3:TestEvent"]
    shown = s3.get_bucket_notification_configuration(Bucket=bucket)["QueueConfigurations"][0]
    assert shown["QueueArn"] == arn and shown["Id"] and len(shown["Events"]) == 3

    first = s3.put_object(Bucket=bucket, Key="a b+ü.txt", Body=b"12345")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a b+ü.txt"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    etag = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    s3.put_object_tagging(Bucket=bucket, Key="copy", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    s3.delete_object(Bucket=bucket, Key="copy")
    s3.delete_object(Bucket=bucket, Key="a b+ü.txt", VersionId=first["VersionId"])
    records = [r for m in received(sqs, url) for r in m["Records"]]
    assert sorted((r["eventName"], r["s3"]["object"]["key"]) for r in records) == sorted([
        ("ObjectCreated:Put", "a+b%2B%C3%BC.txt"), ("ObjectCreated:Copy", "copy"), ("ObjectCreated:CompleteMultipartUpload", "parts"),
        ("ObjectTagging:Put", "copy"), ("ObjectRemoved:DeleteMarkerCreated", "copy"), ("ObjectRemoved:Delete", "a+b%2B%C3%BC.txt")])
    put = next(r for r in records if r["eventName"] == "ObjectCreated:Put")
    assert put["eventSource"] == "aws:s3" and put["s3"]["bucket"] == {
        "name": bucket, "arn": f"arn:aws:s3:::{bucket}", "ownerIdentity": put["s3"]["bucket"]["ownerIdentity"]}
    assert put["s3"]["object"]["size"] == 5 and put["s3"]["object"]["eTag"] == first["ETag"].strip('"')
    assert put["s3"]["object"]["versionId"] == first["VersionId"] and put["s3"]["configurationId"] == shown["Id"]


def test_filters_and_events_choose(s3, sqs, bucket):
    url, arn = queue(sqs, bucket)
    configure(s3, bucket, arn, ["s3:ObjectCreated:Put"], {"prefix": "photos/", "suffix": ".jpg"})
    received(sqs, url)
    for key in ("photos/1.jpg", "photos/1.png", "1.jpg"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    s3.delete_object(Bucket=bucket, Key="photos/1.jpg")
    assert [r["s3"]["object"]["key"] for m in received(sqs, url) for r in m["Records"]] == ["photos/1.jpg"]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="photos/2.jpg", Body=b"x")
    assert received(sqs, url) == []


def test_topics_hand_on(s3, sqs, client, bucket):
    sns = client("sns")
    topic = sns.create_topic(Name="n-" + uuid.uuid4().hex)["TopicArn"]
    url, arn = queue(sqs, bucket)
    permit(lambda p: sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": p}), "sns.amazonaws.com", "sqs:SendMessage", arn, topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    with pytest.raises(botocore.exceptions.ClientError, match="Unable to validate the following destination"):
        configure(s3, bucket, topic, ["s3:ObjectCreated:*"], kind="Topic")
    permit(lambda p: sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=p), "s3.amazonaws.com", "sns:Publish",
           topic, f"arn:aws:s3:::{bucket}")
    configure(s3, bucket, topic, ["s3:ObjectCreated:*"], kind="Topic")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    got = []
    wait_until(lambda: got.extend(received(sqs, url)) or len(got) == 2, what=lambda: got)
    assert {m["Subject"] for m in got} == {"Amazon S3 Notification"}
    assert [r["eventName"] for m in got for r in json.loads(m["Message"]).get("Records", [])] == ["ObjectCreated:Put"]


def test_what_cannot_be_told_is_refused(s3, sqs, bucket):
    _, arn = queue(sqs, "another-bucket")  # its policy is for another bucket
    good_url, good = queue(sqs, bucket)

    def code(configuration):
        with pytest.raises(botocore.exceptions.ClientError) as e:
            s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)
        return e.value.response["Error"]["Code"]

    def to(arn, *events):
        return {"QueueArn": arn, "Events": list(events)}
    assert code({"QueueConfigurations": [to(arn, "s3:ObjectCreated:*")]}) == "InvalidArgument"
    assert code({"QueueConfigurations": [to(good + "-gone", "s3:ObjectCreated:*")]}) == "InvalidArgument"
    assert code({"QueueConfigurations": [to(good, "s3:Nonsense")]}) == "MalformedXML"
    assert code({"QueueConfigurations": [to(good, "s3:ObjectRestore:Delete")]}) == "NotImplemented"
    assert code({"EventBridgeConfiguration": {}}) == "NotImplemented"
    assert code({"QueueConfigurations": [to(good, "s3:ObjectCreated:*"), to(good, "s3:ObjectCreated:Put")]}) == "InvalidArgument"
    assert received(sqs, good_url) == [], "nothing of what was refused has been sent"
    # A destination that forbids it later gets nothing; the write stands.
    configure(s3, bucket, good, ["s3:ObjectCreated:*"])
    received(sqs, good_url)
    sqs.set_queue_attributes(QueueUrl=good_url, Attributes={"Policy": ""})
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 1 and received(sqs, good_url) == []
