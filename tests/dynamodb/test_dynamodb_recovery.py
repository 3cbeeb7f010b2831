"""Point-in-time recovery: a table as it was at any moment."""
import datetime
import time
import uuid

import botocore.exceptions
import pytest
from at_rest import in_store, secret
from dynamodb.test_dynamodb import key as item_key
from dynamodb.test_dynamodb import make_table
from harness import wait_until

INDEXED = dict(types={"g": "S"}, GlobalSecondaryIndexes=[{
    "IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}])


def code_of(call, **args):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**args)
    return e.value.response["Error"]["Code"]


@pytest.fixture(scope="module")
def db(client):
    return client("dynamodb")


def switch(db, table, on=True, **more):
    return db.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on, **more})[
        "ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]


def described(db, table):
    return db.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]


def words(db, table):
    return {i["c"]["N"]: i["w"]["S"] for i in db.scan(TableName=table)["Items"]}


def restore(db, table, **when):
    name = "r-" + uuid.uuid4().hex
    db.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=name, **(when or {"UseLatestRestorableTime": True}))
    wait_until(lambda: db.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE", 20)
    return name


def put(db, table, c, word):
    db.put_item(TableName=table, Item={**item_key("p", c), "g": {"S": "g"}, "w": {"S": word}})


class Moments:
    """Names of states of a table, each with a second in which nothing was written after it."""

    def __init__(self, db, table):
        self.db, self.table, self.seen = db, table, []

    def mark(self):
        # The next whole second: all that was answered is before it, all that comes after waits for it.
        second = int(time.time()) + 1
        state = words(self.db, self.table)
        time.sleep(second - time.time() + 0.01)
        self.seen.append((datetime.datetime.fromtimestamp(second, datetime.timezone.utc), state))


@pytest.fixture
def table(db):
    name = make_table(db, **INDEXED)
    yield name
    db.delete_table(TableName=name)


def test_the_switch(db, table):
    assert described(db, table) == {"PointInTimeRecoveryStatus": "DISABLED"}
    assert code_of(db.restore_table_to_point_in_time, SourceTableName=table, TargetTableName="x-y-z", UseLatestRestorableTime=True) == \
        "PointInTimeRecoveryUnavailableException"
    on = switch(db, table)
    assert (on["PointInTimeRecoveryStatus"], on["RecoveryPeriodInDays"]) == ("ENABLED", 35)
    assert abs(on["EarliestRestorableDateTime"].timestamp() - time.time()) < 5 and on["LatestRestorableDateTime"] >= on["EarliestRestorableDateTime"]
    shorter = switch(db, table, RecoveryPeriodInDays=3)
    assert shorter["RecoveryPeriodInDays"] == 3 and shorter["EarliestRestorableDateTime"] == on["EarliestRestorableDateTime"]
    assert code_of(switch, db=db, table=table, RecoveryPeriodInDays=36) == "ValidationException"
    ask = dict(SourceTableName=table, TargetTableName="x-" + uuid.uuid4().hex)
    now = datetime.datetime.now(datetime.timezone.utc)
    for when in (now - datetime.timedelta(hours=1), now + datetime.timedelta(hours=1)):
        assert code_of(db.restore_table_to_point_in_time, RestoreDateTime=when, **ask) == "InvalidRestoreTimeException"
    assert code_of(db.restore_table_to_point_in_time, **ask) == "ValidationException"
    assert code_of(db.restore_table_to_point_in_time, SourceTableName=table, TargetTableName=table, UseLatestRestorableTime=True) == \
        "TableAlreadyExistsException"
    assert code_of(db.describe_continuous_backups, TableName="there-is-none") == "TableNotFoundException"
    assert switch(db, table, on=False) == {"PointInTimeRecoveryStatus": "DISABLED"}


def test_each_moment_comes_back(db, table):
    put(db, table, 1, "from before")
    switch(db, table)
    moments = Moments(db, table)
    moments.mark()
    put(db, table, 1, "changed")
    put(db, table, 2, "new")
    moments.mark()
    db.update_item(TableName=table, Key=item_key("p", 2), UpdateExpression="SET w = :w", ExpressionAttributeValues={":w": {"S": "updated"}})
    db.transact_write_items(TransactItems=[
        {"Delete": {"TableName": table, "Key": item_key("p", 1)}},
        {"Put": {"TableName": table, "Item": {**item_key("p", 3), "g": {"S": "g"}, "w": {"S": "transacted"}}}}])
    moments.mark()
    db.batch_write_item(RequestItems={table: [{"DeleteRequest": {"Key": item_key("p", c)}} for c in (2, 3)]})
    moments.mark()
    put(db, table, 9, "too late for all")
    assert [sorted(s) for _, s in moments.seen] == [["1"], ["1", "2"], ["2", "3"], []]
    for when, state in moments.seen:
        name = restore(db, table, RestoreDateTime=when)
        assert words(db, name) == state, when
        index = db.query(TableName=name, IndexName="by-g", KeyConditionExpression="g = :g", ExpressionAttributeValues={":g": {"S": "g"}})["Items"]
        assert {i["c"]["N"]: i["w"]["S"] for i in index} == state
        summary = db.describe_table(TableName=name)["Table"]["RestoreSummary"]
        assert summary["RestoreDateTime"] == when and summary["SourceTableArn"].endswith("/" + table) and "SourceBackupArn" not in summary
        assert not summary["RestoreInProgress"] and described(db, name)["PointInTimeRecoveryStatus"] == "DISABLED"
        db.delete_table(TableName=name)
    latest = restore(db, table)
    assert words(db, latest) == {"9": "too late for all"}
    db.delete_table(TableName=latest)


def test_what_expired_comes_back(db, table):
    switch(db, table)
    db.put_item(TableName=table, Item={**item_key("p", 1), "w": {"S": "w"}, "e": {"N": str(int(time.time()) + 2)}})
    moments = Moments(db, table)
    moments.mark()
    db.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "e"})
    wait_until(lambda: words(db, table) == {}, 15)
    name = restore(db, table, RestoreDateTime=moments.seen[0][0])
    assert words(db, name) == {"1": "w"}
    db.delete_table(TableName=name)


