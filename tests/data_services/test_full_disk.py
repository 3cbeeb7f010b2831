"""A full disk: writes are refused with the reason, reads go on, nothing that was acknowledged is lost, and writes come back."""
import os

import botocore.exceptions
import pytest
from data_helpers import Data, lack
from harness import Cloud, wait_until

pytestmark = pytest.mark.host


def test_full_disk(binary, small_disk, fill):
    folder = os.path.join(small_disk, "data")
    os.mkdir(folder)
    cloud = Cloud(binary, data=folder)
    try:
        data = Data(cloud)
        for kind in Data.KINDS:
            for _ in range(3):
                data.write(kind)
        upload = data.s3.create_multipart_upload(Bucket="data", Key="parts")["UploadId"]
        filler = fill(small_disk)
        refused = dict.fromkeys(Data.KINDS, 0)
        for _ in range(60):  # the store's log has some room set aside
            for kind in Data.KINDS:
                try:
                    data.write(kind)
                except botocore.exceptions.ClientError as e:
                    assert "space" in lack(e).lower(), e
                    refused[kind] += 1
            if min(refused.values()) > 2:
                break
        assert min(refused.values()) > 2, f"the disk was not full: {refused}"
        with pytest.raises(botocore.exceptions.ClientError) as e:
            data.s3.upload_part(Bucket="data", Key="parts", UploadId=upload, PartNumber=1, Body=os.urandom(6 << 20))
        assert "space" in lack(e.value).lower()
        assert "No space left" in cloud.log_tail()
        files = lambda: sum(len(names) for _, _, names in os.walk(os.path.join(folder, "s3")))
        assert files() == sum(name.startswith("file") for name in data.objects), "what was refused left no file"
        data.check_reads()
        os.unlink(filler)
        for kind in Data.KINDS:
            wait_until(lambda: data.can_write(kind), 30, 0.2, f"a {kind} is written once there is room")
        part = data.s3.upload_part(Bucket="data", Key="parts", UploadId=upload, PartNumber=1, Body=b"in time")
        data.s3.complete_multipart_upload(Bucket="data", Key="parts", UploadId=upload,
                                          MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
        data.objects["parts"] = "in time"
        cloud.kill9()
        cloud.start()
        data.connect()
        data.check_reads()
        data.check_messages()
    finally:
        cloud.destroy()


def test_a_start_on_a_full_disk(binary, small_disk, fill):
    """It says what is wrong, or serves reads; with room it is all there."""
    folder = os.path.join(small_disk, "data")
    os.mkdir(folder)
    cloud = Cloud(binary, data=folder)
    try:
        data = Data(cloud)
        for kind in Data.KINDS:
            data.write(kind)
        cloud.kill9()
        filler = fill(small_disk)
        try:
            cloud.start()
        except AssertionError as e:
            assert "No space left" in str(e) or "is full" in str(e), e
        else:
            data.connect()
            data.check_reads()
            cloud.kill9()
        os.unlink(filler)
        cloud.start()
        data.connect()
        data.check_reads()
        for kind in Data.KINDS:
            data.write(kind)
        data.check_messages()
    finally:
        cloud.destroy()
