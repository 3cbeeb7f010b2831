"""SQS in the query protocol, as older SDKs and the provider 3.x speak it: signed by botocore's own signer."""
import re
import urllib.parse
import urllib.request
import uuid

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest


@pytest.fixture(scope="module")
def query(cloud):
    def ask(action, **parameters):
        body = urllib.parse.urlencode({"Action": action, "Version": "2012-11-05", **parameters})
        request = botocore.awsrequest.AWSRequest("POST", cloud.endpoint + "/", data=body, headers={
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
        credentials = botocore.credentials.Credentials(cloud.key, cloud.secret)
        botocore.auth.SigV4Auth(credentials, "sqs", "us-east-1").add_auth(request)
        try:
            with urllib.request.urlopen(urllib.request.Request(request.url, body.encode(), dict(request.headers))) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()
    return ask


def test_a_queue_by_query(query):
    name = "query-" + uuid.uuid4().hex[:8]
    status, body = query("CreateQueue", QueueName=name, **{"Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "0", "Tag.1.Key": "k",
                                                           "Tag.1.Value": "v"})
    assert status == 200, body
    url = re.search("<CreateQueueResult><QueueUrl>(.*)</QueueUrl></CreateQueueResult>", body)[1]
    status, body = query("SendMessage", QueueUrl=url, MessageBody="<hi>", **{
        "MessageAttribute.1.Name": "a", "MessageAttribute.1.Value.DataType": "String", "MessageAttribute.1.Value.StringValue": "b"})
    assert "<MD5OfMessageAttributes>" in body and "<MessageId>" in body
    status, body = query("ReceiveMessage", QueueUrl=url, **{"AttributeName.1": "All", "MessageAttributeName.1": "All"})
    assert "<Message><MessageId>" in body and "<Body>&lt;hi&gt;</Body>" in body
    assert "<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>" in body
    assert "<MessageAttribute><Name>a</Name><Value><StringValue>b</StringValue><DataType>String</DataType></Value></MessageAttribute>" in body
    handle = re.search("<ReceiptHandle>(.*)</ReceiptHandle>", body)[1]
    status, body = query("DeleteMessageBatch", QueueUrl=url, **{"DeleteMessageBatchRequestEntry.1.Id": "x",
                                                                "DeleteMessageBatchRequestEntry.1.ReceiptHandle": handle})
    assert "<DeleteMessageBatchResultEntry><Id>x</Id></DeleteMessageBatchResultEntry>" in body
    assert "<Tag><Key>k</Key><Value>v</Value></Tag>" in query("ListQueueTags", QueueUrl=url)[1]
    assert "<Attribute><Name>VisibilityTimeout</Name><Value>0</Value></Attribute>" in query(
        "GetQueueAttributes", QueueUrl=url, **{"AttributeName.1": "All"})[1]
    assert query("DeleteQueue", QueueUrl=url)[0] == 200
    status, body = query("GetQueueUrl", QueueName=name)
    assert status == 400 and "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>" in body
