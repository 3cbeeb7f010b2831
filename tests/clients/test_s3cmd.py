"""s3cmd 2.3 of Debian 12: signs with V4 in headers and V2 in URLs, keeps MD5 digests in metadata, lists with V1."""
import os

import pytest
import requests
from clients_helpers import files, objects, own_env, run


@pytest.fixture
def s3cmd(cloud, tmp_path):
    host = cloud.endpoint.removeprefix("http://")
    config = tmp_path / "s3cfg"
    config.write_text(f"[default]\naccess_key = {cloud.key}\nsecret_key = {cloud.secret}\nhost_base = {host}\n"
                      f"host_bucket = {host}\nuse_https = False\nbucket_location = us-east-1\nmultipart_chunk_size_mb = 5\n")

    def call(*args, **more):
        return run("/usr/bin/s3cmd", "--config", config, "--no-progress", *args, env=own_env(), **more)
    return call


def test_buckets(s3cmd, s3):
    s3cmd("mb", "s3://s3cmd-bucket")
    assert "s3://s3cmd-bucket" in s3cmd("ls")
    assert "s3cmd-bucket" in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    s3.put_object(Bucket="s3cmd-bucket", Key="k", Body=b"x")
    assert "BucketNotEmpty" in s3cmd("rb", "s3://s3cmd-bucket", fails=True)
    s3cmd("rb", "--recursive", "--force", "s3://s3cmd-bucket")
    assert "s3cmd-bucket" not in [b["Name"] for b in s3.list_buckets()["Buckets"]]


def test_sync_both_ways(s3cmd, s3, bucket, tree, tmp_path):
    target = f"s3://{bucket}/site/"
    s3cmd("sync", f"{tree}/", target)
    assert objects(s3, bucket, "site/") == files(tree)
    # Of the same size: only the digest tells.
    (tree / "a.txt").write_bytes(b"other bytes"[:11])
    (tree / "empty").unlink()
    said = s3cmd("sync", "--delete-removed", "--exclude", "*.tmp", f"{tree}/", target)
    assert "a.txt" in said and "large.bin" not in said
    assert objects(s3, bucket, "site/") == files(tree)
    back = tmp_path / "back"
    back.mkdir()
    (back / "gone").write_bytes(b"x")
    s3cmd("sync", "--delete-removed", target, f"{back}/")
    assert files(back) == files(tree)


def test_put_in_parts_get_copy_move_delete(s3cmd, s3, bucket, tmp_path):
    data = os.urandom(12 << 20)
    (tmp_path / "f").write_bytes(data)
    s3cmd("put", "--storage-class", "STANDARD_IA", "--add-header", "x-amz-meta-colour: blue", "--mime-type", "text/x-own",
          tmp_path / "f", f"s3://{bucket}/parts")
    head = s3.head_object(Bucket=bucket, Key="parts")
    assert head["ETag"].endswith('-3"') and head["StorageClass"] == "STANDARD_IA"
    assert head["ContentType"] == "text/x-own" and head["Metadata"]["colour"] == "blue"
    assert objects(s3, bucket) == {"parts": data}
    s3cmd("get", f"s3://{bucket}/parts", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data
    with (tmp_path / "back").open("r+b") as f:
        f.truncate(5_000_001)
    s3cmd("get", "--continue", f"s3://{bucket}/parts", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data, "went on where it had stopped"
    s3cmd("cp", f"s3://{bucket}/parts", f"s3://{bucket}/copy/a b")
    s3cmd("mv", f"s3://{bucket}/parts", f"s3://{bucket}/moved")
    assert {k: len(v) for k, v in objects(s3, bucket).items()} == {"copy/a b": len(data), "moved": len(data)}
    assert f"{len(data)} " in s3cmd("du", f"s3://{bucket}/copy/")
    listed = s3cmd("ls", "--recursive", f"s3://{bucket}")
    assert f"s3://{bucket}/copy/a b" in listed and f"s3://{bucket}/moved" in listed
    assert "DIR" in s3cmd("ls", f"s3://{bucket}")
    s3cmd("del", "--recursive", "--force", f"s3://{bucket}/copy/")
    assert set(objects(s3, bucket)) == {"moved"}


def test_signed_url(s3cmd, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k ü", Body=b"by url")
    url = s3cmd("signurl", f"s3://{bucket}/k ü", "+60").strip()
    assert requests.get(url).content == b"by url"
    assert requests.get(url[:-4]).status_code == 403
    assert requests.put(url, data=b"mine").status_code == 403


def test_settings(s3cmd, s3, bucket, tmp_path):
    (tmp_path / "policy").write_text('{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:DeleteObject",'
                                     f'"Resource":"arn:aws:s3:::{bucket}/kept/*"}}]}}')
    s3cmd("setpolicy", tmp_path / "policy", f"s3://{bucket}")
    s3.put_object(Bucket=bucket, Key="kept/x", Body=b"")
    assert "AccessDenied" in s3cmd("del", f"s3://{bucket}/kept/x", fails=True)
    assert set(objects(s3, bucket)) == {"kept/x"}
    s3cmd("delpolicy", f"s3://{bucket}")
    s3cmd("expire", "--expiry-days=3", "--expiry-prefix=logs/", f"s3://{bucket}")
    [rule] = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert rule["Expiration"] == {"Days": 3} and rule["Status"] == "Enabled"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="half")["UploadId"]
    assert upload in s3cmd("multipart", f"s3://{bucket}")
    s3cmd("abortmp", f"s3://{bucket}/half", upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
