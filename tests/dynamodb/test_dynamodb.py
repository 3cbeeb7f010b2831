"""DynamoDB as boto3 and the AWS CLI see it. The breadth is tested by tests/suites/alternator; here stands what that
suite does not look at: durability, IAM, concurrency, backups, and one way through each feature."""
import concurrent.futures
import json
import time
import uuid
import zlib
from decimal import Decimal

import boto3.dynamodb.types
import botocore.exceptions
import pytest
from harness import wait_until


@pytest.fixture(scope="module")
def db(client):
    return client("dynamodb")


def make_table(db, sort=True, **more):
    name = "t-" + uuid.uuid4().hex
    keys, types = [("p", "HASH")], {"p": "S"}
    if sort:
        keys.append(("c", "RANGE"))
        types["c"] = "N"
    types.update(more.pop("types", {}))
    db.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                    KeySchema=[{"AttributeName": n, "KeyType": k} for n, k in keys],
                    AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in types.items()], **more)
    return name


@pytest.fixture
def table(db):
    name = make_table(db)
    yield name
    db.delete_table(TableName=name)


def error_of(call, **args):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**args)
    return e.value.response


def key(p, c):
    return {"p": {"S": p}, "c": {"N": str(c)}}


def test_numbers_are_exact_and_items_come_back_whole(db, table):
    item = {**key("a", "-1.50"), "n": {"N": "12345678901234567890.123456789012345678"}, "b": {"B": b"\0\xff"}, "t": {"BOOL": True},
            "z": {"NULL": True}, "l": {"L": [{"S": ""}, {"M": {"ü": {"NS": ["2", "1"]}}}]}}
    db.put_item(TableName=table, Item=item)
    got = db.get_item(TableName=table, Key=key("a", "-15e-1"))["Item"]
    assert got["n"] == item["n"] and got["b"] == item["b"] and got["c"] == {"N": "-1.5"}
    assert boto3.dynamodb.types.TypeDeserializer().deserialize(got["l"]) == ["", {"ü": {Decimal(1), Decimal(2)}}]


def test_answers_carry_their_checksum(db, table):
    answer = db.get_item(TableName=table, Key=key("nobody", 1))
    assert int(answer["ResponseMetadata"]["HTTPHeaders"]["x-amz-crc32"]) == zlib.crc32(b"{}")


def test_query_pages_in_both_directions(db, table):
    for i in range(25):
        db.put_item(TableName=table, Item={**key("q", i * 10 - 100), "v": {"S": "x" * i}})
    for forward in (True, False):
        pages = db.get_paginator("query").paginate(
            TableName=table, KeyConditionExpression="p = :p AND c BETWEEN :a AND :b", ScanIndexForward=forward,
            ExpressionAttributeValues={":p": {"S": "q"}, ":a": {"N": "-50"}, ":b": {"N": "100"}}, PaginationConfig={"PageSize": 4})
        numbers = [int(i["c"]["N"]) for page in pages for i in page["Items"]]
        assert numbers == sorted(range(-50, 101, 10), reverse=not forward)


def test_segments_of_a_scan_are_the_whole(db, table):
    for i in range(60):
        db.put_item(TableName=table, Item=key(f"s{i}", 0))
    seen = [i["p"]["S"] for s in range(7) for i in db.scan(TableName=table, Segment=s, TotalSegments=7)["Items"]]
    assert sorted(seen) == sorted(f"s{i}" for i in range(60))


