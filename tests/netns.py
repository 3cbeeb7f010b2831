"""Running things inside network namespaces, and small servers and clients for real packets."""
import contextlib
import ctypes
import os
import socket
import threading

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def namespace(end):
    """The path of the namespace whose name ends so, or None; a name that has no namespace mounted on it yet does not count."""
    try:
        device = os.stat("/run/netns").st_dev
        return next((e.path for e in os.scandir("/run/netns") if e.name.endswith(end) and e.stat().st_dev != device), None)
    except FileNotFoundError:
        return None


def in_namespace(path, work):
    """work() on a thread inside the namespace (None: this one); sockets made there stay there."""
    if path is None:
        return work()
    out = {}

    def run():
        try:
            with open(path) as ns:
                if libc.setns(ns.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"setns {path}")
            out["value"] = work()
        except BaseException as e:
            out["error"] = e

    t = threading.Thread(target=run)
    t.start()
    t.join()
    if "error" in out:
        raise out["error"]
    return out["value"]


def make_socket(path, kind=socket.SOCK_STREAM):
    return in_namespace(path, lambda: socket.socket(socket.AF_INET, kind))


def listen(path, port, address="0.0.0.0"):
    s = make_socket(path)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    s.listen(16)
    s.settimeout(2)
    return s


def connect(path, address, port, timeout=0.7):
    """A connected socket, or None if nobody answered or it was refused."""
    s = make_socket(path)
    s.settimeout(timeout)
    try:
        s.connect((address, port))
        return s
    except OSError:
        s.close()
        return None


def reaches(path, address, port, timeout=0.7):
    s = connect(path, address, port, timeout)
    if s:
        s.close()
    return s is not None


def udp_arrives(source_path, source_address, address, port, listener, timeout=0.5):
    """Whether a datagram sent under `source_address` comes out of `listener`."""
    s = make_socket(source_path, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_IP, 19, 1)  # IP_TRANSPARENT: any source address may be used
    token = os.urandom(8)
    with contextlib.closing(s):
        s.bind((source_address, 0))
        s.sendto(token, (address, port))
        listener.settimeout(timeout)
        try:
            return listener.recv(64) == token
        except OSError:
            return False


def ask(path, server, name, timeout=1.0, tries=5):
    """Addresses that a name server gives for `name` (type A)."""
    query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    query += b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0\0\1\0\1"
    s = make_socket(path, socket.SOCK_DGRAM)
    s.settimeout(timeout)
    with contextlib.closing(s):
        for _ in range(tries):
            try:
                s.sendto(query, (server, 53))
                answer = s.recv(2048)
            except OSError:
                continue
            count = int.from_bytes(answer[6:8], "big")
            return [socket.inet_ntoa(answer[len(answer) - 4 - 16 * i:][:4]) for i in range(count)][::-1]
    return None
