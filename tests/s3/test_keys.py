"""Objects under keys that S3 does not have, of KMS and of customers: an object is as readable as its key is usable."""
import base64
import os
import uuid

import botocore.exceptions
import pytest


@pytest.fixture(scope="module")
def s3(client):
    return client("s3", s3={"addressing_style": "path"})


@pytest.fixture(scope="module")
def kms(client):
    return client("kms")


@pytest.fixture
def key(kms):
    yield (made := kms.create_key()["KeyMetadata"]["Arn"])
    kms.schedule_key_deletion(KeyId=made, PendingWindowInDays=7)


@pytest.fixture
def bucket(s3):
    name = "k-" + uuid.uuid4().hex
    s3.create_bucket(Bucket=name)
    yield name
    for o in s3.list_objects_v2(Bucket=name).get("Contents", []):
        s3.delete_object(Bucket=name, Key=o["Key"])
    s3.delete_bucket(Bucket=name)


def code_of(call, **args):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**args)
    return e.value.response["Error"]["Code"]


@pytest.mark.parametrize("size", [0, 1000, 200_000])
def test_a_disabled_key_closes_its_objects(s3, kms, key, bucket, size):
    body = os.urandom(size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=body, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    assert put["ServerSideEncryption"] == "aws:kms" and put["SSEKMSKeyId"] == key
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == body and got["SSEKMSKeyId"] == key
    kms.disable_key(KeyId=key)
    if size:
        assert code_of(s3.get_object, Bucket=bucket, Key="k") == "KMS.DisabledException"
    assert code_of(s3.put_object, Bucket=bucket, Key="k2", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key) == "KMS.DisabledException"
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == size
    kms.enable_key(KeyId=key)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body


def test_reading_needs_the_key_as_well(cloud, s3, kms, key, bucket, scratch_user):
    s3.put_object(Bucket=bucket, Key="k", Body=b"secret", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    s3.put_object(Bucket=bucket, Key="plain", Body=b"open")
    _, access, secret = scratch_user({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
    other = cloud.client("s3", key=access, secret=secret, s3={"addressing_style": "path"})
    assert other.get_object(Bucket=bucket, Key="plain")["Body"].read() == b"open"
    assert code_of(other.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    assert code_of(other.put_object, Bucket=bucket, Key="n", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key) == "AccessDenied"
    assert code_of(other.copy_object, Bucket=bucket, Key="n", CopySource={"Bucket": bucket, "Key": "k"}) == "AccessDenied"
    # A policy on the context opens this object, and only through S3.
    _, access, secret = scratch_user({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key, "Condition": {"StringEquals": {
            "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}/k", "kms:ViaService": "s3.us-east-1.amazonaws.com"}}}]})
    third = cloud.client("s3", key=access, secret=secret, s3={"addressing_style": "path"})
    assert third.get_object(Bucket=bucket, Key="k")["Body"].read() == b"secret"


def test_buckets_copies_and_uploads(s3, kms, key, bucket):
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [{
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}, "BucketKeyEnabled": True}]})
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} and rule["BucketKeyEnabled"]
    parts = [os.urandom(5 << 20), os.urandom(1000)]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")
    assert upload["SSEKMSKeyId"] == key and upload["BucketKeyEnabled"]
    where = {"Bucket": bucket, "Key": "parts", "UploadId": upload["UploadId"]}
    tags = [s3.upload_part(**where, PartNumber=n, Body=p)["ETag"] for n, p in enumerate(parts, 1)]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": n, "ETag": t} for n, t in enumerate(tags, 1)]})
    whole = b"".join(parts)
    assert s3.get_object(Bucket=bucket, Key="parts")["Body"].read() == whole
    assert s3.get_object(Bucket=bucket, Key="parts", Range="bytes=5242870-5242890")["Body"].read() == whole[5242870:5242891]
    # Copies share the bytes, each under its own data key: the source may go, and another key may be disabled.
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "parts"})
    s3.copy_object(Bucket=bucket, Key="aes", CopySource={"Bucket": bucket, "Key": "parts"}, ServerSideEncryption="AES256")
    managed = s3.copy_object(Bucket=bucket, Key="managed", CopySource={"Bucket": bucket, "Key": "aes"}, ServerSideEncryption="aws:kms",
                             SSEKMSKeyId="alias/aws/s3", BucketKeyEnabled=False)
    assert managed["SSEKMSKeyId"] not in (key, "alias/aws/s3")
    part = s3.create_multipart_upload(Bucket=bucket, Key="again")["UploadId"]
    tag = s3.upload_part_copy(Bucket=bucket, Key="again", UploadId=part, PartNumber=1, CopySource={"Bucket": bucket, "Key": "managed"},
                              CopySourceRange="bytes=0-5242889")["CopyPartResult"]["ETag"]
    s3.complete_multipart_upload(Bucket=bucket, Key="again", UploadId=part, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
    s3.delete_object(Bucket=bucket, Key="parts")
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == whole
    assert s3.get_object(Bucket=bucket, Key="again")["Body"].read() == whole[:5242890]
    kms.disable_key(KeyId=key)
    assert s3.get_object(Bucket=bucket, Key="aes")["Body"].read() == whole
    assert s3.get_object(Bucket=bucket, Key="managed")["Body"].read() == whole
    assert code_of(s3.get_object, Bucket=bucket, Key="copy") == "KMS.DisabledException"


def test_what_makes_no_sense_is_refused(s3, bucket, key):
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", SSEKMSKeyId=key) == "InvalidArgument"
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/none") == "KMS.NotFoundException"
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms:dsse") == "NotImplemented"


def test_a_customers_key_comes_with_each_request(s3, bucket):
    one, other = os.urandom(32), os.urandom(32)
    mine, wrong = ({"SSECustomerAlgorithm": "AES256", "SSECustomerKey": k} for k in (one, other))
    body = os.urandom(200_000)
    put = s3.put_object(Bucket=bucket, Key="k", Body=body, **mine)
    assert put["SSECustomerAlgorithm"] == "AES256" and "ServerSideEncryption" not in put
    assert s3.get_object(Bucket=bucket, Key="k", Range="bytes=100000-100009", **mine)["Body"].read() == body[100000:100010]
    assert s3.head_object(Bucket=bucket, Key="k", **mine)["ContentLength"] == len(body)
    assert code_of(s3.get_object, Bucket=bucket, Key="k") == "InvalidRequest"
    assert code_of(s3.head_object, Bucket=bucket, Key="k") == "400"
    assert code_of(s3.get_object, Bucket=bucket, Key="k", **wrong) == "AccessDenied"
    assert code_of(s3.get_object, Bucket=bucket, Key="k", SSECustomerAlgorithm="AES256",
                   SSECustomerKey=base64.b64encode(one).decode(), SSECustomerKeyMD5="bm90IGl0cyBNRDUhISEhIQ==") == "InvalidArgument"
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x")
    assert code_of(s3.get_object, Bucket=bucket, Key="plain", **mine) == "InvalidRequest"
    assert code_of(s3.put_object, Bucket=bucket, Key="n", Body=b"x", ServerSideEncryption="AES256", **mine) == "InvalidArgument"
    # Another key by a copy onto itself; then without one.
    source = {"CopySource": {"Bucket": bucket, "Key": "k"}, "CopySourceSSECustomerAlgorithm": "AES256"}
    assert code_of(s3.copy_object, Bucket=bucket, Key="k", **source, CopySourceSSECustomerKey=other, **wrong) == "AccessDenied"
    s3.copy_object(Bucket=bucket, Key="k", **source, CopySourceSSECustomerKey=one, **wrong)
    assert code_of(s3.get_object, Bucket=bucket, Key="k", **mine) == "AccessDenied"
    s3.copy_object(Bucket=bucket, Key="open", **source, CopySourceSSECustomerKey=other)
    assert s3.get_object(Bucket=bucket, Key="open")["Body"].read() == body


def test_a_customers_key_for_all_parts(s3, bucket):
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": os.urandom(32)}
    parts = [os.urandom(5 << 20), os.urandom(10)]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", **key)["UploadId"]
    where = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    assert code_of(s3.upload_part, **where, PartNumber=1, Body=b"x") == "InvalidRequest"
    assert code_of(s3.upload_part, **where, PartNumber=1, Body=b"x", SSECustomerAlgorithm="AES256", SSECustomerKey=os.urandom(32)) == "InvalidRequest"
    tags = [s3.upload_part(**where, PartNumber=n, Body=p, **key)["ETag"] for n, p in enumerate(parts, 1)]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": n, "ETag": t} for n, t in enumerate(tags, 1)]})
    assert s3.get_object(Bucket=bucket, Key="k", **key)["Body"].read() == b"".join(parts)
    assert code_of(s3.get_object, Bucket=bucket, Key="k") == "InvalidRequest"
