"""Tables encrypted at rest by KMS keys."""
import time
import uuid

import botocore.exceptions
import pytest
from at_rest import allow, in_store, secret
from harness import wait_until
from dynamodb.test_dynamodb import key as item_key
from dynamodb.test_dynamodb import make_table

INACCESSIBLE = "InaccessibleEncryptionCredentialsException"


def code_of(call, **args):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**args)
    return e.value.response["Error"]["Code"]


@pytest.fixture(scope="module")
def db(client):
    return client("dynamodb")


@pytest.fixture(scope="module")
def kms(client):
    return client("kms")


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]["Arn"]


def sse(key=None):
    return {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key} if key else {"Enabled": True}


INDEXED = dict(types={"g": "S"}, GlobalSecondaryIndexes=[{
    "IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}])


@pytest.fixture
def table(db, key):
    name = make_table(db, SSESpecification=sse(key), **INDEXED)
    yield name
    db.delete_table(TableName=name)


def sse_of(db, table):
    return db.describe_table(TableName=table)["Table"].get("SSEDescription")


def settled(db, table):
    wait_until(lambda: db.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE", 20)


def all_words(db, table):
    """What each way of reading finds."""
    get = db.get_item(TableName=table, Key=item_key("p", 1))["Item"]["w"]["S"]
    batch = db.batch_get_item(RequestItems={table: {"Keys": [item_key("p", 1)]}})["Responses"][table][0]["w"]["S"]
    transact = db.transact_get_items(TransactItems=[{"Get": {"TableName": table, "Key": item_key("p", 1)}}])["Responses"][0]["Item"]["w"]["S"]
    query = db.query(TableName=table, KeyConditionExpression="p = :p", ScanIndexForward=False, FilterExpression="attribute_exists(w)",
                     ExpressionAttributeValues={":p": {"S": "p"}})["Items"][0]["w"]["S"]
    scan = db.scan(TableName=table)["Items"][0]["w"]["S"]
    index = db.query(TableName=table, IndexName="by-g", KeyConditionExpression="g = :g", ExpressionAttributeValues={":g": {"S": "g"}})["Items"][0]["w"]["S"]
    return {get, batch, transact, query, scan, index}


def put(db, table, word, c=1):
    db.put_item(TableName=table, Item={**item_key("p", c), "g": {"S": "g"}, "w": {"S": word}})


def test_what_a_table_says(db, kms, key, table):
    assert sse_of(db, table) == {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}
    name = make_table(db)
    assert sse_of(db, name) is None
    assert code_of(db.update_table, TableName=name, SSESpecification=sse("alias/there-is-none")) == "ValidationException"
    assert code_of(db.update_table, TableName=name, SSESpecification={"Enabled": True, "SSEType": "AES256"}) == "ValidationException"
    db.update_table(TableName=name, SSESpecification=sse())
    settled(db, name)
    managed = sse_of(db, name)["KMSMasterKeyArn"]
    assert kms.describe_key(KeyId=managed)["KeyMetadata"]["KeyManager"] == "AWS"
    assert managed == kms.describe_key(KeyId="alias/aws/dynamodb")["KeyMetadata"]["Arn"]
    assert code_of(db.update_table, TableName=name, SSESpecification=sse()) == "ValidationException"
    db.update_table(TableName=name, SSESpecification={"Enabled": False})
    settled(db, name)
    assert sse_of(db, name) is None
    db.delete_table(TableName=name)


def test_the_store_has_no_plain_text(make_cloud):
    cloud = make_cloud()
    db, streams = cloud.client("dynamodb"), cloud.client("dynamodbstreams")
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    stream = dict(StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    sealed, open_ = make_table(db, SSESpecification=sse(key), **INDEXED, **stream), make_table(db, **INDEXED, **stream)
    words = {sealed: secret(), open_: secret()}
    for table, word in words.items():
        put(db, table, word + "-before")
        put(db, table, word)
    backup = db.create_backup(TableName=sealed, BackupName="b-1")["BackupDetails"]["BackupArn"]
    wait_until(lambda: db.describe_backup(BackupArn=backup)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE")
    assert in_store(cloud, words[open_]), "the test would see it"
    assert not in_store(cloud, words[sealed])
    cloud.kill9()
    cloud.start()
    cloud.restart()
    assert not in_store(cloud, words[sealed])
    db, streams = cloud.client("dynamodb"), cloud.client("dynamodbstreams")
    for table, word in words.items():
        assert all_words(db, table) == {word}
        arn = db.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        at = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        records = streams.get_records(ShardIterator=at)["Records"]
        assert [r["dynamodb"]["NewImage"]["w"]["S"] for r in records] == [word + "-before", word]


def test_every_way_of_writing(db, table):
    put(db, table, "1")
    db.update_item(TableName=table, Key=item_key("p", 1), UpdateExpression="SET w = :w", ConditionExpression="w = :o",
                   ExpressionAttributeValues={":w": {"S": "2"}, ":o": {"S": "1"}})
    assert all_words(db, table) == {"2"}
    db.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": {**item_key("p", 2), "w": {"S": "x"}}}}]})
    db.transact_write_items(TransactItems=[{"Delete": {"TableName": table, "Key": item_key("p", 2), "ConditionExpression": "w = :w",
                                                       "ExpressionAttributeValues": {":w": {"S": "x"}}}}])
    gone = db.delete_item(TableName=table, Key=item_key("p", 1), ReturnValues="ALL_OLD")
    assert gone["Attributes"]["w"] == {"S": "2"} and db.scan(TableName=table)["Count"] == db.scan(TableName=table, IndexName="by-g")["Count"] == 0


def test_items_need_the_key(cloud, key, table, db, scratch_user):
    put(db, table, "w")
    def user(*more):
        policy = allow(("dynamodb:*", "*"))
        policy["Statement"] += more
        _, access, secret_ = scratch_user(policy)
        return cloud.client("dynamodb", key=access, secret=secret_)
    nobody = user()
    assert nobody.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"
    assert code_of(nobody.get_item, TableName=table, Key=item_key("p", 1)) == "AccessDeniedException"
    assert code_of(nobody.scan, TableName=table, IndexName="by-g") == "AccessDeniedException"
    assert code_of(nobody.put_item, TableName=table, Item=item_key("p", 2)) == "AccessDeniedException"
    context = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key, "Condition": {"StringEquals": {
        "kms:ViaService": "dynamodb.us-east-1.amazonaws.com", "kms:EncryptionContext:aws:dynamodb:tableName": table}}}
    somebody = user(context)
    assert all_words(somebody, table) == {"w"}
    assert code_of(somebody.create_table, TableName="x-" + uuid.uuid4().hex, BillingMode="PAY_PER_REQUEST", SSESpecification=sse(key),
                   KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
                   AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}]) == "AccessDeniedException"
    maker = user({"Effect": "Allow", "Action": ["kms:DescribeKey", "kms:CreateGrant"], "Resource": key,
                  "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}})
    made = make_table(maker, SSESpecification=sse(key))
    db.delete_table(TableName=made)


def test_a_key_that_cannot_be_used(db, kms, key, table):
    put(db, table, "w")
    status = lambda: db.describe_table(TableName=table)["Table"]["TableStatus"]
    for close, open_ in ((lambda: kms.disable_key(KeyId=key), lambda: kms.enable_key(KeyId=key)),
                         (lambda: kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7),
                          lambda: (kms.cancel_key_deletion(KeyId=key), kms.enable_key(KeyId=key)))):
        close()
        assert status() == "INACCESSIBLE_ENCRYPTION_CREDENTIALS" and sse_of(db, table)["KMSMasterKeyArn"] == key
        assert code_of(db.get_item, TableName=table, Key=item_key("p", 1)) == INACCESSIBLE
        assert code_of(db.query, TableName=table, KeyConditionExpression="p = :p", ExpressionAttributeValues={":p": {"S": "p"}}) == INACCESSIBLE
        assert code_of(db.put_item, TableName=table, Item=item_key("p", 2)) == INACCESSIBLE
        assert code_of(db.update_table, TableName=table, SSESpecification={"Enabled": False}) == INACCESSIBLE
        open_()
        assert status() == "ACTIVE" and all_words(db, table) == {"w"}


def test_keys_come_and_go_and_what_was_there_stays(make_cloud):
    cloud = make_cloud()
    db, kms = cloud.client("dynamodb"), cloud.client("kms")
    one, two = (kms.create_key()["KeyMetadata"]["Arn"] for _ in "ab")
    table = make_table(db, **INDEXED)
    word = secret()
    for c in range(1, 1200, 100):
        put(db, table, word, c)
    assert db.update_table(TableName=table, SSESpecification=sse(one))["TableDescription"]["SSEDescription"]["Status"] == "UPDATING"
    settled(db, table)
    put(db, table, word, 2)
    assert all_words(db, table) == {word} and sse_of(db, table)["KMSMasterKeyArn"] == one
    kms.disable_key(KeyId=one)
    assert code_of(db.scan, TableName=table) == INACCESSIBLE, "also what was there before is under the key"
    kms.enable_key(KeyId=one)
    db.update_table(TableName=table, SSESpecification=sse(two))
    settled(db, table)
    kms.disable_key(KeyId=one)
    assert all_words(db, table) == {word} and db.scan(TableName=table)["Count"] == 13
    db.update_table(TableName=table, SSESpecification={"Enabled": False})
    settled(db, table)
    kms.disable_key(KeyId=two)
    cloud.kill9()
    cloud.start()
    db = cloud.client("dynamodb")
    assert all_words(db, table) == {word} and sse_of(db, table) is None
    put(db, table, "again")
    assert all_words(db, table) == {"again", word} or all_words(db, table) == {"again"}


def test_backups_come_back_under_a_key_of_choice(db, kms, key, table):
    put(db, table, "w")
    plain = make_table(db, **INDEXED)
    put(db, plain, "w")
    backups = {}
    for source in (table, plain):
        backups[source] = arn = db.create_backup(TableName=source, BackupName="b-1")["BackupDetails"]["BackupArn"]
        wait_until(lambda: db.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE")
    details = db.describe_backup(BackupArn=backups[table])["BackupDescription"]["SourceTableFeatureDetails"]
    assert details["SSEDescription"]["KMSMasterKeyArn"] == key
    other = kms.create_key()["KeyMetadata"]["Arn"]
    made = {}
    for source, override, expected in ((table, {}, key), (table, {"SSESpecificationOverride": sse(other)}, other),
                                       (table, {"SSESpecificationOverride": {"Enabled": False}}, None),
                                       (plain, {}, None), (plain, {"SSESpecificationOverride": sse(other)}, other)):
        name = "r-" + uuid.uuid4().hex
        db.restore_table_from_backup(TargetTableName=name, BackupArn=backups[source], **override)
        made[name] = expected
    for name, expected in made.items():
        settled(db, name)
        assert (sse_of(db, name) or {}).get("KMSMasterKeyArn") == expected and all_words(db, name) == {"w"}
    kms.disable_key(KeyId=key)
    for name, expected in made.items():
        if expected == key:
            assert code_of(db.scan, TableName=name) == INACCESSIBLE
        else:
            assert all_words(db, name) == {"w"}
    assert code_of(db.restore_table_from_backup, TargetTableName="r-" + uuid.uuid4().hex, BackupArn=backups[table]) == INACCESSIBLE
    for name in (*made, plain):
        db.delete_table(TableName=name)


def test_what_expires_goes_from_a_sealed_table_too(db, table):
    db.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "e"})
    db.put_item(TableName=table, Item={**item_key("p", 1), "g": {"S": "g"}, "e": {"N": str(int(time.time()) - 5)}})
    wait_until(lambda: db.scan(TableName=table)["Count"] == db.scan(TableName=table, IndexName="by-g")["Count"] == 0, 15)
