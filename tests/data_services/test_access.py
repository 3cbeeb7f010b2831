"""Policies of buckets, tables, queues and topics, beside those of users: within an account either may allow, across accounts both
must, an explicit deny always wins, and conditions see the request as it is."""
import json
import uuid

import boto3
import pytest
import requests
import urllib3
from botocore.exceptions import ClientError
from harness import wait_until

DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}


def refused(call, *args, **arguments):
    """The message of the refusal; fails when the call is allowed or fails for another reason."""
    with pytest.raises(ClientError) as e:
        call(*args, **arguments)
    assert e.value.response["Error"]["Code"] in DENIED, e.value
    return e.value.response["Error"]["Message"]


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Bucket:
    service, action = "s3", "s3:GetObject"

    def __init__(self, client):
        self.own, self.name = client(self.service), "access-" + uuid.uuid4().hex[:16]
        self.own.create_bucket(Bucket=self.name)
        self.own.put_object(Bucket=self.name, Key="k", Body=b"x")
        self.arn = f"arn:aws:s3:::{self.name}/k"

    def put(self, policy):
        self.own.put_bucket_policy(Bucket=self.name, Policy=policy)

    def use(self, s3):
        assert s3.get_object(Bucket=self.name, Key="k")["Body"].read() == b"x"

    def remove(self):
        self.own.delete_bucket_policy(Bucket=self.name)
        self.own.delete_object(Bucket=self.name, Key="k")
        self.own.delete_bucket(Bucket=self.name)


class Table:
    service, action = "dynamodb", "dynamodb:PutItem"

    def __init__(self, client):
        self.own, self.name = client(self.service), "access-" + uuid.uuid4().hex[:16]
        self.arn = self.own.create_table(
            TableName=self.name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}])["TableDescription"]["TableArn"]

    def put(self, policy):
        self.own.put_resource_policy(ResourceArn=self.arn, Policy=policy)

    def use(self, db):
        db.put_item(TableName=self.arn, Item={"p": {"S": "k"}})

    def remove(self):
        self.own.delete_table(TableName=self.name)


class Queue:
    service, action = "sqs", "sqs:SendMessage"

    def __init__(self, client):
        self.own = client(self.service)
        self.url = self.own.create_queue(QueueName="access-" + uuid.uuid4().hex[:16])["QueueUrl"]
        self.arn = self.own.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def put(self, policy):
        self.own.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})

    def use(self, sqs):
        sqs.send_message(QueueUrl=self.url, MessageBody="x")

    def remove(self):
        self.own.delete_queue(QueueUrl=self.url)


class Topic:
    service, action = "sns", "sns:Publish"

    def __init__(self, client):
        self.own = client(self.service)
        self.arn = self.own.create_topic(Name="access-" + uuid.uuid4().hex[:16])["TopicArn"]

    def put(self, policy):
        self.own.set_topic_attributes(TopicArn=self.arn, AttributeName="Policy", AttributeValue=policy)

    def use(self, sns):
        sns.publish(TopicArn=self.arn, Message="x")

    def remove(self):
        self.own.delete_topic(TopicArn=self.arn)


ALL = [Bucket, Table, Queue, Topic]


def make_fixture(kinds):
    @pytest.fixture(params=kinds, ids=lambda k: k.__name__.lower())
    def fixture(request, client):
        made = request.param(client)
        yield made
        made.remove()
    return fixture


resource = make_fixture(ALL)


def statement(r, effect, principal=None, condition=None):
    s = {"Effect": effect, "Action": r.action, "Resource": r.arn}
    if principal:
        s["Principal"] = {"AWS": principal}
    if condition:
        s["Condition"] = condition
    return s


@pytest.fixture
def user(client, scratch_user):
    """user(resource, *statements) -> (ARN, client of a user who has just these policies)."""
    account = client("sts").get_caller_identity()["Account"]

    def make(r, *statements):
        name, key, secret = scratch_user(json.loads(document(*statements)) if statements else None)
        return f"arn:aws:iam::{account}:user/{name}", client(r.service, key=key, secret=secret)
    return make


@pytest.fixture(scope="module")
def second(cloud):
    """Another account: its number, and keys of its administrator."""
    keys = cloud.another_account()
    return cloud.client("sts", **keys).get_caller_identity()["Account"], keys


@pytest.fixture
def foreigner(client, second):
    """foreigner(resource, *statements) -> (ARN, client of a user of the other account, who has just these policies)."""
    account, keys = second
    iam, made = client("iam", **keys), []

    def make(r, *statements):
        name = "f-" + uuid.uuid4().hex[:10]
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        made.append((name, key["AccessKeyId"]))
        return f"arn:aws:iam::{account}:user/{name}", client(r.service, key=key["AccessKeyId"], secret=key["SecretAccessKey"])

    yield make
    for name, key in made:
        iam.delete_access_key(UserName=name, AccessKeyId=key)
        for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
            iam.delete_user_policy(UserName=name, PolicyName=policy)
        iam.delete_user(UserName=name)


