"""rclone 1.60 of Debian 12 (the Go SDK, version 1). Its provider `Minio` is what makes it put buckets into paths: `AWS` has them
in host names, which Go cannot resolve below 127.0.0.1."""
import os

import pytest
import requests
from clients_helpers import files, objects, own_env, run


@pytest.fixture
def rclone(cloud, tmp_path):
    env = own_env(RCLONE_CONFIG=str(tmp_path / "rclone.conf"))
    for name, value in {"TYPE": "s3", "PROVIDER": "Minio", "ACCESS_KEY_ID": cloud.key, "SECRET_ACCESS_KEY": cloud.secret,
                        "REGION": "us-east-1", "ENDPOINT": cloud.endpoint, "FORCE_PATH_STYLE": "true",
                        "CHUNK_SIZE": "5Mi", "UPLOAD_CUTOFF": "8Mi"}.items():
        env["RCLONE_CONFIG_N_" + name] = value
    (tmp_path / "rclone.conf").touch()

    def call(*args, **more):
        return run("/usr/bin/rclone", "--retries", "1", *args, env=env, **more)
    return call


def test_sync_and_check(rclone, s3, bucket, tree, tmp_path):
    target = f"n:{bucket}/site"
    rclone("sync", tree, target)
    assert objects(s3, bucket, "site/") == files(tree)
    rclone("check", tree, target)
    # Of the same size and time: the digest tells.
    time = (tree / "a.txt").stat().st_mtime
    (tree / "a.txt").write_bytes(b"other bytes")
    os.utime(tree / "a.txt", (time, time))
    assert "1 differences found" in rclone("check", tree, target, fails=True)
    rclone("sync", "--checksum", tree, target)
    (tree / "empty").unlink()
    rclone("sync", "--exclude", "*.tmp", tree, target)
    assert objects(s3, bucket, "site/") == files(tree)
    rclone("check", tree, target)
    s3.put_object(Bucket=bucket, Key="site/only there", Body=b"x")
    rclone("sync", target, tmp_path / "back")
    assert files(tmp_path / "back") == objects(s3, bucket, "site/")


def test_parts_listing_copy_move_delete(rclone, s3, bucket, tmp_path):
    data = os.urandom(6 << 20).hex().encode()
    (tmp_path / "f").write_bytes(data)
    rclone("copyto", tmp_path / "f", f"n:{bucket}/dir/parts")
    head = s3.head_object(Bucket=bucket, Key="dir/parts")
    assert head["ETag"].endswith('-3"') and "mtime" in head["Metadata"]
    assert objects(s3, bucket) == {"dir/parts": data}
    rclone("copyto", f"n:{bucket}/dir/parts", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data
    rclone("copyto", f"n:{bucket}/dir/parts", f"n:{bucket}/a b/ü")
    rclone("moveto", f"n:{bucket}/dir/parts", f"n:{bucket}/moved")
    assert set(objects(s3, bucket)) == {"a b/ü", "moved"}
    assert sorted(rclone("lsf", "-R", f"n:{bucket}").splitlines()) == ["a b/", "a b/ü", "moved"]
    assert rclone("cat", "--offset", "1000000", "--count", "7", f"n:{bucket}/moved").encode() == data[1_000_000:1_000_007]
    assert '"bytes":25165824' in rclone("size", "--json", f"n:{bucket}")
    rclone("delete", f"n:{bucket}/a b")
    assert set(objects(s3, bucket)) == {"moved"}


def test_link(rclone, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"by url")
    url = rclone("link", "--expire", "60s", f"n:{bucket}/k").strip()
    assert requests.get(url).content == b"by url"
    assert requests.get(url.replace("Expires=60", "Expires=61")).status_code == 403


def test_versions(rclone, s3, bucket):
    assert "Enabled" in rclone("backend", "versioning", f"n:{bucket}", "Enabled")
    for body in (b"first", b"second"):
        s3.put_object(Bucket=bucket, Key="v.txt", Body=body)
    names = rclone("lsf", "--s3-versions", f"n:{bucket}").split()
    old = next(n for n in names if n != "v.txt")
    assert len(names) == 2 and old.startswith("v-v")
    assert rclone("cat", "--s3-versions", f"n:{bucket}/{old}") == "first"
    rclone("deletefile", f"n:{bucket}/v.txt")
    assert rclone("lsf", f"n:{bucket}") == ""
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2, "hidden, not gone"
    rclone("backend", "cleanup-hidden", f"n:{bucket}")
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


def test_buckets(rclone, s3):
    rclone("mkdir", "n:rclone-bucket")
    assert "rclone-bucket" in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert "rclone-bucket/" in rclone("lsf", "n:").split()
    s3.put_object(Bucket="rclone-bucket", Key="k", Body=b"")
    assert "not empty" in rclone("rmdir", "n:rclone-bucket", fails=True).lower()
    rclone("purge", "n:rclone-bucket")
    assert "rclone-bucket" not in [b["Name"] for b in s3.list_buckets()["Buckets"]]
