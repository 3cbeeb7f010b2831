"""Buckets and what they are told to be; who may; what Terraform's old provider reads."""
import json
import subprocess
import uuid

import botocore.exceptions
import pytest


def error(call, **args):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**args)
    return e.value.response["Error"]


def code(call, **args):
    return error(call, **args)["Code"]


def test_bucket_life(s3):
    name = "life-" + uuid.uuid4().hex[:12]
    assert code(s3.head_bucket, Bucket=name) == "404"
    s3.create_bucket(Bucket=name)
    assert s3.head_bucket(Bucket=name)["BucketRegion"] == "us-east-1"
    assert name in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] is None
    s3.delete_bucket(Bucket=name)
    assert code(s3.list_objects_v2, Bucket=name) == "NoSuchBucket"
    assert code(s3.create_bucket, Bucket="Bad_Name") == "InvalidBucketName"
    assert code(s3.create_bucket, Bucket=name, CreateBucketConfiguration={"LocationConstraint": "us-east-1"}) == "InvalidLocationConstraint"


def test_other_regions(cloud):
    eu = cloud.client("s3", region="eu-west-1", s3={"addressing_style": "path"})
    name = "eu-" + uuid.uuid4().hex[:12]
    assert code(eu.create_bucket, Bucket=name) == "IllegalLocationConstraintException"
    eu.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert eu.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    assert code(eu.create_bucket, Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}) == "BucketAlreadyOwnedByYou"
    eu.delete_bucket(Bucket=name)


def test_what_is_absent_has_awss_code(s3, bucket):
    for call, expected in [(s3.get_bucket_policy, "NoSuchBucketPolicy"), (s3.get_bucket_cors, "NoSuchCORSConfiguration"),
                           (s3.get_bucket_website, "NoSuchWebsiteConfiguration"), (s3.get_bucket_tagging, "NoSuchTagSet"),
                           (s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration"),
                           (s3.get_bucket_replication, "ReplicationConfigurationNotFoundError"),
                           (s3.get_object_lock_configuration, "ObjectLockConfigurationNotFoundError"),
                           (s3.get_bucket_encryption, "ServerSideEncryptionConfigurationNotFoundError")]:
        assert code(call, Bucket=bucket) == expected
    assert "encryption configuration was not found" in error(s3.get_bucket_encryption, Bucket=bucket)["Message"]
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    [grant] = s3.get_bucket_acl(Bucket=bucket)["Grants"]
    assert grant["Permission"] == "FULL_CONTROL"


def test_tags_cors_website_lifecycle_encryption_come_back(s3, bucket):
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "<2>"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket=bucket)
    assert code(s3.get_bucket_tagging, Bucket=bucket) == "NoSuchTagSet"
    cors = [{"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://*.example.com"], "AllowedHeaders": ["*"],
             "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 30}]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": cors})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == cors
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "e.html"}})
    assert s3.get_bucket_website(Bucket=bucket)["ErrorDocument"] == {"Key": "e.html"}
    rules = [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 90},
              "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 60, "StorageClass": "GLACIER"}],
              "NoncurrentVersionTransitions": [{"NoncurrentDays": 7, "StorageClass": "DEEP_ARCHIVE"}],
              "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    sse = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=sse)
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ServerSideEncryption"] == "AES256"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


def test_cors_is_enforced(cloud, s3, bucket):
    import requests
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://a.example"], "AllowedHeaders": ["x-*"]}]})
    url = f"{cloud.endpoint}/{bucket}/k"
    ask = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-one"}
    ok = requests.options(url, headers=ask)
    assert ok.status_code == 200 and ok.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert requests.options(url, headers=dict(ask, Origin="https://b.example")).status_code == 403
    assert requests.options(url, headers=dict(ask, **{"Access-Control-Request-Method": "PUT"})).status_code == 403
    assert requests.get(url, headers={"Origin": "https://a.example"}).headers["Access-Control-Allow-Origin"] == "https://a.example"


