import uuid

import pytest


@pytest.fixture(scope="module")
def s3(cloud):
    return cloud.client("s3", s3={"addressing_style": "path"}, signature_version="s3v4")


def empty_and_delete(s3, name):
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        for o in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=name, Key=o["Key"], VersionId=o["VersionId"], BypassGovernanceRetention=True)
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def bucket(s3):
    name = "b-" + uuid.uuid4().hex[:16]
    s3.create_bucket(Bucket=name)
    yield name
    empty_and_delete(s3, name)


@pytest.fixture
def versioned(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket
