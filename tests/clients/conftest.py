"""Buckets and trees of files for the clients; what the server holds afterwards is asked through boto3, another client."""
import pathlib
import random
import sys
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))  # clients_helpers


@pytest.fixture(scope="module")
def s3(cloud):
    return cloud.client("s3", s3={"addressing_style": "path"}, signature_version="s3v4")


@pytest.fixture
def make_bucket(s3):
    made = []

    def make():
        made.append("clients-" + uuid.uuid4().hex[:16])
        s3.create_bucket(Bucket=made[-1])
        return made[-1]

    yield make
    for name in made:
        for upload in s3.list_multipart_uploads(Bucket=name).get("Uploads", []):
            s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
            for o in page.get("Versions", []) + page.get("DeleteMarkers", []):
                s3.delete_object(Bucket=name, Key=o["Key"], VersionId=o["VersionId"])
        s3.delete_bucket(Bucket=name)


@pytest.fixture
def bucket(make_bucket):
    return make_bucket()


@pytest.fixture
def tree(tmp_path):
    """A folder of files: in folders, empty, with names that need escaping, larger than what the store keeps inside."""
    folder = tmp_path / "tree"
    rng = random.Random(7)
    for name, size in (("a.txt", 11), ("empty", 0), ("folder/b c+d%.txt", 2000), ("folder/ünï/ß.bin", 70_000),
                       ("folder/deep/er/x.tmp", 10), ("large.bin", 3_000_000)):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(rng.randbytes(size))
    return folder
