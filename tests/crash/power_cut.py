"""What a power cut does to a directory, by the journal of unsynced_writes.cpp: of what no sync covers, some is lost.

The journal's lines are a number and tab-separated fields; ino is an inode's number:
    made PATH | folder PATH       a file or a folder is about to be made
    gone PATH                     is about to be removed; it stays as kept/NUMBER
    moved FROM TO ino             is about to be renamed; what TO was stays as kept/NUMBER
    grew ino SIZE                 is about to grow from SIZE
    over ino OFFSET               bytes from OFFSET on are about to be overwritten or cut off; they are in kept/NUMBER
    bytes COVERED ino             the file is durable as it was after line COVERED
    names COVERED PATH            so are the names in that folder
Of the names changed since, a random number of the last ones is undone (a file system's journal keeps their order); of
each file's bytes, all that is new or a random end of it.
"""
import os
import pathlib
import shutil
import subprocess

SOURCE = pathlib.Path(__file__).with_name("unsynced_writes.cpp")


def library(folder):
    """Built here: it takes two seconds and nothing else uses it."""
    made = pathlib.Path(folder, "libunsynced_writes.so")
    subprocess.run(["clang++-19", "-std=c++23", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", made, SOURCE], check=True)
    return made


class Power:
    """The power supply of a cloud in `data`: `environment` for the server, `cut` once it was killed."""

    def __init__(self, data, library):
        self.data = str(pathlib.Path(data).resolve())
        self.journal = pathlib.Path(self.data, "unsynced")
        self.environment = {"LD_PRELOAD": str(library), "UNSYNCED_ROOT": self.data, "UNSYNCED_JOURNAL": str(self.journal)}
        self.undone = 0
        self._clear()

    def _clear(self):
        shutil.rmtree(self.journal, ignore_errors=True)
        (self.journal / "kept").mkdir(parents=True)

    def cut(self, random=None):
        """Without `random`, all that may be lost is."""
        lines = [line.split("\t") for line in (self.journal / "journal").read_text().splitlines()]
        durable_bytes, durable_names = {}, {}
        for line in lines:
            if line[1] == "bytes":
                durable_bytes[line[3]] = max(int(line[2]), durable_bytes.get(line[3], 0))
            elif line[1] == "names":
                folder = os.path.normpath(line[3])
                durable_names[folder] = max(int(line[2]), durable_names.get(folder, 0))

        def lost_name(number, kind, *fields):
            path = fields[1] if kind == "moved" else fields[0]
            return number > durable_names.get(os.path.dirname(os.path.normpath(path)), 0)

        names = [line for line in lines if line[1] in ("made", "folder", "gone", "moved") and lost_name(int(line[0]), *line[1:])]
        if random and random.random() < 0.5:
            names = names[random.randint(0, len(names)):]
        for line in reversed(names):
            getattr(self, "_" + line[1])(*line[2:], pathlib.Path(self.journal, "kept", line[0]))
        self._bytes([line for line in lines if line[1] in ("grew", "over") and int(line[0]) > durable_bytes.get(line[2], 0)], random)
        self.undone += len(names)
        self._clear()

    # Each may find that the change itself did not happen any more.
    def _made(self, path, _):
        pathlib.Path(path).unlink(missing_ok=True)

    def _folder(self, path, _):
        shutil.rmtree(path, ignore_errors=True)

    def _gone(self, path, kept):
        if kept.exists() and not os.path.lexists(path):
            os.link(kept, path)

    def _moved(self, source, to, inode, kept):
        if not os.path.lexists(to) or os.lstat(to).st_ino != int(inode):
            return
        os.rename(to, source)
        if kept.exists():
            os.link(kept, to)

    def _bytes(self, lines, random):
        paths = {str(os.lstat(p).st_ino): p for folder, _, files in os.walk(self.data) for p in (os.path.join(folder, f) for f in files)
                 if not folder.startswith(str(self.journal))}
        for line in reversed(lines):
            path = paths.get(line[2])
            if not path:
                continue
            if line[1] == "over":
                with open(path, "r+b") as f:
                    f.seek(int(line[3]))
                    f.write(pathlib.Path(self.journal, "kept", line[0]).read_bytes())
            elif os.path.getsize(path) > int(line[3]):
                os.truncate(path, random.randint(int(line[3]), os.path.getsize(path)) if random and random.random() < 0.5 else int(line[3]))
            self.undone += 1