def test_clients_who_count_on_one_item_lose_nothing(cloud, db, table):
    def count(_):
        c = cloud.client("dynamodb")
        for _ in range(20):
            c.update_item(TableName=table, Key=key("counter", 0), UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": {"N": "1"}})

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        list(pool.map(count, range(12)))
    assert db.get_item(TableName=table, Key=key("counter", 0))["Item"]["n"] == {"N": "240"}


def test_a_lock_is_held_by_one(db, table):
    put = dict(TableName=table, Item=key("lock", 0), ConditionExpression="attribute_not_exists(p)")
    db.put_item(**put)
    error = error_of(db.put_item, ReturnValuesOnConditionCheckFailure="ALL_OLD", **put)
    assert error["Error"]["Code"] == "ConditionalCheckFailedException" and error["Item"] == key("lock", 0)


def test_transactions_happen_whole_or_not_at_all(db, table):
    moves = [{"Put": {"TableName": table, "Item": key("t", 1)}},
             {"ConditionCheck": {"TableName": table, "Key": key("t", 2), "ConditionExpression": "attribute_exists(p)"}}]
    error = error_of(db.transact_write_items, TransactItems=moves)
    assert [r["Code"] for r in error["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    assert "Item" not in db.get_item(TableName=table, Key=key("t", 1))
    db.put_item(TableName=table, Item=key("t", 2))
    token = uuid.uuid4().hex
    add = {"Update": {"TableName": table, "Key": key("t", 3), "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}}
    for _ in range(2):  # the second does nothing
        db.transact_write_items(TransactItems=[*moves, add], ClientRequestToken=token)
    got = db.transact_get_items(TransactItems=[{"Get": {"TableName": table, "Key": key("t", i)}} for i in (1, 3)])["Responses"]
    assert got[0]["Item"] == key("t", 1) and got[1]["Item"]["n"] == {"N": "1"}


def test_an_index_made_later_has_everything(db, table):
    for i in range(700):
        db.put_item(TableName=table, Item={**key(f"i{i}", 0), "g": {"S": f"g{i % 7}"}})
    db.update_table(TableName=table, AttributeDefinitions=[{"AttributeName": "g", "AttributeType": "S"}],
                    GlobalSecondaryIndexUpdates=[{"Create": {"IndexName": "by-g", "Projection": {"ProjectionType": "KEYS_ONLY"},
                                                             "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}]}}])
    wait_until(lambda: db.describe_table(TableName=table)["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE")
    db.put_item(TableName=table, Item={**key("i0", 0), "g": {"S": "g1"}})

    def in_group(g):
        return db.query(TableName=table, IndexName="by-g", KeyConditionExpression="g = :g", ExpressionAttributeValues={":g": {"S": g}})

    assert (in_group("g0")["Count"], in_group("g1")["Count"]) == (99, 101)
    assert set(in_group("g1")["Items"][0]) == {"p", "c", "g"}


def test_streams_tell_every_change_in_order(cloud, db):
    name = make_table(db, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    streams = cloud.client("dynamodbstreams")
    arn = db.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    at = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")["ShardIterator"]
    for v in ("1", "2", "2"):  # the last changes nothing
        db.put_item(TableName=name, Item={**key("s", 1), "v": {"N": v}})
    db.delete_item(TableName=name, Key=key("s", 1))
    records = streams.get_records(ShardIterator=at)["Records"]
    assert [r["eventName"] for r in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert records[1]["dynamodb"]["OldImage"]["v"] == {"N": "1"} and records[1]["dynamodb"]["NewImage"]["v"] == {"N": "2"}
    db.delete_table(TableName=name)
    assert len(streams.get_records(ShardIterator=at)["Records"]) == 3  # for a day more


def test_what_expired_goes_and_the_stream_says_why(cloud, db):
    name = make_table(db, sort=False, StreamSpecification={"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"})
    now = int(time.time())
    db.put_item(TableName=name, Item={"p": {"S": "before"}, "e": {"N": str(now - 5)}})
    db.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "e"})
    db.put_item(TableName=name, Item={"p": {"S": "after"}, "e": {"N": str(now - 5)}})
    db.put_item(TableName=name, Item={"p": {"S": "later"}, "e": {"N": str(now + 3600)}})
    db.put_item(TableName=name, Item={"p": {"S": "never"}, "e": {"S": "no number"}})
    wait_until(lambda: db.scan(TableName=name)["Count"] == 2, timeout=15)
    streams = cloud.client("dynamodbstreams")
    arn = db.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    at = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    gone = [r for r in streams.get_records(ShardIterator=at)["Records"] if r["eventName"] == "REMOVE"]
    assert {r["userIdentity"]["PrincipalId"] for r in gone} == {"dynamodb.amazonaws.com"} and len(gone) == 2
    db.delete_table(TableName=name)


def test_a_backup_comes_back_as_it_was(db, table):
    for i in range(20):
        db.put_item(TableName=table, Item=key("b", i))
    backup = db.create_backup(TableName=table, BackupName="night")["BackupDetails"]["BackupArn"]
    wait_until(lambda: db.describe_backup(BackupArn=backup)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE")
    db.delete_item(TableName=table, Key=key("b", 3))
    again = "r-" + uuid.uuid4().hex
    db.restore_table_from_backup(TargetTableName=again, BackupArn=backup)
    db.get_waiter("table_exists").wait(TableName=again, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    assert db.scan(TableName=again)["Count"] == 20
    db.delete_table(TableName=again)
    db.delete_backup(BackupArn=backup)
    assert error_of(db.describe_backup, BackupArn=backup)["Error"]["Code"] == "BackupNotFoundException"


def test_iam_guards_tables_indexes_and_leading_keys(cloud, table, scratch_user):
    arn = f"arn:aws:dynamodb:us-east-1:*:table/{table}"
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:Query"], "Resource": arn,
         "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]}}}]}
    _, access, secret = scratch_user(policy)
    mine = cloud.client("dynamodb", key=access, secret=secret)
    mine.put_item(TableName=table, Item=key("mine", 1))
    ask = dict(TableName=table, KeyConditionExpression="p = :p")
    assert mine.query(ExpressionAttributeValues={":p": {"S": "mine"}}, **ask)["Count"] == 1
    denied = "AccessDeniedException"
    assert error_of(mine.query, ExpressionAttributeValues={":p": {"S": "yours"}}, **ask)["Error"]["Code"] == denied
    assert error_of(mine.put_item, TableName=table, Item=key("yours", 1))["Error"]["Code"] == denied
    assert error_of(mine.get_item, TableName=table, Key=key("mine", 1))["Error"]["Code"] == denied
    assert error_of(mine.transact_write_items, TransactItems=[{"Delete": {"TableName": table, "Key": key("mine", 1)}}])["Error"]["Code"] == denied
    assert error_of(mine.get_item, TableName="there-is-none", Key=key("mine", 1))["Error"]["Code"] == denied


def test_what_was_answered_survives_kill_9(own_cloud):
    db = own_cloud.client("dynamodb")
    name = make_table(db)
    for i in range(50):
        db.put_item(TableName=name, Item=key("k", i))
    own_cloud.kill9()
    own_cloud.start()
    db = own_cloud.client("dynamodb")
    assert db.query(TableName=name, KeyConditionExpression="p = :p", ExpressionAttributeValues={":p": {"S": "k"}}, Select="COUNT")["Count"] == 50


def test_refused_by_name(db, table):
    error = error_of(db.execute_statement, Statement="SELECT * FROM x")
    assert error["Error"]["Code"] == "UnknownOperationException"


def test_the_cli(aws, table):
    item = {"p": {"S": "cli"}, "c": {"N": "7"}}
    aws("dynamodb", "put-item", "--table-name", table, "--item", json.dumps(item))
    assert aws("dynamodb", "get-item", "--table-name", table, "--key", json.dumps(item))["Item"] == item
    assert aws("dynamodb", "describe-table", "--table-name", table)["Table"]["ItemCount"] == 1
