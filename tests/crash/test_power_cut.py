"""The power cut itself: what was synced stays, the rest goes."""
import os
import pathlib
import subprocess
import sys

import pytest

from crash.power_cut import Power, library

PROGRAM = """
import os, signal, sys
os.chdir(sys.argv[1])
def folder_sync():
    d = os.open(".", os.O_RDONLY); os.fsync(d); os.close(d)
def put(name, text, flags=os.O_WRONLY | os.O_CREAT):
    f = os.open(name, flags); os.write(f, text); return f
kept = put("kept", b"synced"); os.fsync(kept)
old = put("old", b"old"); os.fsync(old)
cut = put("cut", b"0123456789"); os.fsync(cut)
gone = put("gone", b"gone"); os.fsync(gone)
new = put("new", b"new"); os.fsync(new)
folder_sync()
os.write(kept, b" and not")               # bytes without a sync
os.pwrite(old, b"OLD", 0)                 # written over
os.ftruncate(cut, 4)
os.rename("new", "old")                   # names without a sync
os.unlink("gone")
os.fsync(put("nameless", b"synced, but in no folder"))
os.mkdir("folder")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def power(tmp_path):
    made = library(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    return Power(data, made)


def test_what_no_sync_covers_goes(power):
    data = pathlib.Path(power.data)
    subprocess.run([sys.executable, "-c", PROGRAM, power.data], env=dict(os.environ, **power.environment))
    assert (data / "kept").read_bytes() == b"synced and not" and (data / "old").read_bytes() == b"new" and not (data / "gone").exists()
    power.cut()
    assert {p.name: p.read_bytes() for p in data.iterdir() if p.is_file()} == {
        "kept": b"synced", "old": b"old", "cut": b"0123456789", "gone": b"gone", "new": b"new"}
    assert not (data / "folder").exists() and power.undone == 7
