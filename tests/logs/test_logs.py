"""CloudWatch Logs as boto3 and the AWS CLI see it."""
import json
import threading
import time
import uuid

import botocore.exceptions
import pytest


@pytest.fixture(scope="module")
def logs(client):
    return client("logs")


@pytest.fixture
def group(logs):
    name = "/test/" + uuid.uuid4().hex
    logs.create_log_group(logGroupName=name, tags={"made-by": "test"})
    yield name
    logs.delete_log_group(logGroupName=name)


@pytest.fixture
def stream(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    return "s"


def now():
    return int(time.time() * 1000)


def error_of(call, **args):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**args)
    return e.value.response["Error"]


def test_group_comes_back_as_asked(logs, group):
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    [found] = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert found["logGroupName"] == group
    assert found["retentionInDays"] == 7
    assert found["arn"].endswith(f":log-group:{group}:*")
    assert found["logGroupArn"].endswith(f":log-group:{group}")
    assert found["storedBytes"] == 0
    logs.delete_retention_policy(logGroupName=group)
    [found] = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert "retentionInDays" not in found


def test_tags_old_and_new(logs, group):
    [found] = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert logs.list_tags_log_group(logGroupName=group)["tags"] == {"made-by": "test"}
    logs.tag_resource(resourceArn=found["logGroupArn"], tags={"env": "x"})
    logs.untag_log_group(logGroupName=group, tags=["made-by"])
    assert logs.list_tags_for_resource(resourceArn=found["logGroupArn"])["tags"] == {"env": "x"}


def test_events_are_read_by_paginator(logs, group, stream):
    start = now()
    for i in range(3):
        events = [{"timestamp": start + i, "message": f"{i}-{k} ünï \t {{}}"} for k in range(40)]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, PaginationConfig={"PageSize": 7})
    messages = [e["message"] for page in pages for e in page["events"]]
    assert messages == [f"{i}-{k} ünï \t {{}}" for i in range(3) for k in range(40)]

    seen, token = [], None
    while True:
        page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, limit=50,
                                   **({"nextToken": token} if token else {}))
        if page["nextForwardToken"] == token:
            break
        token = page["nextForwardToken"]
        seen += [e["message"] for e in page["events"]]
    assert seen == messages


def test_filter_patterns(logs, group, stream):
    lines = ["ERROR disk full", "INFO fine", json.dumps({"status": 503, "path": "/a"}), json.dumps({"status": 200, "path": "/b"}),
             '10.0.0.1 GET "/index.html" 404 12']
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": now(), "message": m} for m in lines])

    def found(pattern):
        return [lines.index(e["message"]) for e in logs.filter_log_events(logGroupName=group, filterPattern=pattern)["events"]]

    assert found("ERROR") == [0]
    assert found("-ERROR -status -GET") == [1]
    assert found("?ERROR ?INFO") == [0, 1]
    assert found('"disk full"') == [0]
    assert found("{ $.status >= 500 }") == [2]
    assert found('{ $.status = 200 && $.path = "/b" }') == [3]
    assert found("[ip, method, path, status = 4*, size]") == [4]
    assert error_of(logs.filter_log_events, logGroupName=group, filterPattern="{ $.a")["Code"] == "InvalidParameterException"


def test_errors(logs, group):
    assert error_of(logs.create_log_group, logGroupName=group)["Code"] == "ResourceAlreadyExistsException"
    assert error_of(logs.create_log_stream, logGroupName="/no/" + uuid.uuid4().hex, logStreamName="s")["Code"] == "ResourceNotFoundException"
    e = error_of(logs.put_retention_policy, logGroupName=group, retentionInDays=2)
    assert e["Code"] == "InvalidParameterException"
    e = error_of(logs.create_log_group, logGroupName="not a name!")
    assert e == {"Code": "InvalidParameterException",
                 "Message": "1 validation error detected: Value 'not a name!' at 'logGroupName' failed to satisfy constraint: "
                            r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+"}
    e = error_of(logs.create_log_group, logGroupName="x", kmsKeyId="arn:aws:kms:us-east-1:1:key/1")
    assert "kmsKeyId" in e["Message"]
    e = error_of(logs.start_query, logGroupName=group, startTime=0, endTime=1, queryString="fields @message")
    assert e["Code"] == "UnknownOperationException"


def test_too_old_and_too_new_events_are_told(logs, group, stream):
    day = 86400000
    answer = logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[
        {"timestamp": now() - 15 * day, "message": "old"}, {"timestamp": now(), "message": "good"},
        {"timestamp": now() + 3 * 3600000, "message": "new"}])
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2}
    assert [e["message"] for e in logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]] == ["good"]


def test_writers_at_the_same_time_lose_nothing(client, logs, group, stream):
    def write(n):
        mine = client("logs")
        for i in range(20):
            mine.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": now(), "message": f"{n}-{i}"}])

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    found = {e["message"] for e in logs.filter_log_events(logGroupName=group)["events"]}
    assert found == {f"{n}-{i}" for n in range(4) for i in range(20)}


def test_command_line(aws, group, stream):
    aws("logs", "put-log-events", "--log-group-name", group, "--log-stream-name", stream,
        "--log-events", f"timestamp={now()},message=hello")
    found = aws("logs", "get-log-events", "--log-group-name", group, "--log-stream-name", stream)
    assert [e["message"] for e in found["events"]] == ["hello"]
    streams = aws("logs", "describe-log-streams", "--log-group-name", group)["logStreams"]
    assert streams[0]["logStreamName"] == stream and "lastEventTimestamp" in streams[0]


def test_permission_names_the_group(cloud, client, group, scratch_user):
    _, key, secret = scratch_user({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "logs:FilterLogEvents", "Resource": f"arn:aws:logs:*:*:log-group:{group}:*"}]})
    mine = client("logs", key=key, secret=secret)
    assert mine.filter_log_events(logGroupName=group)["events"] == []
    e = error_of(mine.filter_log_events, logGroupName="/other")
    assert e["Code"] == "AccessDeniedException"
    assert "logs:FilterLogEvents" in e["Message"] and "log-group:/other:log-stream:" in e["Message"]
