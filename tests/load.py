"""A steady load on one URL that counts every answer: what a deployment must not disturb.

with Load(url, clients=8, rate=100) as load: ...do the thing...
assert load.total > 100 and load.bad == []

Half of the clients keep their connection, the other half open one per request; nothing is retried here, so every lost
request is seen.
"""
import http.client
import threading
import time
import urllib.parse


class Load:
    def __init__(self, url, clients=4, rate=60, timeout=30, headers=None):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.path = parts.hostname, parts.port or 80, parts.path or "/"
        self.host_header = parts.netloc
        self.clients, self.interval, self.timeout = clients, clients / rate, timeout
        self.headers = headers or {}
        self.total, self.bad, self.slowest = 0, [], 0.0
        self.lock = threading.Lock()
        self.ending = False

    def connect(self):
        # *.localhost is this machine (RFC 6761); not every resolver knows.
        host = "127.0.0.1" if self.host.endswith(".localhost") else self.host
        return http.client.HTTPConnection(host, self.port, timeout=self.timeout)

    def one(self, connection):
        started = time.time()
        try:
            connection.request("GET", self.path, headers={"Host": self.host_header, **self.headers})
            answer = connection.getresponse()
            answer.read()
            result = None if answer.status == 200 else f"status {answer.status}"
            closes = answer.will_close
        except Exception as e:
            result, closes = f"{type(e).__name__}: {e}", True
        took = time.time() - started
        with self.lock:
            self.total += 1
            self.slowest = max(self.slowest, took)
            if result:
                self.bad.append((round(started, 3), result))
        return closes or result is not None

    def client(self, keeps):
        connection = None
        while not self.ending:
            started = time.time()
            if connection is None:
                connection = self.connect()
            if self.one(connection) or not keeps:
                connection.close()
                connection = None
            time.sleep(max(0.0, self.interval - (time.time() - started)))

    def __enter__(self):
        self.threads = [threading.Thread(target=self.client, args=(i % 2 == 0,), daemon=True) for i in range(self.clients)]
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.ending = True
        for t in self.threads:
            t.join(self.timeout + 5)
        return False