def test_a_crash_loses_no_moment(make_cloud):
    cloud = make_cloud()
    db = cloud.client("dynamodb")
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    # A key that comes later: what was noted in clear before is sealed in what is restored.
    table = make_table(db, **INDEXED)
    switch(db, table)
    put(db, table, 1, "in clear")
    moments = Moments(db, table)
    moments.mark()
    db.update_table(TableName=table, SSESpecification={"Enabled": True, "KMSMasterKeyId": key})
    wait_until(lambda: db.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE", 20)
    word = secret()
    put(db, table, 1, word)
    put(db, table, 1, word + "-2")
    moments.mark()
    db.delete_item(TableName=table, Key=item_key("p", 1))
    assert not in_store(cloud, word), "notes are sealed as items are"
    names = ["r-one", "r-two"]
    for name, (when, _) in zip(names, moments.seen):
        db.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=name, RestoreDateTime=when)
    cloud.kill9()
    cloud.start()
    db = cloud.client("dynamodb")
    for name, (_, state) in zip(names, moments.seen):
        wait_until(lambda: db.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE", 20)
        assert words(db, name) == state and db.describe_table(TableName=name)["Table"]["SSEDescription"]["KMSMasterKeyArn"] == key
    assert not in_store(cloud, word)


def test_iam(cloud, table, scratch_user):
    arn = f"arn:aws:dynamodb:us-east-1:*:table/{table}"
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["dynamodb:UpdateContinuousBackups", "dynamodb:RestoreTableToPointInTime"], "Resource": arn}]}
    _, access, secret_ = scratch_user(policy)
    user = cloud.client("dynamodb", key=access, secret=secret_)
    switch(user, table)
    assert code_of(described, db=user, table=table) == "AccessDeniedException"
    assert code_of(user.restore_table_to_point_in_time, SourceTableName=table, TargetTableName="t-" + uuid.uuid4().hex,
                   UseLatestRestorableTime=True) == "AccessDeniedException", "the target must be allowed, too"
