"""Nothing acknowledged is lost: writers keep a ledger while nubecita is killed again and again."""
import hashlib
import os
import random
import threading
import time

import botocore.exceptions

KILLS = int(os.environ.get("NUBECITA_KILLS", "6"))
SIZES = [0, 10, 4096, 60_000, 70_000, 300_000]


class Writer(threading.Thread):
    """Puts, overwrites and deletes its own keys. `ledger`: key -> digests that may be there now (None: nothing)."""

    def __init__(self, cloud, number, stop):
        super().__init__(daemon=True)
        self.cloud, self.number, self.stop_event = cloud, number, stop
        self.rng = random.Random(number)
        self.ledger, self.acknowledged = {}, 0
        self.s3 = cloud.client("s3", s3={"addressing_style": "path"}, connect_timeout=2, read_timeout=10)

    def run(self):
        while not self.stop_event.is_set():
            key = f"w{self.number}/{self.rng.randrange(12)}"
            before = self.ledger.get(key, {None})
            body = None if self.rng.random() < 0.25 else os.urandom(self.rng.choice(SIZES))
            after = hashlib.md5(body).hexdigest() if body is not None else None
            self.ledger[key] = before | {after}  # until we know
            try:
                if body is None:
                    self.s3.delete_object(Bucket="ledger", Key=key)
                else:
                    self.s3.put_object(Bucket="ledger", Key=key, Body=body)
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                time.sleep(0.05)
                continue
            self.ledger[key] = {after}
            self.acknowledged += 1


def test_kills_lose_nothing(own_cloud):
    s3 = own_cloud.client("s3", s3={"addressing_style": "path"})
    s3.create_bucket(Bucket="ledger")
    stop = threading.Event()
    writers = [Writer(own_cloud, n, stop) for n in range(8)]
    [w.start() for w in writers]
    for _ in range(KILLS):
        time.sleep(random.uniform(0.3, 1.2))
        own_cloud.kill9()
        own_cloud.start()
    time.sleep(0.5)
    stop.set()
    [w.join(30) for w in writers]
    own_cloud.kill9()
    own_cloud.start()
    s3 = own_cloud.client("s3", s3={"addressing_style": "path"})
    listed = {o["Key"]: o["ETag"].strip('"') for p in s3.get_paginator("list_objects_v2").paginate(Bucket="ledger") for o in p.get("Contents", [])}
    checked = 0
    for w in writers:
        for key, allowed in w.ledger.items():
            assert listed.get(key) in allowed, (key, listed.get(key), allowed)
            if key in listed:
                assert hashlib.md5(s3.get_object(Bucket="ledger", Key=key)["Body"].read()).hexdigest() == listed[key]
                checked += 1
    assert checked > 0 and sum(w.acknowledged for w in writers) > 50


def test_orphans_of_a_kill_are_swept(own_cloud):
    """A body that never ended leaves a file; the next start removes it."""
    import socket
    s3 = own_cloud.client("s3", s3={"addressing_style": "path"}, signature_version="s3v4")
    s3.create_bucket(Bucket="ledger")
    kept = os.urandom(200_000)
    s3.put_object(Bucket="ledger", Key="kept", Body=kept)
    url = s3.generate_presigned_url("put_object", {"Bucket": "ledger", "Key": "half"})
    host, port = own_cloud.endpoint.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    path = url.removeprefix(own_cloud.endpoint)
    connection.sendall(f"PUT {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 1000000\r\n\r\n".encode() + os.urandom(500_000))

    def files():
        return sum(len(names) for _, _, names in os.walk(os.path.join(own_cloud.data, "s3")))
    deadline = time.time() + 10
    while files() < 2 and time.time() < deadline:
        time.sleep(0.02)
    assert files() == 2, own_cloud.log_tail()
    own_cloud.kill9()
    own_cloud.start()
    while files() > 1 and time.time() < deadline + 10:
        time.sleep(0.1)
    assert files() == 1
    assert s3.get_object(Bucket="ledger", Key="kept")["Body"].read() == kept