def test_within_an_account_either_may_allow(resource, user):
    r = resource
    _, by_his_own = user(r, statement(r, "Allow"))
    r.use(by_his_own)
    arn, by_the_resources = user(r)
    refused(r.use, by_the_resources)
    r.put(document(statement(r, "Allow", arn)))
    r.use(by_the_resources)
    _, neither = user(r)
    refused(r.use, neither)


def test_naming_the_account_leaves_it_to_its_policies(resource, user):
    r = resource
    arn, nobody = user(r)
    r.put(document(statement(r, "Allow", arn.split(":")[4])))
    assert "no identity-based policy allows" in refused(r.use, nobody)


def test_an_explicit_deny_wins(resource, user):
    r = resource
    arn, allowed = user(r, statement(r, "Allow"))
    r.put(document(statement(r, "Allow", arn), statement(r, "Deny", arn)))
    assert "explicit deny in a resource-based policy" in refused(r.use, allowed)
    r.put(document(statement(r, "Allow", arn)))
    r.use(allowed)
    arn, forbidden = user(r, statement(r, "Allow"), statement(r, "Deny"))
    r.put(document(statement(r, "Allow", arn)))
    assert "explicit deny in an identity-based policy" in refused(r.use, forbidden)


def test_across_accounts_both_must_allow(resource, foreigner, second):
    r, (account, _) = resource, second
    arn, allowed = foreigner(r, statement(r, "Allow"))
    refused(r.use, allowed)
    silent_arn, silent = foreigner(r)
    for principal in (account, f"arn:aws:iam::{account}:root"):  # the account, which leaves it to its own policies
        r.put(document(statement(r, "Allow", principal)))
        r.use(allowed)
        refused(r.use, silent)
    r.put(document(statement(r, "Allow", silent_arn)))  # the user: that he is named here is not enough
    refused(r.use, silent)
    refused(r.use, allowed)
    r.put(document(statement(r, "Allow", arn)))
    r.use(allowed)
    r.put(document(statement(r, "Allow", account), statement(r, "Deny", arn)))
    refused(r.use, allowed)
    forbidden_arn, forbidden = foreigner(r, statement(r, "Allow"), statement(r, "Deny"))
    r.put(document(statement(r, "Allow", forbidden_arn)))
    refused(r.use, forbidden)


def test_who_began_an_upload_may_list_and_abort_it(cloud, client, second, foreigner):
    """In another account's bucket, whose policy lets him write and says nothing of the rest."""
    owner, bucket = client("s3"), "uploads-" + uuid.uuid4().hex[:8]
    owner.create_bucket(Bucket=bucket)
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}

    class S3:
        service = "s3"
    arn, his = foreigner(S3, everything)
    _, powerless = foreigner(S3)
    owner.put_bucket_policy(Bucket=bucket, Policy=document(
        {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}))
    owners = {"Bucket": bucket, "Key": "k", "UploadId": owner.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    own = {"Bucket": bucket, "Key": "k", "UploadId": his.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]}
    his.upload_part(**own, PartNumber=1, Body=b"x")
    assert len(his.list_parts(**own)["Parts"]) == 1
    for call in (his.list_parts, his.abort_multipart_upload):
        refused(call, **owners)
        refused(call, **{**own, "UploadId": "nobody"})
    for call in (powerless.list_parts, powerless.abort_multipart_upload):
        refused(call, **own)
    owner.put_bucket_policy(Bucket=bucket, Policy=document(
        {"Effect": "Deny", "Principal": {"AWS": arn}, "Action": "s3:AbortMultipartUpload", "Resource": f"arn:aws:s3:::{bucket}/*"}))
    refused(his.abort_multipart_upload, **own)
    owner.delete_bucket_policy(Bucket=bucket)
    his.abort_multipart_upload(**own)
    owner.abort_multipart_upload(**owners)
    owner.delete_bucket(Bucket=bucket)


