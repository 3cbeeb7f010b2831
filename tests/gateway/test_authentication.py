"""Forged, expired, late, unsigned requests get AWS's codes; unserved operations say so in the client's protocol."""
import datetime
import json
import threading

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import requests
from botocore.exceptions import ClientError


def signed(cloud, service="ec2", body="Action=DescribeVpcs&Version=2016-11-15", headers=None, key=None, secret=None,
           region="us-east-1"):
    """A prepared, signed POST that a test can then tamper with."""
    request = botocore.awsrequest.AWSRequest(
        method="POST", url=cloud.endpoint + "/", data=body,
        headers=headers or {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    credentials = botocore.credentials.Credentials(key or cloud.key, secret or cloud.secret)
    botocore.auth.SigV4Auth(credentials, service, region).add_auth(request)
    return request.prepare()


def send(prepared, body=None, headers=None):
    merged = dict(prepared.headers)
    merged.update(headers or {})
    return requests.post(prepared.url, data=body if body is not None else prepared.body, headers=merged)


def test_a_good_signature_passes(cloud):
    assert send(signed(cloud)).status_code == 200


def test_unsigned_is_refused(cloud):
    r = requests.post(cloud.endpoint, data="Action=GetCallerIdentity&Version=2011-06-15",
                      headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert r.status_code == 403 and "MissingAuthenticationToken" in r.text
    r = requests.get(cloud.endpoint)
    assert r.status_code == 403 and "MissingAuthenticationToken" in r.text


def test_forged_body_is_refused(cloud):
    r = send(signed(cloud, "sts", "Action=GetCallerIdentity&Version=2011-06-15"),
             body="Action=GetSessionToken&Version=2011-06-15")
    assert r.status_code == 403 and "SignatureDoesNotMatch" in r.text


def test_forged_secret_is_refused_in_each_protocol(cloud):
    bad = cloud.secret[:-1] + ("A" if cloud.secret[-1] != "A" else "B")
    r = send(signed(cloud, "sts", "Action=GetCallerIdentity&Version=2011-06-15", secret=bad))
    assert (r.status_code, "SignatureDoesNotMatch" in r.text) == (403, True)
    r = send(signed(cloud, "ec2", secret=bad))
    assert (r.status_code, "AuthFailure" in r.text) == (401, True)
    with pytest.raises(ClientError) as e:
        cloud.client("ecs", secret=bad).list_clusters()
    assert e.value.response["Error"]["Code"] == "InvalidSignatureException"


def test_unknown_key_is_refused_in_each_protocol(cloud):
    for service, call, code in [("sts", "get_caller_identity", "InvalidClientTokenId"),
                                ("ec2", "describe_vpcs", "AuthFailure"),
                                ("ecs", "list_clusters", "UnrecognizedClientException")]:
        with pytest.raises(ClientError) as e:
            getattr(cloud.client(service, key="AKIAAAAAAAAAAAAAAAAA"), call)()
        assert e.value.response["Error"]["Code"] == code


def test_late_replay_is_refused(cloud):
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=16)
    stamp = then.strftime("%Y%m%dT%H%M%SZ")
    request = botocore.awsrequest.AWSRequest(
        method="POST", url=cloud.endpoint + "/", data="Action=GetCallerIdentity&Version=2011-06-15",
        headers={"Content-Type": "application/x-www-form-urlencoded"})
    auth = botocore.auth.SigV4Auth(botocore.credentials.Credentials(cloud.key, cloud.secret), "sts", "us-east-1")
    request.context["timestamp"] = stamp
    request.headers["X-Amz-Date"] = stamp
    text = auth.canonical_request(request)
    to_sign = auth.string_to_sign(request, text)
    request.headers["Authorization"] = ", ".join([
        f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}",
        f"SignedHeaders={auth.signed_headers(auth.headers_to_sign(request))}",
        f"Signature={auth.signature(to_sign, request)}"])
    r = send(request.prepare())
    assert r.status_code in (400, 403) and ("Signature expired" in r.text or "RequestExpired" in r.text), r.text


def test_tampered_header_is_refused(cloud):
    prepared = signed(cloud, "sts", "Action=GetCallerIdentity&Version=2011-06-15")
    stamp = prepared.headers["X-Amz-Date"]
    stamp = stamp.decode() if isinstance(stamp, bytes) else stamp
    other = stamp[:-2] + ("0Z" if stamp[-2] != "0" else "1Z")
    r = send(prepared, headers={"X-Amz-Date": other})
    assert r.status_code == 403 and "SignatureDoesNotMatch" in r.text


def test_malformed_authorization_says_what_is_missing(cloud):
    r = requests.post(cloud.endpoint, data="Action=GetCallerIdentity&Version=2011-06-15",
                      headers={"Authorization": "AWS4-HMAC-SHA256 Credential=x", "Content-Type": "application/x-www-form-urlencoded"})
    assert r.status_code in (400, 403) and "IncompleteSignature" in r.text


def test_a_late_request_is_told_so_whatever_else_is_wrong(cloud):
    r = requests.post(cloud.endpoint, data="{}", headers={
        "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.ListTables", "X-Amz-Date": "20170101T010101Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=nobody/1/2/3/aws4_request SignedHeaders=x-amz-date;host Signature=123"})
    assert r.status_code == 400 and "InvalidSignatureException" in r.text and "Signature expired" in r.text


def test_an_operation_without_output_answers_no_body(cloud):
    json_11 = {"Content-Type": "application/x-amz-json-1.1"}
    r = send(signed(cloud, "logs", '{"logGroupName":"bodiless"}', headers={**json_11, "X-Amz-Target": "Logs_20140328.CreateLogGroup"}))
    assert r.status_code == 200 and r.content == b"" and r.headers["Content-Length"] == "0"
    cloud.client("logs").delete_log_group(logGroupName="bodiless")


def test_wrong_service_scope_is_refused(cloud):
    r = send(signed(cloud, "ecs", "{}", headers={"Content-Type": "application/x-amz-json-1.1",
                                                 "X-Amz-Target": "Logs_20140328.DescribeLogGroups"}))
    assert r.status_code == 400 and "correct service" in r.text


def test_session_credentials_work_and_expire_as_told(cloud):
    c = cloud.client("sts").get_session_token(DurationSeconds=900)["Credentials"]
    who = cloud.client("sts", key=c["AccessKeyId"], secret=c["SecretAccessKey"], token=c["SessionToken"])
    assert who.get_caller_identity()["Arn"] == cloud.client("sts").get_caller_identity()["Arn"]
    with pytest.raises(ClientError) as e:
        cloud.client("sts", key=c["AccessKeyId"], secret=c["SecretAccessKey"], token="forged").get_caller_identity()
    assert e.value.response["Error"]["Code"] == "InvalidClientTokenId"
    with pytest.raises(ClientError) as e:
        cloud.client("sts", key=c["AccessKeyId"], secret=c["SecretAccessKey"]).get_caller_identity()
    assert e.value.response["Error"]["Code"] == "InvalidClientTokenId"


def test_a_revoked_key_is_refused_at_the_next_request_whoever_else_uses_it(cloud, scratch_user):
    """The server keeps credentials decoded: no request may pass once the revocation was answered, however busy the key is."""
    name, key, secret = scratch_user()
    iam = cloud.client("iam")
    sts = cloud.client("sts", key=key, secret=secret)
    stop = threading.Event()

    def busy():
        mine = cloud.client("sts", key=key, secret=secret)
        while not stop.is_set():
            try:
                mine.get_caller_identity()
            except ClientError:
                pass

    others = [threading.Thread(target=busy) for _ in range(3)]
    for t in others:
        t.start()
    try:
        for _ in range(15):
            assert sts.get_caller_identity()["Arn"].endswith("/" + name)
            iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
            with pytest.raises(ClientError) as e:
                sts.get_caller_identity()
            assert e.value.response["Error"]["Code"] == "InvalidClientTokenId"
            iam.update_access_key(UserName=name, AccessKeyId=key, Status="Active")
        sts.get_caller_identity()
        iam.delete_access_key(UserName=name, AccessKeyId=key)
        with pytest.raises(ClientError):
            sts.get_caller_identity()
    finally:
        stop.set()
        for t in others:
            t.join()


def test_presigned_url(cloud):
    url = cloud.client("sts").generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    assert requests.get(url).status_code == 200
    assert requests.get(url.replace("Version=2011-06-15", "Version=2011-06-16")).status_code == 403


def test_unserved_operations_say_so(cloud):
    with pytest.raises(ClientError) as e:
        cloud.client("ec2").describe_spot_fleet_requests()
    assert e.value.response["Error"]["Code"] == "InvalidAction"
    with pytest.raises(ClientError) as e:
        cloud.client("ecs").list_services_by_namespace(namespace="x")
    assert e.value.response["Error"]["Code"] == "UnknownOperationException"
    with pytest.raises(ClientError) as e:
        cloud.client("sagemaker").list_models()
    assert e.value.response["Error"]["Code"] == "UnknownOperationException"


def test_every_region_has_resources_of_its_own(cloud):
    made = cloud.client("logs", region="ap-southeast-7").create_log_group(logGroupName="/region/own")
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 200
    names = lambda region: [g["logGroupName"] for g in cloud.client("logs", region=region).describe_log_groups(
        logGroupNamePrefix="/region/own")["logGroups"]]
    assert names("ap-southeast-7") == ["/region/own"]
    assert names("eu-central-1") == []
    cloud.client("logs", region="ap-southeast-7").delete_log_group(logGroupName="/region/own")
    with pytest.raises(ClientError):
        cloud.client("sts", region="narnia").get_caller_identity()


def test_proxy_needs_the_token(cloud):
    r = requests.Session()
    r.trust_env = False
    with pytest.raises(requests.exceptions.ProxyError):
        r.get("https://sts.amazonaws.com/", proxies={"https": cloud.endpoint.replace("http://", "http://x:y@")})


def test_console_needs_the_token(cloud):
    assert requests.get(cloud.endpoint + "/_nubecita/status").status_code == 403
    status = json.loads(cloud.run("status", "--json").stdout)
    assert "accounts" in status
