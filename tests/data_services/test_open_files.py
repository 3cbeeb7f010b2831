"""Too few file descriptors: clear errors while they lack, nothing wrong or lost, and recovery without a restart."""
import contextlib
import os
import resource
import socket

import botocore.exceptions
import pytest
import requests
from data_helpers import Data, lack
from harness import wait_until


@contextlib.contextmanager
def at_most(cloud, more):
    """The server may open `more` files beyond those that it has."""
    before = resource.prlimit(cloud.pid, resource.RLIMIT_NOFILE)
    taken = {int(fd) for fd in os.listdir(f"/proc/{cloud.pid}/fd")}
    free = (fd for fd in range(len(taken) + more + 1) if fd not in taken)  # the limit is on the number, not on how many there are
    limit = [fd for fd, _ in zip(free, range(more + 1))][-1]
    resource.prlimit(cloud.pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    yield
    resource.prlimit(cloud.pid, resource.RLIMIT_NOFILE, before)


@pytest.fixture
def warm(data):
    """Each kind of write made, so that the clients' connections are there."""
    for kind in Data.KINDS:
        data.write(kind)
    data.check_reads()
    return data


def test_more_connections_than_files(warm):
    """Who comes too late waits; those who are served go on, large bodies among them; all are served once some have left."""
    cloud, held, large = warm.cloud, [], os.urandom(30 << 20)
    warm.s3.create_bucket(Bucket="large")
    warm.s3.put_object(Bucket="large", Key="k", Body=large)
    reader = cloud.client("s3", s3={"addressing_style": "path"})
    bodies = [reader.get_object(Bucket="large", Key="k")["Body"] for _ in range(4)]  # more than the sockets' buffers hold
    began = [b.read(1 << 20) for b in bodies]
    host, port = cloud.endpoint.removeprefix("http://").split(":")
    with at_most(cloud, 20):
        for _ in range(60):
            held.append(socket.create_connection((host, int(port)), timeout=5))
        wait_until(lambda: "Too many open files" in cloud.log_tail(), 10, what="the log says what lacks")
        for kind in ("value", "item", "message", "publication"):
            warm.write(kind)
        with pytest.raises(requests.exceptions.ReadTimeout):
            requests.get(cloud.endpoint + "/data", timeout=1)
        assert all(first + b.read() == large for first, b in zip(began, bodies)), "what had begun came to its end"
        size = os.path.getsize(cloud.log.name)
        for s in held[:45]:
            s.close()
        wait_until(lambda: requests.get(cloud.endpoint + "/data", timeout=5).status_code == 403, 10, what="served again")
        assert size < 100_000, "the log is not flooded"
    for s in held:
        s.close()
    warm.check_reads()
    warm.check_messages()


def test_writing_without_a_file_to_spare(warm):
    """A large object cannot be written: an error that says so, and no half of it; all else goes on."""
    cloud = warm.cloud
    with at_most(cloud, 0):
        with pytest.raises(botocore.exceptions.ClientError) as e:
            warm.write("file")
        assert "Too many open files" in lack(e.value) and "Too many open files" in cloud.log_tail()
        for kind in ("value", "item", "message", "publication"):
            warm.write(kind)
    for kind in Data.KINDS:
        warm.write(kind)
    files = sum(len(names) for _, _, names in os.walk(os.path.join(cloud.data, "s3")))
    assert files == sum(k.startswith("file") for k in warm.objects)
    warm.check_reads()
    warm.check_messages()


def test_reading_without_a_file_to_spare(warm):
    """A large object cannot be read: an error instead of a head to which no body comes."""
    url = warm.s3.generate_presigned_url("get_object", {"Bucket": "data", "Key": next(k for k in warm.objects if k.startswith("file"))})
    session = requests.Session()
    assert session.get(url).status_code == 200
    with at_most(warm.cloud, 0):
        answer = session.get(url)
        assert answer.status_code in (500, 503) and "<Code>InternalError</Code>" in answer.text
        assert "Too many open files" in warm.cloud.log_tail()
    warm.check_reads()


@pytest.mark.parametrize("kind", ["item", "value"])
def test_the_store_without_a_file_to_spare(warm, kind):
    """The store must begin a new log and cannot: refused writes say so, nothing acknowledged is lost, and it goes on."""
    cloud, refused = warm.cloud, 0
    with at_most(cloud, 0):
        for _ in range(400):  # 16 MB and more: several of the store's buffers
            try:
                warm.write(kind)
            except botocore.exceptions.ClientError as e:
                lack(e)
                refused += 1
            if refused > 4:
                break
        assert refused, "there were enough"
        assert "Too many open files" in cloud.log_tail(), "the log says what lacks"
    for kind in Data.KINDS:
        wait_until(lambda: warm.can_write(kind), 8, 0.2, f"a {kind} can be written again")
    warm.check_reads()
    cloud.kill9()
    cloud.start()
    warm.connect()
    warm.check_reads()
    warm.check_messages()