def test_a_role_of_the_owner_opens_it_to_another_account(resource, client, second, foreigner):
    r, (account, _) = resource, second
    iam, name = client("iam"), "shared-" + uuid.uuid4().hex[:8]
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(
        {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(statement(r, "Allow")))

    class Sts:
        service = "sts"
    _, sts = foreigner(Sts, {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn})
    c = sts.assume_role(RoleArn=arn, RoleSessionName="xx")["Credentials"]
    session = client(r.service, key=c["AccessKeyId"], secret=c["SecretAccessKey"], token=c["SessionToken"])
    r.use(session)
    r.put(document(statement(r, "Deny", "*", {"ArnEquals": {"aws:PrincipalArn": arn}})))
    refused(r.use, session)
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    iam.delete_role(RoleName=name)


def test_items_of_another_accounts_table(client, foreigner):
    """By its ARN, with every operation on items; what is about the table itself is its owner's."""
    t = Table(client)
    every = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
    arn, db = foreigner(Table, every)
    t.put(document({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "dynamodb:*", "Resource": t.arn}))
    item, key = {"p": {"S": "k"}, "n": {"N": "1"}}, {"p": {"S": "k"}}
    db.put_item(TableName=t.arn, Item=item)
    db.update_item(TableName=t.arn, Key=key, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": {"N": "1"}})
    db.batch_write_item(RequestItems={t.arn: [{"PutRequest": {"Item": {"p": {"S": "b"}}}}]})
    db.transact_write_items(TransactItems=[{"Put": {"TableName": t.arn, "Item": {"p": {"S": "t"}}}}])
    assert db.get_item(TableName=t.arn, Key=key)["Item"]["n"] == {"N": "2"}
    assert db.query(TableName=t.arn, KeyConditionExpression="p = :p", ExpressionAttributeValues={":p": {"S": "k"}})["Count"] == 1
    assert db.scan(TableName=t.arn)["Count"] == 3
    assert len(db.batch_get_item(RequestItems={t.arn: {"Keys": [key, {"p": {"S": "b"}}]}})["Responses"][t.arn]) == 2
    assert db.transact_get_items(TransactItems=[{"Get": {"TableName": t.arn, "Key": key}}])["Responses"][0]["Item"]["n"] == {"N": "2"}
    db.delete_item(TableName=t.arn, Key=key)
    assert t.own.scan(TableName=t.name)["Count"] == 2
    for call in (db.describe_table, db.delete_table):
        assert "operations on items only" in refused(call, TableName=t.arn)
    with pytest.raises(ClientError) as e:  # its own account has no table of this name
        db.get_item(TableName=t.name, Key=key)
    assert e.value.response["Error"]["Code"] == "ResourceNotFoundException"
    t.put(document({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "dynamodb:GetItem", "Resource": t.arn}))
    db.get_item(TableName=t.arn, Key=key)
    refused(db.put_item, TableName=t.arn, Item=item)
    t.remove()


CONDITIONS = [
    ({"IpAddress": {"aws:SourceIp": "127.0.0.1/32"}}, True),
    ({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.0.2.1"]}}, False),
    ({"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, False),
    ({"Bool": {"aws:SecureTransport": "false"}}, True),
    ({"Bool": {"aws:SecureTransport": "true"}}, False),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}, False),  # a user has none
    ({"StringEquals": {"aws:SourceAccount": "111122223333"}}, False),
    ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/u-*"}}, True),
    ({"StringLike": {"aws:UserAgent": "*Boto3*"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),  # all must hold
]


def test_conditions_of_the_resources_policy(resource, user):
    r = resource
    arn, someone = user(r)
    for condition, allowed in CONDITIONS:
        r.put(document(statement(r, "Allow", arn, condition)))
        if allowed:
            r.use(someone)
        else:
            refused(r.use, someone)


def test_who_must_come_by_tls(resource, user, cloud):
    """The same client by both ways, under the policy that AWS's advisers recommend."""
    r = resource
    name, plain = user(r, statement(r, "Allow"))
    r.put(document(statement(r, "Deny", "*", {"Bool": {"aws:SecureTransport": "false"}})))
    refused(r.use, plain)
    urllib3.disable_warnings()
    credentials = plain._request_signer._credentials
    tls = boto3.client(r.service, region_name="us-east-1", endpoint_url=cloud.endpoint.replace("http:", "https:"), verify=False,
                       aws_access_key_id=credentials.access_key, aws_secret_access_key=credentials.secret_key)
    r.use(tls)


def test_prefixes_of_a_bucket(client, user):
    r = Bucket(client)
    arn, someone = user(r)
    r.put(document({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{r.name}",
                    "Condition": {"StringLike": {"s3:prefix": ["home/*", "public/"]}, "NumericLessThanEquals": {"s3:max-keys": "10"}}}))
    for prefix in ("home/x", "home/", "public/"):
        someone.list_objects_v2(Bucket=r.name, Prefix=prefix, MaxKeys=10)
        someone.list_objects(Bucket=r.name, Prefix=prefix, MaxKeys=10)
    for arguments in ({"Prefix": "other/", "MaxKeys": 10}, {"MaxKeys": 10}, {"Prefix": "public/x", "MaxKeys": 10}, {"Prefix": "home/", "MaxKeys": 11},
                      {"Prefix": "home/"}):
        refused(someone.list_objects_v2, Bucket=r.name, **arguments)
    r.remove()


def test_only_the_named_source_may_send(client):
    """aws:SourceArn and aws:SourceAccount of what services send: a topic's message, a bucket's notification."""
    queue, topic, other, bucket = Queue(client), Topic(client), Topic(client), Bucket(client)
    account = client("sts").get_caller_identity()["Account"]

    def let(service, **condition):
        queue.put(document({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": queue.arn,
                            "Condition": condition}))

    def got():
        bodies = []
        while messages := queue.own.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=10).get("Messages"):
            for m in messages:
                queue.own.delete_message(QueueUrl=queue.url, ReceiptHandle=m["ReceiptHandle"])
                bodies.append(m["Body"])
        return bodies

    for t in (topic, other):
        t.own.subscribe(TopicArn=t.arn, Protocol="sqs", Endpoint=queue.arn, Attributes={"RawMessageDelivery": "true"})

    def publish():
        topic.own.publish(TopicArn=topic.arn, Message="of the topic")
        other.own.publish(TopicArn=other.arn, Message="of another")
        return got()

    let("sns.amazonaws.com", ArnEquals={"aws:SourceArn": topic.arn})
    assert publish() == ["of the topic"]
    let("sns.amazonaws.com", ArnEquals={"aws:SourceArn": topic.arn}, StringEquals={"aws:SourceAccount": "111122223333"})
    assert publish() == []
    let("sns.amazonaws.com", StringEquals={"aws:SourceAccount": account})
    assert sorted(publish()) == ["of another", "of the topic"]
    let("events.amazonaws.com", StringEquals={"aws:SourceAccount": account})
    assert publish() == []

    notify = lambda: bucket.own.put_bucket_notification_configuration(Bucket=bucket.name, NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": queue.arn, "Events": ["s3:ObjectCreated:*"]}]})
    let("s3.amazonaws.com", ArnLike={"aws:SourceArn": "arn:aws:s3:::another"})
    with pytest.raises(ClientError) as e:
        notify()
    assert e.value.response["Error"]["Code"] == "InvalidArgument"
    let("s3.amazonaws.com", ArnLike={"aws:SourceArn": f"arn:aws:s3:::{bucket.name}"}, StringEquals={"aws:SourceAccount": account})
    notify()
    bucket.own.put_object(Bucket=bucket.name, Key="k", Body=b"y")
    assert wait_until(lambda: [r["s3"]["object"]["key"] for b in got() for r in json.loads(b).get("Records", [])], 5) == ["k"]
    for made in (queue, topic, other, bucket):
        made.remove()


def test_urls_end_with_what_signed_them(client, scratch_user):
    """A presigned URL is worth what its key is: nothing once the key is deleted, or the right or the session is taken away."""
    r = Bucket(client)
    name, key, secret = scratch_user(json.loads(document(statement(r, "Allow"))))
    iam = client("iam")
    url = lambda c: c.generate_presigned_url("get_object", {"Bucket": r.name, "Key": "k"}, ExpiresIn=600)
    of_user = url(client("s3", key=key, secret=secret, signature_version="s3v4"))
    of_user_v2 = url(client("s3", key=key, secret=secret, signature_version="s3"))
    assert requests.get(of_user).content == requests.get(of_user_v2).content == b"x"
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(statement(r, "Deny")))
    assert {requests.get(u).status_code for u in (of_user, of_user_v2)} == {403}
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(statement(r, "Allow")))
    assert requests.get(of_user).status_code == 200
    iam.delete_access_key(UserName=name, AccessKeyId=key)
    for u in (of_user, of_user_v2):
        answer = requests.get(u)
        assert answer.status_code == 403 and "<Code>InvalidAccessKeyId</Code>" in answer.text
    # Of a role's session: ended by the policy that the console's "revoke sessions" makes.
    account, role = client("sts").get_caller_identity()["Account"], "urls-" + uuid.uuid4().hex[:8]
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=document(
        {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}))["Role"]["Arn"]
    iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=document(statement(r, "Allow")))
    c = client("sts").assume_role(RoleArn=arn, RoleSessionName="xx")["Credentials"]
    of_session = url(client("s3", key=c["AccessKeyId"], secret=c["SecretAccessKey"], token=c["SessionToken"], signature_version="s3v4"))
    assert requests.get(of_session).content == b"x"
    assert requests.get(of_session.replace("X-Amz-Security-Token", "X-Other")).status_code in (400, 403)
    iam.put_role_policy(RoleName=role, PolicyName="revoked", PolicyDocument=document(
        {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2100-01-01T00:00:00Z"}}}))
    assert requests.get(of_session).status_code == 403
    for p in ("p", "revoked"):
        iam.delete_role_policy(RoleName=role, PolicyName=p)
    iam.delete_role(RoleName=role)
    r.remove()