def test_public_access_is_blocked_until_it_is_not(cloud, s3, bucket):
    import requests
    s3.put_object(Bucket=bucket, Key="k", Body=b"public")
    url = f"{cloud.endpoint}/{bucket}/k"
    assert requests.get(url).status_code == 403
    policy = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]})
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    assert code(s3.put_bucket_policy, Bucket=bucket, Policy=policy) == "AccessDenied"
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert requests.get(url).content == b"public"
    assert requests.put(url, data=b"mine").status_code == 403
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert requests.get(url).status_code == 403
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(policy)


def test_iam_with_prefixes(cloud, s3, bucket, scratch_user):
    for k in ("home/a", "other/b"):
        s3.put_object(Bucket=bucket, Key=k, Body=k.encode())
    _, key, secret = scratch_user({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}", "Condition": {"StringLike": {"s3:prefix": "home/*"}}},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/home/*"}]})
    user = cloud.client("s3", key=key, secret=secret, s3={"addressing_style": "path"})
    assert user.get_object(Bucket=bucket, Key="home/a")["Body"].read() == b"home/a"
    assert code(user.get_object, Bucket=bucket, Key="other/b") == "AccessDenied"
    assert code(user.get_object, Bucket=bucket, Key="home/missing") == "AccessDenied"  # may not list without a prefix
    assert user.list_objects_v2(Bucket=bucket, Prefix="home/")["KeyCount"] == 1
    assert code(user.list_objects_v2, Bucket=bucket) == "AccessDenied"
    assert code(user.put_object, Bucket=bucket, Key="home/x", Body=b"") == "AccessDenied"
    assert code(user.delete_bucket, Bucket=bucket) == "AccessDenied"


def test_a_policy_can_deny_its_owner_plain_http(s3, cloud, bucket):
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*",
         "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}))
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert code(s3.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    bad = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::another/*"}]})
    assert code(s3.put_bucket_policy, Bucket=bucket, Policy=bad) == "MalformedPolicy"
    s3.delete_bucket_policy(Bucket=bucket)


def test_acls_are_off_and_can_be_switched_on(cloud, s3, bucket):
    import requests
    assert code(s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == "AccessControlListNotSupported"
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"", ACL="public-read") == "AccessControlListNotSupported"
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ACL="public-read") == "AccessDenied"
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="public-read")
    assert requests.get(f"{cloud.endpoint}/{bucket}/k").content == b"x"
    assert len(s3.get_object_acl(Bucket=bucket, Key="k")["Grants"]) == 2
    s3.put_object_acl(Bucket=bucket, Key="k", ACL="private")
    assert requests.get(f"{cloud.endpoint}/{bucket}/k").status_code == 403
    # Who may list is told what is not there; who may write may say who reads what he writes, and nothing of what is there.
    assert requests.get(f"{cloud.endpoint}/{bucket}/missing").status_code == 403
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    assert requests.get(f"{cloud.endpoint}/{bucket}/missing").status_code == 404
    assert requests.put(f"{cloud.endpoint}/{bucket}/new", data=b"n", headers={"x-amz-acl": "public-read"}).status_code == 200
    assert requests.get(f"{cloud.endpoint}/{bucket}/new").content == b"n"
    assert requests.put(f"{cloud.endpoint}/{bucket}/k?acl", headers={"x-amz-acl": "public-read"}).status_code == 403


def test_ownership_controls_can_be_absent(s3, bucket):
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    assert code(s3.get_bucket_ownership_controls, Bucket=bucket) == "OwnershipControlsNotFoundError"
    assert code(s3.create_bucket, Bucket=bucket + "-2", ObjectOwnership="ObjectWriter", ACL="public-read"
                ) == "InvalidBucketAclWithBlockPublicAccessError"
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")  # ACLs count, as before there were ownership controls
    assert code(s3.put_bucket_ownership_controls, Bucket=bucket, OwnershipControls={
        "Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}) == "InvalidBucketAclWithObjectOwnership"
    s3.create_bucket(Bucket=bucket)  # in us-east-1 that is a success, and takes the list back
    assert len(s3.get_bucket_acl(Bucket=bucket)["Grants"]) == 1
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_a_list_may_grant_nothing(s3, bucket):
    owner = s3.get_bucket_acl(Bucket=bucket)["Owner"]
    nothing = {"Owner": owner, "Grants": []}
    everything = {"Owner": owner, "Grants": [{"Grantee": {"Type": "CanonicalUser", "ID": owner["ID"]}, "Permission": "FULL_CONTROL"}]}
    assert code(s3.put_bucket_acl, Bucket=bucket, AccessControlPolicy=nothing) == "AccessControlListNotSupported"
    assert code(s3.put_bucket_acl, Bucket=bucket, ACL="private") == "AccessControlListNotSupported"
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy=everything)  # what is so already
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy=nothing)
    assert s3.get_bucket_acl(Bucket=bucket).get("Grants", []) == []
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy=everything)


def test_object_lock(s3):
    name = "lock-" + uuid.uuid4().hex[:12]
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}})
    version = s3.put_object(Bucket=name, Key="k", Body=b"x")["VersionId"]
    assert s3.get_object_retention(Bucket=name, Key="k")["Retention"]["Mode"] == "GOVERNANCE"
    assert code(s3.delete_object, Bucket=name, Key="k", VersionId=version) == "AccessDenied"
    s3.put_object_legal_hold(Bucket=name, Key="k", LegalHold={"Status": "ON"})
    assert code(s3.delete_object, Bucket=name, Key="k", VersionId=version, BypassGovernanceRetention=True) == "AccessDenied"
    s3.put_object_legal_hold(Bucket=name, Key="k", LegalHold={"Status": "OFF"})
    s3.delete_object(Bucket=name, Key="k", VersionId=version, BypassGovernanceRetention=True)
    assert code(s3.put_bucket_versioning, Bucket=name, VersioningConfiguration={"Status": "Suspended"}) == "InvalidBucketState"
    s3.delete_bucket(Bucket=name)


def test_website(cloud, s3, bucket):
    import requests
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"],
         "Resource": [f"arn:aws:s3:::{bucket}/*", f"arn:aws:s3:::{bucket}"]}]}))
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={
        "IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"},
        "RoutingRules": [{"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}}]})
    for k in ("index.html", "sub/index.html", "error.html"):
        s3.put_object(Bucket=bucket, Key=k, Body=k.encode(), ContentType="text/html")

    def get(path):
        return requests.get(cloud.endpoint + path, headers={"Host": f"{bucket}.s3-website-us-east-1.amazonaws.com"}, allow_redirects=False)
    assert get("/").content == b"index.html" and get("/sub/").content == b"sub/index.html"
    assert get("/sub").status_code == 302 and get("/sub").headers["Location"] == "/sub/"
    missing = get("/nothing")
    assert missing.status_code == 404 and missing.content == b"error.html"
    assert get("/old/x").headers["Location"].endswith("/new/x")


def test_virtual_host_style(cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    import requests
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    assert requests.get(url).content == b"x"
    got = requests.get(cloud.endpoint + "/k", headers={"Host": f"{bucket}.s3.amazonaws.com"})
    assert got.status_code == 403 and bucket.encode() not in got.content.split(b"<Resource>")[0]


def test_cli(cloud, tmp_path, bucket):
    for n in range(20):
        (tmp_path / f"f{n}").write_bytes(b"%d" % n * 1000)
    (tmp_path / "big").write_bytes(b"0123456789abcdef" * (1 << 20))  # 16 MiB: in parts

    def aws(*args):
        out = subprocess.run(["/usr/bin/aws", "--endpoint-url", cloud.endpoint, "s3", *args], env=cloud.env(), capture_output=True, text=True)
        assert out.returncode == 0, out.stderr
        return out.stdout
    aws("cp", "--recursive", str(tmp_path), f"s3://{bucket}/dir/")
    aws("sync", f"s3://{bucket}/dir/", str(tmp_path / "back"))
    for n in range(20):
        assert (tmp_path / "back" / f"f{n}").read_bytes() == (tmp_path / f"f{n}").read_bytes()
    assert (tmp_path / "back" / "big").read_bytes() == (tmp_path / "big").read_bytes()
    aws("rm", "--recursive", f"s3://{bucket}/dir/")
