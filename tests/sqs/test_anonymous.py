"""Requests that nobody signed: only a queue's policy lets them in. And queries that are sent to the queue's URL."""
import json
import re
from urllib.parse import urlparse

import boto3
import botocore
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def queue(cloud, name, *statements, region="us-east-1"):
    sqs = cloud.client("sqs", region=region)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    if statements:
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Resource": arn, **s} for s in statements]}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    return sqs, url


def nobody(cloud):
    return boto3.client("sqs", region_name="us-east-1", endpoint_url=cloud.endpoint, config=Config(signature_version=botocore.UNSIGNED))


def test_a_policy_lets_everybody_send(cloud):
    sqs, url = queue(cloud, "open", {"Action": "sqs:SendMessage"})
    nobody(cloud).send_message(QueueUrl=url, MessageBody="from anybody")
    [m] = sqs.receive_message(QueueUrl=url, AttributeNames=["SenderId"], WaitTimeSeconds=5)["Messages"]
    assert m["Body"] == "from anybody" and m["Attributes"]["SenderId"] == "127.0.0.1"
    for call in (lambda c: c.receive_message(QueueUrl=url), lambda c: c.delete_queue(QueueUrl=url), lambda c: c.create_queue(QueueName="mine"), lambda c: c.list_queues()):
        with pytest.raises(ClientError) as e:
            call(nobody(cloud))
        assert "AccessDenied" in e.value.response["Error"]["Code"] and "anonymous" in e.value.response["Error"]["Message"]


def test_conditions_hold_for_nobody_too(cloud):
    _, here = queue(cloud, "from-here", {"Action": "sqs:SendMessage", "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}})
    _, elsewhere = queue(cloud, "from-elsewhere", {"Action": "sqs:SendMessage", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}})
    _, accounts = queue(cloud, "from-an-account", {"Action": "sqs:SendMessage", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}})
    nobody(cloud).send_message(QueueUrl=here, MessageBody="x")
    for url in (elsewhere, accounts):
        with pytest.raises(ClientError, match="AccessDenied"):
            nobody(cloud).send_message(QueueUrl=url, MessageBody="x")


def test_without_a_policy_nobody_comes_in(cloud):
    _, url = queue(cloud, "closed")
    with pytest.raises(ClientError, match="AccessDenied"):
        nobody(cloud).send_message(QueueUrl=url, MessageBody="x")
    # What claims a signature is held to it.
    _, url = queue(cloud, "open-to-all", {"Action": "sqs:*"})
    for authorization in ("AWS4-HMAC-SHA256 Credential=x", "Basic eDp5"):
        r = requests.post(url, data="Action=SendMessage&MessageBody=x&Version=2012-11-05", headers={**FORM, "Authorization": authorization})
        assert r.status_code in (400, 403) and "MessageId" not in r.text


def test_a_query_is_sent_to_the_url_of_the_queue(cloud):
    sqs, url = queue(cloud, "by-path", {"Action": ["sqs:SendMessage", "sqs:ReceiveMessage"]})
    r = requests.get(url + "/?Action=SendMessage&MessageBody=by%20GET&Version=2012-11-05")
    assert r.status_code == 200 and re.search("<MessageId>.+</MessageId>", r.text), r.text
    r = requests.post(url, data="Action=SendMessage&MessageBody=by+POST&Version=2012-11-05", headers=FORM)
    assert r.status_code == 200
    bodies = {re.search("<Body>(.*)</Body>", requests.get(url + "?Action=ReceiveMessage&Version=2012-11-05").text)[1] for _ in range(2)}
    assert bodies == {"by GET", "by POST"}
    # The parameter says more than the path.
    _, other = queue(cloud, "by-parameter", {"Action": "sqs:SendMessage"})
    r = requests.post(url, data={"Action": "SendMessage", "MessageBody": "x", "Version": "2012-11-05", "QueueUrl": other})
    assert r.status_code == 200
    assert sqs.receive_message(QueueUrl=other, WaitTimeSeconds=5)["Messages"][0]["Body"] == "x"
    r = requests.get(cloud.endpoint + "/?Action=SendMessage&MessageBody=x&Version=2012-11-05")
    assert r.status_code == 400 and "MissingParameter" in r.text


def test_the_region_of_nobody_is_the_hosts(cloud):
    sqs, url = queue(cloud, "far", {"Action": "sqs:SendMessage"}, region="eu-west-1")
    path = urlparse(url).path
    query = "?Action=SendMessage&MessageBody=x&Version=2012-11-05"
    assert requests.get(cloud.endpoint + path + query).status_code == 403  # there is none of that name in the home region
    r = requests.get(cloud.endpoint + path + query, headers={"Host": "sqs.eu-west-1.amazonaws.com"})
    assert r.status_code == 200, r.text
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"][0]["Body"] == "x"


def test_other_services_want_a_signature(cloud):
    r = requests.post(cloud.endpoint, data="Action=ListTopics&Version=2010-03-31", headers=FORM)
    assert r.status_code == 403 and "MissingAuthenticationToken" in r.text
