"""GLACIER and DEEP_ARCHIVE: what may be done with an object that has to be restored first."""
import json

import pytest
from botocore.exceptions import ClientError
from s3.bucket_events import Told


@pytest.fixture
def s3(cloud, request):
    c = cloud.client("s3", s3={"addressing_style": "path"})
    c.create_bucket(Bucket="archives")
    c.put_object(Bucket="archives", Key="k", Body=b"frozen", StorageClass="GLACIER", Metadata={"a": "b"})
    return c


def code(call, **parameters):
    with pytest.raises(ClientError) as e:
        call(**parameters)
    return e.value.response["Error"]["Code"], e.value.response["ResponseMetadata"]["HTTPStatusCode"]


def restore(s3, days=2, key="k", **more):
    return s3.restore_object(Bucket="archives", Key=key, RestoreRequest={"Days": days, **more})["ResponseMetadata"]["HTTPStatusCode"]


def test_what_is_archived_is_not_read(s3):
    with pytest.raises(ClientError) as e:
        s3.get_object(Bucket="archives", Key="k")
    assert e.value.response["Error"]["Code"] == "InvalidObjectState" and e.value.response["Error"]["StorageClass"] == "GLACIER"
    head = s3.head_object(Bucket="archives", Key="k")
    assert head["StorageClass"] == "GLACIER" and head["Metadata"] == {"a": "b"} and "Restore" not in head
    assert code(s3.copy_object, Bucket="archives", Key="copy", CopySource="archives/k") == ("ObjectNotInActiveTierError", 403)
    upload = s3.create_multipart_upload(Bucket="archives", Key="parts", StorageClass="DEEP_ARCHIVE")["UploadId"]
    assert code(s3.upload_part_copy, Bucket="archives", Key="parts", UploadId=upload, PartNumber=1, CopySource="archives/k") == ("ObjectNotInActiveTierError", 403)
    s3.put_object_tagging(Bucket="archives", Key="k", Tagging={"TagSet": [{"Key": "t", "Value": "v"}]})
    part = s3.upload_part(Bucket="archives", Key="parts", UploadId=upload, PartNumber=1, Body=b"deep")["ETag"]
    s3.complete_multipart_upload(Bucket="archives", Key="parts", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    assert code(s3.get_object, Bucket="archives", Key="parts") == ("InvalidObjectState", 403)
    assert {o["Key"]: o["StorageClass"] for o in s3.list_objects_v2(Bucket="archives")["Contents"]} == {"k": "GLACIER", "parts": "DEEP_ARCHIVE"}


def test_what_is_restored_is_read_for_some_days(s3, cloud):
    assert restore(s3, GlacierJobParameters={"Tier": "Bulk"}) == 202
    got = s3.get_object(Bucket="archives", Key="k")
    assert got["Body"].read() == b"frozen" and got["StorageClass"] == "GLACIER"
    assert got["Restore"].startswith('ongoing-request="false", expiry-date="') and got["Restore"].endswith(' 00:00:00 GMT"')
    first = got["Restore"]
    assert restore(s3, days=9) == 200
    assert s3.head_object(Bucket="archives", Key="k")["Restore"] != first
    s3.copy_object(Bucket="archives", Key="thawed", CopySource="archives/k", StorageClass="STANDARD_IA")
    thawed = s3.get_object(Bucket="archives", Key="thawed")
    assert thawed["Body"].read() == b"frozen" and thawed["StorageClass"] == "STANDARD_IA" and "Restore" not in thawed
    # What is written anew is archived anew.
    s3.put_object(Bucket="archives", Key="k", Body=b"again", StorageClass="GLACIER")
    assert code(s3.get_object, Bucket="archives", Key="k") == ("InvalidObjectState", 403)


def test_restores_that_are_refused(s3):
    s3.put_object(Bucket="archives", Key="warm", Body=b"x")
    s3.put_object(Bucket="archives", Key="deep", Body=b"x", StorageClass="DEEP_ARCHIVE")
    assert code(restore, s3=s3, key="warm") == ("InvalidObjectState", 403)
    assert code(restore, s3=s3, key="none")[1] == 404
    assert code(restore, s3=s3, days=0) == ("InvalidArgument", 400)
    assert code(restore, s3=s3, key="deep", GlacierJobParameters={"Tier": "Expedited"}) == ("InvalidArgument", 400)
    assert code(s3.restore_object, Bucket="archives", Key="k", RestoreRequest={"GlacierJobParameters": {"Tier": "Bulk"}}) == ("MalformedXML", 400)
    assert code(s3.restore_object, Bucket="archives", Key="k", RestoreRequest={"Type": "SELECT", "Days": 1}) == ("NotImplemented", 501)
    assert code(restore, s3=s3, Description="why") == ("NotImplemented", 501)


def test_a_version_is_restored(s3):
    s3.put_bucket_versioning(Bucket="archives", VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket="archives", Key="v", Body=b"old", StorageClass="GLACIER")["VersionId"]
    s3.put_object(Bucket="archives", Key="v", Body=b"new", StorageClass="GLACIER")
    s3.restore_object(Bucket="archives", Key="v", VersionId=old, RestoreRequest={"Days": 1})
    assert s3.get_object(Bucket="archives", Key="v", VersionId=old)["Body"].read() == b"old"
    assert code(s3.get_object, Bucket="archives", Key="v") == ("InvalidObjectState", 403)


def test_who_may_restore_and_who_is_told(s3, cloud):
    iam = cloud.client("iam")
    iam.create_user(UserName="thaw")
    key = iam.create_access_key(UserName="thaw")["AccessKey"]
    user = cloud.client("s3", key=key["AccessKeyId"], secret=key["SecretAccessKey"], s3={"addressing_style": "path"})
    iam.put_user_policy(UserName="thaw", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}))
    assert code(restore, s3=user) == ("AccessDenied", 403)
    told = Told(cloud, "thawed")
    told.of(s3, "archives", "s3:ObjectRestore:*")
    iam.put_user_policy(UserName="thaw", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:RestoreObject", "Resource": "arn:aws:s3:::archives/k"}]}))
    assert restore(user) == 202
    records = told.records(2)
    assert sorted(r["eventName"] for r in records) == ["ObjectRestore:Completed", "ObjectRestore:Post"]
    [data] = [r["glacierEventData"]["restoreEventData"] for r in records if "glacierEventData" in r]
    assert data["lifecycleRestoreStorageClass"] == "GLACIER" and data["lifecycleRestorationExpiryTime"].endswith("T00:00:00.000Z")
